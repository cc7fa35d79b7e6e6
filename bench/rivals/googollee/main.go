// Command googollee is github.com/googollee/go-socket.io (archived; Engine.IO 3,
// so run the generator with -eio 3) as a server for the load generator. PORT
// says where to listen.
//
// ENGINE=sockeye runs the same handlers on Sockeye's package googollee.
// ECHO=string has echo take and answer a string, ECHO=any an interface{};
// otherwise it takes any JSON as a type that decodes and encodes itself.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"time"

	socketio "github.com/googollee/go-socket.io"
	"github.com/googollee/go-socket.io/engineio"
	"github.com/googollee/go-socket.io/engineio/transport"
	"github.com/googollee/go-socket.io/engineio/transport/polling"
	"github.com/googollee/go-socket.io/engineio/transport/websocket"

	"github.com/sockeye-io/sockeye/googollee"
)

func main() {
	anyOrigin := func(*http.Request) bool { return true }
	opts := &engineio.Options{
		PingInterval: 25 * time.Second,
		PingTimeout:  60 * time.Second,
		Transports: []transport.Transport{
			&polling.Transport{CheckOrigin: anyOrigin},
			&websocket.Transport{CheckOrigin: anyOrigin},
		},
	}
	var s server = socketio.NewServer(opts)
	if os.Getenv("ENGINE") == "sockeye" {
		s = googollee.NewServer(opts)
	}
	s.OnConnect("/", func(c socketio.Conn) error {
		c.Join("all")
		return nil
	})
	s.OnError("/", func(socketio.Conn, error) {})
	s.OnDisconnect("/", func(socketio.Conn, string) {})
	switch os.Getenv("ECHO") {
	case "string":
		s.OnEvent("/", "echo", func(_ socketio.Conn, v string) string { return v })
	case "any":
		s.OnEvent("/", "echo", func(_ socketio.Conn, v interface{}) interface{} { return v })
	default:
		s.OnEvent("/", "echo", func(_ socketio.Conn, v value) value { return v })
	}
	s.OnEvent("/", "broadcast", func(_ socketio.Conn, v value) {
		s.BroadcastToRoom("/", "all", "broadcast", v)
	})
	s.OnEvent("/", "join", func(c socketio.Conn, room string) string { c.Join(room); return "" })
	s.OnEvent("/", "room", func(_ socketio.Conn, room string, v value) {
		s.BroadcastToRoom("/", room, "room", v)
	})
	go func() {
		if err := s.Serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}()
	http.Handle("/socket.io/", s)
	http.HandleFunc("/debug/mem", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("gc") != "" {
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		err := json.NewEncoder(w).Encode(map[string]uint64{
			"goroutines": uint64(runtime.NumGoroutine()), "heap_alloc": m.HeapAlloc,
			"heap_inuse": m.HeapInuse, "stack_inuse": m.StackInuse, "sys": m.Sys,
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

// server is what both have.
type server interface {
	http.Handler
	OnConnect(namespace string, f func(socketio.Conn) error)
	OnDisconnect(namespace string, f func(socketio.Conn, string))
	OnError(namespace string, f func(socketio.Conn, error))
	OnEvent(namespace, event string, f interface{})
	BroadcastToRoom(namespace, room, event string, args ...interface{}) bool
	Serve() error
}

// value is whatever JSON the client sends, decoded and encoded again.
type value struct{ v any }

func (x *value) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &x.v) }
func (x value) MarshalJSON() ([]byte, error)  { return json.Marshal(x.v) }
