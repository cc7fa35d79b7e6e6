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

const (
	maxRooms = 200             // of one demo that have something to keep
	comeBack = 2 * time.Minute // for so long a room waits for somebody who was cut off: socketio.Recovery's default
)

// rooms keeps a T for each room of a namespace while somebody is in it, or was
// cut off and may come back.
type rooms[T any] struct {
	ns    *socketio.Namespace
	mu    sync.Mutex
	m     map[string]*place[T]    // guarded by mu
	first map[string]netip.Prefix // likewise: from where the first one in each room has come
	made  int                     // likewise: rooms so far
	enter func(room string)       // asks other nodes what they have of a room that is new here; nil: nobody
}

type place[T any] struct {
	value T
	from  netip.Prefix
	nth   int           // of all that were made
	empty *time.Timer   // ends the room; nil while somebody is in it
	ready chan struct{} // closed when the other nodes have been asked
}

func keepRooms[T any](ns *socketio.Namespace) *rooms[T] {
	r := &rooms[T]{ns: ns, m: map[string]*place[T]{}, first: map[string]netip.Prefix{}}
	ns.OnRoom(func(e socketio.RoomEvent) {
		if e.Room == e.SocketID {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		s, here := ns.Socket(e.SocketID)
		switch e.Kind {
		case socketio.RoomJoined:
			if k := r.m[e.Room]; k != nil && k.empty != nil {
				k.empty.Stop()
				k.empty = nil
			}
			if _, ok := r.first[e.Room]; !ok && here {
				r.first[e.Room] = s.Conn().Network()
			}
		case socketio.RoomLeft:
			r.leftLocked(e.Room, here)
		}
	})
	ns.OnDisconnect(func(_ context.Context, s *socketio.Socket, reason socketio.DisconnectReason) {
		if reason != socketio.ClientNamespaceDisconnect && reason != socketio.ServerNamespaceDisconnect {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, room := range s.Rooms() {
			r.leftLocked(room, true)
		}
	})
	return r
}

// leftLocked ends a room that nobody is in any more: after a while, unless the
// last one has left it for good.
func (r *rooms[T]) leftLocked(room string, forGood bool) {
	if r.ns.RoomLen(room) > 0 {
		return // somebody came back meanwhile
	}
	delete(r.first, room)
	k := r.m[room]
	switch {
	case k == nil:
	case forGood:
		delete(r.m, room)
	case k.empty == nil:
		k.empty = time.AfterFunc(comeBack, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.m[room] == k && k.empty != nil {
				r.leftLocked(room, true)
			}
		})
	}
}

// in calls f with what is kept for a room, at first a zero T, or what other
// nodes have. One f runs at a time, so that what it emits reaches everybody in
// the same order. A room that nobody is in is an error: nothing would ever free
// it.
func (r *rooms[T]) in(room string, f func(*T)) error {
	r.mu.Lock()
	k, isNew, err := r.placeLocked(room)
	r.mu.Unlock()
	switch {
	case err != nil:
		return err
	case isNew:
		if r.enter != nil {
			r.enter(room)
		}
		close(k.ready)
	default:
		<-k.ready
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&k.value)
	return nil
}

// there calls f with what is kept for a room, if anything is.
func (r *rooms[T]) there(room string, f func(*T)) (ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.m[room]
	if k != nil {
		f(&k.value)
	}
	return k != nil
}

// placeLocked finds what is kept for a room, or makes it.
func (r *rooms[T]) placeLocked(room string) (k *place[T], isNew bool, err error) {
	if r.ns.RoomLen(room) == 0 {
		return nil, false, socketio.Errorf("no_room", "join a room first")
	}
	if k = r.m[room]; k != nil {
		return k, false, nil
	}
	from := r.first[room]
	if len(r.m) >= maxRooms && !r.makeRoomLocked(from) {
		return nil, false, socketio.Errorf("full", "there are %d rooms already", maxRooms).With(limit(maxRooms))
	}
	r.made++
	k = &place[T]{from: from, nth: r.made, ready: make(chan struct{})}
	r.m[room] = k
	return k, true, nil
}

// makeRoomLocked ends a room that nobody is in, of the address that has most. Else
// it ends the youngest room of the address that has most, if that has at least
// two more than the one that wants another: nobody keeps others out by having
// them all. Who is in it loses the connection, and comes back by itself.
func (r *rooms[T]) makeRoomLocked(from netip.Prefix) bool {
	has := map[netip.Prefix]int{}
	most := from
	for _, k := range r.m {
		if has[k.from]++; has[k.from] > has[most] {
			most = k.from
		}
	}
	var name string
	var last, idle *place[T]
	for n, k := range r.m {
		if k.empty != nil && (idle == nil || has[k.from] > has[idle.from] || k.from == idle.from && k.nth < idle.nth) {
			name, idle = n, k
		}
	}
	if idle != nil {
		idle.empty.Stop()
		delete(r.m, name)
		return true
	}
	if has[most] < has[from]+2 {
		return false
	}
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
