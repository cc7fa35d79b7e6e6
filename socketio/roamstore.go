package socketio

import (
	"crypto/sha256"
	"maps"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// storeSocket stores what a socket is now.
func (m *roam) storeSocket(s *Socket, first bool) {
	rm := s.origin.roaming
	rm.dirty = false
	if m.log == nil {
		return
	}
	rm.at, rm.open = time.Now(), false
	m.store(sha256.Sum256([]byte(s.origin.pid)), rm, m.sessionNow(s), first, m.ttl())
	if first {
		m.queue = append(m.queue, stored{s, time.Now().Add(m.refresh())})
	}
	m.tick()
}

// storePause is how long a session is not stored again.
const storePause = time.Second

// sessionNow is what others are told of a socket that is connected.
func (m *roam) sessionNow(s *Socket) *session {
	rm := s.origin.roaming
	now := &session{NS: m.r.ns.name, SID: s.id, Node: m.self, tag: rm.tag, Marks: maps.Clone(rm.marks), Since: m.sinceOf(rm)}
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

// ttl is how long a session is stored: whoever was killed has written it half of
// Recovery.MaxDuration ago at most.
func (m *roam) ttl() time.Duration { return m.r.srv.opts.Recovery.MaxDuration * 3 / 2 }

func (m *roam) refresh() time.Duration { return m.r.srv.opts.Recovery.MaxDuration / 2 }

// store has the backend store a session.
func (m *roam) store(key [sha256.Size]byte, rm *roaming, s *session, first bool, ttl time.Duration) {
	if m.log == nil {
		return
	}
	b := s.encode()
	if s.bad != nil || len(b) > maxSession {
		if !rm.warned {
			rm.warned = true
			m.c.srv.log.Warn("socketio: a client can come back to this node only: its rooms and data cannot be told to others",
				"namespace", clip.Quoted(s.NS), "bytes", len(b), "most", maxSession, "error", s.bad)
		}
		b, ttl = []byte(rm.tag), 0 // what was stored before is not so any more
	}
	if m.c.core.State().Connection != adapter.Up {
		m.notStored(rm)
	}
	m.log.PutSession(adapter.Session{Key: sessionKey(s.NS, key), State: b, TTL: ttl, First: first, Done: func(what adapter.Stored) {
		switch what {
		case adapter.NotStored:
			m.notStored(rm)
		case adapter.StoredThere:
			rm.stored.Store(true)
		case adapter.StoredNone:
			rm.none.Store(true)
			m.odd.Store(true)
		case adapter.StoredOther:
			rm.taken.Store(true)
			m.odd.Store(true)
		}
	}})
}

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
	s  *Socket
	at time.Time
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
	var stale []*Socket
	r.lock()
	now := time.Now()
	m.ticking = false
	m.safe = append(m.safe, moment{now, m.now()})
	if m.odd.Swap(false) {
		m.stale.Store(false)
		up := m.c.core.State().Connection == adapter.Up
		for _, s := range r.here {
			switch o := s.origin; {
			case o.roaming == nil || o.roaming.over:
			case o.roaming.taken.Load():
				stale = append(stale, s)
			case o.roaming.none.Swap(false): // the backend has lost it
				o.roaming.failed.Store(false)
				m.storeSocket(s, true)
			case o.roaming.failed.Load() && !up:
				m.notStored(o.roaming)
			case o.roaming.failed.Swap(false) && o.roaming.stored.Load(): // else what is there may be of its life before
				m.storeSocket(s, false)
			}
		}
	}
	for _, s := range m.dirty {
		if rm := s.origin.roaming; rm.dirty && !rm.over {
			m.storeSocket(s, false)
		}
	}
	clear(m.dirty)
	m.dirty = m.dirty[:0]
	n := 0
	for ; n < len(m.queue) && !m.queue[n].at.After(now); n++ {
		s := m.queue[n].s
		if rm := s.origin.roaming; rm != nil && !rm.over {
			m.storeSocket(s, false)
			m.queue = append(m.queue, stored{s, now.Add(m.refresh())})
		}
	}
	clear(m.queue[:n])
	m.queue = m.queue[n:]
	if len(r.here) > 0 {
		m.tick()
	}
	r.unlock()
	for _, s := range stale {
		s.close(TransportClose, errSuperseded) // on another node
		s.sess.CloseNow(engineio.TransportClose, errSuperseded)
	}
}
