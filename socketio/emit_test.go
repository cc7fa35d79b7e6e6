package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// TestVolatile: what a client cannot take at once is dropped; what is not
// volatile waits for it.
func TestVolatile(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		c := socketiotest.Serve(t, io).Connect(o)
		s, _ := io.Of("/").Socket(c.ID())
		c.StopReading()
		pad := strings.Repeat("x", 16<<10)
		dropped := 0
		for i := range 100 {
			if err := s.Volatile().Emit("v", i, pad); err != nil {
				dropped++
			}
			synctest.Wait()
		}
		if err := s.Emit("end"); err != nil {
			t.Fatal(err)
		}
		c.StartReading()
		c.Next("end")
		synctest.Wait()
		got := len(c.Events())
		if dropped < 50 || got+dropped != 100 || !c.Connected() {
			t.Errorf("%d dropped, %d arrived", dropped, got)
		}
		if err := s.Volatile().Emit("v", 100); err != nil {
			t.Error(err)
		}
		c.Next("v")
	})
}

// TestOutgoing: OnAnyOutgoing sees what leaves, with its arguments, once for
// each receiver.
func TestOutgoing(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		var log []string
		io.Of("/").OnAnyOutgoing(func(s *socketio.Socket, event string, args []any) {
			log = append(log, fmt.Sprint(event, args))
		})
		s := socketiotest.Serve(t, io)
		a, b := s.Connect(o), s.Connect(o)
		sa, _ := io.Of("/").Socket(a.ID())
		for _, err := range []error{io.Emit("all", 1), sa.Emit("one", "x"), sa.Broadcast().Emit("others"), io.To(b.ID()).Emit("room", nil)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := sa.EmitFunc("asked", 0, func(socketio.Ack, error) {}, 5); err != nil {
			t.Fatal(err)
		}
		want := []string{"all[1]", "all[1]", "one[x]", "others[]", "room[<nil>]", "asked[5]"}
		if !slices.Equal(log, want) {
			t.Errorf("%q", log)
		}
	})
}

// TestEmitErrors: what cannot be sent is refused before anything is sent.
func TestEmitErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		io := socketio.New(quiet())
		c := socketiotest.Connect(t, io)
		s, _ := io.Of("/").Socket(c.ID())
		loop := map[string]any{}
		loop["loop"] = loop
		for _, to := range []socketio.Emitter{io, io.Of("/"), io.To("x"), s, s.Volatile(), s.Broadcast()} {
			for _, event := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
				if err := to.Emit(event); !errors.Is(err, socketio.ErrReservedEvent) {
					t.Errorf("%T: %s: %v", to, event, err)
				}
			}
			for _, arg := range []any{make(chan int), func() {}, strings.NewReader("x"), loop} {
				if err := to.Emit("e", arg); err == nil {
					t.Errorf("%T: %T was sent", to, arg)
				}
			}
		}
		if _, err := s.EmitWithAck(t.Context(), "connect"); !errors.Is(err, socketio.ErrReservedEvent) {
			t.Error(err)
		}
		for _, err := range io.EmitWithAck(t.Context(), "e", func() {}) {
			if err == nil {
				t.Error("a func was broadcast")
			}
		}
		synctest.Wait()
		if got := c.Events(); len(got) > 0 || !c.Connected() {
			t.Error(got)
		}
	})
}

// TestRooms addresses sockets in every way, and checks who hears it.
func TestRooms(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		server := socketiotest.Serve(t, io)
		clients := map[string]*socketiotest.Client{}
		sockets := map[string]*socketio.Socket{}
		for _, name := range []string{"ann", "bob", "cid"} {
			clients[name] = server.Connect(o)
			sockets[name], _ = io.Of("/").Socket(clients[name].ID())
		}
		join := func(name string, rooms ...string) {
			if err := sockets[name].Join(rooms...); err != nil {
				t.Fatal(err)
			}
		}
		join("ann", "red", "blue")
		join("bob", "red", "red", "green")
		join("cid", "blue")
		ann := sockets["ann"]
		for what, to := range map[string]socketio.Emitter{
			"ann bob cid: all":                     io,
			"ann bob: red":                         io.To("red"),
			"ann bob cid: red or blue":             io.To("red").To("blue"),
			"ann bob cid: both at once":            io.In("red", "blue", "green"),
			"bob cid: others":                      ann.Broadcast(),
			"bob: others in red":                   ann.To("red"),
			"cid: but red":                         io.Except("red"),
			"bob: red but blue":                    io.To("red").Except("blue"),
			"cid: blue but ann":                    io.To("blue").Except(ann.ID()),
			": nobody there":                       io.To("empty"),
			": but everybody":                      io.Except("red", "blue"),
			"ann: by id":                           io.To(ann.ID()),
			": others by own id":                   ann.To(ann.ID()),
			"bob cid: others but a room of nobody": ann.Except("empty"),
			"ann: itself":                          ann,
		} {
			if err := to.Emit("e"); err != nil {
				t.Fatal(what, err)
			}
			synctest.Wait()
			var heard []string
			for _, name := range []string{"ann", "bob", "cid"} {
				for range clients[name].Events() {
					heard = append(heard, name)
				}
			}
			if got := strings.Join(heard, " "); !strings.HasPrefix(what, got+":") {
				t.Errorf("%s: heard by %q", what, got)
			}
		}
		io.To("red").SocketsJoin("new", "newer")
		io.To("blue").SocketsLeave("new", ann.ID())
		list, err := io.To("new").FetchSockets(t.Context())
		if err != nil || len(list) != 1 || list[0].ID() != sockets["bob"].ID() || !slices.Contains(list[0].Rooms(), "newer") {
			t.Error(list, err)
		}
		if ann.InRoom(ann.ID()) || !ann.InRoom("newer") || io.Of("/").RoomLen("newer") != 2 || io.Of("/").RoomLen("new") != 1 {
			t.Error(ann.Rooms())
		}
		io.To("green").DisconnectSockets(true)
		if r := clients["bob"].Disconnected(); r != "io server disconnect" {
			t.Error(r)
		}
		synctest.Wait()
		if io.Of("/").RoomLen("new") != 0 || slices.Contains(slices.Collect(io.Of("/").Rooms()), "green") || io.SocketCount() != 2 {
			t.Error("bob is still there")
		}
	})
}

// TestRoomEvents: rooms come with their first socket and go with their last.
func TestRoomEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		io := socketio.New(quiet())
		var log []string
		io.Of("/").OnRoom(func(e socketio.RoomEvent) {
			if e.Room == "r" {
				log = append(log, string(e.Kind))
			}
		})
		s := socketiotest.Serve(t, io)
		for range 2 {
			s.Connect(nil)
		}
		io.SocketsJoin("r")
		io.SocketsJoin("r")
		for sock := range io.Of("/").Sockets() {
			sock.Disconnect(false)
			time.Sleep(time.Second)
		}
		if want := []string{"create", "join", "join", "leave", "leave", "delete"}; !slices.Equal(log, want) {
			t.Errorf("%q", log)
		}
	})
}

// TestPacketMiddleware may look at arguments, answer, and refuse.
func TestPacketMiddleware(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		var failed []string
		io.OnError(func(_ context.Context, s *socketio.Socket, event string, err error) {
			failed = append(failed, event+" "+err.Error())
		})
		io.UsePacket(func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
			if r.Event() == "secret" {
				return errors.Join(socketio.Errorf("denied", "not you"), r.Ack("denied"))
			}
			return nil
		})
		io.UsePacket(func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
			if r.Event() == "boom" {
				panic("in the middleware")
			}
			return nil
		})
		reached := func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error { return r.Ack("reached") }
		for _, event := range []string{"secret", "boom", "fine"} {
			io.On(event, reached)
		}
		c := socketiotest.Serve(t, io).Connect(o)
		if got := c.Ask("secret").String(); got != `ack("denied")` {
			t.Error(got)
		}
		if err := c.Emit("boom"); err != nil {
			t.Fatal(err)
		}
		if got := c.Ask("fine").String(); got != `ack("reached")` {
			t.Error(got)
		}
		synctest.Wait()
		if len(failed) != 2 || failed[0] != "secret denied: not you" || !strings.Contains(failed[1], "in the middleware") {
			t.Errorf("%q", failed)
		}
	})
}
