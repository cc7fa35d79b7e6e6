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
	Lands         *landing          `json:",omitempty"`
	Away          bool              `json:",omitempty"` // it was stored when its connection was lost, for Node's servers too
	Open          bool              `json:",omitempty"` // its rooms were changing: there may be others
	Turn          int               `json:",omitempty"` // how often it has come back where it was: so what was seen before is not the same

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
	a := &absent{key: key, pid: pid, sid: s.SID, rooms: s.Rooms, known: s.Since, lands: s.Lands, node: s.Node, marks: s.Marks, at: time.Now(), over: ended}
	if len(s.Data) > 0 {
		_ = json.Unmarshal(s.Data, &a.data) // it was encoded from one
	}
	return a
}

// roaming is what other nodes are to know of a client, from its coming here until
// it is on another node.
type roaming struct {
	tag    string
	s      *Socket       // that it is now, as long as it is connected
	acked  atomic.Uint64 // which version the backend has, as far as this node knows; 0: none
	none   atomic.Bool   // it was not there when it was to be refreshed
	failed atomic.Bool   // it was not stored as it has become
	taken  atomic.Bool   // another node has it
	late   atomic.Bool   // data was changed after the end
	warned bool
	turn   int // how often it has come back

	// Of the connection that it has, or had last.
	born    time.Time
	since   *known // what it has seen when it came
	node    string
	foreign bool              // since is what it has seen elsewhere
	local   uint64            // this node's position when it came
	marks   map[string]*known // since when it is in rooms that it has joined later
	lands   *landing

	// What was stored last.
	version uint64
	at      time.Time // with all that it was
	data    uint64    // sum of its data
	open    bool      // as one whose rooms are changing
	moved   bool      // it has joined or left rooms since
	dirty   bool      // it is in roam.dirty, or was put there since
	queued  bool      // it is in roam.queue
}

func newRoaming(a *absent) *roaming {
	rm := &roaming{tag: id.New()[:adapter.SessionTag], born: time.Now()}
	if a != nil {
		rm.since, rm.node, rm.foreign, rm.local, rm.marks = a.known, a.node, a.known != nil, a.local, a.marks
	}
	return rm
}

// A landing is what a client has seen that has come to a node which had to read for
// it what it has missed first, as soon as it has got something that is the node's
// own: it is sent that first.
type landing struct {
	Node string
	Came string // the offset that it came with: who has that still has got nothing
	Seen *known
}

// says reports whether a client with that offset, the number n of a node, has got
// something of its own.
func (l *landing) says(offset, node string, n uint64) bool {
	return l != nil && l.Seen != nil && node == l.Node && n != 0 && offset != l.Came
}

// land notes what a client has seen that comes to a node.
func (rm *roaming) land(a *absent, node string) {
	switch rm.lands = nil; {
	case a.seen != nil:
		rm.since, rm.lands = a.seen, &landing{node, a.came, a.known}
	case a.known != nil:
		rm.since = a.known
	}
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

// entered stores a socket that was let in, unless it is stored as it is: then its
// client has come back.
func (m *roam) entered(s *Socket) {
	if m == nil || !s.entered || s.origin == nil || s.origin.roaming == nil {
		return
	}
	rm := s.origin.roaming
	rm.s = s
	switch {
	case m.log == nil:
	case rm.version == 0:
		m.storeSocket(s, true)
	case !rm.has(m.sessionNow(s)):
		m.storeSocket(s, false)
	}
	m.queueUp(rm)
	m.tick()
}

// resumed notes a socket whose client has come back.
func (m *roam) resumed(s *Socket, back *absent, more bool) {
	if m == nil {
		return
	}
	rm := back.rm
	if rm == nil {
		rm = newRoaming(back)
	} else if !back.fresh {
		rm.born, rm.foreign, rm.local = time.Now(), back.known != nil, back.local
		if back.known != nil {
			rm.node, rm.marks = back.node, back.marks
		}
	}
	back.fresh = false
	rm.moved = rm.moved || more
	s.origin.roaming = rm
	rm.land(back, m.self)
	if back.known == nil {
		return
	}
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

// parted forgets since when a socket was in a room.
func (m *roam) parted(s *Socket, room string) {
	if m != nil && s.origin.roaming != nil {
		delete(s.origin.roaming.marks, room)
	}
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
	rm.moved = rm.moved || inRooms
	if inRooms && time.Since(rm.at) >= storePause {
		m.storeSocket(s, false)
		return
	}
	if !rm.dirty {
		rm.dirty = true
		m.dirty = append(m.dirty, rm)
		m.tick()
	}
	if inRooms && !rm.open {
		now := m.sessionNow(s)
		now.Open = true
		m.store(sha256.Sum256([]byte(s.origin.pid)), rm, now, adapter.Session{TTL: m.ttl()})
	}
}

// dataChanged is changed for who holds no lock.
func (r *recovery) dataChanged(s *Socket) {
	if r == nil || r.roam == nil || r.roam.log == nil {
		return
	}
	r.lock()
	r.roam.changed(s, false)
	if o := s.origin; o != nil && o.roaming != nil && o.roaming.s != s {
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
		r.roam.storeChanged(s)
	}
}

// left notes the end of a socket whose client may come back as a, or not.
func (m *roam) left(s *Socket, a *absent) {
	if m == nil || s.origin.roaming == nil {
		return
	}
	rm := s.origin.roaming
	rm.since, rm.s = m.sinceOf(rm), nil
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
		s.tag, s.Turn, s.Marks, s.Lands = a.rm.tag, a.rm.turn, maps.Clone(a.rm.marks), a.rm.lands
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
// takes to notice a loss, or else what it had when it came. One that is not
// connected has seen no more since.
func (m *roam) sinceOf(rm *roaming) *known {
	if rm.s == nil {
		return rm.since
	}
	m.forgetMoments()
	if len(m.safe) > 0 && time.Since(m.safe[0].when) > m.r.notice() && m.safe[0].when.After(rm.born) && rm.since != nil {
		return rm.since.and(m.safe[0].known)
	}
	return rm.since
}

func (m *roam) forgetMoments() {
	for len(m.safe) > 1 && time.Since(m.safe[1].when) > m.r.notice() {
		m.safe = slices.Delete(m.safe, 0, 1)
	}
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
