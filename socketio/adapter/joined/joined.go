package joined

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lasts is how long a node may take to hear of a join from here and subscribe.
	lasts = 5 * time.Second
	// most is how many rooms are remembered for so long.
	most = 10_000
)

// Rooms are those that were joined. The zero Rooms holds none. It is safe for
// concurrent use.
type Rooms struct {
	until atomic.Int64 // when the last of them is no matter any more, since began; 0: there are none

	mu    sync.Mutex
	rooms map[room]int64 // until when
	all   int64          // until when it may be any room
}

// began is what times are told from.
var began = time.Now()

type room struct{ ns, name string }

// Add notes that sockets of other nodes are told to join rooms.
func (r *Rooms) Add(ns string, rooms []string) { r.add(ns, rooms, time.Now()) }

// Has reports whether somebody was told to join a room a moment ago.
func (r *Rooms) Has(ns, name string) bool {
	return r.until.Load() != 0 && r.has(ns, name, time.Now())
}

func (r *Rooms) add(ns string, rooms []string, at time.Time) {
	now := int64(at.Sub(began)) + 1
	until := now + int64(lasts)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rooms)+len(rooms) > most {
		for k, t := range r.rooms {
			if t < now {
				delete(r.rooms, k)
			}
		}
	}
	if len(r.rooms)+len(rooms) > most {
		r.all = until
	} else {
		if r.rooms == nil {
			r.rooms = make(map[room]int64)
		}
		for _, name := range rooms {
			r.rooms[room{ns, name}] = until
		}
	}
	r.until.Store(until)
}

func (r *Rooms) has(ns, name string, at time.Time) bool {
	now := int64(at.Sub(began)) + 1
	r.mu.Lock()
	defer r.mu.Unlock()
	if now > r.until.Load() {
		clear(r.rooms)
		r.until.Store(0)
		return false
	}
	return now <= r.all || now <= r.rooms[room{ns, name}]
}
