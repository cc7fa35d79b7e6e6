package socketio

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
)

// absent is a client that was cut off.
type absent struct {
	key    [sha256.Size]byte
	sid    string
	pid    string
	rooms  []string       // without its own
	joined eventlog.Names // since when it was in them, if later than since
	since  uint64         // the position when it connected
	data   map[string]any // what was set until its last event was handled; not changed any more when it is back
	at     time.Time
	over   chan struct{} // closed when the functions of OnDisconnect have run

	away  bool                 // not on its way back
	back  bool                 // its data is another socket's
	place peers.Place[*absent] // in absents.crowd, if away
	from  uint64               // what it says it has seen

	// Of one that has been on another node.
	known *known            // what it has seen; nil if it has always been here
	node  string            // whose number its offset tells
	marks map[string]*known // since when it was in rooms, if later than known
	early []keptEvent       // what it has missed that is not in the log here
	seen  *known            // what it has seen before that, if there is such; then known is with it
	lands *landing          // of where it was last
	local uint64            // the position from which on it was here
	whole uint64            // the position up to which all was here that it has missed, and none from a log after known.At's
	rm    *roaming          // what other nodes are to know of it
	heard map[string]uint64 // how far its node had heard of others, where there is no log
	came  string            // the offset that it came with
	fresh bool              // rm is what it will have here, and stored
}

// names are what it answers to.
func (a *absent) names() eventlog.Names {
	names := make(eventlog.Names, len(a.rooms)+1)
	names[a.sid] = a.since
	for _, room := range a.rooms {
		names[room] = max(a.since, a.joined[room])
	}
	return names
}

// absents are the clients that may come back, and those on their way: taken
// out, and not let in yet. They are guarded by recovery.order.
type absents struct {
	keeps   time.Duration
	away    map[[sha256.Size]byte]*absent
	queue   []*absent             // those of away, and some that have left it, by age
	crowd   *peers.Table[*absent] // those of away, by address
	names   map[string]awaited    // who answer to a name
	present int                   // how many are on their way
}

func newAbsents(keeps time.Duration, max int) absents {
	return absents{keeps: keeps, crowd: peers.NewTable[*absent](max), away: make(map[[sha256.Size]byte]*absent), names: make(map[string]awaited)}
}

// add remembers a client that was cut off. If there are too many, the oldest of
// the address with most is not awaited any more.
func (as *absents) add(a *absent, from peers.Key, gone func(name string)) (crowded bool) {
	as.away[a.key] = a
	as.queue = append(as.queue, a)
	as.await(a.sid, a)
	for _, room := range a.rooms {
		as.await(room, a)
	}
	a.away, a.place = true, peers.Place[*absent]{Value: a}
	out, crowded := as.crowd.Push(from, &a.place)
	if crowded {
		as.done(out, gone)
	}
	return crowded
}

// awaited are those who are away and answer to a name: how many, and the ids of
// the last few. Some of these may be back.
type awaited struct {
	n    int
	last [4]string
}

func (as *absents) await(name string, a *absent) {
	w := as.names[name]
	w.last[w.n%len(w.last)] = a.sid
	w.n++
	as.names[name] = w
}

// some is how many answer to a name, and some of them.
func (as *absents) some(name string) ([4]string, int) {
	w := as.names[name]
	return w.last, w.n
}

// take has a client on its way back, until it is done.
func (as *absents) take(key [sha256.Size]byte, now time.Time) *absent {
	a := as.away[key]
	if a == nil || !as.fresh(a, now) {
		return nil
	}
	as.remove(a)
	as.present++
	return a
}

// arrive has a client on its way here that was on another node, until it is done.
func (as *absents) arrive(a *absent) {
	as.present++
	as.await(a.sid, a)
	for _, room := range a.rooms {
		as.await(room, a)
	}
}

func (as *absents) remove(a *absent) {
	delete(as.away, a.key)
	as.crowd.Leave(&a.place)
	a.away = false
}

// done ends the wait for a client, and calls gone with the names that nobody
// who is away answers to any more.
func (as *absents) done(a *absent, gone func(name string)) {
	if a.away {
		as.remove(a)
	} else {
		as.present--
	}
	drop := func(name string) {
		w := as.names[name]
		if w.n--; w.n > 0 {
			as.names[name] = w
			return
		}
		delete(as.names, name)
		gone(name)
	}
	drop(a.sid)
	for _, room := range a.rooms {
		drop(room)
	}
}

// expire ends the wait for those who are away for too long.
func (as *absents) expire(now time.Time, gone func(name string)) {
	n := 0
	for ; n < len(as.queue); n++ {
		if a := as.queue[n]; a.away {
			if as.fresh(a, now) {
				break
			}
			as.done(a, gone)
		}
	}
	if n > 0 {
		clear(as.queue[:n])
		as.queue = as.queue[n:]
	}
	if len(as.queue) > 2*len(as.away)+64 { // whoever comes and goes leaves nothing behind
		as.queue = slices.DeleteFunc(as.queue, func(a *absent) bool { return !a.away })
	}
}

func (as *absents) fresh(a *absent, now time.Time) bool { return now.Sub(a.at) <= as.keeps }

// any reports whether anybody may still come back.
func (as *absents) any(now time.Time) bool {
	if as.present > 0 {
		return true
	}
	for _, a := range as.away {
		if as.fresh(a, now) {
			return true
		}
	}
	return false
}

func (as *absents) awaits(name string) bool { return as.names[name].n > 0 }

// awaitAny reports whether anybody who is away answers to one of the names, or
// is there at all if there are none.
func (as *absents) awaitAny(names []string) bool {
	if len(names) == 0 {
		return len(as.away)+as.present > 0
	}
	for _, name := range names {
		if as.awaits(name) {
			return true
		}
	}
	return false
}
