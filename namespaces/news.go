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
	tell func(room string) (people int) // if there are any

	mu      sync.Mutex
	pausing map[string]bool // rooms that are, or were just, told, and whether there is more to tell; guarded by mu
}

// newNews also has a room told when somebody's connection ends, and when it is
// recovered: the others have seen them go.
func newNews(ns *socketio.Namespace, tell func(room string) (people int)) *news {
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
	_, pause := n.pausing[room]
	n.pausing[room] = pause
	n.mu.Unlock()
	if !pause {
		n.now(room)
	}
}

// now tells the room and then pauses. It has an entry in pausing, so that nobody
// else tells it meanwhile: what it hears last is how it is.
func (n *news) now(room string) {
	people := n.tell(room)
	n.mu.Lock()
	defer n.mu.Unlock()
	if people == 0 && !n.pausing[room] {
		delete(n.pausing, room)
		return
	}
	time.AfterFunc(min(time.Duration(people)*10*time.Millisecond, 3*time.Second), func() {
		n.mu.Lock()
		again := n.pausing[room]
		if again {
			n.pausing[room] = false
		} else {
			delete(n.pausing, room)
		}
		n.mu.Unlock()
		if again {
			n.now(room)
		}
	})
}
