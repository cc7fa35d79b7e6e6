// Command gin is a chat in 25 lines: Socket.IO in a Gin application. The
// README shows it.
package main

import (
	"context"
	"log"
	"os"

	"github.com/gin-gonic/gin"
	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/socketio"
)

const Said socketio.Event[string] = "chat message" // one payload, a string

func main() {
	io := socketio.New(&socketio.Options{Client: os.DirFS("node_modules/socket.io-client/dist")})
	Said.On(io, func(ctx context.Context, s *socketio.Socket, text string) error {
		name, _ := ginio.Value[string](ctx, "name")
		return Said.Emit(io, name+": "+text) // to everybody
	})

	router := gin.Default()
	router.Use(func(c *gin.Context) { c.Set("name", c.Query("name")) }) // your session or JWT
	ginio.Mount(router, io)
	router.StaticFile("/", "index.html")
	log.Fatal(router.Run(":3000"))
}
