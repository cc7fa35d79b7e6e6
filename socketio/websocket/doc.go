// Package websocket serves plain WebSocket endpoints, for programs and pages
// that do not speak Socket.IO, beside Socket.IO and on the same ground: idle
// connections cost no goroutine, input is bounded, and a client that does not
// read costs only itself.
//
//	ws := websocket.New(nil)
//	mux.Handle("/echo", ws.Handle(websocket.Endpoint{
//		OnMessage: func(c *websocket.Conn, data []byte, binary bool) {
//			_ = c.SendMessage(data, binary)
//		},
//	}))
//
// The handler that Handle returns fits any router; in Gin it is
// r.GET("/echo", gin.WrapH(h)).
//
// # Order and concurrency
//
// The functions of an [Endpoint] run one at a time for each connection: OnOpen,
// then OnMessage for each message in order, then OnClose, once. They may block:
// no other connection waits. The methods of [Conn] may be called from any
// goroutine.
package websocket
