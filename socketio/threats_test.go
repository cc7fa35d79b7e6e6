package socketio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// alive shows that a bystander's connection works as before.
func alive(t *testing.T, c *socketiotest.Client) {
	t.Helper()
	if got := c.Ask("echo", "still here"); got == nil {
		t.Fatal("a bystander got no answer")
	}
}

func echoServer(opts *socketio.Options) *socketio.Server {
	io := socketio.New(opts)
	io.On("echo", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error { return r.Ack(r.Arg(0)) })
	return io
}

// CVE-2024-38355: an error that nobody listens for must not end the process,
// whether a packet or a handler has caused it.
func TestCVE202438355ErrorsWithoutAListener(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := echoServer(quiet())
		io.On("fail", func(context.Context, *socketio.Socket, *socketio.Request) error { return errors.New("no") })
		srv := socketiotest.Serve(t, io)
		bystander := srv.Connect(o)
		for _, packet := range []string{`2["fail"]`, `2["unknown"]`} {
			c := srv.Connect(o)
			if err := c.SendRaw(packet); err != nil {
				t.Fatal(err)
			}
			alive(t, c)
		}
		for _, packet := range []string{`2`, `2[]`, `2{}`, `2["error"`, `9`, `4{"message":"x"}`, `0/x,{"a"`} {
			c := srv.Connect(o)
			_ = c.SendRaw(packet) // over polling the end may come before the answer
			c.Disconnected()
		}
		alive(t, bystander)
		synctest.Wait()
		if st := io.Stats(); st.Sockets != 3 || st.Malformed == 0 || st.Panics != 0 {
			t.Errorf("%d sockets, %d malformed, %d panics", st.Sockets, st.Malformed, st.Panics)
		}
	})
}

// Panics of any function of the application are contained, counted and logged
// once with their stack; the socket lives on.
func TestPanicsAreContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		opts := &socketio.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}
		io := echoServer(opts)
		boom := func(what string) { panic("boom in " + what) }
		io.OnConnect(func(context.Context, *socketio.Socket) { boom("OnConnect") })
		io.OnDisconnecting(func(context.Context, *socketio.Socket, socketio.DisconnectReason) { boom("OnDisconnecting") })
		io.OnDisconnect(func(context.Context, *socketio.Socket, socketio.DisconnectReason) { boom("OnDisconnect") })
		io.On("handler", func(context.Context, *socketio.Socket, *socketio.Request) error { boom("handler"); return nil })
		io.UsePacket(func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
			if r.Event() == "packet" {
				boom("UsePacket")
			}
			return nil
		})
		io.OnAny(func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
			if r.Event() == "any" {
				boom("OnAny")
			}
			return nil
		})
		ns := io.Of("/")
		ns.OnRoom(func(e socketio.RoomEvent) {
			if e.Room == "trap" {
				boom("OnRoom")
			}
		})
		ns.OnAnyOutgoing(func(_ *socketio.Socket, event string, _ []any) {
			if event == "out" {
				boom("OnAnyOutgoing")
			}
		})
		failures := 0
		io.OnError(func(context.Context, *socketio.Socket, string, error) { failures++; boom("OnError") })
		io.On("join", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error { return s.Join("trap") })
		io.On("out", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error { return s.Emit("out") })
		io.On("later", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
			return s.EmitFunc("question", time.Second, func(socketio.Ack, error) { boom("EmitFunc") })
		})
		socketio.Call[string, string]("call").On(io, func(context.Context, *socketio.Socket, string) (string, error) {
			boom("Call")
			return "", nil
		})
		closed := io.Of("/closed")
		closed.Use(func(context.Context, *socketio.Socket) error { boom("Use"); return nil })
		io.OfFunc(func(_ context.Context, name string, _ *socketio.Handshake) bool {
			boom("OfFunc")
			return true
		})

		srv := socketiotest.Serve(t, io)
		c := srv.Connect(&socketiotest.Options{Handle: map[string]func(*socketiotest.Event){
			"question": func(e *socketiotest.Event) { e.Ack("answer") },
		}})
		for _, event := range []string{"handler", "packet", "any", "join", "out", "later"} {
			if err := c.Emit(event); err != nil {
				t.Fatal(err)
			}
			alive(t, c)
		}
		if _, err := socketiotest.Ask(c, socketio.Call[string, string]("call"), "x"); err == nil || !strings.Contains(err.Error(), "internal") {
			t.Errorf("the call was answered with %v", err)
		}
		for _, name := range []string{"/closed", "/func"} {
			if _, err := srv.Dial(&socketiotest.Options{Namespace: name}); err == nil {
				t.Errorf("%s let a client in", name)
			}
		}
		alive(t, c)
		c.Close()
		synctest.Wait()
		for _, where := range []string{
			"OnConnect", "OnDisconnecting", "OnDisconnect", "handler", "UsePacket", "OnAny", "OnRoom", "OnAnyOutgoing", "OnError",
			"EmitFunc", "Call", "Use", "OfFunc",
		} {
			if !strings.Contains(log.String(), "boom in "+where+" ") && !strings.Contains(log.String(), "boom in "+where+`"`) {
				t.Errorf("no word in the log of the panic in %s", where)
			}
		}
		if n := strings.Count(log.String(), "boom in handler"); n != 1 {
			t.Errorf("the panic of the handler is logged %d times", n)
		}
		if st := io.Stats(); st.Panics < 13 || failures == 0 {
			t.Errorf("%d panics counted, %d errors reported", st.Panics, failures)
		}
	})
}

// Namespace flood: one connection may be in so many namespaces, and so many may
// be made for clients.
func TestNamespaceFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := quiet()
		opts.Limits.MaxNamespaces = 5
		opts.Limits.MaxDynamicNamespaces = 12
		io := echoServer(opts)
		parent := io.OfFunc(func(context.Context, string, *socketio.Handshake) bool { return true })
		srv := socketiotest.Serve(t, io)
		bystander := srv.Connect(nil)
		c := srv.Connect(nil)
		for i := range 4 {
			c.Join(fmt.Sprintf("/n%d", i), nil)
		}
		if err := c.SendRaw("0/n4,"); err != nil {
			t.Fatal(err)
		}
		c.Disconnected()
		synctest.Wait() // its namespaces are gone too
		var kept []*socketiotest.Client
		for i := range 12 {
			kept = append(kept, srv.Connect(&socketiotest.Options{Namespace: fmt.Sprintf("/m%d", i)}))
		}
		if _, err := srv.Dial(&socketiotest.Options{Namespace: "/onemore"}); err == nil || !strings.Contains(err.Error(), "MaxDynamicNamespaces") {
			t.Errorf("a thirteenth dynamic namespace: %v", err)
		}
		alive(t, bystander)
		if parent.Len() != len(kept) {
			t.Errorf("%d sockets in dynamic namespaces, want %d", parent.Len(), len(kept))
		}
		b := io.Stats().Bounds
		if b["MaxNamespaces"] != 1 || b["MaxDynamicNamespaces"] != 1 {
			t.Errorf("bounds counted: %v", b)
		}
	})
}

// Event floods: what is above the rate is dropped and counted, for that client
// only.
func TestEventFlood(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		opts := quiet()
		opts.Limits.EventRate = 10
		opts.Limits.EventBurst = 20
		io := echoServer(opts)
		handled, refused := 0, 0
		io.On("n", func(context.Context, *socketio.Socket, *socketio.Request) error { handled++; return nil })
		io.OnError(func(context.Context, *socketio.Socket, string, error) { refused++ })
		srv := socketiotest.Serve(t, io)
		bystander := srv.Connect(o)
		c := srv.Connect(o)
		for range 100 {
			if err := c.Emit("n"); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		alive(t, bystander)
		if handled != 20 || refused != 80 || io.Stats().Bounds["EventRate"] != 80 {
			t.Errorf("%d handled, %d refused, bounds %v", handled, refused, io.Stats().Bounds)
		}
		time.Sleep(time.Second)
		alive(t, c)
	})
}

// Pre-CONNECT idling: a connection has to join a namespace in time, and there
// may be so many that have not.
func TestIdlingBeforeConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := quiet()
		opts.Limits.MaxUnjoined = 3
		io := echoServer(opts)
		srv := socketiotest.Serve(t, io)
		bystander := srv.Connect(nil)
		for i := range 6 {
			res, err := srv.HTTP().Get("http://host.example/socket.io/?EIO=4&transport=polling")
			if err != nil {
				t.Fatal(i, err)
			}
			if err := res.Body.Close(); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := io.Stats().Bounds["MaxUnjoined"]; n != 3 {
			t.Errorf("%d connections were over the bound, want 3", n)
		}
		time.Sleep(80 * time.Second) // the timeout, and the time to fetch the end
		alive(t, bystander)
		synctest.Wait()
		if n := io.Engine().Len(); n != 1 {
			t.Errorf("%d sessions are left, want the bystander's", n)
		}
		srv.Connect(nil) // there is room again
	})
}

// Whoever was told to be in a namespace is never taken for one who idles, even
// while the server's own code is still busy with the coming.
func TestWhoIsInDoesNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := quiet()
		opts.Limits.MaxUnjoined = 1
		opts.ConnectTimeout = time.Second
		let := make(chan struct{})
		opts.Trace = &socketio.Trace{Connected: func(*socketio.Socket) { <-let }}
		io := echoServer(opts)
		srv := socketiotest.Serve(t, io)
		c := srv.Connect(nil)
		if n := io.Stats().Connected; n != 1 {
			t.Errorf("%d clients were let in when one knew that it was", n)
		}
		for range 2 {
			res, err := srv.HTTP().Get("http://host.example/socket.io/?EIO=4&transport=polling")
			if err != nil {
				t.Fatal(err)
			}
			if err := res.Body.Close(); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second)
		close(let)
		alive(t, c)
		if b := io.Stats().Bounds; b["MaxUnjoined"] != 1 || b["ConnectTimeout"] != 1 {
			t.Errorf("bounds counted: %v; both are the idling connections'", b)
		}
	})
}

// CVE-2026-48804: a packet whose attachments do not come is given up.
func TestCVE202648804AttachmentsThatDoNotCome(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := echoServer(quiet())
		srv := socketiotest.Serve(t, io)
		c := srv.Connect(o)
		if err := c.SendRaw(`51-["x",{"_placeholder":true,"num":0}]`); err != nil {
			t.Fatal(err)
		}
		time.Sleep(29 * time.Second)
		if !c.Connected() {
			t.Fatal("closed too early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if c.Connected() {
			t.Error("the connection still waits")
		}
		if io.Stats().Bounds["AttachmentTimeout"] != 1 {
			t.Errorf("bounds %v", io.Stats().Bounds)
		}
	})
}

// Header and log injection: what a client says is quoted and cut.
func TestLogInjection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		io := socketio.New(&socketio.Options{
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Limits: socketio.Limits{Packets: siowire.Limits{MaxNameLen: -1, MaxNamespaceLen: -1}},
		})
		io.OnAny(func(context.Context, *socketio.Socket, *socketio.Request) error { return errors.New("no") })
		srv := socketiotest.Serve(t, io)
		c := srv.Connect(nil)
		if err := c.Emit("x\nlevel=ERROR msg=forged " + strings.Repeat("y", 1000)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := c.SendRaw("2/nowhere\nlevel=ERROR msg=forged," + `["x"]`); err != nil {
			t.Fatal(err)
		}
		c.Disconnected()
		synctest.Wait()
		for line := range strings.Lines(log.String()) {
			if strings.HasPrefix(line, "level=ERROR") || len(line) > 600 {
				t.Errorf("in the log: %.200q", line)
			}
		}
		if !strings.Contains(log.String(), "handler failed") {
			t.Errorf("log: %s", log.String())
		}
	})
}

// A log that cannot be written to is no reason to stop.
func TestFullDiskForLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := writerFunc(func([]byte) (int, error) { return 0, errors.New("no space left on device") })
		io := echoServer(&socketio.Options{Logger: slog.New(slog.NewTextHandler(full, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		io.On("panic", func(context.Context, *socketio.Socket, *socketio.Request) error { panic("x") })
		srv := socketiotest.Serve(t, io)
		c := srv.Connect(nil)
		if err := c.Emit("panic"); err != nil {
			t.Fatal(err)
		}
		alive(t, c)
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// Misuse: registering and emitting at any moment neither deadlocks nor races.
func TestCallsAtAnyMoment(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		opts := quiet()
		opts.Recovery = &socketio.Recovery{}
		io := echoServer(opts)
		everything := func(s *socketio.Socket) {
			io.On("late", func(context.Context, *socketio.Socket, *socketio.Request) error { return nil })
			s.On("mine", func(context.Context, *socketio.Socket, *socketio.Request) error { return nil })
			_ = s.Emit("a")
			_ = io.Emit("b")
			_ = s.Broadcast().Emit("c")
			_ = s.Join("r")
			s.Leave("r")
			_ = s.Rooms()
			_ = io.To(s.ID()).Emit("d")
			for range io.Of("/").Sockets() {
			}
			_, _ = io.FetchSockets(context.Background())
			_ = io.Stats()
			_ = s.EmitFunc("e", time.Second, func(socketio.Ack, error) {})
			for range io.To("nobody").EmitWithAck(context.Background(), "f") {
			}
		}
		io.Use(func(_ context.Context, s *socketio.Socket) error { everything(s); return nil })
		io.OnConnect(func(_ context.Context, s *socketio.Socket) { everything(s) })
		io.OnDisconnecting(func(_ context.Context, s *socketio.Socket, _ socketio.DisconnectReason) { everything(s) })
		io.OnDisconnect(func(_ context.Context, s *socketio.Socket, _ socketio.DisconnectReason) {
			everything(s)
			s.Disconnect(true)
		})
		io.On("all", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error { everything(s); return r.Ack() })
		io.On("off", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
			s.Disconnect(false)
			everything(s)
			return nil
		})
		srv := socketiotest.Serve(t, io)
		c := srv.Connect(o)
		c.Ask("all")
		_ = c.Emit("off") // the end that it causes may overtake the answer to its own POST
		c.Disconnected()
		d := srv.Connect(o)
		var last *socketio.Socket
		for s := range io.Of("/").Sockets() {
			last = s
		}
		d.Close()
		synctest.Wait()
		everything(last)
		if err := io.Close(); err != nil {
			t.Error(err)
		}
		everything(last)
		if err := errors.Join(io.Close(), io.Shutdown(context.Background())); err != nil {
			t.Error(err)
		}
		if io.Ready() {
			t.Error("a closed server says that it is ready")
		}
	})
}
