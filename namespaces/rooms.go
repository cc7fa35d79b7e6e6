package namespaces

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// maxRooms bounds the rooms of one demo that have something to keep.
const maxRooms = 200

// rooms keeps a T for each room of a namespace while somebody is in it.
type rooms[T any] struct {
	ns    *socketio.Namespace
	mu    sync.Mutex
	m     map[string]*place[T]    // guarded by mu
	first map[string]netip.Prefix // likewise: from where the first one in each room has come
	made  int                     // likewise: rooms so far
}

type place[T any] struct {
	value T
	from  netip.Prefix
	nth   int // of all that were made
}

func keepRooms[T any](ns *socketio.Namespace) *rooms[T] {
	r := &rooms[T]{ns: ns, m: map[string]*place[T]{}, first: map[string]netip.Prefix{}}
	ns.OnRoom(func(e socketio.RoomEvent) {
		r.mu.Lock()
		defer r.mu.Unlock()
		switch e.Kind {
		case socketio.RoomJoined:
			if _, ok := r.first[e.Room]; ok || e.Room == e.SocketID {
				return
			}
			if s, ok := ns.Socket(e.SocketID); ok {
				r.first[e.Room] = s.Conn().Network()
			}
		case socketio.RoomDeleted:
			if ns.RoomLen(e.Room) == 0 { // nobody came back meanwhile
				delete(r.m, e.Room)
				delete(r.first, e.Room)
			}
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
	k := r.m[room]
	if k == nil {
		from := r.first[room]
		if len(r.m) >= maxRooms && !r.makeRoomLocked(from) {
			return socketio.Errorf("full", "there are %d rooms already", maxRooms).With(limit(maxRooms))
		}
		r.made++
		k = &place[T]{from: from, nth: r.made}
		r.m[room] = k
	}
	f(&k.value)
	return nil
}

// makeRoomLocked ends the youngest room of the address that has most, if that
// has at least two more than the one that wants another: nobody keeps others
// out by having them all. Who is in it loses the connection, and comes back by
// itself.
func (r *rooms[T]) makeRoomLocked(from netip.Prefix) bool {
	has := map[netip.Prefix]int{}
	most := from
	for _, k := range r.m {
		if has[k.from]++; has[k.from] > has[most] {
			most = k.from
		}
	}
	if has[most] < has[from]+2 {
		return false
	}
	var name string
	var last *place[T]
	for n, k := range r.m {
		if k.from == most && (last == nil || k.nth > last.nth) {
			name, last = n, k
		}
	}
	delete(r.m, name)
	for s := range r.ns.RoomSockets(name) {
		s.Conn().CloseNow(engineio.TransportClose, errCrowdedOut)
	}
	return true
}

// lightenLocked has drop take something from what is kept until all of it weighs
// most at most: always from the oldest room, with anything in it, of the address
// whose rooms weigh most. It is for an f of in.
func (r *rooms[T]) lightenLocked(most int, weigh func(*T) int, drop func(*T)) {
	for {
		all, has := 0, map[netip.Prefix]int{}
		for _, k := range r.m {
			n := weigh(&k.value)
			all, has[k.from] = all+n, has[k.from]+n
		}
		if all <= most {
			return
		}
		var heavy *place[T]
		for _, k := range r.m {
			if weigh(&k.value) > 0 && (heavy == nil || has[k.from] > has[heavy.from] || k.from == heavy.from && k.nth < heavy.nth) {
				heavy = k
			}
		}
		drop(&heavy.value)
	}
}

var errCrowdedOut = errors.New("the room made room for another")

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
