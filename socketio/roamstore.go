package socketio

import (
	"crypto/sha256"
	"hash/maphash"
	"maps"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// storeSocket stores what a socket is now. first: whatever there is.
func (m *roam) storeSocket(s *Socket, first bool) {
	m.storeNow(s, m.sessionNow(s), first)
}

func (m *roam) storeNow(s *Socket, now *session, first bool) {
	s.origin.roaming.dirty = false
	m.store(sha256.Sum256([]byte(s.origin.pid)), s.origin.roaming, now, adapter.Session{First: first, TTL: m.ttl()})
	m.tick()
}

// storeChanged is storeSocket for one that may have changed: what is stored as it
// is costs nothing.
func (m *roam) storeChanged(s *Socket) {
	rm := s.origin.roaming
	rm.dirty = false
	if now := m.sessionNow(s); !rm.has(now) {
		m.storeNow(s, now, false)
	}
}

// storeAway stores a client that is not connected any more. What was stored of it
// is enough if that is what it is, and will be there as long as it may come back.
func (m *roam) storeAway(a *absent) {
	s, most := m.sessionOf(a), m.r.srv.opts.Recovery.MaxDuration
	if m.waits() {
		s.Away = true
		if s.bad == nil {
			m.node.log.PutNodeSession(a.pid, &adapter.NodeSession{SID: a.sid, Rooms: append([]string{a.sid}, a.rooms...), Data: s.Data}, most)
		}
	} else if a.rm.has(s) && time.Since(a.rm.at)+most <= m.ttl() {
		return
	}
	m.store(a.key, a.rm, s, adapter.Session{TTL: most})
	m.tick()
}

// dataLast stores what was kept on a socket when its last event was handled.
func (m *roam) dataLast(s *Socket, a *absent) {
	if m != nil && m.log != nil && !a.back && a.rm != nil && a.rm.late.Swap(false) {
		m.storeAway(a)
	}
}

// storePause is how long a session is not stored again.
const storePause = time.Second

// sessionNow is what others are told of a socket that is connected.
func (m *roam) sessionNow(s *Socket) *session {
	rm := s.origin.roaming
	now := &session{NS: m.r.ns.name, SID: s.id, Node: m.self, tag: rm.tag, Turn: rm.turn, Lands: rm.lands, Marks: maps.Clone(rm.marks), Since: m.sinceOf(rm)}
	for _, room := range m.r.ns.index.Names(s) {
		if room != s.id {
			now.Rooms = append(now.Rooms, room)
		}
	}
	s.mu.Lock()
	now.setData(s.data)
	s.mu.Unlock()
	return now
}

// ttl is how long a session is stored: whoever is lost, or was killed, has stored
// it half of Recovery.MaxDuration ago at most, as long as the timer is on time.
func (m *roam) ttl() time.Duration { return m.r.srv.opts.Recovery.MaxDuration*3/2 + 3*storePause }

func (m *roam) refresh() time.Duration { return m.r.srv.opts.Recovery.MaxDuration / 2 }

// store has the backend store a session; how says in place of what.
func (m *roam) store(key [sha256.Size]byte, rm *roaming, s *session, how adapter.Session) {
	if m.log == nil {
		return
	}
	how.Key, how.State = sessionKey(s.NS, key), s.encode()
	if s.bad != nil || len(how.State) > maxSession {
		if !rm.warned {
			rm.warned = true
			m.c.srv.log.Warn("socketio: a client can come back to this node only: its rooms and data cannot be told to others",
				"namespace", clip.Quoted(s.NS), "bytes", len(how.State), "most", maxSession, "error", s.bad)
		}
		how.State, how.TTL = []byte(rm.tag), 0 // what was stored before is not so any more
	}
	rm.version++
	rm.at, rm.data, rm.open, rm.moved = time.Now(), s.sum(), s.Open, false
	how.First = rm.none.Swap(false) || how.First
	if m.c.core.State().Connection != adapter.Up {
		m.notStored(rm)
	}
	version, told := rm.version, how.Done
	if how.TTL <= 0 {
		version = 0
	}
	how.Done = func(what adapter.Stored) {
		switch what {
		case adapter.NotStored:
			m.notStored(rm)
		case adapter.StoredThere:
			rm.acked.Store(version)
		case adapter.StoredNone:
			rm.none.Store(true)
			m.odd.Store(true)
		case adapter.StoredOther:
			rm.taken.Store(true)
			m.odd.Store(true)
		}
		if told != nil {
			told(what)
		}
	}
	m.log.PutSession(how)
}

// has reports whether a session is stored as it is, for all that this node knows:
// all but Since, which may be older there.
func (rm *roaming) has(s *session) bool {
	return !rm.open && !rm.moved && s.bad == nil && rm.data == s.sum() &&
		rm.acked.Load() == rm.version && !rm.failed.Load() && !rm.none.Load()
}

var sums = maphash.MakeSeed()

func (s *session) sum() uint64 { return maphash.Bytes(sums, s.Data) }

// notStored notes that others may find of a client what it is not any more. They
// ask this node first; but if that is cut off it cannot answer, and so it says in
// its offsets that what is stored does not count.
func (m *roam) notStored(rm *roaming) {
	rm.failed.Store(true)
	m.stale.Store(true)
	m.odd.Store(true)
}

// A stored session is to be refreshed at a time.
type stored struct {
	rm *roaming
	at time.Time
}

// queueUp has a session refreshed in time, unless it is already.
func (m *roam) queueUp(rm *roaming) {
	if m.log != nil && !rm.queued {
		rm.queued = true
		m.queue = append(m.queue, stored{rm, time.Now().Add(m.refresh())})
	}
}

// tick has Run called soon.
func (m *roam) tick() {
	if !m.ticking && m.log != nil {
		m.ticking = true
		m.r.srv.engine.AfterFunc(storePause, &m.timer, (*roamTick)(m))
	}
}

type roamTick roam

// Run stores what has changed, and what is to be refreshed.
func (t *roamTick) Run() {
	m := (*roam)(t)
	r := m.r
	r.lock()
	now := time.Now()
	m.ticking = false
	m.forgetMoments()
	m.safe = append(m.safe, moment{now, m.now()})
	var stale []*Socket
	if m.odd.Swap(false) {
		stale = m.mend()
	}
	for _, rm := range m.dirty {
		if rm.dirty && rm.s != nil {
			m.storeChanged(rm.s)
		}
	}
	clear(m.dirty)
	m.dirty = m.dirty[:0]
	n := 0
	for ; n < len(m.queue) && !m.queue[n].at.After(now); n++ {
		rm := m.queue[n].rm
		if rm.queued = false; rm.s != nil {
			m.storeSocket(rm.s, false)
			m.queueUp(rm)
		}
	}
	clear(m.queue[:n])
	m.queue = m.queue[n:]
	if len(r.here) > 0 || len(r.absents.away) > 0 {
		m.tick()
	}
	r.unlock()
	for _, s := range stale {
		s.supersede() // on another node
	}
}

// mend stores again what is not stored as it should be, forgets clients that
// another node has, and returns those of them that are connected. The caller holds
// the lock.
func (m *roam) mend() (stale []*Socket) {
	r := m.r
	m.stale.Store(false)
	up := m.c.core.State().Connection == adapter.Up
	again := func(rm *roaming) bool {
		if rm.failed.Load() && !up {
			m.notStored(rm)
			return false
		}
		return rm.failed.Swap(false) || rm.none.Load()
	}
	for _, s := range r.here {
		switch rm := s.origin.roaming; {
		case rm == nil || rm.s != s:
		case rm.taken.Load():
			stale = append(stale, s)
		case again(rm):
			m.storeSocket(s, false)
		}
	}
	for _, a := range r.absents.away {
		switch {
		case a.rm == nil:
		case a.rm.taken.Load():
			r.absents.done(a, r.forget)
		case again(a.rm):
			m.storeAway(a)
		}
	}
	return stale
}
