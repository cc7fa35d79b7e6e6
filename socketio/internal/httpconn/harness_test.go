package httpconn

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience is how long a test waits for what has to happen.
var patience = slow.Stretch(20 * time.Second)

// site is an http.Server whose handler takes over each connection on which
// /ours is asked for, and answers it with the query, times "n" of it.
type site struct {
	t     testing.TB
	conns *Conns
	addr  string
	front func(http.ResponseWriter, *http.Request) http.ResponseWriter // middleware

	looked  atomic.Int64 // calls of Mine
	served  atomic.Int64
	most    atomic.Int64 // bytes that waited when a request was served
	byOther atomic.Int64 // requests to /ours that net/http has read
	mu      sync.Mutex
	ends    []error // of connections
	halves  int
	held    chan *owner // of requests to be answered by the test
}

// owner is the Handler of one connection.
type owner struct {
	Conn
	s *site
}

func (o *owner) Served() {}

func (o *owner) Mine(r *Request) bool {
	o.s.looked.Add(1)
	return string(r.Query) != "back"
}

func (o *owner) Serve(r *Request) {
	o.s.served.Add(1)
	o.s.most.Store(max(o.s.most.Load(), int64(o.c.Queued())))
	o.reply(string(r.Query), string(r.Body))
}

func (o *owner) reply(query, body string) {
	if query == "hold" {
		o.s.held <- o
		return
	}
	n := 1
	_, _ = fmt.Sscanf(query, "n=%d", &n)
	b := []byte(strings.Repeat(query+body, n))
	last := o.Last()
	_ = o.Answer(append(o.Fields().AppendHead(nil, 200, "text/plain", "", len(b), last), b...), last)
}

func (o *owner) Closed(cause error, half bool) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.s.ends = append(o.s.ends, cause)
	if half {
		o.s.halves++
	}
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if s.front != nil {
		w = s.front(w, r)
	}
	if r.URL.Path == "/ours" {
		s.byOther.Add(1)
		o := &owner{s: s}
		if s.conns.Takes(w, r) && s.conns.Take(&o.Conn, o, w, r) {
			o.reply(r.URL.RawQuery, string(body))
			return
		}
	}
	fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, body)
}

func newSite(t testing.TB, cfg Config, tune func(*http.Server)) *site {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, addr: l.Addr().String(), held: make(chan *owner, 100)}
	w := new(wheel.Wheel)
	cfg.Poller, cfg.Wheel, cfg.Log = netpoll.New(netpoll.Config{}), w, slog.New(slog.DiscardHandler)
	for _, d := range []*time.Duration{&cfg.WriteTimeout, &cfg.BodyTimeout, &cfg.IdleTimeout} {
		if *d == 0 {
			*d = time.Minute
		}
	}
	s.conns = New(cfg)
	srv := &http.Server{Handler: s, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	if tune != nil {
		tune(srv)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		s.conns.Shutdown()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := cfg.Poller.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		s.conns.Close()
		_ = srv.Close()
		<-over
		w.Stop()
	})
	return s
}

// client is a connection of a client.
type client struct {
	t testing.TB
	*net.TCPConn
	r *bufio.Reader
}

func (s *site) dial() *client {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return &client{s.t, c.(*net.TCPConn), bufio.NewReader(c)}
}

// taken is a connection that has been taken over.
func (s *site) taken() *client {
	c := s.dial()
	c.send(get("/ours?first"))
	c.wants("first")
	return c
}

func get(target string, lines ...string) string {
	lines = append([]string{"GET " + target + " HTTP/1.1", "Host: x"}, lines...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func post(target, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", target, len(body), body)
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Error(err)
	}
}

// answer is the next answer: its body, or why there is none.
func (c *client) answer() (string, http.Header) {
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err.Error(), nil
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error(), nil
	}
	if res.StatusCode != 200 {
		return fmt.Sprint(res.StatusCode), res.Header
	}
	return string(b), res.Header
}

func (c *client) wants(bodies ...string) {
	c.t.Helper()
	for _, want := range bodies {
		if got, _ := c.answer(); got != want {
			c.t.Errorf("got %.100q, want %.100q", got, want)
		}
	}
}

// ended waits for the connection's end, and tells how long that took.
func (c *client) ended() time.Duration {
	c.t.Helper()
	begin := time.Now()
	_, err := io.Copy(io.Discard, c.r)
	if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		c.t.Error("the connection has not ended")
	}
	return time.Since(begin)
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// until waits for a condition.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}
