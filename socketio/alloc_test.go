//go:build !race

package socketio

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// These tests do not run under the race detector, where sync.Pool forgets at
// random.

// audience is a server with clients in the root namespace that read and throw
// away.
func audience(t *testing.T, clients int) *Server {
	t.Helper()
	srv := New(&Options{Engine: EngineOptions{PingInterval: -1}})
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
