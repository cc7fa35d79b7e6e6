package nats

import (
	"sync"
	"sync/atomic"
	"time"

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

const (
	// joinedFor is how long a node may take to hear of a join from here and
	// subscribe.
	joinedFor = 5 * time.Second
	// joinedMost is how many rooms are remembered for so long.
	joinedMost = 10_000
)

// joined are rooms that sockets of other nodes were told to join a moment ago:
// these nodes need not have subscribed yet.
type joined struct {
	until atomic.Int64 // when the last of them is no matter any more; 0: there are none

	mu    sync.Mutex
	start time.Time
	rooms map[string]int64 // by namespace and room
	all   int64            // until when it may be any room
}

func (j *joined) init() { j.start, j.rooms = time.Now(), make(map[string]int64) }

// now begins at 1.
func (j *joined) now() int64 { return int64(time.Since(j.start)) + 1 }

func (j *joined) add(ns string, rooms []string) {
	now := j.now()
	until := now + int64(joinedFor)
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.rooms)+len(rooms) > joinedMost {
		for room, t := range j.rooms {
			if t < now {
				delete(j.rooms, room)
			}
		}
	}
	if len(j.rooms)+len(rooms) > joinedMost {
		j.all = until
	} else {
		for _, room := range rooms {
			j.rooms[ns+"\x00"+room] = until
		}
	}
	j.until.Store(until)
}

func (j *joined) has(ns, room string) bool {
	until := j.until.Load()
	if until == 0 {
		return false
	}
	now := j.now()
	j.mu.Lock()
	defer j.mu.Unlock()
	if now > j.until.Load() {
		clear(j.rooms)
		j.until.Store(0)
		return false
	}
	return now <= j.all || now <= j.rooms[ns+"\x00"+room]
}
