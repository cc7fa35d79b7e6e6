//go:build linux

// Command floor answers the load generator with WebSocket frames and the
// bytes as they came: no JSON is decoded, no limit kept, and hardly an input
// checked. It shows what a Go server could cost at the least on this machine;
// it is nothing to build on. PORT says where to listen.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/gin-gonic/gin"
)

func main() {
	impl := flag.String("impl", "lean", "lean: a goroutine per connection without a buffer; epoll: no goroutine while idle; "+
		"gws: the library of that name (also TLS); polling: long-polling on net/http; rawpoll: on bare sockets")
	flag.Parse()
	h := newHub()
	var serve http.HandlerFunc
	switch *impl {
	case "lean":
		serve = leanHandler(h)
	case "epoll":
		serve = epollHandler(h)
	case "gws":
		serve = gwsHandler(h)
	case "polling":
		serve = pollingHandler(h)
	case "rawpoll":
	default:
		fmt.Fprintln(os.Stderr, "floor: unknown -impl", *impl)
		os.Exit(2)
	}
	go h.pings()

	gin.SetMode(gin.ReleaseMode)
	app := gin.New()
	app.GET("/socket.io/", func(c *gin.Context) { serve(c.Writer, c.Request) })
	app.POST("/socket.io/", func(c *gin.Context) { serve(c.Writer, c.Request) })
	app.GET("/debug/mem", memory)
	ln, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	switch cert := os.Getenv("TLS_CERT"); {
	case *impl == "rawpoll":
		s := &rawPolls{h: h, peers: map[string]*rawPollPeer{}}
		err = s.listen(ln)
	case cert != "": // not for lean and epoll, which need the bare socket
		err = http.ServeTLS(ln, app, cert, os.Getenv("TLS_KEY"))
	default:
		err = http.Serve(ln, app)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// memory reports how the process's memory splits; gc=1 collects first.
func memory(c *gin.Context) {
	if c.Query("gc") != "" {
		runtime.GC()
	}
	if c.Query("free") != "" {
		debug.FreeOSMemory()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	c.JSON(http.StatusOK, map[string]any{
		"goroutines": runtime.NumGoroutine(), "heap_alloc": m.HeapAlloc, "heap_inuse": m.HeapInuse,
		"heap_idle": m.HeapIdle - m.HeapReleased, "stack_inuse": m.StackInuse, "sys": m.Sys,
		"other_sys": m.OtherSys + m.MSpanSys + m.MCacheSys + m.GCSys, "gcs": m.NumGC, "statm": string(statm),
	})
}
