package namespaces

import (
	"context"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// news tells rooms how they are: at once, and when that changes again soon
// after, once more at the end. The more there are to be told, the longer the
// pause, so that a hundred people who enter one after the other are not
// announced a hundred times to a hundred people.
type news struct {
	ns   *socketio.Namespace
	tell func(room string)

	mu      sync.Mutex      // held while a room is told, so that what it hears last is how it is
	pausing map[string]bool // rooms that were just told, and whether there is more to tell; guarded by mu
}

// newNews also has a room told when somebody's connection ends, and when it is
// recovered: the others have seen them go.
func newNews(ns *socketio.Namespace, tell func(room string)) *news {
	n := &news{ns: ns, tell: tell, pausing: map[string]bool{}}
	moved := func(s *socketio.Socket) {
		if seat, ok := Place.Get(s); ok {
			n.of(seat.Room)
		}
	}
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) {
		if s.Recovered() {
			moved(s)
		}
	})
	ns.OnDisconnect(func(_ context.Context, s *socketio.Socket, _ socketio.DisconnectReason) { moved(s) })
	return n
}

func (n *news) of(room string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, pause := n.pausing[room]; pause {
		n.pausing[room] = true
		return
	}
	n.now(room)
}

// now tells the room and then pauses. n.mu is held.
func (n *news) now(room string) {
	people := n.ns.RoomLen(room)
	if people == 0 {
		delete(n.pausing, room)
		return
	}
	n.tell(room)
	n.pausing[room] = false
	time.AfterFunc(min(time.Duration(people)*10*time.Millisecond, 3*time.Second), func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.pausing[room] {
			n.now(room)
		} else {
			delete(n.pausing, room)
		}
	})
}
