// Command after is the application of before, on Sockeye.
package main

import (
	"errors"
	"log"
	"net/http"

	"github.com/gin-gonic/gin"
	socketio "github.com/googollee/go-socket.io"

	"github.com/sockeye-io/sockeye/googollee"
)

// rooms registers the handlers of the chat.
func rooms(server *googollee.Server) {
	server.OnConnect("/", func(c socketio.Conn) error {
		c.SetContext("")
		return nil
	})
	server.OnEvent("/", "notice", func(c socketio.Conn, text string) {
		c.Emit("reply", "have "+text)
	})
	server.OnEvent("/chat", "join", func(c socketio.Conn, room string) int {
		c.Join(room)
		server.BroadcastToRoom("/chat", room, "joined", c.ID())
		return server.RoomLen("/chat", room)
	})
	server.OnEvent("/chat", "msg", func(c socketio.Conn, room, text string) (string, error) {
		if text == "" {
			return "", errors.New("nothing to say")
		}
		server.BroadcastToRoom("/chat", room, "msg", text)
		return "recv " + text, nil
	})
	server.OnError("/", func(c socketio.Conn, err error) { log.Println("error:", err) })
	server.OnDisconnect("/", func(c socketio.Conn, reason string) { log.Println("gone:", reason) })
}

func main() {
	server := googollee.NewServer(nil)
	rooms(server)
	go func() { log.Println("serve:", server.Serve()) }()
	defer server.Close()

	router := gin.Default()
	router.GET("/socket.io/*any", gin.WrapH(server))
	router.POST("/socket.io/*any", gin.WrapH(server))
	log.Println(http.ListenAndServe("127.0.0.1:8000", router))
}
