// Command zishang520 is github.com/zishang520/socket.io (Go) as a server for
// the load generator. PORT says where to listen.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"

	"github.com/zishang520/socket.io/servers/socket/v3"
)

func main() {
	io := socket.NewServer(nil, nil)
	err := io.On("connection", func(clients ...any) {
		c := clients[0].(*socket.Socket)
		on(c, "echo", func(args []any, ack func(...any)) { ack(args...) })
		on(c, "broadcast", func(args []any, _ func(...any)) { io.Emit("broadcast", args...) })
		on(c, "join", func(args []any, ack func(...any)) {
			c.Join(socket.Room(args[0].(string)))
			ack()
		})
		on(c, "room", func(args []any, _ func(...any)) {
			report(io.To(socket.Room(args[0].(string))).Emit("room", args[1:]...))
		})
	})
	if err != nil {
		fail(err)
	}
	http.Handle("/socket.io/", io.ServeHandler(nil))
	http.HandleFunc("/debug/mem", memory)
	fail(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

// on splits the client's ack, which the library passes as the last argument,
// from the event's arguments.
func on(c *socket.Socket, event string, h func(args []any, ack func(...any))) {
	report(c.On(event, func(args ...any) {
		ack := func(...any) {}
		if n := len(args); n > 0 {
			if answer, ok := args[n-1].(socket.Ack); ok {
				args, ack = args[:n-1], func(values ...any) { answer(values, nil) }
			}
		}
		h(args, ack)
	}))
}

func report(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func fail(err error) {
	report(err)
	os.Exit(1)
}

// memory reports how the process's memory splits; gc=1 collects first.
func memory(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("gc") != "" {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	report(json.NewEncoder(w).Encode(map[string]uint64{
		"goroutines": uint64(runtime.NumGoroutine()), "heap_alloc": m.HeapAlloc,
		"heap_inuse": m.HeapInuse, "stack_inuse": m.StackInuse, "sys": m.Sys,
	}))
}
