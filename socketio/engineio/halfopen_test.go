package engineio

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A peer that is gone without a FIN or a RST is found by the heartbeat, however
// it was connected, and its connection is let go.
func TestHalfOpenPeers(t *testing.T) {
	for name, c := range map[string]struct {
		// vanish opens a session and lets its client fall silent.
		vanish func(r *rig) *echo
		reason Reason
	}{
		"websocket": {func(r *rig) *echo {
			_, e := r.openWebSocket(4)
			return e
		}, PingTimeout},
		"websocket, revision 3": {func(r *rig) *echo {
			s := r.webSocket("EIO=3&transport=websocket")
			s.read()
			return <-r.opened
		}, PingTimeout},
		"websocket, queue not empty": {func(r *rig) *echo {
			_, e := r.openWebSocket(4)
			fill(e.s, 0, 50)
			return e
		}, PingTimeout},
		"polling, between two polls": {func(r *rig) *echo {
			_, e := r.open(4)
			return e
		}, PingTimeout},
		"polling, revision 3": {func(r *rig) *echo {
			_, e := r.open(3)
			return e
		}, PingTimeout},
		"polling, poll parked": {func(r *rig) *echo {
			q, e := r.open(4)
			c := r.dial()
			fmt.Fprintf(c, "GET /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\n\r\n", q)
			return e
		}, PingTimeout},
		"polling, post in part": {func(r *rig) *echo {
			q, e := r.open(4)
			c := r.dial()
			fmt.Fprintf(c, "POST /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\nContent-Length: 10\r\n\r\n4", q)
			return e
		}, PingTimeout},
		"upgrade, probe answered": {func(r *rig) *echo {
			q, e := r.open(4)
			s := r.webSocket(strings.Replace(q, "polling", "websocket", 1))
			s.send("2probe")
			s.read()
			return e
		}, PingTimeout},
		"upgraded": {func(r *rig) *echo {
			q, e := r.open(4)
			s := r.webSocket(strings.Replace(q, "polling", "websocket", 1))
			s.send("2probe")
			s.read()
			s.send("5")
			return e
		}, PingTimeout},
		"closed by the server, nothing fetched": {func(r *rig) *echo {
			_, e := r.open(4)
			e.s.Close(ForcedServerClose)
			return e
		}, ForcedServerClose},
	} {
		t.Run(name, func(t *testing.T) {
			o := brisk() // 300 ms and 200 ms
			o.WriteTimeout = time.Second
			inMemory(t, o, func(t *testing.T, r *rig) {
				e := c.vanish(r)
				begin := time.Now()
				if got := e.end(t); got != c.reason {
					t.Errorf("it ended with %q, want %q", got, c.reason)
				}
				if d := time.Since(begin); c.reason == PingTimeout && d > 520*time.Millisecond {
					t.Errorf("it took %v", d)
				}
				time.Sleep(2 * hangUp)
				synctest.Wait()
				if n := r.srv.poller.Len(); n != 0 {
					t.Errorf("%d connections", n)
				}
				st := r.srv.Stats()
				if st.Sessions != 0 || st.MessagesOut != st.Delivered+st.Abandoned {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// The same over TCP, where the kernel takes what is sent to one that is gone,
// for a while.
func TestHalfOpenTCP(t *testing.T) {
	for _, poller := range []bool{true, false} {
		for _, transport := range []string{"websocket", "polling, poll parked"} {
			t.Run(fmt.Sprintf("%s, poller %v", transport, poller), func(t *testing.T) {
				o := brisk()
				o.DisablePoller = !poller
				r := tcpRig(t, o, nil)
				var e *echo
				if transport == "websocket" {
					_, e = r.openWebSocket(4)
				} else {
					var q string
					q, e = r.open(4)
					c := r.dial()
					defer c.Close()
					fmt.Fprintf(c, "GET /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\n\r\n", q)
				}
				want(t, "reason", string(e.end(t)), string(PingTimeout))
				if n := r.srv.Len(); n != 0 {
					t.Errorf("%d sessions", n)
				}
			})
		}
	}
}
