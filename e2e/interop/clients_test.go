package interop

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/zishang520/socket.io/clients/engine/v3/transports"
	"github.com/zishang520/socket.io/clients/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"
	"golang.org/x/net/websocket"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio"
)

// patience is for what must come.
var patience = slow.Stretch(20 * time.Second)

func next[T any](t *testing.T, what string, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("no %s", what)
	}
	return v
}

// The client in Go that is made from the official one: each transport, two
// namespaces, acknowledgements, and the end. Over polling it posts nothing while
// it polls: frequent pings keep it going.
func TestZishang520Client(t *testing.T) {
	for name, set := range map[string]*types.Set[transports.TransportCtor]{
		"polling":   types.NewSet(transports.Polling),
		"websocket": types.NewSet(transports.WebSocket),
		"upgrade":   types.NewSet(transports.Polling, transports.WebSocket),
	} {
		for _, nsp := range []string{"/", "/chat"} {
			t.Run(name+" "+nsp, func(t *testing.T) {
				t.Parallel()
				gone := make(chan socketio.DisconnectReason, 1)
				sio := newServer(t, 200*time.Millisecond, gone)
				serveEcho(t, sio.Of("/chat"), gone)
				ts := httptest.NewServer(sio)
				t.Cleanup(func() {
					ctx, cancel := context.WithTimeout(context.Background(), patience)
					defer cancel()
					if err := sio.Shutdown(ctx); err != nil {
						t.Error(err)
					}
					ts.CloseClientConnections()
					ts.Close()
				})
				opts := socket.DefaultOptions()
				opts.SetTransports(set)
				opts.SetReconnection(false)
				opts.SetForceNew(true)
				opts.SetAutoConnect(false) // what comes at once must find its listener
				welcome := make(chan []any, 1)
				s, err := socket.Connect(ts.URL+strings.TrimSuffix(nsp, "/"), opts)
				if err != nil {
					t.Fatal(err)
				}
				s.On("welcome", func(args ...any) { welcome <- args })
				s.On("connect_error", func(args ...any) { t.Error(args...) })
				s.Connect()
				if got := next(t, "welcome", welcome); fmt.Sprint(got) != "["+nsp+"]" {
					t.Errorf("welcome %v", got)
				}
				for _, v := range []any{"é日本語", 1.5, nil, map[string]any{"a": []any{true}}} {
					answer := make(chan []any, 1)
					if err := s.Emit("echo", v, func(args []any, err error) { answer <- append(args, err) }); err != nil {
						t.Error(err)
					}
					if got := next(t, "answer", answer); fmt.Sprint(got) != fmt.Sprint([]any{v, nil}) {
						t.Errorf("%v: answer %v", v, got)
					}
				}
				s.Disconnect()
				if got := next(t, "disconnect", gone); got != "client namespace disconnect" && got != "transport close" { // it may close before it has said so
					t.Errorf("the server heard %s", string(got))
				}
			})
		}
	}
}

// golang.org/x/net/websocket, which needs an origin and takes no extensions,
// by hand.
func TestXNetWebsocket(t *testing.T) {
	sio := newServer(t, 0, nil)
	ts := httptest.NewServer(sio)
	t.Cleanup(func() {
		if err := sio.Close(); err != nil {
			t.Error(err)
		}
		ts.Close()
	})
	ws, err := websocket.Dial(strings.Replace(ts.URL, "http", "ws", 1)+"/socket.io/?EIO=4&transport=websocket", "", ts.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := ws.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Error(err)
	}
	long := strings.Repeat("日本語 ", 20_000)
	for _, step := range []struct{ send, want string }{
		{"", `0{"sid":`}, {"40", `40{"sid":`}, {"", `42["welcome","/"]`}, {`421["echo",` + `"x"]`, `431["x"]`}, {`422["echo","` + long + `"]`, `432["` + long + `"]`},
	} {
		if step.send != "" {
			if err := websocket.Message.Send(ws, step.send); err != nil {
				t.Fatal(err)
			}
		}
		var got string
		if err := websocket.Message.Receive(ws, &got); err != nil || !strings.HasPrefix(got, step.want) {
			t.Fatalf("%.100s, %v; want %.100s", got, err, step.want)
		}
	}
	if err := ws.Close(); err != nil {
		t.Error(err)
	}
	if _, err := websocket.Dial(strings.Replace(ts.URL, "http", "ws", 1)+"/socket.io/?EIO=4&transport=websocket", "", "https://evil.example"); err == nil {
		t.Error("a foreign origin was let in")
	}
}
