package socketio_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// memory is the way to a server in memory for clients that say what they like.
type memory struct{ http *http.Client }

func serveMemory(t *testing.T, io *socketio.Server) *memory {
	return &memory{socketiotest.Serve(t, io).HTTP()}
}

func (m *memory) close() { m.http.CloseIdleConnections() }

// do sends a request. query may be anything.
func (m *memory) do(ctx context.Context, method, query, body string, header ...string) (answer []byte, contentType string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://host.example/socket.io/", strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	req.URL.RawQuery = query
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := m.http.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", res.StatusCode)
	}
	return answer, res.Header.Get("Content-Type"), err
}

// rawClient is a client that takes what comes and says what it is told to.
type rawClient struct {
	m      *memory
	proto  int
	sid    string
	ctx    context.Context
	cancel context.CancelFunc
	ws     io.ReadWriteCloser // the transport, unless it is polling
	tried  io.ReadWriteCloser // the transport to be, perhaps
	back   bool               // it has asked for an old state

	mu      sync.Mutex
	held    chan struct{} // closed when reading goes on; nil while it does
	numbers []int         // of the events that came, in order
	mixed   bool          // over two transports: of which one is seen first is chance
	pid     string
	offset  string
}

func (m *memory) client(proto int) *rawClient {
	c := &rawClient{m: m, proto: proto}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

func (c *rawClient) query(transport string) string {
	q := fmt.Sprintf("EIO=%d&transport=%s", c.proto, transport)
	if c.sid != "" {
		q += "&sid=" + c.sid
	}
	return q
}

// polling opens a session and polls until it ends.
func (m *memory) polling(proto int) *rawClient {
	c := m.client(proto)
	body, kind, err := m.do(c.ctx, "GET", c.query("polling"), "")
	if err != nil {
		return nil
	}
	c.payload(body, kind)
	go func() {
		for c.sid != "" {
			c.wait()
			body, kind, err := m.do(c.ctx, "GET", c.query("polling"), "")
			if err != nil {
				return
			}
			if c.payload(body, kind) {
				time.Sleep(100 * time.Millisecond) // the server wants the upgrade to go on
			}
		}
	}()
	return c
}

// payload takes the packets of a poll's answer, and reports whether it was
// released for an upgrade's sake.
func (c *rawClient) payload(body []byte, kind string) (released bool) {
	form := eiowire.Text4
	if c.proto == 3 {
		if form = eiowire.Text3; kind == "application/octet-stream" {
			form = eiowire.Binary3
		}
	}
	for d := eiowire.NewPayload(form, body); d.More(); {
		p, err := d.Next()
		if err != nil {
			panic("the server sent a payload that is none: " + err.Error())
		}
		c.packet(p)
		released = released || p.Type == eiowire.Noop
	}
	return released
}

// webSocket opens a session over a websocket, and reads until it ends.
func (m *memory) webSocket(proto int) *rawClient {
	c := m.client(proto)
	if c.ws = c.dial(); c.ws == nil {
		return nil
	}
	return c
}

// dial opens a websocket and reads from it; nil if the server does not want to.
func (c *rawClient) dial() io.ReadWriteCloser {
	req, err := http.NewRequestWithContext(c.ctx, "GET", "http://host.example/socket.io/?"+c.query("websocket"), nil)
	if err != nil {
		return nil
	}
	for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Extensions": "permessage-deflate"} {
		req.Header.Set(k, v)
	}
	res, err := c.m.http.Do(req)
	if err != nil {
		return nil
	}
	conn, ok := res.Body.(io.ReadWriteCloser)
	if res.StatusCode != http.StatusSwitchingProtocols || !ok {
		_ = res.Body.Close()
		return nil
	}
	r := bufio.NewReader(conn)
	if c.sid == "" && !c.frame(r) { // the open packet comes first
		_ = conn.Close()
		return nil
	}
	go func() {
		for c.frame(r) {
			c.wait()
		}
		_ = conn.Close()
	}()
	return conn
}

// frame reads one frame, and reports false at the end.
func (c *rawClient) frame(r *bufio.Reader) bool {
	var h [2]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return false
	}
	n := uint64(h[1])
	if n == 126 {
		var b [2]byte
		_, _ = io.ReadFull(r, b[:]) // the next read says so
		n = uint64(binary.BigEndian.Uint16(b[:]))
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return false
	}
	op := ws.Op(h[0] & 15)
	if h[0]&0x40 != 0 || op != ws.Text && op != ws.Binary {
		return op != ws.Close // what is compressed is not looked at
	}
	if p, err := eiowire.DecodeFrame(c.proto, data, op == ws.Binary); err == nil {
		c.packet(p)
	}
	return true
}

var numbered = regexp.MustCompile(`^[25](?:\d+-)?(?:/[^,]*,)?(\d*)(\["n",.*\])$`)

// packet notes what matters of an Engine.IO packet.
func (c *rawClient) packet(p eiowire.Packet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := string(p.Data)
	switch {
	case p.Binary:
	case p.Type == eiowire.Open && c.sid == "":
		var o struct{ SID string }
		if err := json.Unmarshal(p.Data, &o); err == nil {
			c.sid = o.SID
		}
	case p.Type == eiowire.Message && strings.HasPrefix(text, "0{"):
		var o struct{ PID string }
		if json.Unmarshal([]byte(text[1:]), &o) == nil && o.PID != "" {
			c.pid = o.PID
		}
	case p.Type == eiowire.Message:
		found := numbered.FindStringSubmatch(text)
		var args []any
		if found == nil || json.Unmarshal([]byte(found[2]), &args) != nil || len(args) < 2 {
			return
		}
		if n, ok := args[1].(float64); ok {
			c.numbers = append(c.numbers, int(n))
		}
		if last, ok := args[len(args)-1].(string); ok && len(last) == 16 && found[1] == "" {
			c.offset = last
		}
	}
}

// wait waits while the client does not read.
func (c *rawClient) wait() {
	c.mu.Lock()
	held := c.held
	c.mu.Unlock()
	if held != nil {
		<-held
	}
}

// hold says whether the client stops to read.
func (c *rawClient) hold(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if yes && c.held == nil {
		c.held = make(chan struct{})
	} else if !yes && c.held != nil {
		close(c.held)
		c.held = nil
	}
}

// say sends an Engine.IO packet over the transport.
func (c *rawClient) say(packet string, isBinary bool) {
	if c.ws != nil {
		op := ws.Text
		if isBinary {
			op = ws.Binary
		}
		c.raw(ws.AppendMaskedFrame(nil, op, []byte(packet), [4]byte{1, 2, 3, 4}))
		return
	}
	kind := "text/plain"
	switch {
	case isBinary && c.proto == 3:
		kind = "application/octet-stream"
	case isBinary:
		packet = "b" + base64.StdEncoding.EncodeToString([]byte(packet))
	case c.proto == 3:
		packet = strconv.Itoa(len([]rune(packet))) + ":" + packet
	}
	_, _, _ = c.m.do(c.ctx, "POST", c.query("polling"), packet, "Content-Type", kind) // it may be refused
}

// raw sends bytes on the websocket that there is.
func (c *rawClient) raw(b []byte) {
	for _, w := range []io.ReadWriteCloser{c.tried, c.ws} {
		if w != nil {
			_, _ = w.Write(bytes.Clone(b)) // it may have ended
			return
		}
	}
}

// probe opens a second transport.
func (c *rawClient) probe() {
	if c.ws == nil && c.tried == nil && c.sid != "" {
		c.mu.Lock()
		c.mixed = true
		c.mu.Unlock()
		if c.tried = c.dial(); c.tried != nil {
			c.raw(ws.AppendMaskedFrame(nil, ws.Text, []byte("2probe"), [4]byte{1, 2, 3, 4}))
		}
	}
}

// upgrade says that the second transport is the one to be.
func (c *rawClient) upgrade() {
	if c.tried != nil {
		c.raw(ws.AppendMaskedFrame(nil, ws.Text, []byte("5"), [4]byte{1, 2, 3, 4}))
		c.ws, c.tried = c.tried, nil
	}
}

// ticket is the auth with which the client's old state can be had.
func (c *rawClient) ticket() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pid == "" {
		return ""
	}
	if c.offset == "" {
		return fmt.Sprintf(`{"pid":%q}`, c.pid)
	}
	return fmt.Sprintf(`{"pid":%q,"offset":%q}`, c.pid, c.offset)
}

// cut ends the client without a word.
func (c *rawClient) cut() {
	c.hold(false)
	c.cancel()
	for _, w := range []io.ReadWriteCloser{c.tried, c.ws} {
		if w != nil {
			_ = w.Close()
		}
	}
}

// check looks at what the client was sent: nothing twice, and in order.
func (c *rawClient) check(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	last, seen := 0, make(map[int]bool)
	for _, n := range c.numbers {
		if seen[n] || n < last && !c.mixed {
			t.Errorf("event %d came twice or too late: %v", n, c.numbers)
			return
		}
		seen[n], last = true, n
	}
}
