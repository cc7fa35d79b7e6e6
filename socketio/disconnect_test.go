package socketio_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// TestDisconnectReasons: each way a socket can end has the reference's reason,
// on the server and on the client.
func TestDisconnectReasons(t *testing.T) {
	for _, c := range []struct {
		name   string
		do     func(c *socketiotest.Client, s *socketio.Socket)
		server socketio.DisconnectReason
		client string
	}{
		{"client leaves", func(c *socketiotest.Client, _ *socketio.Socket) { c.Disconnect() }, socketio.ClientNamespaceDisconnect, "io client disconnect"},
		{"server disconnects", func(_ *socketiotest.Client, s *socketio.Socket) { s.Disconnect(false) }, socketio.ServerNamespaceDisconnect, "io server disconnect"},
		{"server closes", func(_ *socketiotest.Client, s *socketio.Socket) { s.Disconnect(true) }, socketio.ServerNamespaceDisconnect, "io server disconnect"},
		{"client goes", func(c *socketiotest.Client, _ *socketio.Socket) { c.Close() }, socketio.TransportClose, "io client disconnect"},
		{"silence", func(c *socketiotest.Client, _ *socketio.Socket) { c.StopPongs() }, socketio.PingTimeout, "transport"},
		{"bad packet", func(c *socketiotest.Client, _ *socketio.Socket) { _ = c.SendRaw("2[}") }, socketio.ForcedClose, "transport"},
		{"no packet for servers", func(c *socketiotest.Client, _ *socketio.Socket) { _ = c.SendRaw(`4{"message":"x"}`) }, socketio.ForcedServerClose, "transport"},
		{"unknown namespace", func(c *socketiotest.Client, _ *socketio.Socket) { _ = c.SendRaw(`2/no,["x"]`) }, socketio.ForcedServerClose, "transport"},
		{"engine closes", func(_ *socketiotest.Client, s *socketio.Socket) { s.Conn().Close("forced close") }, socketio.ForcedClose, "transport"},
		{"shutdown", func(_ *socketiotest.Client, s *socketio.Socket) { _ = s.Server().Shutdown(context.Background()) }, socketio.ServerShuttingDown, "transport"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *socketiotest.Options) {
				var reason socketio.DisconnectReason
				var rooms []string
				calls, handled := 0, 0
				io := socketio.New(quiet())
				io.On("last", func(context.Context, *socketio.Socket, *socketio.Request) error {
					if calls > 0 {
						t.Error("an event after the disconnect")
					}
					handled++
					return nil
				})
				io.OnDisconnecting(func(_ context.Context, s *socketio.Socket, _ socketio.DisconnectReason) { rooms = s.Rooms() })
				io.OnDisconnect(func(ctx context.Context, s *socketio.Socket, r socketio.DisconnectReason) {
					calls++
					reason = r
					if !errors.Is(context.Cause(ctx), r) || s.Connected() {
						t.Errorf("cause %v, connected %v", context.Cause(ctx), s.Connected())
					}
					if io.SocketCount() != 0 || io.Of("/").RoomLen("room") != 0 {
						t.Error("it is still in the index")
					}
				})
				client := socketiotest.Serve(t, io).Connect(o)
				s, _ := io.Of("/").Socket(client.ID())
				if err := s.Join("room"); err != nil {
					t.Fatal(err)
				}
				if err := client.Emit("last"); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				c.do(client, s)
				time.Sleep(50 * time.Second)
				synctest.Wait()
				if reason != c.server || calls != 1 || handled != 1 {
					t.Errorf("reason %q, %d calls, %d events", reason, calls, handled)
				}
				if len(rooms) != 2 || !slices.Contains(rooms, "room") {
					t.Errorf("rooms %q while disconnecting", rooms)
				}
				if r := client.Disconnected(); !strings.HasPrefix(r, c.client) {
					t.Errorf("the client was told %q", r)
				}
				if err := s.Emit("late"); !errors.Is(err, c.server) && !errors.Is(err, socketio.ErrDisconnected) {
					t.Errorf("Emit afterwards: %v", err)
				}
				if err := s.Join("late"); !errors.Is(err, socketio.ErrDisconnected) {
					t.Errorf("Join afterwards: %v", err)
				}
			})
		})
	}
}

// TestServerDisconnectInFlight: what a client sent before it learned of its
// disconnect does not cost it the connection.
func TestServerDisconnectInFlight(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		io.Of("/a")
		c := socketiotest.Serve(t, io).Connect(o)
		a := c.Join("/a", nil)
		a.Delay(time.Second)
		if err := a.Emit("on its way"); err != nil {
			t.Fatal(err)
		}
		io.Of("/a").DisconnectSockets(false)
		if r := a.Disconnected(); r != "io server disconnect" {
			t.Error(r)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if !c.Connected() {
			t.Error("the other namespace was disconnected too")
		}
		c.Join("/a", nil)
	})
}

// TestEventsBeforeDisconnect: what was accepted is handled, in order, before
// the disconnect.
func TestEventsBeforeDisconnect(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		var log []string
		io.On("n", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
			time.Sleep(time.Second)
			log = append(log, r.Arg(0).String())
			return nil
		})
		io.OnDisconnect(func(context.Context, *socketio.Socket, socketio.DisconnectReason) { log = append(log, "end") })
		c := socketiotest.Serve(t, io).Connect(o)
		for i := range 5 {
			if err := c.Emit("n", i); err != nil {
				t.Fatal(err)
			}
		}
		c.Close()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if !slices.Equal(log, []string{"0", "1", "2", "3", "4", "end"}) {
			t.Errorf("%q", log)
		}
	})
}

// TestDynamicNamespaces: made for the first, removed with the last; handlers
// and emits are the parent's.
func TestDynamicNamespaces(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		var made []string
		io.OnNamespace(func(ns *socketio.Namespace) { made = append(made, ns.Name()) })
		parent := io.OfPattern(regexp.MustCompile(`^/room-\d+$`))
		parent.On("where", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
			return r.Ack(s.Namespace().Name())
		})
		io.OfFunc(func(_ context.Context, name string, h *socketio.Handshake) bool {
			return strings.HasPrefix(name, "/tenant/") && h.Auth()["tenant"] == strings.TrimPrefix(name, "/tenant/")
		}).Use(func(_ context.Context, s *socketio.Socket) error {
			if s.Handshake().Auth()["bad"] != nil {
				return socketio.Errorf("", "refused")
			}
			return nil
		})
		s := socketiotest.Serve(t, io)
		c := s.Connect(o)
		one, two := c.Join("/room-1", nil), c.Join("/room-2", nil)
		other := s.Connect(&socketiotest.Options{Namespace: "/room-1", Transport: o.Transport})
		if got := two.Ask("where").String(); got != `ack("/room-2")` {
			t.Error(got)
		}
		if err := parent.Emit("all", 1); err != nil {
			t.Fatal(err)
		}
		if err := io.Of("/room-1").Emit("some", 1); err != nil {
			t.Fatal(err)
		}
		for _, each := range []*socketiotest.Client{one, two, other} {
			each.Next("all")
		}
		one.Next("some")
		other.Next("some")
		synctest.Wait()
		if more := two.Events(); len(more) > 0 {
			t.Error(more)
		}
		for name, auth := range map[string]any{"/room-x": nil, "/tenant/a": map[string]string{"tenant": "b"}, "/tenant/b": nil} {
			var refused *socketiotest.ConnectError
			if _, err := c.TryJoin(name, auth); !errors.As(err, &refused) || refused.Message != "Invalid namespace" {
				t.Errorf("%s: %v", name, err)
			}
		}
		c.Join("/tenant/a", map[string]string{"tenant": "a"}).Disconnect()
		if _, err := c.TryJoin("/tenant/c", map[string]string{"tenant": "c", "bad": "x"}); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Error(err)
		}
		one.Disconnect()
		two.Disconnect()
		other.Close()
		synctest.Wait()
		names := func() (list []string) {
			for ns := range io.Namespaces() {
				list = append(list, ns.Name())
			}
			slices.Sort(list)
			return list
		}
		if got := names(); !slices.Equal(got, []string{"/"}) {
			t.Errorf("left: %q", got)
		}
		c.Join("/room-1", nil)
		if got := names(); !slices.Equal(got, []string{"/", "/room-1"}) {
			t.Errorf("again: %q", got)
		}
		if !slices.Contains(made, "/room-2") || len(made) < 4 {
			t.Errorf("OnNamespace was told of %q", made)
		}
	})
}

// TestConnectTimeout: a connection that joins nothing is closed.
func TestConnectTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		opts := quiet()
		opts.ConnectTimeout = time.Second
		io := socketio.New(opts)
		io.Use(func(context.Context, *socketio.Socket) error { return socketio.Errorf("no", "no") })
		s := socketiotest.Serve(t, io)
		if _, err := s.Dial(o); err == nil {
			t.Fatal("let in")
		}
		slow := socketio.New(opts)
		slow.Use(func(context.Context, *socketio.Socket) error { time.Sleep(5 * time.Second); return nil })
		_, err := socketiotest.Serve(t, slow).Dial(o)
		if err == nil {
			t.Error("let in after the timeout")
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if slow.SocketCount() != 0 || slow.Engine().Len() != 0 || io.Engine().Len() != 0 {
			t.Errorf("%d sockets, %d and %d sessions", slow.SocketCount(), slow.Engine().Len(), io.Engine().Len())
		}
	})
}
