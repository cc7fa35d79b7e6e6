package socketio_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// No lock is held while a hook runs: each may use the server, even where an
// emit has taken the locks of recovery.
func TestTraceMayUseTheServer(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		opts := quiet()
		opts.Recovery = &socketio.Recovery{}
		opts.Engine.MaxQueue = 20_000
		opts.Engine.SlowPolicy = engineio.DropOldest
		var io *socketio.Server
		var mu sync.Mutex
		calls := map[string]int{}
		// use does what takes locks; an emit in answer to one would be endless.
		use := func(hook, event string) {
			mu.Lock()
			calls[hook]++
			mu.Unlock()
			if event == "inner" {
				return
			}
			if err := io.Emit("inner"); err != nil {
				t.Error(err)
			}
			for s := range io.Of("/").Sockets() {
				_ = s.Join("room") // it may be gone
				_ = s.Emit("inner")
			}
		}
		opts.Trace = &socketio.Trace{
			Connected:    func(*socketio.Socket) { use("Connected", "") },
			Disconnected: func(*socketio.Socket, socketio.DisconnectReason, error) { use("Disconnected", "") },
			Sent:         func(_ *socketio.Socket, event string) { use("Sent", event) },
			Dropped:      func(_ *socketio.Socket, event string, _ socketio.Drop) { use("Dropped", event) },
		}
		dropped := 0
		opts.Engine.Trace = &engineio.Trace{
			Dropped: func(*engineio.Session, *engineio.Message, engineio.Drop) {
				mu.Lock()
				dropped++
				once := dropped == 1
				mu.Unlock()
				if once {
					use("engine", "")
				}
			},
			Abandoned: func(*engineio.Session, int) { use("Abandoned", "inner") },
			Delivered: func(*engineio.Session, int) { use("Delivered", "inner") },
		}
		io = socketio.New(opts)
		srv := socketiotest.Serve(t, io)
		c := srv.Connect(o)
		synctest.Wait()
		s, _ := io.Of("/").Socket(c.ID())
		emit := func(arg string) {
			for _, e := range []socketio.Emitter{s, io, s.Volatile(), io.Volatile()} {
				_ = e.Emit("outer", arg) // some are dropped
			}
		}
		emit("x")
		synctest.Wait()
		c.Cut()
		synctest.Wait()
		emit("x")
		c = c.Reconnect()
		synctest.Wait()
		if s, _ = io.Of("/").Socket(c.ID()); s == nil || !s.Recovered() {
			t.Fatal("not recovered: what is sent again was not told of")
		}
		c.StopReading()
		for range 100 {
			emit(pad)
		}
		synctest.Wait()
		c.Cut()
		synctest.Wait()
		for _, hook := range []string{"Connected", "Disconnected", "Sent", "Dropped", "engine", "Delivered", "Abandoned"} {
			if calls[hook] == 0 {
				t.Errorf("%s was not called", hook)
			}
		}
	})
}

// Each fate is told once, with the event's name; an acknowledgement has none.
// A hook that panics harms nobody.
func TestTraceTellsEachFate(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		opts := quiet()
		var mu sync.Mutex
		var told []string
		note := func(s string) {
			mu.Lock()
			told = append(told, s)
			mu.Unlock()
			panic("a hook")
		}
		opts.Trace = &socketio.Trace{
			Connected:    func(*socketio.Socket) { panic("a hook") },
			Disconnected: func(*socketio.Socket, socketio.DisconnectReason, error) { panic("a hook") },
			Panicked:     func(string, *socketio.PanicError) { panic("a hook") },
			Bound:        func(socketio.Bound, *socketio.Socket) { panic("a hook") },
			Sent:         func(s *socketio.Socket, event string) { note("sent " + event) },
			Dropped: func(s *socketio.Socket, event string, why socketio.Drop) {
				note("dropped " + event + ": " + string(why))
			},
		}
		opts.Limits.MaxAcks = 1
		opts.Limits.EventRate, opts.Limits.EventBurst = 1, 2
		io := echoServer(opts)
		var kept *socketio.Request
		io.On("keep", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error { kept = r; return nil })
		srv := socketiotest.Serve(t, io)
		o.Handle = map[string]func(*socketiotest.Event){"question": func(*socketiotest.Event) {}} // unanswered
		c := srv.Connect(o)
		synctest.Wait()
		s, _ := io.Of("/").Socket(c.ID())
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(told, want) {
				t.Errorf("told of %q, want %q", told, want)
			}
			told = nil
		}
		_ = s.Emit("one")
		expect("sent one")
		_ = io.Emit("all")
		expect("sent all")
		_ = s.Broadcast().Emit("nobody")
		expect()
		c.Ask("echo", 1)
		expect("sent ")
		nothing := func(socketio.Ack, error) {}
		_ = s.EmitFunc("question", -1, nothing)
		expect("sent question")
		_ = s.EmitFunc("another", -1, nothing)
		expect("dropped another: too many acknowledgements")
		for range io.EmitWithAck(context.Background(), "third") {
		}
		expect("dropped third: too many acknowledgements")
		for range 3 {
			_ = c.Emit("echo")
		}
		expect()
		time.Sleep(time.Minute) // for EventRate
		if err := c.SendRaw(`21["keep"]`); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.Disconnect(true)
		c.Disconnected()
		synctest.Wait()
		_ = kept.Ack()
		expect("dropped : disconnected")
		_ = s.Emit("late")
		expect("dropped late: disconnected")
		_ = io.Emit("all")
		expect()
		// 8 above, Connected, three times Bound, and Disconnected; and Panicked after each.
		if st := io.Stats(); st.Panics != 26 {
			t.Errorf("%d panics", st.Panics)
		}
	})
}

// Each bound that is reached is told of as often as it is counted, with the
// socket where there is one.
func TestTraceTellsOfBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := quiet()
		opts.ConnectTimeout = 20 * time.Second
		opts.Limits = socketio.Limits{
			MaxRooms: 3, MaxAcks: 1, MaxNamespaces: 2, MaxDynamicNamespaces: 1, MaxUnjoined: 1, EventRate: 1, EventBurst: 1,
		}
		var mu sync.Mutex
		told := map[socketio.Bound]uint64{}
		withSocket := map[socketio.Bound]bool{"MaxRooms": true, "MaxAcks": true, "EventRate": true}
		opts.Trace = &socketio.Trace{Bound: func(name socketio.Bound, s *socketio.Socket) {
			mu.Lock()
			told[name]++
			mu.Unlock()
			if (s != nil) != withSocket[name] {
				t.Errorf("%s: socket %v", name, s)
			}
		}}
		io := echoServer(opts)
		io.OfFunc(func(context.Context, string, *socketio.Handshake) bool { return true })
		srv := socketiotest.Serve(t, io)
		c := srv.Connect(nil)
		s, _ := io.Of("/").Socket(c.ID())
		_ = s.Join("a", "b", "c", "d")
		nothing := func(socketio.Ack, error) {}
		_ = s.EmitFunc("question", -1, nothing)
		_ = s.EmitFunc("question", -1, nothing)
		for range 3 {
			_ = c.Emit("echo")
		}
		c.Join("/one", nil)
		if _, err := srv.Dial(&socketiotest.Options{Namespace: "/two"}); err == nil {
			t.Error("a second dynamic namespace was made")
		}
		time.Sleep(2 * time.Minute) // that connection's time to join
		for range 2 {
			res, err := srv.HTTP().Get("http://host.example/socket.io/?EIO=4&transport=polling")
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
		}
		if err := c.SendRaw(`51-["x",{"_placeholder":true,"num":0}]`); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		other := srv.Connect(nil)
		other.Join("/one", nil)
		_ = other.SendRaw("0/three,")
		other.Disconnected()
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if counted := met(io.Stats().Bounds); !maps.Equal(told, counted) || len(told) != 8 {
			t.Errorf("told of %v, counted %v", told, counted)
		}
	})
}
