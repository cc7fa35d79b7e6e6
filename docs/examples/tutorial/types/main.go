// The tutorial on types: a server and a page that share one contract.
package main

import (
	"context"
	"embed"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/server/clientdist"
	"github.com/sockeye-io/sockeye/socketio"
)

//go:embed index.html chat.js
var page embed.FS

func main() {
	addr := flag.String("addr", "localhost:3000", "where to listen")
	flag.Parse()

	srv := socketio.New(&socketio.Options{Client: clientdist.FS()})
	chat(srv)

	router := gin.New()
	ginio.Mount(router, srv) // at /socket.io/, the browser's side too
	router.GET("/", func(c *gin.Context) { c.FileFromFS("/", http.FS(page)) })
	router.StaticFileFS("/chat.js", "chat.js", http.FS(page))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.Print("open http://", *addr)
	if err := ginio.Run(ctx, *addr, router, srv); err != nil {
		log.Fatal(err)
	}
}
