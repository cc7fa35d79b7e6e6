package namespaces

import (
	"context"
	"encoding/json"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/websocket"
)

// Echo answers each event "echo" with what came with it, whatever that is.
func Echo(ns *socketio.Namespace) {
	polite(ns, 20, 40)
	ns.On("echo", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
		return r.Ack(r.Arg(0))
	})
}

// EchoSocket says back what it hears over a plain WebSocket, text and binary.
func EchoSocket() websocket.Endpoint {
	return websocket.Endpoint{
		OnMessage: func(c *websocket.Conn, data []byte, binary bool) {
			_ = c.SendMessage(data, binary) // who does not read is closed, and counted
		},
	}
}

// Append is the answer for a page that adds it to itself.
type Append struct {
	Append     bool   `json:"append"`
	ReturnText string `json:"returnText"`
}

// AppendSocket answers each message with an Append of its text.
func AppendSocket() websocket.Endpoint {
	return websocket.Endpoint{
		OnMessage: func(c *websocket.Conn, data []byte, _ bool) {
			answer, err := json.Marshal(Append{true, string(data)})
			if err != nil {
				_ = c.Close(1011, "cannot answer") // not reached: strings can be encoded
				return
			}
			_ = c.Send(string(answer))
		},
	}
}
