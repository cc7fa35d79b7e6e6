package main

import (
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/gin-gonic/gin"
)

// memory tells how the process's memory splits, in bytes; gc=1 collects
// garbage first, free=1 also gives what is free back to the system.
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
		statm = nil // not on Linux
	}
	c.JSON(http.StatusOK, gin.H{
		"goroutines": runtime.NumGoroutine(),
		"heap_alloc": m.HeapAlloc, "heap_inuse": m.HeapInuse, "heap_objects": m.HeapObjects,
		"heap_idle": m.HeapIdle - m.HeapReleased, "stack_inuse": m.StackInuse, "sys": m.Sys,
		"other_sys": m.OtherSys + m.MSpanSys + m.MCacheSys + m.GCSys + m.BuckHashSys,
		"gcs":       m.NumGC, "statm": string(statm),
	})
}

// profiles serves net/http/pprof at its usual place.
func profiles(app *gin.Engine) {
	app.GET("/debug/pprof/profile", gin.WrapF(pprof.Profile))
	app.GET("/debug/pprof/trace", gin.WrapF(pprof.Trace))
	app.GET("/debug/pprof/symbol", gin.WrapF(pprof.Symbol))
	for _, name := range []string{"heap", "allocs", "goroutine", "mutex", "block", "threadcreate"} {
		app.GET("/debug/pprof/"+name, gin.WrapH(pprof.Handler(name)))
	}
}
