package websocket

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// from is a request that a trusted proxy has passed on for addr.
func from(addr string) *http.Request {
	r := request("X-Real-Ip: " + addr)
	r.RemoteAddr = "10.0.0.1:1000"
	return r
}

func behindProxy(o engineio.Options) *Server {
	o.ClientIPHeader, o.TrustedProxies = "X-Real-Ip", []string{"10.0.0.0/8"}
	return New(quiet(o))
}

// The bound on connections of one address is kept: an IPv6 client has a /64,
// the ones that end make room, and others are not concerned.
func TestMaxSessionsPerAddr(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := behindProxy(engineio.Options{MaxSessionsPerAddr: 2, MaxSessions: 4})
		defer shutdown(t, s)
		e := Endpoint{OnOpen: func(c *Conn, _ *http.Request) { _ = c.Send(c.RemoteAddr()) }}
		var open []*client
		for _, step := range []struct {
			addr string
			want int
		}{
			{"2001:db8::1", 0}, {"2001:db8::2", 0}, {"2001:db8::3", 429}, {"2001:db8:0:1::1", 0}, {"192.0.2.1", 0}, {"192.0.2.1", 503},
		} {
			c, w := dial(t, s, e, from(step.addr))
			if c == nil {
				if w.status != step.want {
					t.Errorf("%s: %d %s, want %d", step.addr, w.status, w.body.String(), step.want)
				}
				continue
			}
			if open = append(open, c); step.want != 0 {
				t.Errorf("%s got in, want %d", step.addr, step.want)
			}
			if _, addr := c.next(); addr != step.addr {
				t.Errorf("%s is seen as %q", step.addr, addr)
			}
		}
		if st := s.Stats(); fmt.Sprint(st.Bounds) != "map[HandshakeRate:0 MaxSessions:1 MaxSessionsPerAddr:1]" || st.Refused != 2 {
			t.Errorf("%+v", st)
		}
		open[0].Close()
		synctest.Wait()
		c, w := dial(t, s, e, from("2001:db8::4"))
		if c == nil {
			t.Fatalf("there is room again: %d", w.status)
		}
		for _, c := range append(open[1:], c) {
			c.Close()
		}
		synctest.Wait()
		if n := s.peers.Len(); n != 0 {
			t.Errorf("%d addresses are remembered", n)
		}
	})
}

func TestHandshakeRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := behindProxy(engineio.Options{HandshakeRate: 5})
		defer shutdown(t, s)
		try := func(addr string) (in, out int) {
			for range 10 {
				if c, w := dial(t, s, Endpoint{}, from(addr)); c != nil {
					in++
					c.Close()
				} else if w.status == http.StatusTooManyRequests {
					out++
				}
			}
			return in, out
		}
		for _, addr := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.1"} {
			if in, out := try(addr); in != 5 || out != 5 {
				t.Errorf("%s: %d in, %d refused", addr, in, out)
			}
			time.Sleep(time.Second)
		}
		if n := s.Stats().Bounds["HandshakeRate"]; n != 20 {
			t.Errorf("%d refusals are counted", n)
		}
		time.Sleep(3 * time.Minute)
		if n := s.peers.Len(); n != 0 {
			t.Errorf("%d addresses are remembered", n)
		}
	})
}

func TestUntrustedProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := behindProxy(engineio.Options{MaxSessionsPerAddr: 1})
		defer shutdown(t, s)
		var open []*client
		for i, want := range []int{0, 429} {
			r := from(fmt.Sprintf("192.0.2.%d", i)) // what the client says itself
			r.RemoteAddr = "198.51.100.7:1000"
			c, w := dial(t, s, Endpoint{}, r)
			if c != nil {
				open = append(open, c)
			}
			if (c == nil) != (want != 0) || c == nil && w.status != want {
				t.Errorf("connection %d: %+v", i, w)
			}
		}
		for _, c := range open {
			c.Close()
		}
	})
	defer func() {
		if recover() == nil {
			t.Error("a proxy's address that is none was accepted")
		}
	}()
	New(&engineio.Options{TrustedProxies: []string{"proxy.example"}})
}

// A bound as a lock-out: whoever has few is let in at the cost of who has most,
// whose youngest connection is told why.
func TestSessionsAreNoLockOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := behindProxy(engineio.Options{MaxSessions: 4})
		defer shutdown(t, s)
		var open []*client
		for range 4 {
			c, _ := dial(t, s, Endpoint{}, from("2001:db8::1"))
			open = append(open, c)
		}
		if c, w := dial(t, s, Endpoint{}, from("2001:db8::2")); c != nil || w.status != 503 {
			t.Errorf("one more of the same network: %+v", w)
		}
		for i := range 2 {
			c, w := dial(t, s, Endpoint{}, from("192.0.2.1"))
			if c == nil {
				t.Fatalf("another address is kept out: %d", w.status)
			}
			defer c.Close()
			if code, reason := open[3-i].closed(); code != 1013 || reason == "" {
				t.Errorf("the youngest was closed with %d %q", code, reason)
			}
		}
		if c, w := dial(t, s, Endpoint{}, from("192.0.2.1")); c != nil || w.status != 503 {
			t.Errorf("both have the same by now: %+v", w)
		}
		synctest.Wait()
		if st := s.Stats(); st.Open != 4 || fmt.Sprint(st.Bounds) != "map[HandshakeRate:0 MaxSessions:4 MaxSessionsPerAddr:0]" {
			t.Errorf("%+v", st)
		}
		for _, c := range open[:2] {
			c.Close()
		}
	})
}

// A connection that has to go before it is open says so once it is.
func TestClosedBeforeItIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := behindProxy(engineio.Options{})
		defer shutdown(t, s)
		near, far := net.Pipe()
		c := &Conn{srv: s, e: &Endpoint{}}
		c.ctx, c.cancel = context.WithCancelCause(t.Context())
		if status, text := s.add(c); status != 0 {
			t.Fatal(text)
		}
		evicted{c}.Run()
		c.open(far, nil, []byte("head"), request())
		other := &client{t: t, Conn: near, in: bufio.NewReader(near)}
		head := make([]byte, 4)
		if _, err := io.ReadFull(other.in, head); err != nil || string(head) != "head" {
			t.Errorf("%q, %v", head, err)
		}
		if code, _ := other.closed(); code != 1013 {
			t.Errorf("closed with %d", code)
		}
		if s.peers.Len() != 0 {
			t.Error("it is still counted")
		}
	})
}

// Whoever has had its goodbye may come back at once: there is room for it, even
// while the server's end of the connection, or its own code, is not done with it.
func TestWhoHasLeftCountsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := behindProxy(engineio.Options{MaxSessions: 1, MaxSessionsPerAddr: 1})
		defer shutdown(t, s)
		ended := make(chan struct{})
		var conn *Conn
		e := Endpoint{OnOpen: func(c *Conn, _ *http.Request) { conn = c }, OnClose: func(*Conn, int, string) { <-ended }}
		defer close(ended)
		come := func() *client {
			t.Helper()
			c, w := dial(t, s, e, from("192.0.2.1"))
			if c == nil {
				t.Fatalf("it is kept out: %d %s", w.status, w.body.String())
			}
			synctest.Wait()
			return c
		}
		first := come()
		defer first.Close()
		first.send(ws.Close, "")
		if op, _ := first.next(); op != ws.Close {
			t.Errorf("the answer to its goodbye is %v", op)
		}
		second := come() // while its own end of the first is open
		if err := conn.Close(1000, ""); err != nil {
			t.Error(err)
		}
		if code, _ := second.closed(); code != 1000 {
			t.Errorf("closed with %d", code)
		}
		third := come() // while OnClose runs
		third.Close()
		synctest.Wait()
		come().Close() // a connection that broke
		if st := s.Stats(); st.Opened != 4 || fmt.Sprint(st.Bounds) != "map[HandshakeRate:0 MaxSessions:0 MaxSessionsPerAddr:0]" {
			t.Errorf("%+v", st)
		}
	})
}
