package presence

import (
	"encoding/json"
	"slices"
	"time"
)

// event is the server-side event that nodes tell one another everything by.
const event = "sockeye:presence"

// The kinds of messages.
const (
	want = "want" // of all, or of the node Of: a list
	at   = "at"   // the new state of one socket
	all  = "all"  // a part of the list
	beat = "beat" // nothing new
	bye  = "bye"
)

// A message is what a node tells others, with the version of its own sockets
// after it.
type message struct {
	Kind    string  `json:"k"`
	Node    string  `json:"n"`
	Version uint64  `json:"v"`
	Of      string  `json:"of,omitempty"`
	Sockets []state `json:"s,omitempty"`
	Part    int     `json:"p,omitempty"`
	Parts   int     `json:"ps,omitempty"`
}

// A state is how it is with a socket: which rooms it is in, but its own.
type state struct {
	ID    string          `json:"i"`
	Rooms []string        `json:"r,omitempty"`
	Data  json.RawMessage `json:"d,omitempty"`
}

func (s *state) like(o *state) bool {
	return slices.Equal(s.Rooms, o.Rooms) && string(s.Data) == string(o.Data)
}

// sockets are those of one node.
type sockets struct {
	byID   map[string]state
	byRoom map[string]map[string]bool
	size   int // rooms of all sockets
}

func newSockets() *sockets {
	return &sockets{byID: make(map[string]state), byRoom: make(map[string]map[string]bool)}
}

// set notes a socket's state, and returns the rooms in which that changes
// something.
func (s *sockets) set(now state) (rooms []string) {
	old := s.byID[now.ID]
	if old.like(&now) {
		return nil
	}
	for _, room := range old.Rooms {
		if in := s.byRoom[room]; len(in) > 1 {
			delete(in, now.ID)
		} else {
			delete(s.byRoom, room)
		}
	}
	for _, room := range now.Rooms {
		if s.byRoom[room] == nil {
			s.byRoom[room] = make(map[string]bool)
		}
		s.byRoom[room][now.ID] = true
	}
	s.size += len(now.Rooms) - len(old.Rooms)
	if len(now.Rooms) == 0 {
		delete(s.byID, now.ID)
	} else {
		s.byID[now.ID] = now
	}
	return append(slices.Clone(old.Rooms), now.Rooms...)
}

func (s *sockets) in(list []Member, room string) []Member {
	for id := range s.byRoom[room] {
		list = append(list, Member{id, s.byID[id].Data})
	}
	return list
}

// everywhere are the rooms that somebody is in.
func (s *sockets) everywhere() (rooms []string) {
	for room := range s.byRoom {
		rooms = append(rooms, room)
	}
	return rooms
}

// A view is what is known of another node's sockets.
type view struct {
	*sockets
	seen    time.Time
	version uint64
	whole   bool      // it is how the node was at version
	asked   time.Time // when its list was asked for

	fresh *sockets // the list that is coming
	part  int      // which part of it is next
	of    uint64   // its version
}

// hear takes a message of another node, and returns the rooms in which it has
// changed something.
func (p *Presence) hear(m *message) (rooms []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if m.Node == "" || m.Node == p.node || p.stopped {
		return nil
	}
	v := p.views[m.Node]
	if m.Kind == bye {
		if v != nil {
			delete(p.views, m.Node)
			rooms = v.everywhere()
		}
		return rooms
	}
	if v == nil {
		if len(p.views) >= maxNodes || len(m.Node) > maxName {
			return nil
		}
		v = &view{sockets: newSockets()}
		p.views[m.Node] = v
	}
	v.seen = now
	switch m.Kind {
	case want:
		p.owes = p.owes || m.Of == "" || m.Of == p.node
		return nil
	case at:
		if v.fresh != nil {
			v.fresh = nil // a list has no changes between its parts: something is missing
		}
		if v.whole && m.Version == v.version+1 && len(m.Sockets) == 1 && v.room(p.o.MaxMembers, &m.Sockets[0]) {
			v.version++
			return v.set(m.Sockets[0])
		}
	case all:
		if rooms, ok := v.list(m, p.o.MaxMembers); ok {
			return rooms
		}
	}
	if v.whole && m.Version <= v.version { // it has come before, or nothing is new
		return nil
	}
	if v.fresh == nil && now.Sub(v.asked) > tick {
		v.whole, v.asked = false, now
		p.emitLocked(&message{Kind: want, Of: m.Node})
	}
	return nil
}

// room reports whether there is room for a socket's state, and whether it can be
// one.
func (s *sockets) room(most int, now *state) bool {
	for _, room := range now.Rooms {
		if len(room) > maxName {
			return false
		}
	}
	return len(now.ID) <= maxName && s.size+len(now.Rooms) <= most
}

// list takes a part of a list. ok: it was one that was awaited, or of a list that
// is no news.
func (v *view) list(m *message, most int) (rooms []string, ok bool) {
	switch {
	case v.whole && m.Version <= v.version:
		v.fresh = nil
		return nil, true // somebody else has asked for it
	case m.Part == 0:
		v.fresh, v.part, v.of = newSockets(), 0, m.Version
	case v.fresh == nil || m.Part != v.part || m.Version != v.of:
		v.fresh = nil
		return nil, false
	}
	for i := range m.Sockets {
		if !v.fresh.room(most, &m.Sockets[i]) {
			v.fresh = nil
			return nil, true // it is refused, and the old one kept
		}
		v.fresh.set(m.Sockets[i])
	}
	if v.part++; v.part < m.Parts {
		return nil, true
	}
	for id, old := range v.byID {
		if now := v.fresh.byID[id]; !old.like(&now) {
			rooms = append(append(rooms, old.Rooms...), now.Rooms...)
		}
	}
	for id, now := range v.fresh.byID {
		if _, had := v.byID[id]; !had {
			rooms = append(rooms, now.Rooms...)
		}
	}
	v.sockets, v.fresh, v.version, v.whole = v.fresh, nil, m.Version, true
	return rooms, true
}
