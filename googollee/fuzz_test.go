package googollee_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	socketio "github.com/googollee/go-socket.io"
	"github.com/googollee/go-socket.io/parser"
	"github.com/sockeye-io/sockeye/googollee"
)

// argumentHandlers have parameters of every kind that arguments are decoded into.
var argumentHandlers = []any{
	func(socketio.Conn, string, int) {},
	func(socketio.Conn, *string, ...float64) []byte { return nil },
	func(_ socketio.Conn, v any) any { return v },
	func(socketio.Conn, []byte, map[string]any, [2]bool) {},
	func(_ socketio.Conn, b parser.Buffer) *parser.Buffer { return &b },
	func(_ socketio.Conn, b []*parser.Buffer) []*parser.Buffer { return b },
	func(_ socketio.Conn, b map[string]parser.Buffer) map[string]parser.Buffer { return b },
	func(_ socketio.Conn, f struct {
		Name  string
		Parts [][]parser.Buffer
		Any   any
		Next  *struct{ B *parser.Buffer }
	}) string {
		return f.Name
	},
}

// FuzzArguments: whatever arguments an event has, and whatever its handler wants,
// nothing panics, and the next event is handled or the connection has ended.
func FuzzArguments(f *testing.F) {
	for i, s := range []string{
		`"a",1`, `"a",1,2.5,1e9`, `{"a":[1,{"_placeholder":true,"num":0}]}`, `"YQ==",{},[true,false]`, `{"_placeholder":true,"num":0}`,
		`[{"_placeholder":true,"num":0},null,{"_placeholder":true,"num":0}]`, `{"a":{"_placeholder":true,"num":1},"b":{"type":"Buffer","data":[1]}}`,
		`{"Name":"x","Parts":[[{"_placeholder":true,"num":0}]],"Next":{"B":{"_placeholder":true,"num":-1}}}`,
	} {
		f.Add(uint8(i), s, false)
		f.Add(uint8(i), s, true)
	}
	var panics panicCounter
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&panics, nil)))
	f.Cleanup(func() { slog.SetDefault(before) })
	f.Fuzz(func(t *testing.T, which uint8, args string, binary bool) {
		s := googollee.NewServer(nil)
		defer s.Close()
		s.OnEvent("/", "done", func(c socketio.Conn) { c.Emit("done") })
		s.OnEvent("/", "event", argumentHandlers[int(which)%len(argumentHandlers)])
		c := dial(t, s, 4, "")
		body := fmt.Sprintf(`420["event",%s]`, args)
		if binary {
			body = fmt.Sprintf(`451-0["event",%s]`, args) + "\x1eb" + base64.StdEncoding.EncodeToString([]byte("data"))
		}
		c.do(t.Context(), "POST", body)                  // it may be refused
		c.do(t.Context(), "POST", `42["done"]`)          // so may this, then
		for p := c.next(); p != "closed"; p = c.next() { // it fails if nothing comes
			if p == `2["done"]` {
				break
			}
		}
		if n := panics.n.Load(); n != 0 {
			t.Fatalf("%d panics", n)
		}
	})
}

// panicCounter is a log that looks for panics.
type panicCounter struct{ n atomic.Int64 }

func (p *panicCounter) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("level=ERROR")) && bytes.Contains(b, []byte("panic")) {
		p.n.Add(1)
	}
	return len(b), nil
}
