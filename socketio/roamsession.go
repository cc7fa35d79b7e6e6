package socketio

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/id"
)

// A session is what the nodes tell one another of a client.
type session struct {
	NS, SID, Node string
	Rooms         []string          // without its own
	Marks         map[string]*known `json:",omitempty"` // since when it is in rooms, if later than Since
	Since         *known            // what it has seen in any case
	Data          json.RawMessage   `json:",omitempty"`
	Away          bool              `json:",omitempty"` // it was stored when its connection was lost
	Open          bool              `json:",omitempty"` // its rooms were changing: there may be others

	tag string
	bad error // why Data could not be encoded
}

// maxSession is how large a session may be.
const maxSession = 64 << 10

// sessionKey is the name of a session, which does not tell the private id.
func sessionKey(ns string, key [sha256.Size]byte) string {
	sum := sha256.Sum256(append(key[:], ns...))
	return hex.EncodeToString(sum[:])
}

func (s *session) encode() []byte {
	b, _ := json.Marshal(s) // cannot fail: Data was encoded before
	return append([]byte(s.tag), b...)
}

var errNoSession = errors.New("socketio: no session")

func (s *session) decode(b []byte) error {
	if len(b) < adapter.SessionTag || len(b) > 2*maxSession {
		return errNoSession
	}
	s.tag = string(b[:adapter.SessionTag])
	if err := json.Unmarshal(b[adapter.SessionTag:], s); err != nil {
		return err
	}
	if s.SID == "" || s.Since == nil {
		return errNoSession
	}
	return nil
}

// absent is the client as if it had been here.
func (s *session) absent(key [sha256.Size]byte, pid string) *absent {
	a := &absent{key: key, pid: pid, sid: s.SID, rooms: s.Rooms, known: s.Since, node: s.Node, marks: s.Marks, at: time.Now(), over: ended}
	if len(s.Data) > 0 {
		_ = json.Unmarshal(s.Data, &a.data) // it was encoded from one
	}
	return a
}

// roaming is what other nodes are to know of a socket.
type roaming struct {
	tag     string
	stored  atomic.Bool // it is, as far as this node knows
	none    atomic.Bool // it was not there when it was to be refreshed
	failed  atomic.Bool // it was not stored as it has become
	taken   atomic.Bool // another node has it
	late    atomic.Bool // data was changed after the end
	born    time.Time
	since   *known // what it has seen when it came
	node    string
	foreign bool              // since is what it has seen elsewhere
	local   uint64            // this node's position when it came
	marks   map[string]*known // since when it is in rooms that it has joined later
	fresh   bool              // it was stored before the socket was let in
	dirty   bool              // it is in roam.dirty, or was put there since
	at      time.Time         // when it was stored last, with all that it was
	open    bool              // as one whose rooms are changing
	more    bool              // it has joined more rooms on its way in
	over    bool
	warned  bool
}

func newRoaming(a *absent) *roaming {
	rm := &roaming{tag: id.New()[:adapter.SessionTag], born: time.Now()}
	if a != nil {
		rm.since, rm.node, rm.foreign, rm.local, rm.marks = a.known, a.node, a.known != nil, a.local, a.marks
	}
	return rm
}

// absent is what an absent client has of it.
func (rm *roaming) absent() (k *known, node string, marks map[string]*known, local uint64) {
	if rm == nil || !rm.foreign {
		return nil, "", nil, 0
	}
	return rm.since, rm.node, rm.marks, rm.local
}

// enrolled notes a socket that is new.
func (m *roam) enrolled(s *Socket) {
	if m == nil {
		return
	}
	rm := newRoaming(nil)
	rm.since, rm.node = m.now(), m.self
	s.origin.roaming = rm
}

// entered stores a socket that was let in.
func (m *roam) entered(s *Socket) {
	if m == nil || !s.entered || s.origin == nil || s.origin.roaming == nil {
		return
	}
	if !s.origin.roaming.fresh {
		m.storeSocket(s, true)
		return
	}
	m.queue = append(m.queue, stored{s, time.Now().Add(m.refresh())})
	m.changed(s, s.origin.roaming.more)
	m.tick()
}

// resumed notes a socket whose client has come back.
func (m *roam) resumed(s *Socket, back *absent, more bool) {
	if m == nil {
		return
	}
	o := s.origin
	if back.fresh {
		o.roaming, back.fresh = back.rm, false
		o.roaming.fresh = true
	} else {
		o.roaming = newRoaming(back)
		if back.known == nil && back.rm != nil {
			o.roaming.since, o.roaming.node, o.roaming.marks = back.rm.since, back.rm.node, back.rm.marks
		}
	}
	o.roaming.more = more
	if back.known == nil {
		return
	}
	o.roaming.since = back.known
	for node, n := range back.known.Nodes {
		if node != m.self && n > m.c.core.Heard(node, m.r.ns.name) {
			m.late[node] = append(m.late[node], late{s, n})
		}
	}
}

// joined notes since when a socket is in a room.
func (m *roam) joined(s *Socket, room string) {
	if m == nil || m.log == nil || s.origin.roaming == nil { // without a log its node's positions tell
		return
	}
	rm := s.origin.roaming
	if rm.marks == nil {
		rm.marks = make(map[string]*known)
	}
	rm.marks[room] = m.now()
}

// changed notes that a socket's rooms have changed, or its data. What was not
// stored for a second is stored at once. Else it is stored within a second: if
// its rooms have changed, others are told at once that this is so, and do not
// take what was stored for what it was.
func (m *roam) changed(s *Socket, inRooms bool) {
	if m == nil || m.log == nil || s.origin == nil || s.origin.roaming == nil || s.state.Load() != connected {
		return
	}
	rm := s.origin.roaming
	if inRooms && time.Since(rm.at) >= storePause {
		m.storeSocket(s, false)
		return
	}
	if !rm.dirty {
		rm.dirty = true
		m.dirty = append(m.dirty, s)
		m.tick()
	}
	if inRooms && !rm.open {
		rm.open = true
		now := m.sessionNow(s)
		now.Open = true
		m.store(sha256.Sum256([]byte(s.origin.pid)), rm, now, false, m.ttl())
	}
}

// dataChanged is changed for who holds no lock.
func (r *recovery) dataChanged(s *Socket) {
	if r == nil || r.roam == nil || r.roam.log == nil {
		return
	}
	r.lock()
	r.roam.changed(s, false)
	if o := s.origin; o != nil && o.roaming != nil && o.roaming.over {
		o.roaming.late.Store(true)
	}
	r.unlock()
}

// settledIn stores what a socket has become while it was let in.
func (r *recovery) settledIn(s *Socket) {
	if r == nil || r.roam == nil || r.roam.log == nil {
		return
	}
	r.lock()
	defer r.unlock()
	if o := s.origin; o != nil && o.roaming != nil && o.roaming.dirty && s.state.Load() == connected {
		r.roam.storeSocket(s, false)
	}
}

// left notes the end of a socket whose client may come back as a, or not.
func (m *roam) left(s *Socket, a *absent) {
	if m == nil || s.origin.roaming == nil {
		return
	}
	rm := s.origin.roaming
	rm.over = true
	for node, list := range m.late {
		if m.late[node] = slices.DeleteFunc(list, func(l late) bool { return l.s == s }); len(m.late[node]) == 0 {
			delete(m.late, node)
		}
	}
	if a == nil {
		if m.log != nil {
			m.log.PutSession(adapter.Session{Key: sessionKey(m.r.ns.name, sha256.Sum256([]byte(s.origin.pid))), State: []byte(rm.tag)})
		}
		return
	}
	a.rm = rm
	if m.log == nil {
		a.came = s.cameWith()
		if m.r.srv.closed.Load() {
			m.hand(a)
		}
		return
	}
	m.storeAway(a)
}

// storeAway stores a client that is not connected any more.
func (m *roam) storeAway(a *absent) {
	s, ttl := m.sessionOf(a), m.r.srv.opts.Recovery.MaxDuration
	s.Away = true
	if m.waits() && s.bad == nil {
		m.node.log.PutNodeSession(a.pid, &adapter.NodeSession{SID: a.sid, Rooms: append([]string{a.sid}, a.rooms...), Data: s.Data}, ttl)
	}
	m.store(a.key, a.rm, s, false, ttl)
}

// dataLast stores what was kept on a socket when its last event was handled.
func (m *roam) dataLast(s *Socket, a *absent) {
	if m != nil && m.log != nil && !a.back && a.rm != nil && a.rm.late.Swap(false) {
		m.storeAway(a)
	}
}

// cameWith is the offset that a client has come with.
func (s *Socket) cameWith() string {
	var auth struct {
		Offset string `json:"offset"`
	}
	if s.auth.IsZero() || s.auth.Decode(&auth) != nil || len(auth.Offset) > mostCame {
		return ""
	}
	return auth.Offset
}

// mostCame is how long an offset may be of which another node is told.
const mostCame = 256

// sessionOf is what others are told of a client that is not connected here.
func (m *roam) sessionOf(a *absent) *session {
	s := &session{NS: m.r.ns.name, SID: a.sid, Node: m.self, Rooms: a.rooms}
	if a.rm != nil {
		s.tag, s.Marks = a.rm.tag, maps.Clone(a.rm.marks)
		s.Since = m.sinceOf(a.rm)
	}
	if s.Since == nil {
		s.Since = a.known
	}
	s.setData(a.data)
	return s
}

func (s *session) setData(data map[string]any) {
	if len(data) > 0 {
		s.Data, s.bad = json.Marshal(data)
	}
}

// sinceOf is what a client has seen for sure: all from before the time that it
// takes to notice a loss, or else what it had when it came.
func (m *roam) sinceOf(rm *roaming) *known {
	for len(m.safe) > 1 && time.Since(m.safe[1].when) > m.r.notice() {
		m.safe = slices.Delete(m.safe, 0, 1)
	}
	if len(m.safe) > 0 && time.Since(m.safe[0].when) > m.r.notice() && m.safe[0].when.After(rm.born) && rm.since != nil {
		return rm.since.and(m.safe[0].known)
	}
	return rm.since
}

// travelled reports whether the socket's client has come from another node.
func (s *Socket) travelled() bool {
	r := s.ns.recovery
	if r == nil || r.roam == nil {
		return false
	}
	r.lock()
	defer r.unlock()
	o := s.origin
	return o != nil && (o.roaming != nil && o.roaming.foreign || o.back != nil && o.back.known != nil)
}
