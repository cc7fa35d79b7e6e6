package socketio

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
)

// Where the backend has no log, a node that stops hands each of its clients to
// the others when it lets go of it: the session, and in which order it has sent
// what to whom since it handed over the last one. The others have the events.

// A handover is what a node says of one client.
type handover struct {
	Key    string // hexadecimal
	Prefix string // of the node's offsets
	Since  uint64 // its position when the client came
	Here   bool   // the client has seen all that was before Since
	First  uint64 // the position before the first of Froms
	Froms  []string
	Seqs   []uint64
	End    uint64            // the last position when it was handed over
	Mine   []uint64          `json:",omitempty"` // the positions of what was for the client last, in order; all after the first
	Joined map[string]uint64 `json:",omitempty"` // its positions when it joined rooms later
	Heard  map[string]uint64 // how far the node has heard of others, and what it has numbered
	Client *session
}

// handed are those that other nodes have handed over.
type handed struct {
	clients map[[sha256.Size]byte]*handover
	nodes   map[string]*order // by id
	queue   []handedAt        // by time
}

type handedAt struct {
	key  [sha256.Size]byte
	h    *handover
	when time.Time
}

// order is in which order a node has sent: who has numbered what, from the
// position after first on.
type order struct {
	first uint64
	list  []whence
	heard map[string]uint64
}

// at is what a client has seen that has got all up to a position.
func (o *order) at(position uint64) map[string]uint64 {
	seen := maps.Clone(o.heard)
	for i := len(o.list) - 1; i >= 0 && o.first+uint64(i)+1 > position; i-- {
		if w := &o.list[i]; w.seq != 0 {
			seen[w.from] = w.seq - 1
		}
	}
	return seen
}

// heard is how far this node has heard of all, itself included.
func (m *roam) heard() map[string]uint64 {
	all := map[string]uint64{m.self: m.numbered()}
	for node, row := range m.c.core.Rows(m.r.ns.name) {
		all[node] = row.Last
	}
	return all
}

// seenAt is what a client of this node has seen that has got all up to a
// position.
func (m *roam) seenAt(position uint64) map[string]uint64 {
	seen := m.heard()
	m.r.log.Back(time.Now(), func(e eventlog.Kept[keptEvent]) bool {
		if e.Position <= position {
			return false
		}
		if w := e.Value.whence; w != nil && w.seq != 0 {
			seen[w.from] = w.seq - 1
		}
		return true
	})
	return seen
}

// handSession is the server-side event that carries a handover.
const handSession = "sockeye:handed"

// mostMine is of how many events a client's node says that they were for it.
const mostMine = 64

// upTo is as far as a client has seen all that was for it, who has got all up to a
// position.
func (h *handover) upTo(position, end uint64) uint64 {
	i, _ := slices.BinarySearch(h.Mine, position+1)
	switch {
	case i == len(h.Mine):
		return max(position, end) // it has had the last
	case i == 0 && len(h.Mine) == mostMine:
		return position // there may be more before
	}
	return max(position, h.Mine[i]-1)
}

// mostHanded is how many sessions are kept that were handed over.
const mostHanded = 100_000

// hand tells the others of a client, as this node stops. The caller holds the
// lock.
func (m *roam) hand(a *absent) {
	h := &handover{Key: hex.EncodeToString(a.key[:]), Prefix: m.r.log.Prefix(), Since: a.since, Here: a.known == nil, Heard: m.heard(), First: m.told}
	s := m.sessionOf(a)
	s.Since = a.known
	if s.Since == nil {
		s.Since = &known{}
	}
	s.Marks = nil
	h.Client = s
	var order []eventlog.Kept[keptEvent]
	m.r.log.Back(time.Now(), func(e eventlog.Kept[keptEvent]) bool {
		order = append(order, eventlog.Kept[keptEvent]{Position: e.Position, Value: e.Value})
		return e.Position > m.told+1
	})
	slices.Reverse(order)
	if len(order) > 0 && order[0].Position <= m.told {
		order = order[1:]
	}
	if len(order) > 0 {
		h.First = order[0].Position - 1
	}
	for _, e := range order {
		for h.First+uint64(len(h.Froms))+1 < e.Position { // given up
			h.Froms, h.Seqs = append(h.Froms, ""), append(h.Seqs, 0)
		}
		w := e.Value.whence
		if w == nil {
			w = &whence{}
		}
		h.Froms, h.Seqs = append(h.Froms, w.from), append(h.Seqs, w.seq)
	}
	if len(order) == 0 {
		h.First = m.r.log.Position()
	}
	if !m.r.log.Lost(time.Now(), a.since, a.names()) { // what is not kept any more it has had
		h.Since = max(h.Since, m.oldest())
	}
	h.Joined = a.joined
	m.r.log.Back(time.Now(), func(e eventlog.Kept[keptEvent]) bool {
		if e.Value.whence != nil && a.addressed(e.Value.whence, e.To, e.Except) {
			h.Mine = append(h.Mine, e.Position)
		}
		return len(h.Mine) < mostMine
	})
	slices.Reverse(h.Mine)
	m.told = m.r.log.Position()
	h.End = m.told
	b, err := json.Marshal(h)
	if err == nil && (s.bad != nil || len(s.Data) > maxSession) {
		err = s.bad
	}
	if err != nil {
		return // it comes back as a new one
	}
	if data, err := m.c.list([]any{handSession, string(b)}); err == nil {
		m.c.publish(&adapter.Message{Kind: adapter.ServerSide, NS: m.r.ns.name, Data: data})
	}
}

// oldest is the position before what is kept.
func (m *roam) oldest() (position uint64) {
	position = m.r.log.Position()
	m.r.log.Back(time.Now(), func(e eventlog.Kept[keptEvent]) bool {
		position = e.Position - 1
		return true
	})
	return position
}

// handAway hands over all clients that are away, as this node stops.
func (r *recovery) handAway() {
	if !r.roams() || r.roam.log != nil {
		return
	}
	r.lock()
	defer r.unlock()
	for _, a := range r.absents.away {
		r.roam.hand(a)
	}
}

// takeOver notes a client that another node has handed over.
func (c *clustered) takeOver(ns *Namespace, from, text string) {
	r := ns.recovery
	if !r.roams() || r.roam.log != nil || from == "" {
		return
	}
	h := new(handover)
	var key []byte
	err := json.Unmarshal([]byte(text), h)
	if err == nil {
		key, err = hex.DecodeString(h.Key)
	}
	if err != nil || len(key) != sha256.Size || h.Client == nil || h.Client.Since == nil || h.Client.NS != ns.name || len(h.Froms) != len(h.Seqs) {
		c.core.Refuse("parse")
		return
	}
	h.Client.Node = from
	r.lock()
	defer r.unlock()
	r.roam.keepHanded(from, [sha256.Size]byte(key), h)
}

func (m *roam) keepHanded(from string, key [sha256.Size]byte, h *handover) {
	now := time.Now()
	hd := &m.handed
	if hd.clients == nil {
		hd.clients, hd.nodes = make(map[[sha256.Size]byte]*handover), make(map[string]*order)
	}
	n := 0
	for ; n < len(hd.queue) && (len(hd.queue)-n >= mostHanded || now.Sub(hd.queue[n].when) > m.r.srv.opts.Recovery.MaxDuration); n++ {
		if q := hd.queue[n]; hd.clients[q.key] == q.h {
			delete(hd.clients, q.key)
		}
	}
	hd.queue = slices.Delete(hd.queue, 0, n)
	if len(hd.queue) == 0 {
		clear(hd.nodes)
	}
	hd.clients[key] = h
	hd.queue = append(hd.queue, handedAt{key, h, now})
	o := hd.nodes[from]
	if o == nil || o.first+uint64(len(o.list)) != h.First {
		o = &order{first: h.First} // a part was lost: what is before cannot be told
		hd.nodes[from] = o
	}
	for i, node := range h.Froms {
		o.list = append(o.list, whence{from: node, seq: h.Seqs[i]})
	}
	if n := len(o.list) - 2*m.r.srv.opts.Recovery.MaxPackets; n > 0 {
		o.list, o.first = slices.Delete(o.list, 0, n), o.first+uint64(n)
	}
	o.heard, h.Froms, h.Seqs = h.Heard, nil, nil
}

// takeHanded finds a client whose node has ended.
func (m *roam) takeHanded(ctx context.Context, s *Socket, key [sha256.Size]byte, pid string, offset any) (*absent, notRecovered) {
	r := m.r
	r.lock()
	h := m.handed.clients[key]
	delete(m.handed.clients, key)
	if h == nil {
		r.unlock()
		return nil, noSession
	}
	o := m.handed.nodes[h.Client.Node]
	position, told := h.Since, h.Here
	text, isText := offset.(string)
	if isText && len(text) == eventlog.OffsetLen && text[:eventlog.PrefixLen] == h.Prefix {
		at, ok := eventlog.PositionOf(text)
		if !ok {
			r.unlock()
			return nil, noOffset
		}
		position, told = max(position, at), true
	} else if offset != nil && (!isText || len(text) != eventlog.OffsetLen) {
		r.unlock()
		return nil, noOffset
	}
	a := h.Client.absent(key, pid)
	if told && position >= o.first {
		position = h.upTo(position, h.End)
	}
	if told {
		if position < o.first || position > o.first+uint64(len(o.list)) {
			r.unlock()
			return nil, uncovered
		}
		a.known = &known{Nodes: a.known.Nodes}
		seen := o.at(position)
		for node, n := range a.known.Nodes {
			seen[node] = max(seen[node], n)
		}
		a.known.Nodes = seen
	}
	for room, at := range h.Joined {
		if at > position && at >= o.first {
			if a.marks == nil {
				a.marks = make(map[string]*known)
			}
			a.marks[room] = &known{Nodes: o.at(at)}
		}
	}
	a.heard = o.heard
	r.unlock()
	return m.bring(ctx, s, a)
}

// missesHanded says why not all that a client has missed is kept here, if the
// backend has no log. The caller holds the lock.
func (m *roam) missesHanded(a *absent) notRecovered {
	rows := m.c.core.Rows(m.r.ns.name)
	for node, row := range rows {
		if a.known.Nodes[node] < row.Begin {
			return uncovered
		}
	}
	for node, n := range a.heard {
		if _, ok := rows[node]; !ok && node != m.self && a.known.Nodes[node] < n {
			return uncovered // it has missed what nobody can tell here
		}
	}
	lost := false
	for node, n := range m.lost.Nodes {
		lost = lost || n > a.known.Nodes[node]
	}
	if lost && m.r.log.Lost(time.Now(), 0, a.everyName()) {
		return lostEvents
	}
	return ""
}
