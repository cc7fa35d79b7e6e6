package socketio_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// TestVolatileKeepsThePlace: an event that is not kept, whatever it ends with,
// does not make a client lose its place.
func TestVolatileKeepsThePlace(t *testing.T) {
	type emitter = func(re *recoveries, s *socketio.Socket) socketio.Emitter
	for name, to := range map[string]emitter{
		"socket":    func(_ *recoveries, s *socketio.Socket) socketio.Emitter { return s.Volatile() },
		"compress":  func(_ *recoveries, s *socketio.Socket) socketio.Emitter { return s.Compress(false).Volatile() },
		"all":       func(re *recoveries, _ *socketio.Socket) socketio.Emitter { return re.io.Volatile() },
		"its id":    func(re *recoveries, s *socketio.Socket) socketio.Emitter { return re.io.To(s.ID()).Volatile() },
		"a room":    func(re *recoveries, _ *socketio.Socket) socketio.Emitter { return re.io.To("a", "b").Volatile() },
		"exception": func(re *recoveries, _ *socketio.Socket) socketio.Emitter { return re.io.Except("c").Local().Volatile() },
		"answered":  func(_ *recoveries, s *socketio.Socket) socketio.Emitter { return answered{s} },
	} {
		for args, list := range map[string][]any{
			"text": {"online"}, "none": {}, "number": {7}, "binary": {[]byte{1}, "online"}, "old offset": {"abcdef0000000000"},
		} {
			for _, before := range []int{0, 3} { // kept events that it has received
				t.Run(fmt.Sprint(name, "/", args, "/", before), func(t *testing.T) {
					bubble(t, func(t *testing.T, o *socketiotest.Options) {
						re := newRecoveries(t, &socketio.Recovery{})
						if err := re.io.Emit("before it came"); err != nil {
							t.Fatal(err)
						}
						c := re.server.Connect(o)
						synctest.Wait()
						s, _ := re.io.Of("/").Socket(c.ID())
						emit := func(to socketio.Emitter, event string, args ...any) {
							t.Helper()
							if err := to.Emit(event, args...); err != nil {
								t.Fatal(err)
							}
						}
						for range before {
							emit(re.io, "kept")
							c.Next("kept")
						}
						synctest.Wait() // a poll is held again
						emit(to(re, s), "status", list...)
						if e := c.Next("status"); e.Len() < len(list) {
							t.Errorf("%d arguments", e.Len())
						}
						c.Cut()
						time.Sleep(50 * time.Second)
						emit(re.io, "missed")
						if name != "socket" && name != "compress" && name != "answered" {
							emit(to(re, s), "status", list...) // nobody takes it: it is gone
						}
						re.said()
						again := c.Reconnect()
						if got := re.said(); got != `recovered true "", rooms [a b], n 1` {
							t.Error(got)
						}
						if got := names(again.Events()); !slices.Equal(got, []string{"missed"}) {
							t.Errorf("it missed %q", got)
						}
					})
				})
			}
		}
	}
}

// answered emits with an acknowledgement.
type answered struct{ s *socketio.Socket }

func (a answered) Emit(event string, args ...any) error {
	return a.s.EmitFunc(event, -1, func(socketio.Ack, error) {}, args...)
}

// TestVolatileAmongOthers: whatever was on its way, nothing is lost and nothing
// comes twice.
func TestVolatileAmongOthers(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		re := newRecoveries(t, &socketio.Recovery{})
		c := re.server.Connect(o)
		synctest.Wait()
		next := 0
		take := func() {
			for _, e := range c.Events() {
				var i int
				if e.Name == "status" {
					continue
				}
				if e.Scan(&i); i != next {
					t.Fatalf("event %d instead of %d", i, next)
				}
				next++
			}
		}
		for i := range 300 {
			c.Delay(time.Duration(i%7) * 300 * time.Millisecond)
			var err error
			switch s, ok := re.io.Of("/").Socket(c.ID()); {
			case i%2 == 0 || !ok:
				err = re.io.To("a", "b").Emit("kept", i)
			default:
				err = s.Emit("kept", i)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := re.io.Volatile().Emit("status", "online"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
			if i%20 == 19 {
				take()
				c.Cut()
				take()
				time.Sleep(50 * time.Second)
				c = c.Reconnect()
				synctest.Wait()
				if s, ok := re.io.Of("/").Socket(c.ID()); !ok || !s.Recovered() {
					t.Fatal("not recovered: ", re.said())
				}
			}
		}
		c.Delay(0)
		time.Sleep(10 * time.Second)
		if take(); next != 300 {
			t.Errorf("%d events", next)
		}
	})
}

// TestEmitInMiddleware: what a middleware sends to a client that is coming back
// is neither lost nor sent twice.
func TestEmitInMiddleware(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		re := newRecoveries(t, &socketio.Recovery{RunMiddleware: true})
		re.io.Use(func(_ context.Context, s *socketio.Socket) error {
			if err := s.Emit("welcome", "hello"); err != nil {
				return err
			}
			_ = s.Volatile().Emit("status", "online") // over polling, there is no poll yet
			return nil
		})
		got := func(c *socketiotest.Client) (list []string) {
			for _, name := range names(c.Events()) {
				if name != "status" {
					list = append(list, name)
				}
			}
			return list
		}
		c := re.server.Connect(o)
		synctest.Wait()
		if got := got(c); !slices.Equal(got, []string{"welcome"}) {
			t.Errorf("at first %q", got)
		}
		for range 3 {
			c.Cut()
			time.Sleep(50 * time.Second)
			if err := re.io.To("a").Emit("missed"); err != nil {
				t.Fatal(err)
			}
			re.said()
			c = c.Reconnect()
			if got := re.said(); got != `middleware; recovered true "", rooms [a b], n 1` {
				t.Error(got)
			}
			if got := got(c); !slices.Equal(got, []string{"welcome", "missed"}) {
				t.Errorf("then %q", got)
			}
		}
	})
}

// TestRecoveryCountsFromTheJoin: what a room was told before somebody came into
// it is not for them, be it kept or lost.
func TestRecoveryCountsFromTheJoin(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		re := newRecoveries(t, &socketio.Recovery{MaxPackets: 5})
		c, other := re.server.Connect(o), re.server.Connect(o)
		synctest.Wait()
		join := func(c *socketiotest.Client, room string) {
			s, _ := re.io.Of("/").Socket(c.ID())
			if err := s.Join(room); err != nil {
				t.Fatal(err)
			}
		}
		say := func(room, event string) {
			if err := re.io.To(room).Emit(event); err != nil {
				t.Fatal(err)
			}
		}
		join(other, "late")
		join(other, "loud")
		say("late", "before it came")
		for range 20 {
			say("loud", "lost before it came")
		}
		join(c, "late")
		join(c, "loud")
		for round := range 3 {
			c.Cut()
			time.Sleep(50 * time.Second)
			say("late", "missed")
			re.said()
			c = c.Reconnect()
			if got := re.said(); got != `recovered true "", rooms [a b late loud], n 1` {
				t.Error(round, got)
			}
			if got := names(c.Events()); !slices.Equal(got, []string{"missed"}) {
				t.Errorf("%d: it missed %q", round, got)
			}
		}
	})
}

// TestRecoveryAfterARestart: an offset of another server, which official
// clients keep, does not stand in the way.
func TestRecoveryAfterARestart(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		old := newRecoveries(t, &socketio.Recovery{})
		first := old.server.Connect(o)
		synctest.Wait()
		if err := old.io.Emit("seen"); err != nil {
			t.Fatal(err)
		}
		first.Next("seen")
		re := newRecoveries(t, &socketio.Recovery{})
		c := re.server.Connect(o)
		re.said()
		c.Cut()
		time.Sleep(50 * time.Second)
		if err := re.io.To("a").Emit("missed"); err != nil {
			t.Fatal(err)
		}
		auth := c.Recovery()
		auth["offset"] = first.Recovery()["offset"]
		again := re.server.Connect(&socketiotest.Options{Transport: o.Transport, Auth: auth})
		if got := re.said(); got != `recovered true "", rooms [a b], n 1` {
			t.Error(got)
		}
		if got := names(again.Events()); !slices.Equal(got, []string{"missed"}) {
			t.Errorf("it missed %q", got)
		}
	})
}

// TestOneLifeAfterTheOther: the last event of the life before is handled, its
// OnDisconnect runs, and then the OnConnect of the next.
func TestOneLifeAfterTheOther(t *testing.T) {
	for way, lose := range map[string]func(c *socketiotest.Client){
		"noticed":     func(c *socketiotest.Client) { c.Cut(); time.Sleep(50 * time.Second) },
		"not noticed": func(c *socketiotest.Client) { c.StopReading() },
	} {
		for work, want := range map[time.Duration]string{
			0:                "disconnect 2; connect 2",
			2 * time.Minute:  "connect 1; disconnect 2", // which is longer than it is waited for
			52 * time.Second: "disconnect 2; connect 2",
		} {
			if work == 52*time.Second && way == "not noticed" {
				work = 3 * time.Second
			}
			t.Run(fmt.Sprint(way, "/", work), func(t *testing.T) {
				bubble(t, func(t *testing.T, o *socketiotest.Options) {
					opts := quiet()
					opts.Recovery = &socketio.Recovery{}
					re := &recoveries{io: socketio.New(opts)}
					say := func(what string, s *socketio.Socket) {
						n, _ := s.Get("n")
						re.note(fmt.Sprint(what, " ", n))
					}
					re.io.OnConnect(func(_ context.Context, s *socketio.Socket) {
						if !s.Recovered() {
							s.Set("n", 1)
						}
						say("connect", s)
					})
					re.io.OnDisconnect(func(_ context.Context, s *socketio.Socket, _ socketio.DisconnectReason) { say("disconnect", s) })
					re.io.On("work", func(_ context.Context, s *socketio.Socket, _ *socketio.Request) error {
						time.Sleep(work)
						s.Set("n", 2)
						return nil
					})
					re.server = socketiotest.Serve(t, re.io)
					c := re.server.Connect(o)
					re.said()
					c.Emit("work")
					synctest.Wait()
					lose(c)
					c.Reconnect()
					time.Sleep(2 * time.Minute)
					if got := re.said(); got != want {
						t.Errorf("%s, not %s", got, want)
					}
				})
			})
		}
	}
}
