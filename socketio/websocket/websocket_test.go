package websocket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// echo says back what it hears and tells of the end.
func echo(ends chan<- ending) Endpoint {
	return Endpoint{
		OnMessage: func(c *Conn, data []byte, binary bool) { _ = c.SendMessage(data, binary) },
		OnClose:   func(_ *Conn, code int, reason string) { ends <- ending{code, reason} },
	}
}

func TestEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(nil)
		defer shutdown(t, s)
		ends := make(chan ending, 1)
		c, _ := dial(t, s, echo(ends), request())
		for i := range 300 { // more than the inbox holds
			text := fmt.Sprint("message ", i)
			go c.send(ws.Text, text)
			if op, data := c.next(); op != ws.Text || data != text {
				t.Fatalf("got %v %q, want %q", op, data, text)
			}
		}
		go c.send(ws.Binary, "\x00\xff")
		if op, data := c.next(); op != ws.Binary || data != "\x00\xff" {
			t.Fatalf("got %v %q", op, data)
		}
		go c.send(ws.Close, "\x03\xe8bye")
		if op, data := c.next(); op != ws.Close || data != "\x03\xe8" {
			t.Fatalf("got %v %q", op, data)
		}
		c.Close()
		if end := <-ends; end != (ending{1000, "bye"}) {
			t.Fatalf("OnClose was told %v", end)
		}
		synctest.Wait()
		if st := s.Stats(); st.Open != 0 || st.Opened != 1 || st.Received != 301 || st.Sent != 301 {
			t.Fatalf("%+v", st)
		}
	})
}

// A burst fills the inbox while the endpoint is busy: reading pauses, nothing
// is lost or reordered.
func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(nil)
		defer shutdown(t, s)
		free := make(chan struct{})
		var got []string
		done := make(chan struct{})
		c, _ := dial(t, s, Endpoint{OnMessage: func(_ *Conn, data []byte, _ bool) {
			<-free
			if got = append(got, string(data)); len(got) == 1000 {
				close(done)
			}
		}}, request())
		go func() {
			for i := range 1000 {
				c.send(ws.Text, fmt.Sprint(i))
			}
		}()
		synctest.Wait()
		if n := s.Stats().Received; n > maxInbox+1 {
			t.Fatalf("%d messages were read while nobody took them", n)
		}
		close(free)
		<-done
		for i, text := range got {
			if text != fmt.Sprint(i) {
				t.Fatalf("message %d is %q", i, text)
			}
		}
		c.Close()
	})
}

func TestProtocols(t *testing.T) {
	for offers, want := range map[string]string{"b, a": "b", "x, a": "a", "x": "", "": ""} {
		synctest.Test(t, func(t *testing.T) {
			s := New(nil)
			defer shutdown(t, s)
			r := request()
			if offers != "" {
				r.Header.Set("Sec-WebSocket-Protocol", offers)
			}
			c, _ := dial(t, s, Endpoint{Protocols: []string{"a", "b"}, OnOpen: func(c *Conn, r *http.Request) {
				_ = c.Send(c.Protocol() + r.URL.Path)
			}}, r)
			if got := c.head.Get("Sec-WebSocket-Protocol"); got != want {
				t.Errorf("%q was answered with %q, want %q", offers, got, want)
			}
			if _, data := c.next(); data != want+"/ws" {
				t.Errorf("OnOpen saw %q", data)
			}
			c.Close()
		})
	}
}

func TestRefusals(t *testing.T) {
	plain := request()
	plain.Header.Del("Upgrade")
	post := request()
	post.Method = http.MethodPost
	for name, test := range map[string]struct {
		r      *http.Request
		opts   engineio.Options
		status int
	}{
		"no upgrade":     {plain, engineio.Options{}, 426},
		"version":        {request("Sec-WebSocket-Version: 8"), engineio.Options{}, 426},
		"key":            {request("Sec-WebSocket-Key: short"), engineio.Options{}, 400},
		"method":         {post, engineio.Options{}, 405},
		"other origin":   {request("Origin: https://evil.example"), engineio.Options{}, 403},
		"null origin":    {request("Origin: null"), engineio.Options{}, 403},
		"other port":     {request("Origin: http://demo.test:81"), engineio.Options{}, 403},
		"AllowRequest":   {request(), engineio.Options{AllowRequest: func(*http.Request) error { return errors.New("secret") }}, 403},
		"too many":       {request(), engineio.Options{MaxSessions: -1}, 0},
		"rebound name":   {request("Origin: http://demo.test"), engineio.Options{Hosts: engineio.Hosts{"other.test"}}, 403},
		"two origins":    {request("Origin: http://demo.test, https://evil.example"), engineio.Options{}, 403},
		"browser knows":  {request("Origin: https://page.example", "Sec-Fetch-Site: same-origin"), engineio.Options{}, 0},
		"same origin":    {request("Origin: http://demo.test"), engineio.Options{}, 0},
		"listed origin":  {request("Origin: https://a.example"), engineio.Options{Origins: engineio.OriginList("https://a.example")}, 0},
		"without origin": {request(), engineio.Options{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(quiet(test.opts))
			defer shutdown(t, s)
			c, w := dial(t, s, Endpoint{}, test.r)
			if test.status == 0 {
				if c == nil {
					t.Fatalf("refused with %d %s", w.status, w.body.String())
				}
				c.Close()
				return
			}
			if c != nil || w.status != test.status || strings.Contains(w.body.String(), "secret") {
				t.Fatalf("got %+v, want %d", w, test.status)
			}
			if s.Stats().Refused != 1 {
				t.Error("the refusal was not counted")
			}
		})
	}
}

func TestMaxSessions(t *testing.T) {
	s := New(&engineio.Options{MaxSessions: 1})
	defer shutdown(t, s)
	c, _ := dial(t, s, Endpoint{}, request())
	if _, w := dial(t, s, Endpoint{}, request()); w == nil || w.status != http.StatusServiceUnavailable {
		t.Fatalf("the second connection: %+v", w)
	}
	c.Close()
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(nil)
		defer shutdown(t, s)
		ends := make(chan ending, 1)
		e := echo(ends)
		e.OnMessage = func(c *Conn, _ []byte, _ bool) {
			if err := c.Close(1006, ""); err == nil || errors.Is(err, ErrClosed) {
				t.Errorf("Close(1006): %v", err)
			}
			if err := c.Close(4000, strings.Repeat("é", 100)); err != nil {
				t.Error(err)
			}
			if err := c.Send("late"); !errors.Is(err, ErrClosed) {
				t.Errorf("Send after Close: %v", err)
			}
			var why *CloseError
			if !errors.As(context.Cause(c.Context()), &why) || why.Code != 4000 {
				t.Errorf("the context's cause is %v", context.Cause(c.Context()))
			}
		}
		c, _ := dial(t, s, e, request())
		go c.send(ws.Text, "go")
		if code, reason := c.closed(); code != 4000 || reason != strings.Repeat("é", 61) {
			t.Fatalf("closed with %d %q", code, reason)
		}
		if end := <-ends; end.code != 4000 {
			t.Fatalf("OnClose was told %v", end)
		}
	})
}

// Without a WriteTimeout a goodbye is waited for all the same, but not for ever.
func TestCloseWithoutWriteTimeout(t *testing.T) {
	for late, want := range map[time.Duration]time.Duration{0: 0, 3 * time.Second: 3 * time.Second, time.Hour: 10 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := New(&engineio.Options{WriteTimeout: -1, PingInterval: -1})
			ends := make(chan ending, 1)
			e := echo(ends)
			e.OnOpen = func(c *Conn, _ *http.Request) {
				if err := c.Close(4000, "enough"); err != nil {
					t.Error(err)
				}
			}
			c, _ := dial(t, s, e, request())
			start := time.Now()
			var client sync.WaitGroup
			client.Go(func() {
				time.Sleep(late)
				if late < time.Minute {
					if code, _ := c.closed(); code != 4000 {
						t.Errorf("closed with %d", code)
					}
				}
			})
			if end := <-ends; end.code != 4000 || time.Since(start) != want {
				t.Errorf("OnClose was told %v after %v, want %v", end, time.Since(start), want)
			}
			shutdown(t, s)
			client.Wait()
			c.Conn.Close()
		})
	}
}

// A peer that breaks a rule hears which, and OnClose does too.
func TestInvalid(t *testing.T) {
	for name, test := range map[string]struct {
		frame []byte
		code  int
	}{
		"too big":      {ws.AppendMaskedFrame(nil, ws.Text, make([]byte, 101), [4]byte{}), 1009},
		"not UTF-8":    {ws.AppendMaskedFrame(nil, ws.Text, []byte("\xff"), [4]byte{}), 1007},
		"not masked":   {ws.AppendFrame(nil, ws.Text, []byte("x")), 1002},
		"unknown kind": {[]byte{0x8b, 0x80, 0, 0, 0, 0}, 1002},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(&engineio.Options{MaxPayload: 100})
				defer shutdown(t, s)
				ends := make(chan ending, 1)
				c, _ := dial(t, s, echo(ends), request())
				go c.Write(test.frame) // the server may have stopped reading it
				op, data := c.next()
				if code, _ := ws.ParseClose([]byte(data)); op != ws.Close || int(code) != test.code {
					t.Fatalf("got %v %q, want close %d", op, data, test.code)
				}
				c.Close()
				if end := <-ends; end.code != test.code {
					t.Fatalf("OnClose was told %v", end)
				}
				if s.Stats().Invalid != 1 {
					t.Error("it was not counted")
				}
			})
		})
	}
}

func TestSlowConsumer(t *testing.T) {
	for policy, wantErr := range map[engineio.SlowPolicy]error{engineio.Close: ErrSlow, engineio.DropVolatile: ErrSlow, engineio.DropOldest: nil} {
		synctest.Test(t, func(t *testing.T) {
			s := New(&engineio.Options{MaxQueue: 10_000, SlowPolicy: policy})
			defer shutdown(t, s)
			var conn *Conn
			ends := make(chan ending, 1)
			e := echo(ends)
			e.OnOpen = func(c *Conn, _ *http.Request) { conn = c }
			slow, _ := dial(t, s, e, request())
			synctest.Wait()
			var err error
			for i := 0; i < 100 && err == nil; i++ {
				err = conn.Send(strings.Repeat("x", 1000))
				synctest.Wait()
			}
			if !errors.Is(err, wantErr) {
				t.Fatalf("policy %d: %v", policy, err)
			}
			if st := s.Stats(); st.Dropped == 0 || (wantErr != nil) != (st.Slow == 1) {
				t.Fatalf("policy %d: %+v", policy, st)
			}
			if wantErr != nil {
				if end := <-ends; end.code != 1006 {
					t.Fatalf("OnClose was told %v", end)
				}
			}
			if n := conn.Buffered(); n > 10_000 {
				t.Fatalf("%d bytes wait", n)
			}
			slow.Close()
		})
	}
}

// A client that is there answers pings; one that is not is dropped.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(nil)
		defer shutdown(t, s)
		ends := make(chan ending, 1)
		c, _ := dial(t, s, echo(ends), request())
		start := time.Now()
		for range 3 {
			if op, _ := c.next(); op != ws.Ping {
				t.Fatalf("got %v", op)
			}
			c.send(ws.Pong, "")
		}
		if d := time.Since(start); d < 115*time.Second || d > 120*time.Second {
			t.Errorf("three pings took %v", d)
		}
		if op, _ := c.next(); op != ws.Ping {
			t.Fatalf("got %v", op)
		}
		if end := <-ends; end.code != 1006 {
			t.Fatalf("OnClose was told %v", end)
		}
		if s.Stats().Silent != 1 {
			t.Error("it was not counted")
		}
		c.Close()
	})
}

// An endpoint that never returns loses its connection, not the server.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(nil)
		ctx, cancel := context.WithCancel(context.Background())
		var cause error
		c, _ := dial(t, s, Endpoint{OnMessage: func(c *Conn, _ []byte, _ bool) {
			<-c.Context().Done()
			cause = context.Cause(c.Context())
			cancel()
		}}, request())
		go func() {
			for range 200 {
				if _, err := c.Write(ws.AppendMaskedFrame(nil, ws.Text, []byte("x"), [4]byte{})); err != nil {
					return
				}
			}
		}()
		go func() { // takes the pings, which nobody would read the answers to
			for {
				if _, _, err := c.read(); err != nil {
					return
				}
			}
		}()
		<-ctx.Done()
		if !errors.Is(cause, ErrStalled) || s.Stats().Stalled != 1 {
			t.Fatalf("the cause is %v", cause)
		}
		shutdown(t, s)
		c.Close()
	})
}

func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(quiet(engineio.Options{}))
		defer shutdown(t, s)
		c, _ := dial(t, s, Endpoint{OnMessage: func(*Conn, []byte, bool) { panic("no") }}, request())
		go c.send(ws.Text, "x")
		if code, reason := c.closed(); code != 1011 || strings.Contains(reason, "no") {
			t.Fatalf("closed with %d %q", code, reason)
		}
		if s.Stats().Panics != 1 {
			t.Error("it was not counted")
		}
	})
}

// Shutdown says goodbye, ends what runs beside a connection and waits for it.
func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(nil)
		ends := make(chan ending, 1)
		e := echo(ends)
		stopped := false
		e.OnOpen = func(c *Conn, _ *http.Request) {
			c.Go(func(ctx context.Context) {
				<-ctx.Done()
				stopped = true
			})
		}
		c, _ := dial(t, s, e, request())
		synctest.Wait()
		go func() {
			if code, _ := c.closed(); code != 1001 {
				t.Errorf("closed with %d", code)
			}
		}()
		shutdown(t, s)
		if end := <-ends; end.code != 1001 || !stopped {
			t.Fatalf("OnClose was told %v; stopped: %v", end, stopped)
		}
		if _, w := dial(t, s, e, request()); w == nil || w.status != http.StatusServiceUnavailable {
			t.Fatalf("a handshake after Shutdown: %+v", w)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// A peer that never answers the goodbye is not waited for beyond the context.
func TestCloseDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(nil)
		c, _ := dial(t, s, Endpoint{}, request())
		start := time.Now()
		if err := s.Close(); err != nil || time.Since(start) > 0 {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
		c.Close()
	})
}
