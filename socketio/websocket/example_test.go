package websocket_test

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/sockeye-io/sockeye/socketio/websocket"
)

// A clock for programs that do not speak Socket.IO, with an echo beside it.
func Example() {
	ws := websocket.New(nil)
	defer ws.Close()

	http.Handle("/clock", ws.Handle(websocket.Endpoint{
		OnOpen: func(c *websocket.Conn, r *http.Request) {
			c.Go(func(ctx context.Context) { // ends with the connection
				for tick := time.Tick(time.Second); ; {
					select {
					case now := <-tick:
						_ = c.Send(now.Format(time.TimeOnly)) // who does not read is closed, and counted
					case <-ctx.Done():
						return
					}
				}
			})
		},
		OnClose: func(c *websocket.Conn, code int, reason string) {
			log.Printf("%s left with %d %q", c.RemoteAddr(), code, reason)
		},
	}))
	http.Handle("/echo", ws.Handle(websocket.Endpoint{
		OnMessage: func(c *websocket.Conn, data []byte, binary bool) { _ = c.SendMessage(data, binary) },
	}))
	log.Fatal(http.ListenAndServe("localhost:3000", nil))
}
