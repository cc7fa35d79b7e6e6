// Socket.IO beside gin-contrib/cors: the middleware is for the application's own
// routes, Origins for Socket.IO, and both take the same list.
package main

import (
	"log"
	"net/http"

	"github.com/gin-contrib/cors"
	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

func newRouter(origins ...string) *gin.Engine {
	// docs:cors
	r := gin.New()
	srv := socketio.New(&socketio.Options{Engine: socketio.EngineOptions{
		Origins: engineio.OriginList(append(origins, "self")...), // the CORS headers follow from it
	}})
	ginio.Mount(r, srv) // before the middleware: its refusals do not say why

	r.Use(cors.New(cors.Config{AllowOrigins: origins, AllowMethods: []string{"GET", "POST"}}))
	r.GET("/api/time", func(c *gin.Context) { c.String(http.StatusOK, "now") })
	// docs:end
	return r
}

func main() {
	log.Fatal(http.ListenAndServe(":3000", newRouter("http://localhost:5173")))
}
