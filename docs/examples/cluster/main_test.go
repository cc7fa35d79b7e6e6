package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/internal/freeport"
	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/mesh"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// Clients of two Gin applications are in one chat.
func TestTwoNodes(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	var addresses []string
	for range 2 {
		addresses = append(addresses, freeport.Reserve(t))
	}
	var routers []*gin.Engine
	var servers []*socketio.Server
	var clients []*socketiotest.Client
	for i, name := range []string{"left", "right"} {
		a, err := mesh.New(mesh.Options{Nodes: addresses, Listen: addresses[i], Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		router, srv := node(name, a)
		t.Cleanup(func() {
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
		})
		routers, servers = append(routers, router), append(servers, srv)
		clients = append(clients, socketiotest.Serve(t, router).Connect(nil))
	}
	deadline := time.After(slow.Stretch(20 * time.Second))
	for tick := time.NewTicker(10 * time.Millisecond); ; <-tick.C {
		a, _ := servers[0].Cluster()
		if b, _ := servers[1].Cluster(); a.Nodes == 2 && b.Nodes == 2 {
			break
		}
		select {
		case <-deadline:
			t.Fatal("waited in vain until both know of each other")
		default:
		}
	}
	for i, text := range []string{"left says hello", "right says hello"} {
		if err := clients[i].Emit("chat message", "hello"); err != nil {
			t.Fatal(err)
		}
		for j, c := range clients {
			var got string
			if c.Next("chat message").Scan(&got); got != text {
				t.Errorf("client %d heard %q, want %q", j, got, text)
			}
		}
	}
	w := httptest.NewRecorder()
	routers[0].ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/online", nil))
	if w.Body.String() != "2" {
		t.Errorf("online: %s", w.Body)
	}
}
