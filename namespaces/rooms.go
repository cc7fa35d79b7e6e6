package namespaces

import (
	"context"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// maxRooms bounds the rooms of one demo that have something to keep.
const maxRooms = 200

// rooms keeps a T for each room of a namespace while somebody is in it.
type rooms[T any] struct {
	ns *socketio.Namespace
	mu sync.Mutex
	m  map[string]*T // guarded by mu
}

func keepRooms[T any](ns *socketio.Namespace) *rooms[T] {
	r := &rooms[T]{ns: ns, m: map[string]*T{}}
	ns.OnRoom(func(e socketio.RoomEvent) {
		if e.Kind != socketio.RoomDeleted {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if ns.RoomLen(e.Room) == 0 { // nobody came back meanwhile
			delete(r.m, e.Room)
		}
	})
	return r
}

// in calls f with what is kept for a room, at first a zero T. One f runs at a
// time, so that what it emits reaches everybody in the same order. A room that
// nobody is in is an error: nothing would ever free it.
func (r *rooms[T]) in(room string, f func(*T)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ns.RoomLen(room) == 0 {
		return socketio.Errorf("no_room", "join a room first")
	}
	t := r.m[room]
	if t == nil {
		if len(r.m) >= maxRooms {
			return socketio.Errorf("full", "there are %d rooms already", maxRooms).With(limit(maxRooms))
		}
		t = new(T)
		r.m[room] = t
	}
	f(t)
	return nil
}

// every calls f each d while somebody is connected to ns, and linger longer.
// It holds no goroutine.
func every(ns *socketio.Namespace, d, linger time.Duration, f func()) {
	var (
		mu    sync.Mutex
		timer *time.Timer // nil while nobody is there
		seen  time.Time   // when somebody was
	)
	tick := func() {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if ns.Len() > 0 {
			seen = now
		} else if now.Sub(seen) >= linger {
			timer = nil
			return
		}
		f()
		timer.Reset(d)
	}
	ns.OnConnect(func(context.Context, *socketio.Socket) {
		mu.Lock()
		defer mu.Unlock()
		seen = time.Now()
		if timer == nil {
			timer = time.AfterFunc(d, tick)
		}
	})
}

// chaos lets a client have the server's side of its connection ended, as if
// the server were restarting: no goodbye, so the client comes back by itself.
func chaos(ns *socketio.Namespace) {
	socketio.Event[socketio.None]("restart").On(ns, func(_ context.Context, s *socketio.Socket, _ socketio.None) error {
		s.Conn().Close(engineio.TransportClose)
		return nil
	})
}
