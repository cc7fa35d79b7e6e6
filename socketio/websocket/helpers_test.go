package websocket

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

func TestMain(m *testing.M) { leak.Main(m) }

// pipe is a ResponseWriter that can be hijacked: its connection is one end of
// an in-memory pipe.
type pipe struct {
	net.Conn
	header http.Header
	status int
	body   strings.Builder
}

func (p *pipe) Header() http.Header         { return p.header }
func (p *pipe) WriteHeader(status int)      { p.status = status }
func (p *pipe) Write(b []byte) (int, error) { return p.body.Write(b) }
func (p *pipe) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return p.Conn, bufio.NewReadWriter(bufio.NewReader(p.Conn), bufio.NewWriter(p.Conn)), nil
}

func request(header ...string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, "http://demo.test/ws", nil)
	if err != nil {
		panic(err)
	}
	for _, h := range append([]string{
		"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: c29ja2V5ZXNvY2tleWUhIQ==",
	}, header...) {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return r
}

// client is the other end.
type client struct {
	t *testing.T
	net.Conn
	in   *bufio.Reader
	head http.Header
}

// dial opens a connection to e, or returns the refusal.
func dial(t *testing.T, s *Server, e Endpoint, r *http.Request) (*client, *pipe) {
	t.Helper()
	near, far := net.Pipe()
	w := &pipe{Conn: far, header: http.Header{}}
	s.Handle(e).ServeHTTP(w, r) // the poller writes the answer: this does not wait for us
	if w.status != 0 {
		near.Close()
		far.Close()
		return nil, w
	}
	c := &client{t: t, Conn: near, in: bufio.NewReader(near)}
	res, err := http.ReadResponse(c.in, r)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the answer is %s", res.Status)
	}
	c.head = res.Header
	return c, nil
}

func (c *client) send(op ws.Op, data string) {
	c.t.Helper()
	if _, err := c.Write(ws.AppendMaskedFrame(nil, op, []byte(data), [4]byte{1, 2, 3, 4})); err != nil {
		c.t.Error(err)
	}
}

// next reads a frame. Pings are not answered here.
func (c *client) next() (op ws.Op, data string) {
	c.t.Helper()
	op, data, err := c.read()
	if err != nil {
		c.t.Error(err)
	}
	return op, data
}

func (c *client) read() (ws.Op, string, error) {
	var head [2]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return 0, "", err
	}
	n := uint64(head[1] & 0x7f)
	switch n {
	case 126:
		var b [2]byte
		if _, err := io.ReadFull(c.in, b[:]); err != nil {
			return 0, "", err
		}
		n = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		if _, err := io.ReadFull(c.in, b[:]); err != nil {
			return 0, "", err
		}
		n = binary.BigEndian.Uint64(b[:])
	}
	data := make([]byte, n)
	_, err := io.ReadFull(c.in, data)
	return ws.Op(head[0] & 0x0f), string(data), err
}

// closed expects a close frame, answers it and expects the end.
func (c *client) closed() (code int, reason string) {
	c.t.Helper()
	op, data := c.next()
	if op != ws.Close {
		c.t.Errorf("got %v %q instead of a close frame", op, data)
	}
	n, reason := ws.ParseClose([]byte(data))
	c.send(ws.Close, data)
	if _, err := c.in.ReadByte(); !errors.Is(err, io.EOF) {
		c.t.Errorf("after both have said goodbye: %v", err)
	}
	c.Close()
	return int(n), reason
}

// ending is what OnClose was told.
type ending struct {
	code   int
	reason string
}

func quiet(o engineio.Options) *engineio.Options {
	o.Logger = slog.New(slog.DiscardHandler)
	return &o
}

func shutdown(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
}
