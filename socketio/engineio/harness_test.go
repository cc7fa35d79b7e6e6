package engineio

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

func TestMain(m *testing.M) { leak.Main(m) }

// echo sends back what it receives, and notes how its session ended.
type echo struct {
	s      *Session
	closed chan struct{}
	reason Reason
	cause  error

	mu  sync.Mutex
	got []string
}

func (e *echo) Receive(data []byte, binary bool) {
	e.mu.Lock()
	e.got = append(e.got, string(data))
	e.mu.Unlock()
	if binary {
		_ = e.s.Send(NewBinary(append([]byte(nil), data...)), 0)
	} else {
		_ = e.s.Send(text(string(data)), 0)
	}
}

func (e *echo) Served() {}

func (e *echo) Closed(reason Reason, cause error) {
	e.reason, e.cause = reason, cause
	close(e.closed)
}

func text(s string, attachments ...[]byte) *Message {
	return NewMessage(append(make([]byte, Headroom, Headroom+len(s)), s...), attachments...)
}

// buffered is text in memory that is used again.
func buffered(s string) *Buffer {
	b := NewBuffer()
	b.B = append(append(b.B, make([]byte, Headroom)...), s...)
	return b
}

// rig is a server under test and the way to it.
type rig struct {
	t      testing.TB
	srv    *Server
	http   *http.Server
	client *http.Client
	dial   func() net.Conn
	opened chan *echo // of the sessions, unless there is a receiver of the test's own
}

// pipes is a net.Listener in memory.
type pipes struct {
	ch   chan net.Conn
	done chan struct{}
	once sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.ch:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p *pipes) dial() (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case p.ch <- b:
		return a, nil
	case <-p.done:
		_, _ = a.Close(), b.Close()
		return nil, net.ErrClosed
	}
}

// quiet options have no heartbeat that a test under load could run into, brisk
// ones are those of the conformance server.
func quiet() *Options { return &Options{AllowEIO3: true} }

func brisk() *Options {
	return &Options{AllowEIO3: true, PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond}
}

// newRig serves o on l. accept may be nil, for an echo.
func newRig(t testing.TB, o *Options, l net.Listener, dial func() (net.Conn, error), accept func(*Session) Receiver, tune ...func(*http.Server)) *rig {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	r := &rig{t: t, opened: make(chan *echo, 10_000)}
	r.dial = func() net.Conn {
		c, err := dial()
		if err != nil {
			t.Error(err)
			c, _ = net.Pipe()
		}
		return c
	}
	if accept == nil {
		accept = func(s *Session) Receiver {
			e := &echo{s: s, closed: make(chan struct{})}
			r.opened <- e
			return e
		}
	}
	r.srv = New(o, accept)
	r.http = &http.Server{Handler: r.srv, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	for _, f := range tune {
		f(r.http)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := r.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	// The transport may dial once more than it needs, and find the server gone: no
	// error of the test.
	transport := &http.Transport{DisableCompression: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return dial() }}
	r.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		_ = r.srv.Close()
		transport.CloseIdleConnections()
		_ = r.http.Close()
		<-served
		if n := r.srv.Len(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
	return r
}

// inMemory runs f in a bubble of its own, with fake time, over net.Pipe.
func inMemory(t *testing.T, o *Options, f func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, memoryRig(t, o, nil)) })
}

func memoryRig(t testing.TB, o *Options, accept func(*Session) Receiver, tune ...func(*http.Server)) *rig {
	l := &pipes{ch: make(chan net.Conn), done: make(chan struct{})}
	return newRig(t, o, l, l.dial, accept, tune...)
}

func tcpRig(t testing.TB, o *Options, accept func(*Session) Receiver, tune ...func(*http.Server)) *rig {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newRig(t, o, l, func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }, accept, tune...)
}

// everywhere runs f over memory, over TCP with the poller, and without it.
func everywhere(t *testing.T, options func() *Options, f func(t *testing.T, r *rig)) {
	t.Run("memory", func(t *testing.T) { inMemory(t, options(), f) })
	t.Run("tcp", func(t *testing.T) { f(t, tcpRig(t, options(), nil)) })
	t.Run("tcp without poller", func(t *testing.T) {
		o := options()
		o.DisablePoller = true
		f(t, tcpRig(t, o, nil))
	})
}

// request sends one request. A status of 0 means that there was no answer.
func (r *rig) request(method, query, body string, header ...string) (status int, answer string, h http.Header) {
	r.t.Helper()
	req, err := http.NewRequest(method, "http://host.example/engine.io/?"+query, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error(), nil
	}
	return res.StatusCode, string(b), res.Header
}

func (r *rig) get(query string) string {
	r.t.Helper()
	status, body, _ := r.request("GET", query, "")
	return fmt.Sprint(status, " ", body)
}

func (r *rig) post(query, body string) string {
	r.t.Helper()
	status, answer, _ := r.request("POST", query, body)
	return fmt.Sprint(status, " ", answer)
}

// open handshakes over polling and returns the query of the session.
func (r *rig) open(eio int) (query string, e *echo) {
	r.t.Helper()
	q := fmt.Sprintf("EIO=%d&transport=polling", eio)
	status, body, _ := r.request("GET", q, "")
	if eio == 3 {
		_, body, _ = strings.Cut(body, ":")
	}
	var o struct{ SID string }
	if status != 200 || body == "" || body[0] != '0' || json.Unmarshal([]byte(body[1:]), &o) != nil {
		r.t.Fatalf("handshake: %d %q", status, body)
	}
	return q + "&sid=" + o.SID, <-r.opened
}

func want(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %.200q, want %.200q", what, got, want)
	}
}

const bad = `400 {"code":3,"message":"Bad request"}`
const unknown = `400 {"code":1,"message":"Session ID unknown"}`

// socket is the client's side of a websocket.
type socket struct {
	t testing.TB
	net.Conn
	r      *bufio.Reader
	header http.Header
}

// tryWebSocket opens a websocket, or returns the answer that is none.
func (r *rig) tryWebSocket(query string, header ...string) (*socket, *http.Response) {
	r.t.Helper()
	c := r.dial()
	var b strings.Builder
	fmt.Fprintf(&b, "GET /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", query)
	for i := 0; i < len(header); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", header[i], header[i+1])
	}
	b.WriteString("\r\n")
	if _, err := io.WriteString(c, b.String()); err != nil {
		r.t.Fatal(err)
	}
	br := bufio.NewReader(c)
	res, err := http.ReadResponse(br, &http.Request{Method: "GET"})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	if res.StatusCode != http.StatusSwitchingProtocols {
		return nil, res
	}
	return &socket{t: r.t, Conn: c, r: br, header: res.Header}, res
}

func (r *rig) webSocket(query string, header ...string) *socket {
	r.t.Helper()
	s, res := r.tryWebSocket(query, header...)
	if s == nil {
		r.t.Fatalf("no websocket: %s", res.Status)
	}
	return s
}

// openWebSocket handshakes over websocket.
func (r *rig) openWebSocket(eio int) (*socket, *echo) {
	r.t.Helper()
	s := r.webSocket(fmt.Sprintf("EIO=%d&transport=websocket", eio))
	if f := s.read(); !strings.HasPrefix(f, `0{"sid":"`) {
		r.t.Fatalf("handshake: %q", f)
	}
	return s, <-r.opened
}

func (s *socket) write(op ws.Op, data string) {
	s.t.Helper()
	if _, err := s.Write(ws.AppendMaskedFrame(nil, op, []byte(data), [4]byte{1, 2, 3, 4})); err != nil {
		s.t.Error(err)
	}
}

func (s *socket) send(data string) { s.t.Helper(); s.write(ws.Text, data) }

// read returns the next frame: text as it is, binary in <>, a close frame as
// "close" and its code, the end of the connection as "end".
func (s *socket) read() string {
	s.t.Helper()
	var h [2]byte
	if _, err := io.ReadFull(s.r, h[:]); err != nil {
		return "end"
	}
	n := uint64(h[1])
	switch n {
	case 126:
		var b [2]byte
		_, _ = io.ReadFull(s.r, b[:])
		n = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		_, _ = io.ReadFull(s.r, b[:])
		n = binary.BigEndian.Uint64(b[:])
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(s.r, data); err != nil {
		return "end"
	}
	switch op := ws.Op(h[0] & 0xf); op {
	case ws.Text:
		return string(data)
	case ws.Binary:
		return "<" + string(data) + ">"
	case ws.Close:
		code, reason := ws.ParseClose(data)
		return strings.TrimSpace(fmt.Sprintf("close %d %s", code, reason))
	default:
		return fmt.Sprint(op, " ", string(data))
	}
}

func (e *echo) end(t testing.TB) Reason {
	t.Helper()
	select {
	case <-e.closed:
		return e.reason
	case <-time.After(slow.Stretch(30 * time.Second)):
		t.Fatal("the session has not ended")
		return ""
	}
}

func maskedText(data string) []byte {
	return ws.AppendMaskedFrame(nil, ws.Text, []byte(data), [4]byte{1, 2, 3, 4})
}
