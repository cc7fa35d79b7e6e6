//go:build !race

package socketio

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// These tests do not run under the race detector, where sync.Pool forgets at
// random.

// audience is a server with clients in the root namespace that read and throw
// away.
func audience(t *testing.T, clients int) *Server {
	t.Helper()
	return audienceOf(t, New(&Options{Engine: EngineOptions{PingInterval: -1}}), clients)
}

// audienceOf are the same of a server.
func audienceOf(t *testing.T, srv *Server, clients int) *Server {
	t.Helper()
	joined := make(chan struct{}, clients)
	srv.OnConnect(func(context.Context, *Socket) { joined <- struct{}{} })
	hs := httptest.NewServer(srv)
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		hs.Close()
	})
	for range clients {
		c, err := net.Dial("tcp", hs.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := fmt.Fprint(c, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"+
			"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		// One byte of the answer, so that nothing is sent ahead of it.
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(ws.AppendMaskedFrame(nil, ws.Text, []byte("40"), [4]byte{1, 2, 3, 4})); err != nil {
			t.Fatal(err)
		}
		go io.Copy(io.Discard, c) // until the end of the test
		<-joined
	}
	return srv
}

// TestBroadcastAllocations: what a broadcast allocates does not depend on how
// many get it.
func TestBroadcastAllocations(t *testing.T) {
	cost := func(clients int) float64 {
		srv := audience(t, clients)
		sockets := make([]*Socket, 0, clients)
		for s := range srv.Of("/").Sockets() {
			sockets = append(sockets, s)
		}
		if len(sockets) != clients {
			t.Fatalf("%d sockets", len(sockets))
		}
		args := []any{"some news"}
		return testing.AllocsPerRun(100, func() {
			if err := srv.Emit("news", args...); err != nil {
				t.Error(err)
			}
			for _, s := range sockets {
				for s.Buffered() > 0 { // memory comes back when it has left
					runtime.Gosched()
				}
			}
		})
	}
	few, many := cost(10), cost(300)
	if few > 8 || many > few+1 {
		t.Errorf("%v allocations for 10 clients, %v for 300", few, many)
	}
}

// wire is a broker that never says anything by itself.
type wire struct{ to adapter.Inbox }

func (w *wire) Traits() adapter.Traits { return adapter.Traits{Name: "wire", Ordered: true} }

func (w *wire) Start(_ context.Context, _ adapter.Node, in adapter.Inbox) error {
	w.to = in
	in.State(adapter.State{Connection: adapter.Up, At: time.Now()})
	return nil
}
func (w *wire) Publish(*adapter.Message) error { return nil }
func (w *wire) Lane(*adapter.Message) uint32   { return 0 }
func (w *wire) Interest(...adapter.Interest)   {}
func (w *wire) Stats() adapter.Stats           { return adapter.Stats{} }
func (w *wire) Close(context.Context) error    { return nil }

// TestClusterDeliveryAllocations: nor does what a broadcast of another node
// allocates here. One that nobody here is for costs none.
func TestClusterDeliveryAllocations(t *testing.T) {
	cost := func(clients int, rooms ...string) float64 {
		w := &wire{}
		srv := audienceOf(t, New(&Options{Engine: EngineOptions{PingInterval: -1}, Cluster: w}), clients)
		sockets := slices.Collect(srv.Of("/").Sockets())
		m := adapter.Message{Kind: adapter.Broadcast, From: "0123456789abcdef", NS: "/", Rooms: rooms, Data: adapter.Data{Text: []byte(`["news","some news"]`)}}
		if len(rooms) > 0 {
			m.Skipped, m.Data = true, adapter.Data{}
		}
		sent := srv.Stats().Sent
		all := testing.AllocsPerRun(100, func() {
			m.Seq++
			w.to.Message(&m)
			for _, s := range sockets {
				for s.Buffered() > 0 {
					runtime.Gosched()
				}
			}
		})
		if got := srv.Stats().Sent - sent; len(rooms) == 0 && got != uint64(101*clients) {
			t.Errorf("%d of %d were sent", got, 101*clients)
		}
		return all
	}
	few, many, none := cost(10), cost(300), cost(1, "a room of nobody")
	if few > 8 || many > few+1 || none > 0 {
		t.Errorf("%v allocations for 10 clients, %v for 300, %v for none", few, many, none)
	}
}

// TestIgnoredEventAllocations: an event that nobody handles costs none, though
// it has waited for its turn to be asked about.
func TestIgnoredEventAllocations(t *testing.T) {
	srv := audience(t, 1)
	for s := range srv.Of("/").Sockets() {
		packet := []byte(`2["nobody listens",{"to":"this"},[1,2,3]]`)
		if n := testing.AllocsPerRun(100, func() {
			for range 3 {
				s.conn.Receive(packet, false)
			}
			s.conn.Served()
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
	if n := srv.Stats().EventsIn; n < 100 {
		t.Errorf("%d events were seen", n)
	}
}
