package mesh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/nats"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// backends make three adapters that belong together.
var backends = map[string]func(t *testing.T) []adapter.Adapter{
	"mesh": func(t *testing.T) (list []adapter.Adapter) {
		at := free(t, 3)
		for i := range at {
			a, err := New(Options{Nodes: at, Listen: at[i], Secret: []byte("a secret"), Logger: quiet()})
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, a)
		}
		return list
	},
	"nats": func(t *testing.T) (list []adapter.Adapter) {
		s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() {
			s.Shutdown()
			s.WaitForShutdown()
		})
		if !s.ReadyForConnections(slow.Stretch(10 * time.Second)) {
			t.Fatal("the NATS server does not start")
		}
		for range 3 {
			a, err := nats.New(nats.Options{Servers: []string{s.Addr().String()}, Logger: quiet()})
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, a)
		}
		return list
	},
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(slow.Stretch(20 * time.Second))
	for !ok() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%s: never", what)
		}
	}
}

// Three servers are one, over real connections.
func TestServers(t *testing.T) {
	for name, adapters := range backends {
		t.Run(name, func(t *testing.T) {
			var servers []*socketio.Server
			var clients []*socketiotest.Client
			for i, a := range adapters(t) {
				opts := &socketio.Options{Cluster: a, Logger: quiet()}
				opts.ClusterOptions.Name = fmt.Sprint("node ", i)
				srv := socketio.New(opts)
				srv.On("join", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
					return errors.Join(s.Join("own"), r.Ack())
				})
				if err := srv.Of("/").OnServerSide("who", func(_ context.Context, r *socketio.Request) error { return r.Ack(i) }); err != nil {
					t.Fatal(err)
				}
				servers = append(servers, srv)
				c := socketiotest.Serve(t, srv).Connect(nil)
				c.Handle("ask", func(e *socketiotest.Event) { e.Ack(i) })
				clients = append(clients, c)
			}
			for _, srv := range servers {
				eventually(t, "three nodes", func() bool {
					status, ok := srv.Cluster()
					return ok && status.Connected && status.Backend == name && status.Nodes == 3
				})
				eventually(t, "three sockets", func() bool {
					sockets, err := srv.FetchSockets(t.Context())
					return err == nil && len(sockets) == 3
				})
			}
			// A join here, and what follows it, elsewhere: in order, at once.
			for i := range 20 {
				room := fmt.Sprint("room ", i)
				servers[0].In(clients[1].ID()).SocketsJoin(room)
				if err := servers[0].To(room).Emit("hello", i); err != nil {
					t.Fatal(err)
				}
				var n int
				if clients[1].Next("hello").Scan(&n); n != i {
					t.Errorf("%s: hello %d", room, n)
				}
			}
			// Its own server's room, once the others have heard of it.
			clients[2].Ask("join")
			eventually(t, "a broadcast to a room of another node", func() bool {
				if err := servers[1].To("own").Emit("to own"); err != nil {
					t.Fatal(err)
				}
				return slices.ContainsFunc(clients[2].Events(), func(e *socketiotest.Event) bool { return e.Name == "to own" })
			})
			answers := 0
			for _, err := range servers[0].EmitWithAck(t.Context(), "ask") {
				if err != nil {
					t.Error(err)
				}
				answers++
			}
			if answers != 3 {
				t.Errorf("%d clients answer", answers)
			}
			acks, err := servers[0].Of("/").ServerSideEmitWithAck(t.Context(), "who")
			if err != nil || len(acks) != 2 {
				t.Errorf("%d servers answer, %v", len(acks), err)
			}
			servers[2].In(clients[0].ID()).DisconnectSockets(true)
			eventually(t, "a client less", func() bool { return !clients[0].Connected() })
			ctx, cancel := context.WithTimeout(t.Context(), slow.Stretch(10*time.Second))
			defer cancel()
			if err := servers[1].Shutdown(ctx); err != nil {
				t.Error(err)
			}
			for _, srv := range []*socketio.Server{servers[0], servers[2]} {
				eventually(t, "two nodes, as soon as one has said goodbye", func() bool {
					status, _ := srv.Cluster()
					return status.Nodes == 2
				})
			}
			stats := servers[2].Stats().Cluster
			refused := uint64(0)
			for _, n := range stats.Malformed {
				refused += n
			}
			if stats.Missed+stats.Duplicates+refused+uint64(len(stats.Dropped)) != 0 {
				t.Errorf("%+v", *stats)
			}
		})
	}
}
