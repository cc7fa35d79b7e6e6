package socketio

import (
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
	"github.com/sockeye-io/sockeye/socketio/internal/id"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
)

// errSuperseded is the cause of an end that the client's return brought.
var errSuperseded = errors.New("socketio: the client came back on another connection")

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
	local uint64            // the position from which on it was here
	rm    *roaming          // what other nodes are to know of it
	heard map[string]uint64 // how far its node had heard of others, where there is no log
	came  string            // the offset that it came with, where there is no log
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

// leave notes that a socket's life has ended, and keeps what it had if it may
// come back. The caller holds the lock.
func (r *recovery) leave(s *Socket, mayReturn bool) {
	if r == nil {
		return
	}
	rooms := r.ns.index.Names(s)
	now := time.Now()
	if o := s.origin; o != nil && o.pid != "" {
		key := sha256.Sum256([]byte(o.pid))
		if r.here[key] == s {
			delete(r.here, key)
		}
		if !mayReturn {
			r.roam.left(s, nil)
		}
		if mayReturn {
			a := &absent{key: key, sid: s.id, pid: o.pid, since: o.since, joined: o.joined, at: now}
			a.known, a.node, a.marks, a.local = o.roaming.absent()
			for _, name := range rooms {
				if name != s.id {
					a.rooms = append(a.rooms, name)
				}
			}
			a.over = make(chan struct{})
			o.absent = a
			r.lastData(s)
			r.await(a, s)
			r.roam.left(s, a)
			r.forgetAbsent(now)
			r.srv.engine.AfterFunc(r.srv.opts.Recovery.MaxDuration+time.Millisecond, &r.timer, r)
		}
	}
	r.forget(s.id)
	for _, name := range rooms {
		r.forget(name)
	}
}

// await remembers the client of s. The caller holds the lock.
func (r *recovery) await(a *absent, s *Socket) {
	if r.absents.add(a, peers.KeyOf(s.sess.Network()), r.forget) {
		r.srv.stats.bound(BoundRecovery)
	}
}

// forget drops what was for a name, unless somebody answers to it. The caller
// holds the lock.
func (r *recovery) forget(name string) {
	if r.roam != nil || r.absents.awaits(name) {
		return
	}
	if r.ns.index.RoomLen(name) == 0 {
		r.log.Forget(name)
	}
}

func (r *recovery) forgetAbsent(now time.Time) { r.absents.expire(now, r.forget) }

// Run is called by the timer, when the last client can not come back any more.
func (r *recovery) Run() {
	r.lock()
	r.forgetAbsent(time.Now())
	r.unlock()
	if r.ns.parent != nil {
		r.srv.prune(r.ns)
	}
}

// remembers reports whether anybody may come back. The caller holds the lock.
func (r *recovery) remembers() bool { return r != nil && r.absents.any(time.Now()) }

// take finds what s's client had before, if it asks for that. A failure is
// final: the client gets a new state and learns so. What was taken is given to
// resume, or to settle; until then it is s.origin.back.
func (r *recovery) take(s *Socket) *absent {
	if r == nil || s.auth.IsZero() || s.conn.sess.Protocol() == 3 {
		return nil
	}
	var auth struct {
		PID    any `json:"pid"`
		Offset any `json:"offset"`
	}
	if s.auth.Decode(&auth) != nil {
		return nil // it is no object: no wish of that kind
	}
	pid, ok := auth.PID.(string)
	if !ok {
		return nil
	}
	key := sha256.Sum256([]byte(pid))
	var a *absent
	var why notRecovered
	if r.roam != nil {
		a, why = r.roam.take(s, key, pid, auth.Offset)
	} else {
		a, why = r.find(s, key, auth.Offset, r.end(key))
	}
	if a == nil {
		r.refuse(s, why)
		return nil
	}
	r.awaitEnd(s, a)
	return a
}

// endWait is how long a client that is back waits for the functions of
// OnDisconnect of the socket that it was.
const endWait = 5 * time.Second

// awaitEnd waits until the life before is over, as far as that does not take
// too long: so OnDisconnect tells of the loss before OnConnect tells of the
// return, as one would expect.
func (r *recovery) awaitEnd(s *Socket, a *absent) {
	t := time.NewTimer(endWait)
	defer t.Stop()
	select {
	case <-a.over:
	case <-t.C:
	case <-s.Context().Done():
	}
	r.lock()
	a.back = true
	r.unlock()
}

// lastData notes what is kept on a socket that was lost: first when it is lost,
// and once more when its last event has been handled.
func (r *recovery) lastData(s *Socket) {
	if a := s.origin.absent; !a.back {
		s.mu.Lock()
		a.data = maps.Clone(s.data)
		s.mu.Unlock()
	}
}

// ending is called when the last event of a socket has been handled, before the
// functions of OnDisconnecting and OnDisconnect, and over after them.
func (r *recovery) ending(s *Socket) {
	if r == nil || s.origin == nil {
		return
	}
	r.lock()
	if a := s.origin.absent; a != nil {
		r.lastData(s)
		r.roam.dataLast(s, a)
	}
	r.unlock()
}

func (r *recovery) over(s *Socket) {
	if r == nil || s.origin == nil {
		return
	}
	r.lock()
	if a := s.origin.absent; a != nil {
		close(a.over)
		s.origin.absent = nil
	}
	r.unlock()
}

// find takes out the client of a private id, whose position is that of offset,
// for s. before is its socket that was here until now.
func (r *recovery) find(s *Socket, key [sha256.Size]byte, offset any, before *Socket) (a *absent, why notRecovered) {
	r.lock()
	defer r.unlock()
	now := time.Now()
	r.forgetAbsent(now)
	if before != nil && before.origin.back != nil {
		a, before.origin.back = before.origin.back, nil // that was on its way back too
	} else if a = r.absents.take(key, now); a == nil {
		return nil, noSession
	}
	a.from = a.since
	if offset != nil {
		text, _ := offset.(string)
		from, err := r.findOffset(text)
		switch {
		case err == eventlog.ErrForeign:
			// Of another server, or from before a restart: it has seen nothing of this log.
		case err != nil:
			r.absents.done(a, r.forget)
			return nil, noOffset
		default:
			a.from = max(a.from, from)
		}
	}
	if r.lost(a) {
		r.absents.done(a, r.forget)
		return nil, lostEvents
	}
	s.sprung().back = a
	r.here[key] = s
	return a, ""
}

// lost reports whether something that a missed has been given up. The caller
// holds the lock.
func (r *recovery) lost(a *absent) bool {
	switch {
	case a == nil:
		return false
	case a.known != nil:
		return r.roam.misses(a) != ""
	}
	return r.log.Lost(time.Now(), a.from, a.names())
}

// end ends the life of a socket whose client is back on another connection, and
// returns it: the client has noticed the loss of the old one before the server
// did. Only that client knows the private id.
func (r *recovery) end(key [sha256.Size]byte) *Socket {
	r.lock()
	old := r.here[key]
	r.unlock()
	if old == nil {
		return nil
	}
	old.close(TransportClose, errSuperseded)
	<-old.Context().Done() // somebody else may be ending it just now
	old.sess.CloseNow(engineio.TransportClose, errSuperseded)
	return old
}

func (r *recovery) refuse(s *Socket, why notRecovered) {
	s.sprung().notWhy = string(why)
	r.srv.stats.unrecovered.Add(why)
	r.srv.log.Debug("socketio: not recovered", "namespace", clip.Quoted(s.name), "reason", string(why))
}

// resume gives a socket that is being let in what its client had, and returns
// what it missed, nothing of which is lost. It has joined these rooms in a
// middleware. The caller holds the lock, and the index's.
func (r *recovery) resume(s *Socket, back *absent, joined []string) []keptEvent {
	var missed []keptEvent
	if back.known != nil {
		missed = r.roam.missed(back)
	} else {
		missed, _ = r.log.Since(time.Now(), back.from, back.names())
	}
	r.absents.done(back, func(string) {}) // it answers to its names itself from now on
	o := s.origin
	o.back, o.recovered = nil, true
	o.pid, o.since, o.joined = back.pid, back.from, back.joined // should it be lost before it sees an offset, it has seen that much
	r.roam.resumed(s, back, len(joined) > 0)
	r.srv.stats.recovered.Add(1)
	return missed
}

// settle ends the return of a client that was not let in. If its connection was
// lost on the way, it may try again.
func (r *recovery) settle(s *Socket, back *absent, lost bool) {
	r.lock()
	defer r.unlock()
	if s.origin.back != back {
		return // it was let in, or is being so on another connection
	}
	s.origin.back = nil
	delete(r.here, back.key)
	r.absents.done(back, func(string) {})
	if lost {
		r.await(back, s)
	}
	r.forgetAbsent(time.Now())
	r.forget(back.sid)
	for _, room := range back.rooms {
		r.forget(room)
	}
}

// enroll gives a socket its private id, unless it has one, and returns it. The
// caller holds the lock.
func (r *recovery) enroll(s *Socket) string {
	if r == nil {
		return ""
	}
	o := s.sprung()
	if o.pid == "" {
		o.pid, o.since = id.New(), r.log.Position()
		r.roam.enrolled(s)
	}
	r.here[sha256.Sum256([]byte(o.pid))] = s
	return o.pid
}
