// Command cluster is two Gin applications in one process that are one chat: a
// mesh of two nodes, without a broker. The guide shows it.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/mesh"
)

const Said socketio.Event[string] = "chat message"

// docs:node
// node is one of several servers: what they share is the adapter's backend.
func node(name string, a adapter.Adapter) (*gin.Engine, *socketio.Server) {
	srv := socketio.New(&socketio.Options{
		Cluster:        a,
		ClusterOptions: socketio.ClusterOptions{Name: name},
	})
	Said.On(srv, func(_ context.Context, _ *socketio.Socket, text string) error {
		return Said.Emit(srv, name+" says "+text) // to everybody, on all nodes
	})
	router := gin.New()
	ginio.Mount(router, srv)
	router.GET("/online", func(c *gin.Context) {
		sockets, err := srv.FetchSockets(c) // of all nodes
		if err != nil {
			c.Header("X-Incomplete", err.Error()) // who has not answered; the others are there
		}
		c.JSON(200, len(sockets))
	})
	return router, srv
}

// docs:end

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	nodes := []string{"127.0.0.1:7001", "127.0.0.1:7002"}
	var all sync.WaitGroup
	for i, web := range []string{"127.0.0.1:3001", "127.0.0.1:3002"} {
		a, err := mesh.New(mesh.Options{Nodes: nodes, Listen: nodes[i]})
		if err != nil {
			log.Fatal(err)
		}
		router, srv := node(web, a)
		all.Go(func() {
			if err := ginio.Run(ctx, web, router, srv); err != nil {
				log.Print(err)
			}
		})
	}
	all.Wait()
}
