package main

import (
	"net/http"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/inspect"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/metrics"
)

// operated mounts the inspection, and lets ../ops switch on and off what watches:
// /debug/ops?metrics=on has metrics watch, metrics=off ends that, and either
// forgets who has looked at the inspection.
func operated(app *gin.Engine, io *socketio.Server) {
	in := inspect.Mount(app, "/inspect/", io, nil)
	var mu sync.Mutex
	var m *metrics.Metrics
	app.GET("/debug/ops", func(c *gin.Context) {
		mu.Lock()
		defer mu.Unlock()
		in.Close()
		switch on := c.Query("metrics") == "on"; {
		case on && m == nil:
			m = metrics.New(io, nil)
		case !on && m != nil:
			m.Close()
			m = nil
		}
		c.Status(http.StatusNoContent)
	})
}
