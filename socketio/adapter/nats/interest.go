package nats

import (
	"sync"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// interest is what this node wants to hear.
type interest struct {
	mu      sync.Mutex
	rooms   [buckets]uint32 // with a member here, by bucket
	changed map[int]bool    // buckets whose subscription may have to begin or end
	lapsed  map[int]bool    // those without a room; true: for a while
}

func (i *interest) init() {
	i.changed, i.lapsed = make(map[int]bool), make(map[int]bool)
}

// change notes changes, and reports whether there are subscriptions to make.
func (i *interest) change(changes []adapter.Interest) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, c := range changes {
		b := bucketOf(c.NS, c.Room)
		switch {
		case c.Room == "": // all of a namespace comes in any case
		case c.On:
			if i.rooms[b]++; i.rooms[b] == 1 {
				i.changed[b] = true
				delete(i.lapsed, b)
			}
		case i.rooms[b] > 0:
			if i.rooms[b]--; i.rooms[b] == 0 {
				i.lapsed[b] = false
			}
		}
	}
	return len(i.changed) > 0
}

// lapse lets subscriptions end that have not been needed since the last but one
// call, and reports whether there are any. Who comes back soon finds them as
// they were.
func (i *interest) lapse() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for b, long := range i.lapsed {
		if long {
			i.changed[b] = true
			delete(i.lapsed, b)
		} else {
			i.lapsed[b] = true
		}
	}
	return len(i.changed) > 0
}

// A wish is for a bucket's subscription to be there, or not.
type wish struct {
	bucket int
	on     bool
}

// take returns what has changed since it was called last; all that is wanted if
// all is set.
func (i *interest) take(all bool) (wishes []wish) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if all {
		for b, n := range i.rooms {
			if n > 0 {
				wishes = append(wishes, wish{b, true})
			}
		}
	} else {
		for b := range i.changed {
			wishes = append(wishes, wish{b, i.rooms[b] > 0})
		}
	}
	clear(i.changed)
	return wishes
}
