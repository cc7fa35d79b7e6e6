package main

import (
	"errors"
	"sort"

	socketio "github.com/googollee/go-socket.io"
	"github.com/googollee/go-socket.io/parser"
)

// board is the root namespace.
func board(server *Server, seen *journal) {
	server.OnConnect("/", func(c socketio.Conn) error {
		u := c.URL()
		if c.Context() == nil {
			c.SetContext("")
		}
		if u.Query().Get("greet") != "" {
			c.Emit("greeting", "come in")
		}
		return nil
	})
	server.OnDisconnect("/", func(c socketio.Conn, reason string) { seen.note("left /: %s", reason) })
	server.OnError("/", func(c socketio.Conn, err error) { seen.note("error in /") })

	server.OnEvent("/", "notice", func(c socketio.Conn, text string) { c.Emit("reply", "have "+text) })
	server.OnEvent("/", "desk", func(c socketio.Conn) string { return c.Context().(string) })
	server.OnEvent("/", "me", func(c socketio.Conn) (string, string) { return c.ID(), c.Namespace() })
	server.OnEvent("/", "add", func(c socketio.Conn, a, b int) int { return a + b })
	server.OnEvent("/", "point", func(c socketio.Conn, p *point) *point { p.X, p.Y = p.Y, p.X; return p })
	server.OnEvent("/", "anything", func(c socketio.Conn, v interface{}) interface{} { return v })
	server.OnEvent("/", "bytes", func(c socketio.Conn, b *parser.Buffer) int { return len(b.Data) })
	server.OnEvent("/", "blob", func(c socketio.Conn) { c.Emit("blob", &parser.Buffer{Data: []byte{1, 2, 3}}) })
	server.OnEvent("/", "text-of-bytes", func(c socketio.Conn) []byte { return []byte("abc") })
	server.OnEvent("/", "three", func(c socketio.Conn, fail bool) (string, int, error) {
		if fail {
			return "", 0, errors.New("the third one failed")
		}
		return "one", 2, nil
	})
	server.OnEvent("/", "nothing", func(c socketio.Conn) { c.Emit("nothing", nil) })
	server.OnEvent("/", "panic", func(c socketio.Conn) { panic("on request") })
	server.OnEvent("/", "ask", func(c socketio.Conn) {
		c.Emit("question", "how many?", func(n int, unit string) { c.Emit("understood", n, unit) })
	})
	server.OnEvent("/", "silent", func(c socketio.Conn) {})
}

type point struct{ X, Y int }

// chat is a namespace of its own.
func chat(server *Server, seen *journal) {
	server.OnConnect("/chat", func(c socketio.Conn) error { return nil })
	server.OnDisconnect("/chat", func(c socketio.Conn, reason string) { seen.note("left /chat: %s", reason) })
	server.OnError("/chat", func(c socketio.Conn, err error) { seen.note("error in /chat") })
	server.OnEvent("/chat", "msg", func(c socketio.Conn, text string) string {
		c.SetContext(text)
		return "recv " + text
	})
	server.OnEvent("/chat", "bye", func(c socketio.Conn) {
		last, _ := c.Context().(string)
		c.Emit("bye", last)
		c.Close()
	})

	server.OnConnect("/locked", func(c socketio.Conn) error { return errors.New("no key") })
	server.OnError("/locked", func(c socketio.Conn, err error) { seen.note("error in /locked: %v", err) })
}

// lounge is the rooms of the root namespace.
func lounge(server *Server, seen *journal) {
	server.OnEvent("/", "join", func(c socketio.Conn, room string) int {
		c.Join(room)
		return server.RoomLen("/", room)
	})
	server.OnEvent("/", "leave", func(c socketio.Conn, room string) int {
		c.Leave(room)
		return server.RoomLen("", room)
	})
	server.OnEvent("/", "rooms", func(c socketio.Conn) []string {
		var others []string
		for _, room := range c.Rooms() {
			if room == c.ID() {
				room = "(own)"
			}
			others = append(others, room)
		}
		sort.Strings(others)
		return others
	})
	server.OnEvent("/", "to-room", func(c socketio.Conn, room, text string) bool {
		return server.BroadcastToRoom("/", room, "said", text)
	})
	server.OnEvent("/", "to-all", func(c socketio.Conn, text string) bool {
		return server.BroadcastToNamespace("/", "heard", text)
	})
	server.OnEvent("/", "to-nowhere", func(c socketio.Conn) (bool, int, []string) {
		return server.BroadcastToRoom("/no-such", "x", "said"), server.RoomLen("/no-such", "x"), server.Rooms("/no-such")
	})
	server.OnEvent("/", "each", func(c socketio.Conn, room string) int {
		n := 0
		server.ForEach("/", room, func(other socketio.Conn) {
			other.Emit("touched", room)
			n++
		})
		return n
	})
	server.OnEvent("/", "each-joins", func(c socketio.Conn, room string) int {
		server.ForEach("/", room, func(other socketio.Conn) { other.Join(room + "-too") })
		return server.RoomLen("/", room+"-too")
	})
	server.OnEvent("/", "clear", func(c socketio.Conn, room string) int {
		server.ClearRoom("/", room)
		return server.RoomLen("/", room)
	})
}
