// Command gin is a chat in 35 lines: Socket.IO in a Gin application. The
// README shows it.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/gin-gonic/gin"
	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/server/clientdist"
	"github.com/sockeye-io/sockeye/socketio"
)

const Said socketio.Event[string] = "chat message" // one payload, a string

func main() {
	srv := socketio.New(&socketio.Options{Client: clientdist.FS()})
	Said.On(srv, func(ctx context.Context, s *socketio.Socket, text string) error {
		name, _ := ginio.Value[string](ctx, "name")
		return Said.Emit(srv, name+": "+text) // to everybody
	})

	router := gin.Default()
	router.Use(func(c *gin.Context) { c.Set("name", c.Query("name")) }) // your session or JWT
	ginio.Mount(router, srv)
	router.StaticFile("/", "index.html")

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := ginio.Run(ctx, ":3000", router, srv); err != nil { // stops quietly when ctx ends
		log.Print(err)
	}
}
