package socketio_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// recoveries is a server that notes how its clients come back.
type recoveries struct {
	io     *socketio.Server
	server *socketiotest.Server

	mu  sync.Mutex
	log []string // guarded by mu
}

func (re *recoveries) note(s string) {
	re.mu.Lock()
	re.log = append(re.log, s)
	re.mu.Unlock()
}

func newRecoveries(t *testing.T, r *socketio.Recovery) *recoveries {
	o := quiet()
	o.Recovery = r
	re := &recoveries{io: socketio.New(o)}
	re.io.Use(func(_ context.Context, s *socketio.Socket) error { re.note("middleware"); return nil })
	re.io.OnConnect(func(_ context.Context, s *socketio.Socket) {
		rooms := s.Rooms()[1:]
		slices.Sort(rooms)
		n, _ := s.Get("n")
		re.note(fmt.Sprintf("recovered %v %q, rooms %v, n %v", s.Recovered(), s.RecoveryFailure(), rooms, n))
		if !s.Recovered() {
			if err := s.Join("a", "b"); err != nil {
				t.Error(err)
			}
			s.Set("n", 1)
		}
	})
	re.server = socketiotest.Serve(t, re.io)
	return re
}

func (re *recoveries) said() string {
	synctest.Wait()
	re.mu.Lock()
	defer re.mu.Unlock()
	all := strings.Join(re.log, "; ")
	re.log = nil
	return all
}

func names(events []*socketiotest.Event) (list []string) {
	for _, e := range events {
		list = append(list, e.Name)
	}
	return list
}

const fresh = `middleware; recovered false "", rooms [], n <nil>`

// TestRecovery: rooms, data and the events that were missed come back, those of
// others do not.
func TestRecovery(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		re := newRecoveries(t, &socketio.Recovery{})
		c := re.server.Connect(o)
		if got := re.said(); got != fresh {
			t.Error(got)
		}
		other := re.server.Connect(o)
		re.said()
		for range 1000 { // hours of a busy server
			if err := re.io.Emit("before"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		synctest.Wait()
		if n := len(c.Events()); n != 1000 {
			t.Errorf("%d of 1000 events", n)
		}
		s, _ := re.io.Of("/").Socket(c.ID())
		c.Cut()
		time.Sleep(50 * time.Second)
		send := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		send(re.io.Emit("all"))
		send(re.io.To("a").Emit("a", []byte{1}, "text"))
		send(re.io.To("c").Emit("c"))
		send(re.io.To("a", "b").Emit("both"))
		send(re.io.Except("b").Emit("not b"))
		send(re.io.To(c.ID()).Emit("own"))
		send(re.io.Volatile().Emit("volatile"))
		send(s.Broadcast().Emit("from itself"))
		if err := s.Emit("direct"); err == nil {
			t.Error("sent to a lost socket")
		}
		re.said()
		again := c.Reconnect()
		if got := re.said(); got != `recovered true "", rooms [a b], n 1` {
			t.Error(got)
		}
		events := again.Events()
		if got := names(events); again.ID() != c.ID() || !slices.Equal(got, []string{"all", "a", "both", "own"}) {
			t.Errorf("%s became %s and missed %q", c.ID(), again.ID(), got)
		}
		var b []byte
		if events[1].Scan(&b); len(b) != 1 || events[1].Len() != 3 {
			t.Error("the binary event came back as", events[1])
		}
		send(re.io.To("b").Emit("live"))
		again.Next("live")
		other.Next("from itself")
		// A second time, with nothing missed.
		again.Cut()
		time.Sleep(50 * time.Second)
		third := again.Reconnect()
		re.said()
		if got := third.Events(); third.ID() != c.ID() || len(got) > 0 {
			t.Errorf("%s, %v", third.ID(), got)
		}
	})
}

// TestRecoveryOfAQuietConnection: one that never received anything is recovered
// too.
func TestRecoveryOfAQuietConnection(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		re := newRecoveries(t, &socketio.Recovery{})
		if err := re.io.Emit("before it came"); err != nil {
			t.Fatal(err)
		}
		c := re.server.Connect(o)
		time.Sleep(3 * time.Hour)
		c.Cut()
		time.Sleep(50 * time.Second)
		if err := re.io.To("b").Emit("missed"); err != nil {
			t.Fatal(err)
		}
		re.said()
		again := c.Reconnect()
		if got := re.said(); got != `recovered true "", rooms [a b], n 1` {
			t.Error(got)
		}
		if got := names(again.Events()); !slices.Equal(got, []string{"missed"}) {
			t.Errorf("%q", got)
		}
	})
}

// TestRecoveryBeforeTheLossIsNoticed: a client that is back on another
// connection is the same socket, and the connection it has left ends at once.
func TestRecoveryBeforeTheLossIsNoticed(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		re := newRecoveries(t, &socketio.Recovery{})
		re.io.OnDisconnect(func(ctx context.Context, s *socketio.Socket, reason socketio.DisconnectReason) {
			re.note(fmt.Sprint(reason, ": ", context.Cause(ctx)))
			s.Set("n", "too late") // neither kept nor a race with the next life
		})
		re.io.Of("/other").OnDisconnect(func(context.Context, *socketio.Socket, socketio.DisconnectReason) { re.note("the other too") })
		c := re.server.Connect(o)
		c.Join("/other", nil)
		c.StopReading()
		if err := re.io.To("b").Emit("missed"); err != nil {
			t.Fatal(err)
		}
		re.said()
		again := c.Reconnect()
		said := re.said()
		for _, want := range []string{`recovered true "", rooms [a b], n 1`, "transport close: ", "came back on another connection", "the other too"} {
			if !strings.Contains(said, want) {
				t.Errorf("%q does not say %q", said, want)
			}
		}
		if got := names(again.Events()); again.ID() != c.ID() || !slices.Equal(got, []string{"missed"}) {
			t.Errorf("%s became %s and missed %q", c.ID(), again.ID(), got)
		}
		if n := re.io.Engine().Len(); n != 1 || re.io.Of("/").Len() != 1 {
			t.Errorf("%d sessions, %d sockets", n, re.io.Of("/").Len())
		}
		// The client that it was hears nothing any more.
		c.StartReading()
		c.Disconnected()
		if err := re.io.Emit("after"); err != nil {
			t.Fatal(err)
		}
		again.Next("after")
	})
}

// TestNotRecovered: each failure is definite, and its reason is known on the
// server.
func TestNotRecovered(t *testing.T) {
	const failed = `middleware; recovered false %q, rooms [], n <nil>`
	for _, c := range []struct {
		name    string
		r       socketio.Recovery
		lose    func(c *socketiotest.Client, re *recoveries)
		auth    func(auth map[string]any)
		failure string
	}{
		{name: "expired", lose: func(c *socketiotest.Client, _ *recoveries) { c.Cut(); time.Sleep(3 * time.Minute) }, failure: "unknown or expired session"},
		{name: "left by itself", lose: func(c *socketiotest.Client, _ *recoveries) { c.Disconnect() }, failure: "unknown or expired session"},
		{name: "sent away", lose: func(_ *socketiotest.Client, re *recoveries) { re.io.DisconnectSockets(true) }, failure: "unknown or expired session"},
		{name: "forged pid", auth: func(a map[string]any) { a["pid"] = "x" }, failure: "unknown or expired session"},
		{name: "unknown offset", auth: func(a map[string]any) { a["offset"] = "0-0" }, failure: "unknown offset"},
		{name: "offset is a number", auth: func(a map[string]any) { a["offset"] = 5 }, failure: "unknown offset"},
		{name: "too many missed", r: socketio.Recovery{MaxPackets: 3}, lose: func(c *socketiotest.Client, re *recoveries) {
			c.Cut()
			time.Sleep(50 * time.Second)
			for range 4 {
				_ = re.io.Emit("n")
			}
		}, failure: "missed events were discarded (Recovery.MaxPackets, MaxBytes)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *socketiotest.Options) {
				re := newRecoveries(t, &c.r)
				first := re.server.Connect(o)
				synctest.Wait() // OnConnect has run
				if err := re.io.Emit("n"); err != nil {
					t.Fatal(err)
				}
				first.Next("n")
				if c.lose == nil {
					first.Cut()
					time.Sleep(50 * time.Second)
				} else {
					c.lose(first, re)
				}
				re.said()
				auth := first.Recovery()
				if c.auth != nil {
					c.auth(auth)
				}
				again := re.server.Connect(&socketiotest.Options{Transport: o.Transport, Auth: auth})
				if got, want := re.said(), fmt.Sprintf(failed, c.failure); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				if again.ID() == first.ID() || len(again.Events()) > 0 {
					t.Error("recovered all the same")
				}
			})
		})
	}
}

// TestRecoveryAuthOfOtherShapes: whatever stands in auth, the connect goes on.
func TestRecoveryAuthOfOtherShapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		re := newRecoveries(t, &socketio.Recovery{RunMiddleware: true})
		for _, auth := range []any{map[string]any{"pid": 5}, map[string]any{"pid": nil, "offset": nil}, map[string]any{"pid": []any{}}, map[string]any{}} {
			re.server.Connect(&socketiotest.Options{Auth: auth})
			if got := re.said(); got != fresh {
				t.Errorf("%v: %s", auth, got)
			}
		}
		c := re.server.Connect(nil)
		synctest.Wait() // OnConnect has run
		c.Cut()
		time.Sleep(time.Second)
		re.said()
		c.Reconnect()
		if got := re.said(); got != `middleware; recovered true "", rooms [a b], n 1` {
			t.Error(got)
		}
	})
}

// TestRecoveryLosesNothing cuts a client off again and again, at random moments
// of a stream: in the end it has received every event once, in order, whatever
// was on its way when the connection was lost.
func TestRecoveryLosesNothing(t *testing.T) {
	const n = 400
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, o *socketiotest.Options) {
				random := rand.New(rand.NewPCG(seed, 7))
				re := newRecoveries(t, &socketio.Recovery{})
				c := re.server.Connect(o)
				id := c.ID()
				synctest.Wait()
				go func() {
					for i := range n {
						if err := re.io.To("a", "b").Emit("seq", i, []byte{byte(i)}); err != nil {
							t.Error(err)
						}
						time.Sleep(time.Second)
					}
				}()
				next, cuts := 0, 0
				take := func() {
					for _, e := range c.Events() {
						var i int
						var b []byte
						if e.Scan(&i, &b); i != next || b[0] != byte(i) {
							t.Fatalf("event %d with %v instead of %d", i, b, next)
						}
						next++
					}
				}
				for next < n {
					c.Delay(time.Duration(random.IntN(2000)) * time.Millisecond)
					time.Sleep(time.Duration(random.IntN(60_000)) * time.Millisecond)
					take()
					if random.IntN(3) == 0 {
						c.Cut()
						cuts++
						take()
						time.Sleep(50 * time.Second)
						c = c.Reconnect()
						synctest.Wait()
						if c.ID() != id {
							t.Fatalf("not recovered after %d events: %s", next, re.said())
						}
					}
				}
				if take(); next != n || cuts == 0 {
					t.Errorf("%d events, %d cuts", next, cuts)
				}
			})
		})
	}
}
