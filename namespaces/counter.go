package namespaces

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/websocket"
)

// What the counter hears and says.
const (
	CounterStart socketio.Event[socketio.None] = "start"
	CounterCount socketio.Event[int]           = "count"
)

// Counter counts for each socket that asks, once a second, until it leaves.
func Counter(ns *socketio.Namespace) {
	CounterStart.On(ns, func(ctx context.Context, s *socketio.Socket, _ socketio.None) error {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for n := 0; ; n++ { // a handler may take its time: nobody else waits for it
			if err := CounterCount.Emit(s, n); err != nil {
				return nil // it has left
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
		}
	})
}

// CounterSocket is the same over a plain WebSocket: it counts from the start
// and stops when it hears "close" or the connection closes.
func CounterSocket() websocket.Endpoint {
	return websocket.Endpoint{
		OnOpen: func(c *websocket.Conn, _ *http.Request) {
			c.Go(func(ctx context.Context) { // beside, so that messages are heard meanwhile
				tick := time.NewTicker(time.Second)
				defer tick.Stop()
				for n := 0; c.Send(strconv.Itoa(n)) == nil; n++ {
					select {
					case <-tick.C:
					case <-ctx.Done():
						return
					}
				}
			})
		},
		OnMessage: func(c *websocket.Conn, data []byte, _ bool) {
			if string(data) == "close" {
				_ = c.Close(1000, "as you wish") // it may be closing already
			}
		},
	}
}
