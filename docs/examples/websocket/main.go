// Command websocket is a small chat over plain WebSocket, as one would write it
// with gorilla/websocket or melody, in a Gin application.
package main

import (
	"log"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/socketio/websocket"
)

// docs:hub
// hub is who is connected. Sending never blocks, so one lock is enough.
type hub struct {
	mu    sync.Mutex
	conns map[*websocket.Conn]string // to a name
}

func (h *hub) open(c *websocket.Conn, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns[c] = r.URL.Query().Get("name")
}

func (h *hub) say(c *websocket.Conn, data []byte, _ bool) {
	h.mu.Lock()
	line := h.conns[c] + ": " + string(data)
	all := slices.Collect(maps.Keys(h.conns))
	h.mu.Unlock()
	for _, other := range all {
		_ = other.Send(line) // who is gone, or too slow, is told so by OnClose
	}
}

func (h *hub) close(c *websocket.Conn, _ int, _ string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
}

// docs:end

func main() {
	// docs:mount
	ws := websocket.New(nil)
	h := &hub{conns: map[*websocket.Conn]string{}}
	router := gin.Default()
	router.GET("/chat", gin.WrapH(ws.Handle(websocket.Endpoint{OnOpen: h.open, OnMessage: h.say, OnClose: h.close})))
	// docs:end
	log.Println(http.ListenAndServe("127.0.0.1:8000", router))
	log.Println(ws.Close())
}
