package googollee_test

import (
	"fmt"
	"sync"
	"testing"

	socketio "github.com/googollee/go-socket.io"
)

// Clients come, join, talk and go while the server broadcasts and walks its rooms:
// the race detector watches, and at the end nothing is left of them.
func TestManyAtOnce(t *testing.T) {
	s := board(t)
	s.OnConnect("/", func(c socketio.Conn) error { c.Join("hall"); return nil })
	s.OnConnect("/chat", func(c socketio.Conn) error { c.Join("hall"); return nil })
	left := newNotes()
	s.OnDisconnect("/", func(c socketio.Conn, _ string) { c.LeaveAll(); left.add(c.ID()) })
	s.OnEvent("/", "move", func(c socketio.Conn, room string) int {
		c.Leave("hall")
		c.Join(room)
		s.ForEach("/", room, func(other socketio.Conn) {
			other.SetContext(c.ID())
			other.Emit("moved", func(string) {})
			s.JoinRoom("/chat", room, other)
		})
		s.BroadcastToNamespace("/chat", "moved", room)
		return s.RoomLen("/", room)
	})
	var clients sync.WaitGroup
	const n = 20
	for i := range n {
		clients.Go(func() {
			c := dial(t, s, 3+i%2, "")
			c.send(`0/chat,`)
			for j := range 10 {
				c.send(fmt.Sprintf(`2["move","room %d"]`, (i+j)%3))
				s.BroadcastToRoom("/", "hall", "news", j)
				s.Rooms("/")
				s.ClearRoom("/", "room 2")
			}
			c.send(`20["move","last"]`)
			for got := ""; len(got) < 3 || got[:3] != "30["; got = c.next() {
			}
			c.leave()
		})
	}
	clients.Wait()
	for range n {
		left.wait(t)
	}
	if rooms := s.Rooms("/"); s.Count() != 0 || len(rooms) != 0 {
		t.Errorf("%d connections and rooms %q are left", s.Count(), rooms)
	}
}
