package socketio_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// TestRecoveryIsNoSharedPurse: what some clients send to themselves, under
// whatever names, does not cost others theirs.
func TestRecoveryIsNoSharedPurse(t *testing.T) {
	big, small := strings.Repeat("x", 40_000), "x"
	for name, flood := range map[string]func(io *socketio.Server, a, b *socketio.Socket, i int) error{
		"bytes to itself":      func(_ *socketio.Server, a, _ *socketio.Socket, _ int) error { return a.Emit("echo", big) },
		"count to itself":      func(_ *socketio.Server, a, _ *socketio.Socket, _ int) error { return a.Emit("echo", small) },
		"more than the bound":  func(_ *socketio.Server, a, _ *socketio.Socket, _ int) error { return a.Emit("echo", big+big+big) },
		"its id as a room":     func(io *socketio.Server, a, _ *socketio.Socket, _ int) error { return io.To(a.ID()).Emit("echo", big) },
		"bytes to its friend":  func(_ *socketio.Server, a, b *socketio.Socket, _ int) error { return a.To(b.ID()).Emit("echo", big) },
		"a room of two":        func(io *socketio.Server, _, _ *socketio.Socket, _ int) error { return io.To("den").Emit("echo", big) },
		"small, a room of two": func(io *socketio.Server, _, _ *socketio.Socket, _ int) error { return io.To("den").Emit("echo", small) },
		"a room nobody is in": func(io *socketio.Server, _, _ *socketio.Socket, i int) error {
			return io.To(fmt.Sprint(i)).Emit("echo", big)
		},
		"rooms of its own": func(io *socketio.Server, a, _ *socketio.Socket, i int) error {
			if err := a.Join(fmt.Sprint("mine", i)); err != nil {
				return err
			}
			return io.To(fmt.Sprint("mine", i)).Emit("echo", big)
		},
		"small, rooms of its own": func(io *socketio.Server, a, _ *socketio.Socket, i int) error {
			if err := a.Join(fmt.Sprint("mine", i)); err != nil {
				return err
			}
			return io.To(fmt.Sprint("mine", i)).Emit("echo", small)
		},
		"small, rooms of both": func(io *socketio.Server, a, b *socketio.Socket, i int) error {
			room := fmt.Sprint("ours", i)
			for _, s := range []*socketio.Socket{a, b} {
				if err := s.Join(room); err != nil {
					return err
				}
			}
			return io.To(room, "den").Emit("echo", small)
		},
		"rooms it leaves again": func(io *socketio.Server, a, b *socketio.Socket, i int) error {
			room := fmt.Sprint("ours", i)
			for _, s := range []*socketio.Socket{a, b} {
				if err := s.Join(room); err != nil {
					return err
				}
			}
			err := io.To(room).Emit("echo", small)
			a.Leave(room)
			b.Leave(room)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				re := newRecoveries(t, &socketio.Recovery{MaxBytes: 100_000, MaxPackets: 50})
				victim, quiet := re.server.Connect(nil), re.server.Connect(nil)
				a, b := re.server.Connect(nil), re.server.Connect(nil)
				synctest.Wait()
				socket := func(c *socketiotest.Client) *socketio.Socket { s, _ := re.io.Of("/").Socket(c.ID()); return s }
				for _, c := range []*socketiotest.Client{a, b} {
					s := socket(c)
					s.Leave("a", "b")
					if err := s.Join("den"); err != nil {
						t.Fatal(err)
					}
				}
				send := func(err error) {
					t.Helper()
					if err != nil {
						t.Fatal(err)
					}
				}
				send(re.io.Emit("seen"))
				victim.Next("seen")
				victim.Cut()
				quiet.Cut()
				time.Sleep(50 * time.Second)
				send(re.io.Emit("to all"))
				send(re.io.To("a").Emit("to its room", strings.Repeat("y", 2000)))
				send(re.io.To(victim.ID()).Emit("to itself"))
				for i := range 300 {
					send(flood(re.io, socket(a), socket(b), i))
					if i%10 == 0 {
						synctest.Wait()
						a.Events()
						b.Events()
					}
				}
				re.said()
				for _, c := range []*socketiotest.Client{victim, quiet} {
					again := c.Reconnect()
					if got := re.said(); got != `recovered true "", rooms [a b], n 1` {
						t.Error(got)
					}
					want := []string{"to all", "to its room", "to itself"}
					if c == quiet {
						want = []string{"seen", "to all", "to its room"}
						if c.Recovery()["offset"] != nil {
							want = want[1:]
						}
					}
					if got := names(again.Events()); !slices.Equal(got, want) {
						t.Errorf("it missed %q, not %q", got, want)
					}
				}
			})
		})
	}
}

// TestRecoveryKeepsNothingForNobody: what nobody can miss is not kept; what was
// for one alone goes with it, all else with its time.
func TestRecoveryKeepsNothingForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		re := newRecoveries(t, &socketio.Recovery{})
		expect := func(what string, want int) {
			t.Helper()
			synctest.Wait()
			if n, size := socketio.Kept(re.io.Of("/")); n != want || (size == 0) != (want == 0) {
				t.Errorf("%s: %d events of %d bytes are kept, not %d", what, n, size, want)
			}
		}
		emit := func(b socketio.Emitter) {
			t.Helper()
			if err := b.Emit("event"); err != nil {
				t.Fatal(err)
			}
		}
		emit(re.io)
		expect("for an empty namespace", 0)
		c, d := re.server.Connect(nil), re.server.Connect(nil)
		synctest.Wait()
		cs, _ := re.io.Of("/").Socket(c.ID())
		ds, _ := re.io.Of("/").Socket(d.ID())
		emit(re.io.To("nobody"))
		emit(re.io.To("nobody", "either"))
		expect("for an empty room", 0)
		emit(cs)
		emit(re.io.To("a"))
		expect("for one, and for two", 2)
		cs.Leave("a")
		expect("one has left", 2)
		ds.Leave("a")
		expect("both have left", 2)
		c.Cut()
		time.Sleep(50 * time.Second)
		emit(re.io.To(c.ID()))
		emit(re.io.To("b"))
		ds.Leave("b")
		expect("one is away, who was in b", 4)
		c = c.Reconnect()
		expect("it is back", 4)
		c.Cut()
		time.Sleep(5 * time.Minute)
		expect("it has not come back", 2)
		d.Disconnect()
		synctest.Wait()
		emit(re.io)
		expect("all are gone", 2)
		re.server.Connect(nil)
		emit(re.io)
		expect("what was before is old", 1)
	})
}

// TestLostOnTheWayBack: a client whose connection is lost while a middleware is
// at work comes back the next time.
func TestLostOnTheWayBack(t *testing.T) {
	for _, linger := range []time.Duration{0, time.Minute} { // of the middleware, whose client has come back meanwhile
		t.Run(linger.String(), func(t *testing.T) { lostOnTheWayBack(t, linger) })
	}
}

func lostOnTheWayBack(t *testing.T, linger time.Duration) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		re := newRecoveries(t, &socketio.Recovery{RunMiddleware: true})
		var cut, refuse atomic.Bool
		re.io.Use(func(ctx context.Context, s *socketio.Socket) error {
			if cut.Load() {
				s.Conn().Close(engineio.TransportClose)
				<-ctx.Done()
				time.Sleep(linger)
			}
			if refuse.Load() {
				return socketio.Errorf("no", "not today")
			}
			return nil
		})
		c := re.server.Connect(o)
		synctest.Wait()
		c.Cut()
		time.Sleep(50 * time.Second)
		if err := re.io.To("a").Emit("missed"); err != nil {
			t.Fatal(err)
		}
		auth := c.Recovery()
		cut.Store(true)
		if _, err := re.server.Dial(&socketiotest.Options{Transport: o.Transport, Auth: auth}); err == nil {
			t.Fatal("it came in")
		}
		cut.Store(false)
		re.said()
		again := re.server.Connect(&socketiotest.Options{Transport: o.Transport, Auth: auth})
		if got := re.said(); got != `middleware; recovered true "", rooms [a b], n 1` {
			t.Error(got)
		}
		if got := names(again.Events()); !slices.Equal(got, []string{"missed"}) {
			t.Errorf("it missed %q", got)
		}
		// One that is refused is not awaited any more.
		again.Cut()
		time.Sleep(50 * time.Second)
		refuse.Store(true)
		auth = again.Recovery()
		if _, err := re.server.Dial(&socketiotest.Options{Transport: o.Transport, Auth: auth}); err == nil {
			t.Fatal("it came in")
		}
		refuse.Store(false)
		re.said()
		re.server.Connect(&socketiotest.Options{Transport: o.Transport, Auth: auth})
		if got, want := re.said(), `middleware; recovered false "unknown or expired session", rooms [], n <nil>`; got != want {
			t.Error(got)
		}
		time.Sleep(2 * linger)
	})
}

// TestGivenUpOnTheWayBack: a client that cannot have its old state at the last
// moment is a new one in every respect.
func TestGivenUpOnTheWayBack(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		re := newRecoveries(t, &socketio.Recovery{RunMiddleware: true, MaxPackets: 3})
		re.io.On("still there", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error { return r.Ack() })
		var flood, refuse atomic.Bool
		re.io.Use(func(_ context.Context, s *socketio.Socket) error {
			if !flood.Load() && refuse.Load() {
				return socketio.Errorf("no", "not today")
			}
			if n, _ := s.Get("n"); flood.Load() != (n == 1) {
				return fmt.Errorf("n is %v", n)
			}
			for range 5 {
				if !flood.Load() {
					break
				}
				if err := re.io.Emit("more"); err != nil {
					return err
				}
			}
			flood.Store(false)
			return s.Join("by the middleware")
		})
		c := re.server.Connect(o)
		synctest.Wait()
		c.Cut()
		time.Sleep(50 * time.Second)
		flood.Store(true)
		re.said()
		again := c.Reconnect()
		want := `middleware; middleware; recovered false "missed events were discarded (Recovery.MaxPackets, MaxBytes)", rooms [by the middleware], n <nil>`
		if got := re.said(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if again.ID() == c.ID() || len(again.Events()) > 0 {
			t.Error("it has kept something")
		}
		again.Ask("still there")
		// One that is refused as a new one.
		again.Cut()
		time.Sleep(50 * time.Second)
		flood.Store(true)
		refuse.Store(true)
		if _, err := re.server.Dial(&socketiotest.Options{Transport: o.Transport, Auth: again.Recovery()}); err == nil {
			t.Error("it came in")
		}
		synctest.Wait()
		if st := re.io.Stats(); st.Panics+st.Engine.Panics != 0 {
			t.Errorf("%d panics, %d of the engine", st.Panics, st.Engine.Panics)
		}
	})
}

// A client whose namespace had to make room while its middleware was at work is a
// new one: nobody knows any more what it missed.
func TestRemovedOnTheWayBack(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		opts := quiet()
		opts.Recovery = &socketio.Recovery{RunMiddleware: true}
		opts.Limits.MaxDynamicNamespaces = 2
		io := socketio.New(opts)
		ns := io.OfPattern(regexp.MustCompile(`^/d`))
		var wait atomic.Bool
		let := make(chan struct{})
		ns.Use(func(_ context.Context, s *socketio.Socket) error {
			if wait.Swap(false) {
				<-let
			}
			return nil
		})
		server := socketiotest.Serve(t, io)
		options := func(name string, auth any) *socketiotest.Options {
			return &socketiotest.Options{Transport: o.Transport, Namespace: name, Auth: auth}
		}
		c := server.Connect(options("/d1", nil))
		synctest.Wait()
		c.Cut()
		time.Sleep(50 * time.Second)
		if err := io.Of("/d1").Emit("missed"); err != nil {
			t.Fatal(err)
		}
		auth := c.Recovery()
		wait.Store(true)
		var again *socketiotest.Client
		var back sync.WaitGroup
		back.Go(func() {
			var err error
			if again, err = server.Dial(options("/d1", auth)); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Second) // it has come to the middleware
		server.Connect(options("/d2", nil))
		other := server.Connect(options("/d3", nil)) // for which /d1 goes, as nobody is in it
		other.Disconnect()
		synctest.Wait()
		close(let)
		back.Wait()
		synctest.Wait()
		s, ok := io.Of("/d1").Socket(again.ID())
		if !ok || s.Recovered() || s.RecoveryFailure() == "" || again.ID() == c.ID() {
			t.Errorf("it is back: %v, %v, %q", ok, ok && s.Recovered(), again.ID())
		}
	})
}
