package socketio_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// crowd is a server that many addresses talk to, in memory.
type crowd struct {
	t     *testing.T
	io    *socketio.Server
	srv   *socketiotest.Server
	names string      // header in which a client's address stands
	held  []io.Closer // websockets
}

// addresses are the ways in which a server may learn where a client is.
var addresses = map[string]func(o *socketio.Options, h http.Handler) http.Handler{
	"peer": func(_ *socketio.Options, h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.RemoteAddr = net.JoinHostPort(r.Header.Get("X-Real-Ip"), "1")
			h.ServeHTTP(w, r)
		})
	},
	"proxy": func(o *socketio.Options, h http.Handler) http.Handler {
		o.Engine.ClientIPHeader, o.Engine.TrustedProxies = "X-Real-Ip", []string{"127.0.0.1"}
		return h
	},
}

// crowded runs f for each way to tell an address, with a server that set has
// given its bounds.
func crowded(t *testing.T, set func(*socketio.Options), f func(c *crowd)) {
	for name, wrap := range addresses {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts := quiet()
				opts.Engine.PingInterval = -1
				opts.ConnectTimeout = -1
				set(opts)
				wrap(opts, nil) // for the options
				srv := echoServer(opts)
				srv.OfPattern(regexp.MustCompile(`^/dyn-`)).On("echo", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error { return r.Ack(r.Arg(0)) })
				c := &crowd{t: t, io: srv, srv: socketiotest.Serve(t, wrap(opts, srv)), names: "X-Real-Ip"}
				t.Cleanup(func() {
					for _, b := range c.held {
						_ = b.Close()
					}
					if err := srv.Close(); err != nil {
						t.Error(err)
					}
				})
				f(c)
			})
		})
	}
}

func (c *crowd) from(addr string) http.Header { return http.Header{c.names: {addr}} }

// knock shakes hands and says no more. It reports whether it got a session.
func (c *crowd) knock(addr, transport string) bool {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://host.example/socket.io/?EIO=4&transport="+transport, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = c.from(addr)
	if transport == "websocket" {
		for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="} {
			req.Header.Set(k, v)
		}
	}
	res, err := c.srv.HTTP().Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		c.held = append(c.held, res.Body)
		return true
	}
	_, err = io.Copy(io.Discard, res.Body)
	if e := res.Body.Close(); err != nil || e != nil {
		c.t.Fatal(err, e)
	}
	return res.StatusCode == http.StatusOK
}

func (c *crowd) dial(addr, namespace string) (*socketiotest.Client, error) {
	return c.srv.Dial(&socketiotest.Options{Namespace: namespace, Header: c.from(addr)})
}

func (c *crowd) in(addr, namespace string) *socketiotest.Client {
	c.t.Helper()
	client, err := c.dial(addr, namespace)
	if err != nil {
		c.t.Fatalf("%s was kept out of %s: %v", addr, namespace, err)
	}
	synctest.Wait() // it has been told that it is in, a moment before it is counted so
	return client
}

// reached compares how often a bound was reached, and how many sessions are left.
func (c *crowd) reached(bound string, times uint64, sessions int) {
	c.t.Helper()
	synctest.Wait()
	st := c.io.Stats()
	if n := st.Bounds[socketio.Bound(bound)] + st.Engine.Bounds["MaxSessions"]; n != times {
		c.t.Errorf("%s was reached %d times, want %d: %v %v", bound, n, times, st.Bounds, st.Engine.Bounds)
	}
	if n := c.io.Engine().Len(); n != sessions {
		c.t.Errorf("%d sessions, want %d", n, sessions)
	}
}

const hostile, friendly = "2001:db8::1", "2001:db8:0:1::1"

// A bound as a lock-out: handshakes of one address, in all of its network, make
// room for one another and then for others; nobody else is put out.
func TestUnjoinedIsNoLockOut(t *testing.T) {
	for _, transport := range []string{"polling", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			crowded(t, func(o *socketio.Options) { o.Limits.MaxUnjoined = 20 }, func(c *crowd) {
				early := newPollerFrom(c.t, c.srv, c.from(friendly)) // it takes its time
				for i := range 50 {
					if !c.knock(fmt.Sprintf("2001:db8::%x", i+1), transport) {
						t.Fatal("a handshake was refused: that is no news to whoever floods")
					}
				}
				c.reached("MaxUnjoined", 31, 20)
				alive(t, c.in("192.0.2.1", "/"))
				c.reached("MaxUnjoined", 32, 20)
				if got := early.do("POST", "40"); got != "ok" {
					t.Errorf("a client that was there before: %s", got)
				}
			})
		})
	}
}

// If all have the same address, as behind a proxy that tells none, the oldest
// of those that do not join goes, and the newest gets in.
func TestUnjoinedOfOneAddress(t *testing.T) {
	crowded(t, func(o *socketio.Options) { o.Limits.MaxUnjoined, o.Engine.MaxSessions = 20, 30 }, func(c *crowd) {
		for range 100 {
			if !c.knock(hostile, "polling") {
				t.Fatal("a handshake was refused")
			}
		}
		var in []*socketiotest.Client
		for range 28 { // beyond MaxSessions, if those who joined none stayed
			in = append(in, c.in(hostile, "/"))
		}
		for _, client := range in {
			alive(t, client)
		}
		synctest.Wait()
		if n := c.io.Engine().Len(); n != 30 {
			t.Errorf("%d sessions", n)
		}
	})
}

// Sessions that are in use: who has few is let in at the cost of who has more,
// and the address that has most cannot go on.
func TestSessionsAreNoLockOut(t *testing.T) {
	crowded(t, func(o *socketio.Options) { o.Engine.MaxSessions = 10 }, func(c *crowd) {
		var all []*socketiotest.Client
		for range 10 {
			all = append(all, c.in(hostile, "/"))
		}
		if _, err := c.dial(hostile, "/"); err == nil {
			t.Error("one address has more than there may be")
		}
		c.reached("", 1, 10)
		for i := range 5 {
			alive(t, c.in(friendly, "/"))
			c.reached("", uint64(i+2), 10)
			all[9-i].Disconnected() // the youngest
		}
		if _, err := c.dial(friendly, "/"); err == nil {
			t.Error("of two addresses that have the same, one has pushed the other out")
		}
		alive(t, all[0])
		alive(t, c.in("192.0.2.1", "/"))
	})
}

// Namespaces that clients have made likewise.
func TestDynamicNamespacesAreNoLockOut(t *testing.T) {
	crowded(t, func(o *socketio.Options) { o.Limits.MaxDynamicNamespaces = 10 }, func(c *crowd) {
		var all []*socketiotest.Client
		for i := range 10 {
			all = append(all, c.in(hostile, fmt.Sprintf("/dyn-%d", i)))
		}
		if _, err := c.dial(hostile, "/dyn-more"); err == nil {
			t.Error("one address has more than there may be")
		}
		c.reached("MaxDynamicNamespaces", 1, 10)
		alive(t, c.in(friendly, "/dyn-friend"))
		c.reached("MaxDynamicNamespaces", 2, 10)
		all[9].Disconnected()
		alive(t, c.in("192.0.2.1", "/dyn-friend")) // it is there
		c.reached("MaxDynamicNamespaces", 2, 11)
		alive(t, c.in("192.0.2.1", "/dyn-9")) // its name is free again
		if n := c.io.Stats().Namespaces; n != 11 {
			t.Errorf("%d namespaces, the root among them", n)
		}
	})
}

// Those that are empty, and kept for whoever may come back, go first, whoever
// asks.
func TestEmptyNamespacesMakeRoom(t *testing.T) {
	for name, set := range map[string]func(*socketio.Options){
		"recovery": func(o *socketio.Options) { o.Recovery = &socketio.Recovery{} },
		"kept":     func(o *socketio.Options) { o.KeepEmptyNamespaces = true },
	} {
		t.Run(name, func(t *testing.T) {
			crowded(t, func(o *socketio.Options) { o.Limits.MaxDynamicNamespaces = 10; set(o) }, func(c *crowd) {
				stays := c.in(hostile, "/dyn-stays")
				for i := range 30 {
					c.in(hostile, fmt.Sprintf("/dyn-%d", i)).Cut()
					synctest.Wait()
				}
				c.reached("MaxDynamicNamespaces", 21, 1)
				if !stays.Connected() {
					t.Error("one that is in use had to go")
				}
				if n := c.io.Stats().Namespaces; n != 11 {
					t.Errorf("%d namespaces, the root among them", n)
				}
				back := c.in(friendly, "/dyn-29") // occupied again, it is no longer the first to go
				for i := range 9 {
					c.in(friendly, fmt.Sprintf("/dyn-x%d", i)).Cut()
					synctest.Wait()
				}
				if !back.Connected() {
					t.Error("one that was occupied again had to go")
				}
			})
		})
	}
}

// Clients that are away are remembered, whoever else comes and goes.
func TestAbsentClientsAreNotPushedOut(t *testing.T) {
	crowded(t, func(o *socketio.Options) { o.Recovery = &socketio.Recovery{MaxSessions: 10} }, func(c *crowd) {
		lost := c.in(friendly, "/")
		lost.Cut()
		synctest.Wait()
		for range 500 {
			c.in(hostile, "/").Cut()
			synctest.Wait()
		}
		c.reached("Recovery", 491, 0)
		if s, ok := c.io.Of("/").Socket(lost.Reconnect().ID()); !ok || !s.Recovered() {
			t.Error("it was forgotten")
		}
		time.Sleep(5 * time.Minute) // then all are
	})
}
