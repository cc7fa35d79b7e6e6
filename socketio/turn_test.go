package socketio_test

import (
	"context"
	"errors"
	"fmt"
	stdio "io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// Whether an event has a handler is asked at its turn: whatever ran before it
// may have registered one, on the socket or on its namespace, and though the
// event was there first.
func TestHandlersRegisteredLate(t *testing.T) {
	type on = func(socketio.Registrar, func())
	ways := map[string]on{
		"On":   func(r socketio.Registrar, f func()) { r.On("late", doing(f)) },
		"Once": func(r socketio.Registrar, f func()) { r.Once("late", doing(f)) },
		"Event": func(r socketio.Registrar, f func()) {
			lateEvent.On(r, func(context.Context, *socketio.Socket, int) error { f(); return nil })
		},
		"Event.Once": func(r socketio.Registrar, f func()) {
			lateEvent.Once(r, func(context.Context, *socketio.Socket, int) error { f(); return nil })
		},
		"Call": func(r socketio.Registrar, f func()) {
			lateCall.On(r, func(context.Context, *socketio.Socket, int) (int, error) { f(); return 1, nil })
		},
		"OnAny": func(r socketio.Registrar, f func()) {
			r.(interface{ OnAny(socketio.Handler) }).OnAny(func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
				if r.Event() == "late" {
					f()
				}
				return nil
			})
		},
	}
	places := map[string]func(io *socketio.Server, register func(*socketio.Socket)){
		"OnConnect": func(io *socketio.Server, register func(*socketio.Socket)) {
			io.OnConnect(func(_ context.Context, s *socketio.Socket) { time.Sleep(time.Second); register(s) })
		},
		"handler": func(io *socketio.Server, register func(*socketio.Socket)) {
			io.On("first", func(_ context.Context, s *socketio.Socket, _ *socketio.Request) error {
				time.Sleep(time.Second)
				register(s)
				return nil
			})
		},
		"Use": func(io *socketio.Server, register func(*socketio.Socket)) {
			io.Use(func(_ context.Context, s *socketio.Socket) error { time.Sleep(time.Second); register(s); return nil })
		},
		"UsePacket": func(io *socketio.Server, register func(*socketio.Socket)) {
			io.UsePacket(func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
				if r.Event() == "late" {
					register(s)
				}
				return nil
			})
		},
		"callback": func(io *socketio.Server, register func(*socketio.Socket)) {
			io.OnConnect(func(_ context.Context, s *socketio.Socket) {
				_ = s.EmitFunc("question", 0, func(socketio.Ack, error) { time.Sleep(time.Second); register(s) })
			})
		},
	}
	for where, place := range places {
		for how, way := range ways {
			for _, target := range []string{"socket", "namespace"} {
				t.Run(strings.Join([]string{how, target, where}, " "), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						io := socketio.New(quiet())
						heard := 0
						var once sync.Once
						place(io, func(s *socketio.Socket) {
							once.Do(func() {
								if target == "socket" {
									way(s, func() { heard++ })
								} else {
									way(io.Of("/"), func() { heard++ })
								}
							})
						})
						c := socketiotest.Serve(t, io).Connect(&socketiotest.Options{Handle: map[string]func(*socketiotest.Event){
							"question": func(e *socketiotest.Event) { e.Ack() },
						}})
						if err := c.SendRaw(`2["first"]`); err != nil {
							t.Fatal(err)
						}
						if where == "callback" {
							time.Sleep(500 * time.Millisecond)
						}
						if err := c.SendRaw(`27["late",1]`); err != nil {
							t.Fatal(err)
						}
						time.Sleep(3 * time.Second)
						synctest.Wait()
						if n := io.Stats().Ignored["no handler"]; heard != 1 || n > 1 {
							t.Errorf("heard %d times; %d events without a handler", heard, n)
						}
					})
				})
			}
		}
	}
}

const (
	lateEvent socketio.Event[int]     = "late"
	lateCall  socketio.Call[int, int] = "late"
)

func doing(f func()) socketio.Handler {
	return func(context.Context, *socketio.Socket, *socketio.Request) error { f(); return nil }
}

// TestUnheardIsCountedInTurn: an event that has no handler by then is counted,
// and one whose handler was taken away too.
func TestUnheardIsCountedInTurn(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := echoServer(quiet())
		heard := 0
		io.OnConnect(func(_ context.Context, s *socketio.Socket) {
			s.On("gone", doing(func() { heard++ }))
			s.On("off", func(_ context.Context, s *socketio.Socket, _ *socketio.Request) error { s.Off("gone"); return nil })
		})
		c := socketiotest.Serve(t, io).Connect(o)
		for _, event := range []string{"gone", "off", "gone", "never"} {
			if err := c.Emit(event, "an argument"); err != nil {
				t.Fatal(err)
			}
		}
		alive(t, c)
		if st := io.Stats(); heard != 1 || st.Ignored["no handler"] != 2 || st.EventsIn != 5 {
			t.Errorf("heard %d times, ignored %v of %d", heard, st.Ignored, st.EventsIn)
		}
	})
}

// TestOnceEverywhere registers with Once on each thing that can, several times
// and in every order, before and after the socket came: each runs once for each
// socket, with the first event that comes after it.
func TestOnceEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		io := echoServer(quiet())
		rooms := io.OfFunc(func(_ context.Context, name string, _ *socketio.Handshake) bool {
			return strings.HasPrefix(name, "/room")
		})
		var mu sync.Mutex
		ran := map[string]int{}
		note := func(what string) socketio.Handler {
			return func(_ context.Context, s *socketio.Socket, _ *socketio.Request) error {
				mu.Lock()
				ran[what+" for "+s.ID()]++
				mu.Unlock()
				return nil
			}
		}
		srv := socketiotest.Serve(t, io)
		rooms.Once("a", note("parent, early"))
		rooms.Once("b", note("parent, early, b"))
		one := srv.Connect(&socketiotest.Options{Namespace: "/room1"})
		two := srv.Connect(&socketiotest.Options{Namespace: "/room1"})
		child := io.Of("/room1")
		s, _ := child.Socket(one.ID())
		want := map[string]int{}
		for _, c := range []*socketiotest.Client{one, two} {
			want["parent, early for "+c.ID()] = 1
			want["parent, early, b for "+c.ID()] = 1
		}
		for round := range 5 {
			for _, order := range [][]string{{"socket", "child", "parent"}, {"parent", "socket", "child"}, {"child", "parent", "socket"}} {
				for i, who := range order {
					what := fmt.Sprint(who, round, order, i)
					var r socketio.Registrar = s
					switch who {
					case "child":
						r = child
					case "parent":
						r = rooms
					}
					r.Once("a", note(what))
					want[what+" for "+one.ID()] = 1
					if who != "socket" {
						want[what+" for "+two.ID()] = 1
					}
				}
			}
			for range 2 {
				for _, c := range []*socketiotest.Client{one, two} {
					_ = c.Emit("a")
					_ = c.Emit("b")
				}
			}
			synctest.Wait()
		}
		three := srv.Connect(&socketiotest.Options{Namespace: "/room1"})
		_ = three.Emit("a")
		_ = three.Emit("a")
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		for what := range ran {
			if strings.HasSuffix(what, three.ID()) {
				if want[what] = 1; strings.HasPrefix(what, "socket") {
					t.Errorf("%s", what)
				}
			}
		}
		if len(ran) != len(want) {
			t.Errorf("%d have run, want %d", len(ran), len(want))
		}
		for what, n := range want {
			if ran[what] != n {
				t.Errorf("%s: ran %d times", what, ran[what])
			}
		}
	})
}

// While a packet is read no code of the user's runs: what it does, however long,
// holds up no other namespace and no heartbeat.
func TestNoUserCodeOnTheReader(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		const forever = time.Hour
		var mu sync.Mutex
		called := map[string]int{}
		slow := func(what string) {
			mu.Lock()
			called[what]++
			n := called[what]
			mu.Unlock()
			if n == 1 {
				time.Sleep(forever)
			}
		}
		opts := quiet()
		opts.Limits.EventRate, opts.Limits.EventBurst, opts.Limits.MaxNamespaces = 0.001, 2, 3
		opts.Trace = &socketio.Trace{
			Bound:        func(name socketio.Bound, _ *socketio.Socket) { slow("Bound " + string(name)) },
			Disconnected: func(s *socketio.Socket, _ socketio.DisconnectReason, _ error) { slow("Disconnected") },
		}
		io := socketio.New(opts)
		io.On("x", doing(func() {}))
		io.OnError(func(context.Context, *socketio.Socket, string, error) { slow("OnError") })
		other, third := io.Of("/other"), io.Of("/third")
		other.OnRoom(func(e socketio.RoomEvent) {
			if e.Kind == socketio.RoomLeft {
				slow("OnRoom")
			}
		})
		answers := 0
		third.OnConnect(func(_ context.Context, s *socketio.Socket) { answers++ })
		other.On("note", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error { return r.Ack() })
		srv := socketiotest.Serve(t, io)
		c := srv.Connect(o)
		d := c.Join("/other", nil)
		for range 300 { // above the rate: OnError and Bound are told, and take their time
			if err := c.Emit("x"); err != nil {
				t.Fatal(err)
			}
		}
		d.Ask("note") // at once
		time.Sleep(10 * time.Minute)
		if !c.Connected() {
			t.Fatalf("the client was ended: %s", c.Disconnected())
		}
		d.Disconnect()
		c.Join("/third", nil)
		synctest.Wait()
		if answers != 1 {
			t.Error("the third namespace was not served")
		}
		time.Sleep(forever)
		synctest.Wait()
		mu.Lock()
		for _, what := range []string{"OnError", "Bound EventRate", "Disconnected", "OnRoom"} {
			if called[what] == 0 {
				t.Errorf("%s was not called: %v", what, called)
			}
		}
		mu.Unlock()
		if n := io.Stats().Bounds["EventRate"]; n != 298 {
			t.Errorf("%d events above the rate are counted", n)
		}
		time.Sleep(3 * forever)
	})
}

// TestEveryEventAboveTheRateIsTold: OnError hears of each, with its name, as
// long as it keeps up.
func TestEveryEventAboveTheRateIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		opts := quiet()
		opts.Limits.EventRate, opts.Limits.EventBurst = 0.001, 1
		io := socketio.New(opts)
		told := map[string]int{}
		io.OnError(func(_ context.Context, _ *socketio.Socket, event string, err error) { told[event]++ })
		c := socketiotest.Serve(t, io).Connect(o)
		_ = c.Emit("x")
		for i := range 500 {
			_ = c.Emit([]string{"a", "b"}[i/50%2])
		}
		synctest.Wait()
		if told["a"] != 250 || told["b"] != 250 || io.Stats().Errors != 500 {
			t.Errorf("told of %v, %d errors", told, io.Stats().Errors)
		}
	})
}

// The reader and the join of the same socket touch nothing at once: -race says
// so. (The middleware ends while events above the rate, acknowledgements,
// repeated CONNECTs and DISCONNECTs are read, and while the connection ends.)
func TestReaderAndJoin(t *testing.T) {
	opts := quiet()
	opts.Limits.EventRate, opts.Limits.EventBurst = 0.001, 1
	opts.Recovery = &socketio.Recovery{}
	io := socketio.New(opts)
	ns := io.OfFunc(func(context.Context, string, *socketio.Handshake) bool { return true })
	ns.Use(func(_ context.Context, s *socketio.Socket) error {
		if strings.HasSuffix(s.Namespace().Name(), "7") {
			return errors.New("no")
		}
		return nil
	})
	ns.OnError(func(_ context.Context, s *socketio.Socket, _ string, _ error) { _ = s.Namespace().Name() + s.ID() })
	srv := socketiotest.Serve(t, io)
	do := func(method, query, body string) string {
		req, err := http.NewRequest(method, "http://host.example/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := srv.HTTP().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := stdio.ReadAll(res.Body)
		return string(text)
	}
	for i := range 60 {
		_, sid, _ := strings.Cut(do("GET", "", ""), `"sid":"`)
		sid, _, _ = strings.Cut(sid, `"`)
		packets := []string{"40/nN,", "42/nN,[1]", "42/nN,[1]", "43/nN,1[]", "40/nN,", "41/nN,", `40/nN,{"a":1}`, `42/nN,["x"]`, "42/nN,[2]"}
		if i%3 == 0 {
			packets = append(packets, "1") // it closes
		}
		do("POST", "&sid="+sid, strings.ReplaceAll(strings.Join(packets, "\x1e"), "N", fmt.Sprint(i)))
	}
	if err := io.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestNamesOfNode: who writes On("connection"), as in Node, is told what to
// write instead.
func TestNamesOfNode(t *testing.T) {
	var log lines
	io := socketio.New(&socketio.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	io.On("error", doing(nil)) // which a client may send
	if said := log.take(); len(said) != 1 || !strings.Contains(said[0], "OnError") {
		t.Errorf("a handler of error: logged %q", said)
	}
	srv := socketiotest.Serve(t, io)
	s, _ := io.Of("/").Socket(srv.Connect(nil).ID())
	for name, hint := range map[string]string{
		"connection": "OnConnect", "connect": "OnConnect", "disconnect": "OnDisconnect", "disconnecting": "OnDisconnecting",
		"new_namespace": "OnNamespace", "connect_error": "Use", "connection_error": "Refused", "newListener": "no such", "removeListener": "no such",
	} {
		for where, r := range map[string]socketio.Registrar{"server": io, "namespace": io.Of("/x"), "socket": s} {
			for how, register := range map[string]func(){
				"On":   func() { r.On(name, doing(nil)) },
				"Once": func() { r.Once(name, doing(nil)) },
				"Event": func() {
					socketio.Event[int](name).On(r, func(context.Context, *socketio.Socket, int) error { return nil })
				},
				"Event.Once": func() {
					socketio.Event[int](name).Once(r, func(context.Context, *socketio.Socket, int) error { return nil })
				},
				"Call": func() {
					socketio.Call[int, int](name).On(r, func(context.Context, *socketio.Socket, int) (int, error) { return 0, nil })
				},
			} {
				said := func() (v any) {
					defer func() { v = recover() }()
					register()
					return nil
				}()
				if text := fmt.Sprint(said); !strings.Contains(text, hint) || !strings.Contains(text, name) {
					t.Errorf("%s.%s(%q): %v", where, how, name, said)
				}
			}
		}
	}
}

// A DisconnectReason prints as the reference's words, however it is printed, and
// is still found in the errors that wrap it.
func TestPrintedReasons(t *testing.T) {
	var log strings.Builder
	for _, r := range []socketio.DisconnectReason{socketio.TransportClose, socketio.ServerNamespaceDisconnect} {
		want := string(r)
		log.Reset()
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "reason", r)
		if !strings.Contains(log.String(), `reason="`+want+`"`) {
			t.Errorf("text log: %s", log.String())
		}
		log.Reset()
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "reason", r, "error", error(r))
		if strings.Count(log.String(), `:"`+want+`"`) != 2 {
			t.Errorf("JSON log: %s", log.String())
		}
		if got := []string{fmt.Sprint(r), fmt.Sprintf("%v", r), strings.TrimSuffix(fmt.Sprintf("%s.", r), "."), r.Error()}; slices.ContainsFunc(got, func(s string) bool { return s != want }) {
			t.Errorf("%q prints as %q", want, got)
		}
		err := fmt.Errorf("%w: %w", socketio.ErrDisconnected, r)
		var found socketio.DisconnectReason
		if !errors.Is(err, r) || !errors.As(err, &found) || found != r {
			t.Errorf("%v is not found in %v", r, err)
		}
	}
}

// An event that nobody handles counts as such, also if middleware has seen it.
func TestUnheardBehindMiddleware(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		seen := 0
		io.UsePacket(func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
			if seen++; r.Event() == "refused" {
				return errors.New("no")
			}
			return nil
		})
		io.On("heard", func(context.Context, *socketio.Socket, *socketio.Request) error { return nil })
		c := socketiotest.Serve(t, io).Connect(o)
		for _, event := range []string{"heard", "nobody's", "refused", "nobody's"} {
			if err := c.Emit(event); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if n := io.Stats().Ignored[socketio.IgnoreUnheard]; n != 2 || seen != 4 {
			t.Errorf("%d events are counted as unheard, middleware has seen %d", n, seen)
		}
	})
}
