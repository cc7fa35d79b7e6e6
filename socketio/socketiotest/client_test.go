package socketiotest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

type user struct {
	Name   string `json:"name"`
	Avatar []byte `json:"avatar"`
}

const (
	say    socketio.Event[string]     = "say"
	rename socketio.Call[user, user]  = "rename"
	guess  socketio.Call[int, string] = "guess"
)

func quiet() *socketio.Options { return &socketio.Options{Logger: slog.New(slog.DiscardHandler)} }

// transports runs f over each transport, in a bubble of its own.
func transports(t *testing.T, f func(t *testing.T, transport string)) {
	for _, transport := range []string{WebSocket, Polling, Upgrade} {
		t.Run(transport, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, transport) })
		})
	}
}

func TestClient(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		io := socketio.New(quiet())
		say.On(io.Of("/"), func(_ context.Context, s *socketio.Socket, line string) error { return say.Emit(io, line+"!") })
		rename.On(io.Of("/"), func(ctx context.Context, s *socketio.Socket, u user) (user, error) {
			if u.Name == "" {
				return u, socketio.Errorf("empty_name", "pick a name")
			}
			secret, err := guess.EmitWithAck(ctx, s, 7)
			u.Name += secret
			return u, err
		})
		io.On("file", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
			var b []byte
			if err := r.Scan(&b); err != nil {
				return err
			}
			return r.Ack(append(b, 0xff), map[string]any{"again": b})
		})
		s := Serve(t, io)
		c := s.Connect(&Options{Transport: transport})
		if len(c.ID()) != 20 || c.Namespace() != "/" || !c.Connected() {
			t.Errorf("id %q in %q", c.ID(), c.Namespace())
		}
		if err := say.Emit(c, "hello"); err != nil {
			t.Fatal(err)
		}
		if got := Next(c, say); got != "hello!" {
			t.Errorf("got %q", got)
		}
		Answer(c, guess, func(n int) (string, error) { return strings.Repeat("x", n), nil })
		if u, err := Ask(c, rename, user{Name: "Ann", Avatar: []byte{1, 2}}); err != nil || u.Name != "Annxxxxxxx" || !bytes.Equal(u.Avatar, []byte{1, 2}) {
			t.Errorf("%+v %v", u, err)
		}
		var refused *socketio.Error
		if _, err := Ask(c, rename, user{}); !errors.As(err, &refused) || refused.Code != "empty_name" || refused.Message != "pick a name" {
			t.Error(err)
		}
		var b []byte
		var m map[string]any
		c.Ask("file", []byte{1}).Scan(&b, &m)
		if !bytes.Equal(b, []byte{1, 0xff}) || !bytes.Equal(m["again"].([]byte), []byte{1}) {
			t.Error(b, m)
		}
		want := transport
		if transport == Upgrade {
			want = WebSocket
			time.Sleep(time.Second) // a poll may be held for 100 ms on the way
		}
		synctest.Wait()
		if c.Transport() != want {
			t.Errorf("on %s", c.Transport())
		}
		c.Close()
		synctest.Wait()
		if io.SocketCount() != 0 || c.Disconnected() != "io client disconnect" || say.Emit(c, "x") == nil {
			t.Errorf("%d sockets, %s", io.SocketCount(), c.Disconnected())
		}
	})
}

func TestNamespaces(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		io := socketio.New(quiet())
		admin := io.Of("/admin")
		admin.Use(func(_ context.Context, s *socketio.Socket) error {
			if s.Handshake().Auth()["token"] != "x" {
				return socketio.Errorf("denied", "not you").With(map[string]int{"status": 401})
			}
			return nil
		})
		s := Serve(t, io)
		c := s.Connect(&Options{Transport: transport})
		var refused *ConnectError
		if _, err := c.TryJoin("/admin", nil); !errors.As(err, &refused) || refused.Message != "not you" {
			t.Fatal(err)
		}
		var data struct{ Status int }
		if err := refused.Data.Decode(&data); err != nil || data.Status != 401 || !strings.Contains(refused.Error(), "401") {
			t.Error(refused, err)
		}
		if _, err := c.TryJoin("/nowhere", nil); !errors.As(err, &refused) || refused.Message != "Invalid namespace" {
			t.Error(err)
		}
		a := c.Join("/admin", map[string]string{"token": "x"})
		if err := admin.Emit("news", 1); err != nil {
			t.Fatal(err)
		}
		if got := a.Next("news").String(); got != "news(1)" {
			t.Error(got)
		}
		admin.DisconnectSockets(false)
		if r := a.Disconnected(); r != "io server disconnect" || !c.Connected() {
			t.Error(r)
		}
		if _, err := s.Dial(&Options{Namespace: "/admin", Transport: transport}); !errors.As(err, &refused) {
			t.Error(err)
		}
		c.Disconnect()
		synctest.Wait()
		if n := io.SocketCount(); n != 0 {
			t.Errorf("%d sockets", n)
		}
	})
}

func TestRefusedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.Engine.Transports = []string{Polling}
		s := Serve(t, socketio.New(o))
		var refused *HTTPError
		if _, err := s.Dial(nil); !errors.As(err, &refused) || refused.Status != 400 || !strings.Contains(refused.Body, "Transport unknown") {
			t.Error(err)
		}
		if _, err := s.Dial(&Options{Transport: Polling, Path: "/elsewhere/"}); !errors.As(err, &refused) || refused.Status != 404 {
			t.Error(err)
		}
		if _, err := s.Dial(&Options{Transport: "pigeon"}); err == nil {
			t.Error("a pigeon has arrived")
		}
	})
}

func TestMsgpack(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		o := quiet()
		o.Parser = new(siowire.MsgpackParser)
		io := socketio.New(o)
		rename.On(io.Of("/"), func(_ context.Context, s *socketio.Socket, u user) (user, error) { return u, nil })
		c := Serve(t, io).Connect(&Options{Transport: transport, Parser: new(siowire.MsgpackParser)})
		if u, err := Ask(c, rename, user{"é", []byte{0}}); err != nil || u.Name != "é" || len(u.Avatar) != 1 {
			t.Error(u, err)
		}
	})
}

// TestFaults: what the server makes of a client that is cut off, slow or silent.
func TestFaults(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		var reasons []socketio.DisconnectReason
		io := socketio.New(quiet())
		io.OnDisconnect(func(_ context.Context, s *socketio.Socket, reason socketio.DisconnectReason) {
			reasons = append(reasons, reason)
		})
		s := Serve(t, io)
		connect := func() *Client {
			c := s.Connect(&Options{Transport: transport})
			synctest.Wait() // upgraded
			return c
		}

		c := connect()
		c.Cut()
		if r := c.Disconnected(); r != "transport error" {
			t.Error("client, cut:", r)
		}
		if transport == Polling {
			time.Sleep(time.Minute) // a poll that is gone may be noticed by its heartbeat only
		}
		synctest.Wait()

		c = connect()
		c.StopPongs()
		start := time.Now()
		if !c.await(time.Hour, func() bool { return c.reason != "" }) {
			t.Error("silent for an hour")
		}
		if took := time.Since(start); took > 46*time.Second || took < 20*time.Second {
			t.Errorf("given up after %s", took)
		}
		synctest.Wait()

		c = connect()
		c.Delay(time.Second)
		start = time.Now()
		c.Handle("ping?", func(e *Event) { e.Ack() })
		for sock := range io.Of("/").Sockets() {
			if _, err := sock.EmitWithAck(t.Context(), "ping?"); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start); took < 2*time.Second || took > 6*time.Second {
			t.Errorf("with a delay of 1 s each way it took %s", took)
		}
		c.Delay(0)
		c.Close()
		synctest.Wait()
		if len(reasons) != 3 || reasons[1] != socketio.PingTimeout {
			t.Errorf("%q", reasons)
		}
	})
}

// TestSlowReader: a client that does not read costs only itself.
func TestSlowReader(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		o := quiet()
		o.Engine.MaxQueue = 256 << 10
		io := socketio.New(o)
		s := Serve(t, io)
		slow, well := s.Connect(&Options{Transport: transport}), s.Connect(&Options{Transport: transport})
		synctest.Wait()
		slow.StopReading()
		pad := strings.Repeat("x", 16<<10)
		for i := range 64 {
			if err := io.Emit("seq", i, pad); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		for i := range 64 {
			var n int
			if well.Next("seq").Scan(&n); n != i {
				t.Fatalf("%d instead of %d", n, i)
			}
		}
		if io.SocketCount() != 1 {
			t.Errorf("%d sockets are left", io.SocketCount())
		}
		slow.StartReading()
		if r := slow.Disconnected(); !strings.HasPrefix(r, "transport") {
			t.Error(r)
		}
	})
}

// TestReconnect: with recovery the client comes back to its rooms and to what
// it missed.
func TestReconnect(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		o := quiet()
		o.Recovery = &socketio.Recovery{}
		io := socketio.New(o)
		io.OnConnect(func(_ context.Context, s *socketio.Socket) {
			if !s.Recovered() {
				s.Join("room")
			}
		})
		s := Serve(t, io)
		c := s.Connect(&Options{Transport: transport, Auth: map[string]int{"mine": 1}})
		synctest.Wait() // it has joined the room
		for i := range 3 {
			if err := io.To("room").Emit("n", i); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			c.Next("n")
		}
		id := c.ID()
		c.Cut()
		time.Sleep(50 * time.Second)
		for i := range 2 {
			if err := io.To("room").Emit("n", 3+i); err != nil {
				t.Fatal(err)
			}
		}
		c = c.Reconnect()
		if c.ID() != id {
			t.Errorf("%s became %s", id, c.ID())
		}
		for i := range 2 {
			var n int
			if c.Next("n").Scan(&n); n != 3+i {
				t.Errorf("missed event %d is %d", 3+i, n)
			}
		}
		synctest.Wait()
		if more := c.Events(); len(more) != 0 {
			t.Error("more:", more)
		}
	})
}

func TestRawPacket(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		io := socketio.New(quiet())
		var reason socketio.DisconnectReason
		io.OnDisconnect(func(_ context.Context, s *socketio.Socket, r socketio.DisconnectReason) { reason = r })
		c := Serve(t, io).Connect(&Options{Transport: transport})
		synctest.Wait()
		if err := c.SendRaw(`2["connect"]`); err != nil {
			t.Log(err) // the connection may be closed before a POST is answered
		}
		c.Disconnected()
		synctest.Wait()
		if reason != socketio.ForcedClose {
			t.Errorf("reason %q", reason)
		}
	})
}
