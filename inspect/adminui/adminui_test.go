package adminui

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// credential is ann's, of "secret", quick to compute.
const credential = "ann:$2a$04$l.oY3swAAAWHjmL3q/mgjOb9VX6K3i6l7goaC3eolQrDTnuH2Nita"

type world struct {
	t   *testing.T
	io  *socketio.Server
	ui  *UI
	srv *socketiotest.Server
}

func open(t *testing.T, o Options, change func(*socketio.Options)) *world {
	t.Helper()
	opts := &socketio.Options{Logger: slog.New(slog.DiscardHandler), Recovery: &socketio.Recovery{}}
	opts.Engine.PingInterval = -1
	if change != nil {
		change(opts)
	}
	w := &world{t: t, io: socketio.New(opts)}
	o.Credential = credential
	ui, err := New(w.io, &o)
	if err != nil {
		t.Fatal(err)
	}
	w.ui = ui
	t.Cleanup(ui.Close)
	w.io.On("say", func(context.Context, *socketio.Socket, *socketio.Request) error { return nil })
	w.srv = socketiotest.Serve(t, w.io)
	return w
}

func (w *world) dial(auth map[string]any) (*socketiotest.Client, string, error) {
	session := ""
	c, err := w.srv.Dial(&socketiotest.Options{Namespace: "/admin", Auth: auth, Handle: map[string]func(*socketiotest.Event){
		"session": func(e *socketiotest.Event) { _ = e.Arg(0).Decode(&session) },
	}})
	synctest.Wait()
	return c, session, err
}

func (w *world) admin() *socketiotest.Client {
	w.t.Helper()
	c, _, err := w.dial(map[string]any{"username": "ann", "password": "secret"})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// A password is exchanged for a login, which holds for a day; nothing else lets
// in, whatever its type, and who guesses is not asked any more.
func TestLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, Options{}, nil)
		refused := func(auth map[string]any) {
			t.Helper()
			var no *socketiotest.ConnectError
			if _, session, err := w.dial(auth); !errors.As(err, &no) || no.Message != "invalid credentials" || session != "" {
				t.Errorf("%v: %v %q", auth, err, session)
			}
		}
		for _, auth := range []map[string]any{{}, {"username": "ann"}, {"username": []any{"ann"}, "password": map[string]any{}}, {"username": "ann", "password": "Secret"},
			{"username": "ben", "password": "secret"}, {"sessionId": ""}, {"sessionId": "0123456789abcdef"}, {"sessionId": []any{1}}} {
			refused(auth)
		}
		_, session, err := w.dial(map[string]any{"username": "ann", "password": "secret"})
		if err != nil || len(session) != 16 {
			t.Fatalf("%q %v", session, err)
		}
		if _, again, err := w.dial(map[string]any{"sessionId": session}); err != nil || again != "" {
			t.Errorf("the login: %q %v", again, err)
		}
		time.Sleep(sessions + time.Second)
		refused(map[string]any{"sessionId": session})
		for range 20 {
			refused(map[string]any{"username": "ann", "password": "guess"})
		}
		refused(map[string]any{"username": "ann", "password": "secret"})
	})
}

// A page is told what it may do, then the numbers; and nobody else is.
func TestNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, Options{Name: "node 1", ReadOnly: true}, nil)
		user := w.srv.Connect(nil)
		c := w.admin()
		if got := c.Next("config").Arg(0).String(); got != `{"supportedFeatures":["AGGREGATED_EVENTS"]}` {
			t.Error(got)
		}
		_ = user.Emit("say", "x")
		time.Sleep(every + time.Millisecond)
		var n numbers
		if err := c.Next("server_stats").Arg(0).Decode(&n); err != nil {
			t.Fatal(err)
		}
		if n.ServerID != "node 1" || n.Clients != 2 || n.Polling != 0 || n.PID == 0 || len(n.Namespaces) != 2 || !strings.Contains(fmt.Sprint(n.Events), "packetsIn") {
			t.Errorf("%+v", n)
		}
		_ = c.Emit("_disconnect", "/", false, nil)
		_ = c.Emit("emit", "/", nil, "x")
		synctest.Wait()
		if !user.Connected() || len(user.Events()) > 0 {
			t.Error("who may only look has changed something")
		}
	})
}

// In development a page is told of sockets, rooms and events as they come, and
// of no secret; once nobody looks, nothing is watched.
func TestDevelopment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, Options{Development: true}, nil)
		early := w.srv.Connect(&socketiotest.Options{Header: map[string][]string{"Cookie": {"token=hidden"}, "Authorization": {"Bearer hidden"}}})
		c := w.admin()
		all := c.Next("all_sockets").Arg(0)
		var list []view
		if err := all.Decode(&list); err != nil || len(list) != 2 || len(list[0].ClientID) != 12 {
			t.Fatal(all, err)
		}
		text, _ := all.JSON()
		if strings.Contains(string(text), "hidden") || !strings.Contains(string(text), early.ID()) {
			t.Errorf("%s", text)
		}
		user := w.srv.Connect(nil)
		_ = user.Emit("say", "<b>", []byte{1})
		s, _ := w.io.Of("/").Socket(user.ID())
		_ = s.Join("den")
		_ = s.Emit("news", []byte{1, 2}, map[string]int{"a": 1})
		s.Set("name", "first")
		s.Set("name", `<img src=x onerror="alert(1)">`)
		time.Sleep(every + time.Millisecond)
		user.Disconnect()
		for event, want := range map[string]string{
			"socket_connected": user.ID(), "event_received": `["say","<b>"`, "room_joined": `"den"`, "event_sent": `["news","<2 bytes>",{"a":1}]`, "socket_disconnected": "client namespace disconnect", "socket_updated": `{"data":{"name":"\u003cimg src=x onerror=\"alert(1)\"\u003e"},"id":"` + user.ID(),
		} {
			found := false
			for e := c.Next(event); !found; e = c.Next(event) {
				for i := range e.Len() {
					found = found || strings.Contains(e.Arg(i).String(), want)
				}
				if found {
					break
				}
			}
		}
		w.srv.Connect(&socketiotest.Options{Transport: socketiotest.Polling}).Close()
		slow := w.srv.Connect(&socketiotest.Options{Transport: socketiotest.Upgrade})
		time.Sleep(every + time.Millisecond)
		for _, e := range c.Events() {
			if e.Name == "socket_updated" && !strings.Contains(e.Arg(0).String(), slow.ID()) {
				t.Error(e.Arg(0))
			}
		}
		c.Close()
		time.Sleep(5 * every)
		_ = early.Emit("say")
		synctest.Wait()
	})
}

// What a page has done reaches whom it is for.
func TestCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, Options{}, nil)
		a, b := w.srv.Connect(nil), w.srv.Connect(nil)
		c := w.admin()
		_ = c.Emit("join", "/", "den", a.ID())
		_ = c.Emit("join", "/", "all")
		_ = c.Emit("leave", "/", "all", b.ID())
		_ = c.Emit("emit", "/", "den", "hi", 1, map[string]any{"x": "y"})
		_ = c.Emit("emit", "/nowhere", nil, "hi")
		_ = c.Emit("emit", 1, []any{}, map[string]any{})
		_ = c.Emit("join")
		synctest.Wait()
		if e := a.Next("hi"); e.Arg(1).String() != `{"x":"y"}` {
			t.Error(e.Arg(1))
		}
		ns := w.io.Of("/")
		if ns.RoomLen("den") != 1 || ns.RoomLen("all") != 1 || len(b.Events()) != 0 {
			t.Error(ns.RoomLen("den"), ns.RoomLen("all"))
		}
		_ = c.Emit("_disconnect", "/", false, "den")
		synctest.Wait()
		if a.Connected() || !b.Connected() {
			t.Error("the wrong one is gone")
		}
		_ = c.Emit("_disconnect", "/", true, nil)
		synctest.Wait()
		if b.Connected() {
			t.Error("not all are gone")
		}
	})
}

// A login of one node holds on the others, whose numbers and sockets a page gets.
func TestCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		var list []*world
		start := func(name string) *world {
			return open(t, Options{Name: name, Development: true}, func(o *socketio.Options) { o.Cluster = bus.Adapter(name) })
		}
		for _, name := range []string{"one", "two"} {
			list = append(list, start(name))
		}
		time.Sleep(time.Second)
		far := list[1].srv.Connect(nil)
		first, session, err := list[1].dial(map[string]any{"username": "ann", "password": "secret"})
		if err != nil {
			t.Fatal(err)
		}
		first.Close()
		time.Sleep(5 * every) // nobody looks any more
		c, _, err := list[0].dial(map[string]any{"sessionId": session})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := c.Next("all_sockets").Arg(0).JSON()
		if !strings.Contains(string(text), far.ID()) {
			t.Errorf("%s", text)
		}
		s, _ := list[1].io.Of("/").Socket(far.ID())
		_ = s.Join("at once")
		for c.Next("room_joined").Arg(1).String() != `"at once"` { // else it fails when there is no more
		}
		time.Sleep(2 * every)
		names := map[string]bool{}
		for range 4 {
			var n numbers
			if err := c.Next("server_stats").Arg(0).Decode(&n); err != nil {
				t.Fatal(err)
			}
			names[n.ServerID] = true
		}
		if len(names) != 2 {
			t.Error(names)
		}
		_ = c.Emit("_disconnect", "/", false, far.ID())
		time.Sleep(time.Second)
		if far.Connected() {
			t.Error("a socket of another node is still there")
		}
		_, session, err = list[1].dial(map[string]any{"username": "ann", "password": "secret"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		bus.Crash("two") // where the login was made, and used
		time.Sleep(time.Minute)
		late := start("three")
		time.Sleep(time.Second)
		for _, w := range []*world{list[0], late} { // that was there, and that has just begun
			if _, again, err := w.dial(map[string]any{"sessionId": session}); err != nil || again != "" {
				t.Errorf("the login of a node that is gone: %q %v", again, err)
			}
			if left := w.ui.left(session); left <= 0 || left > sessions-time.Minute {
				t.Errorf("from node to node a login holds for %v more", left)
			}
			if _, _, err := w.dial(map[string]any{"sessionId": session[:15] + "x"}); err == nil {
				t.Error("a guess lets in")
			}
		}
	})
}

// Without a good credential there is no Admin UI, nor a namespace of its name.
func TestNoCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		io := socketio.New(&socketio.Options{Logger: slog.New(slog.DiscardHandler)})
		for _, o := range []*Options{nil, {}, {Credential: "ann:secret"}} {
			if ui, err := New(io, o); err == nil {
				ui.Close()
				t.Errorf("%+v is taken", o)
			}
		}
		srv := socketiotest.Serve(t, io)
		if _, err := srv.Dial(&socketiotest.Options{Namespace: "/admin"}); err == nil {
			t.Error("anybody may join /admin")
		}
	})
}
