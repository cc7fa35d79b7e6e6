package socketio_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio"
)

// patience is how long a test over TCP waits for what has to happen. None waits
// so long unless it fails.
var patience = slow.Stretch(30 * time.Second)

// eventually waits for a condition.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); !done(); <-tick.C {
		if time.Since(begin) > patience {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// ways are the three ways in which a connection is read: by epoll, by a
// goroutine of its own with polling left to net/http, and through TLS.
var ways = []string{"epoll", "goroutines", "tls"}

// floodSize is how many messages of 100 kB are more than the kernel buffers of
// a connection take.
const floodSize = 160

// flooded waits until a client that does not read has been sent all of it.
func (g *ground) flooded() {
	g.t.Helper()
	eventually(g.t, "the flood", func() bool { return g.io.Stats().Engine.MessagesOut >= floodSize })
	if st := g.io.Stats().Engine; st.MessagesOut == st.Delivered {
		g.t.Error("nothing waits")
	}
}

// ground is a server on TCP.
type ground struct {
	t    testing.TB
	io   *socketio.Server
	addr string
	tls  *tls.Config // nil without
	http *httptest.Server
}

func newGround(t testing.TB, way string, opts *socketio.Options) *ground {
	t.Helper()
	opts.Engine.DisablePoller = way == "goroutines"
	opts.Engine.MaxQueue = 64 << 20
	g := &ground{t: t, io: echoServer(opts)}
	g.io.On("flood", func(_ context.Context, s *socketio.Socket, _ *socketio.Request) error {
		text := strings.Repeat("x", 100_000)
		for range floodSize {
			if err := s.Emit("flood", text); err != nil {
				return err
			}
		}
		return nil
	})
	g.io.On("bye", func(_ context.Context, s *socketio.Socket, _ *socketio.Request) error {
		s.Disconnect(true)
		return nil
	})
	g.http = httptest.NewUnstartedServer(g.io)
	g.http.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	if way == "tls" {
		g.http.StartTLS()
		g.tls = g.http.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		g.tls.ServerName = "example.com" // as the test's certificate says
	} else {
		g.http.Start()
	}
	g.addr = g.http.Listener.Addr().String()
	return g
}

// end closes the server, and what is left of its clients.
func (g *ground) end(left ...*wire) {
	g.t.Helper()
	if err := g.io.Close(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		g.t.Errorf("closing the server: %v", err)
	}
	for _, w := range left {
		_ = w.tcp.Close()
	}
	g.http.Close()
	// Close waits for a second only: there may be one that did not read.
	eventually(g.t, "the server is closed", func() bool { return g.io.Close() == nil })
}

// wire is a client's connection, spoken to by hand.
type wire struct {
	g   *ground
	tcp *net.TCPConn
	net.Conn
	in *bufio.Reader
}

func (g *ground) dial() *wire {
	g.t.Helper()
	nc, err := net.Dial("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	w := &wire{g: g, tcp: nc.(*net.TCPConn), Conn: nc}
	if g.tls != nil {
		w.Conn = tls.Client(nc, g.tls)
	}
	_ = w.SetDeadline(time.Now().Add(patience))
	w.in = bufio.NewReader(w.Conn)
	return w
}

// rst ends the connection with a reset.
func (w *wire) rst() {
	_ = w.tcp.SetLinger(0)
	_ = w.tcp.Close()
}

// fin ends our direction only. (A whole close would be a reset if there is
// something that was not read.)
func (w *wire) fin() { _ = w.tcp.CloseWrite() }

func (w *wire) put(s string) {
	w.g.t.Helper()
	if _, err := io.WriteString(w.Conn, s); err != nil {
		w.g.t.Fatal(err)
	}
}

const handshakeKey = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"

// wsRequest asks for a websocket; query names the session, if there is one.
func wsRequest(query string) string {
	return "GET /socket.io/?EIO=4&transport=websocket" + query + " HTTP/1.1\r\nHost: host.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + handshakeKey + "\r\n"
}

func getRequest(query string) string {
	return "GET /socket.io/?EIO=4&transport=polling" + query + " HTTP/1.1\r\nHost: host.example\r\n\r\n"
}

func postRequest(query, body string) string {
	return fmt.Sprintf("POST /socket.io/?EIO=4&transport=polling%s HTTP/1.1\r\nHost: host.example\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s", query, len(body), body)
}

// answer reads an HTTP answer.
func (w *wire) answer() (status int, body string) {
	w.g.t.Helper()
	res, err := http.ReadResponse(w.in, nil)
	if err != nil {
		w.g.t.Fatal(err)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		return res.StatusCode, ""
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.g.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// frame is a masked frame.
func frame(op byte, data string) string {
	b := []byte{0x80 | op}
	switch n := len(data); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	default:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	}
	mask := [4]byte{1, 2, 3, 4}
	b = append(b, mask[:]...)
	for i := range len(data) {
		b = append(b, data[i]^mask[i%4])
	}
	return string(b)
}

const (
	opText   = 1
	opBinary = 2
	opClose  = 8
)

func (w *wire) text(s string) { w.g.t.Helper(); w.put(frame(opText, s)) }

// read reads a frame: its text, or "close".
func (w *wire) read() (string, error) {
	var head [2]byte
	if _, err := io.ReadFull(w.in, head[:]); err != nil {
		return "", err
	}
	n := uint64(head[1])
	switch n {
	case 126:
		var b [2]byte
		if _, err := io.ReadFull(w.in, b[:]); err != nil {
			return "", err
		}
		n = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		if _, err := io.ReadFull(w.in, b[:]); err != nil {
			return "", err
		}
		n = binary.BigEndian.Uint64(b[:])
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(w.in, data); err != nil {
		return "", err
	}
	if head[0]&0x0f == opClose {
		return "close", nil
	}
	return string(data), nil
}

// until reads frames up to one that begins so, and answers pings.
func (w *wire) until(prefix string) string {
	w.g.t.Helper()
	for {
		s, err := w.read()
		if err != nil {
			w.g.t.Fatalf("waiting for %q: %v", prefix, err)
		}
		if strings.HasPrefix(s, prefix) {
			return s
		}
		if s == "2" {
			w.text("3")
		}
	}
}

// ask sends an event and waits for its answer.
func (w *wire) ask(what string) {
	w.g.t.Helper()
	w.text(`427["echo","` + what + `"]`)
	if got := w.until("437"); got != `437["`+what+`"]` {
		w.g.t.Fatalf("asked %q, answered %q", what, got)
	}
}

// webSocket is a client that has joined the root namespace.
func (g *ground) webSocket() *wire {
	g.t.Helper()
	w := g.openWebSocket("")
	w.until("0{")
	w.text("40")
	w.until("40{")
	return w
}

// openWebSocket shakes hands.
func (g *ground) openWebSocket(query string) *wire {
	g.t.Helper()
	w := g.dial()
	w.put(wsRequest(query))
	if status, body := w.answer(); status != http.StatusSwitchingProtocols {
		g.t.Fatalf("no websocket: %d %s", status, body)
	}
	return w
}

// pollClient is a client over polling, with one connection for it all.
type pollClient struct {
	*wire
	query string
}

func (g *ground) poller() *pollClient {
	g.t.Helper()
	p := &pollClient{wire: g.dial()}
	p.put(getRequest(""))
	_, body := p.answer()
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(body, "0")), &open); err != nil || open.SID == "" {
		g.t.Fatalf("handshake: %q, %v", body, errors.Join(err))
	}
	p.query = "&sid=" + open.SID
	return p
}

func (p *pollClient) post(body string) {
	p.g.t.Helper()
	p.put(postRequest(p.query, body))
	if status, answer := p.answer(); status != http.StatusOK {
		p.g.t.Fatalf("a post: %d %s", status, answer)
	}
}

// join has it join the root namespace.
func (p *pollClient) join() *pollClient {
	p.g.t.Helper()
	p.post("40")
	p.until("40{")
	return p
}

// until polls up to a packet that begins so.
func (p *pollClient) until(prefix string) string {
	p.g.t.Helper()
	for {
		p.put(getRequest(p.query))
		status, body := p.answer()
		if status != http.StatusOK {
			p.g.t.Fatalf("polling for %q: %d %s", prefix, status, body)
		}
		for packet := range strings.SplitSeq(body, "\x1e") {
			if strings.HasPrefix(packet, prefix) {
				return packet
			}
		}
	}
}

// ask is that of wire.
func (p *pollClient) ask(what string) {
	p.g.t.Helper()
	p.post(`427["echo","` + what + `"]`)
	if got := p.until("437"); got != `437["`+what+`"]` {
		p.g.t.Fatalf("asked %q, answered %q", what, got)
	}
}

// park leaves a poll with the server.
func (p *pollClient) park() {
	p.g.t.Helper()
	p.put(getRequest(p.query))
}
