package socketio

import (
	"crypto/sha256"
	"errors"
	"maps"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
	"github.com/sockeye-io/sockeye/socketio/internal/id"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
)

// errSuperseded is the cause of an end that the client's return brought.
var errSuperseded = errors.New("socketio: the client came back on another connection")

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
	if len(pid) > mostPID {
		r.refuse(s, noSession) // of no server's making: nobody is asked
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

// mostPID is how long a private id may be; servers make 20 characters.
const mostPID = 256

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
	if a = r.takeOut(key, before, time.Now()); a == nil {
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
	if a.known == nil && r.lost(a) { // else others may know what it has missed
		r.absents.done(a, r.forget)
		return nil, lostEvents
	}
	s.sprung().back = a
	r.here[key] = s
	return a, ""
}

// takeOut has a client on its way elsewhere that is away, or was on its way back as
// before, a socket that has ended. It is nil if there is none. The caller holds the
// lock.
func (r *recovery) takeOut(key [sha256.Size]byte, before *Socket, now time.Time) *absent {
	r.forgetAbsent(now)
	if before == nil || before.origin.back == nil {
		return r.absents.take(key, now)
	}
	a := before.origin.back
	before.origin.back = nil
	delete(r.here, key)
	return a
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
	if old != nil {
		old.supersede()
	}
	return old
}

// supersede ends a socket, and its connection, as its client is elsewhere.
func (s *Socket) supersede() {
	s.close(TransportClose, errSuperseded)
	<-s.Context().Done() // somebody else may be ending it just now
	s.sess.CloseNow(engineio.TransportClose, errSuperseded)
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
