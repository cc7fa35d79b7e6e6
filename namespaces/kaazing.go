package namespaces

import (
	"fmt"
	"net/http"
	"time"

	"github.com/sockeye-io/sockeye/socketio/websocket"
)

// KaazingProtocol is the sub-protocol of KaazingSocket.
const KaazingProtocol = "com.kaazing.echo"

// KaazingSocket answers text with itself and the time in Unix milliseconds, to
// those who speak its sub-protocol. Others are told what is missing with code
// 4406; browsers that have offered something else do not even get that far,
// because none of it is chosen.
func KaazingSocket() websocket.Endpoint {
	return websocket.Endpoint{
		Protocols: []string{KaazingProtocol},
		OnOpen: func(c *websocket.Conn, _ *http.Request) {
			if c.Protocol() == "" {
				_ = c.Close(4406, "offer the sub-protocol "+KaazingProtocol) // it may be gone already
			}
		},
		OnMessage: func(c *websocket.Conn, data []byte, binary bool) {
			if binary {
				_ = c.Close(1003, "text only")
				return
			}
			_ = c.Send(fmt.Sprintf("客户端发送的信息：%s,%d", data, time.Now().UnixMilli()))
		},
	}
}
