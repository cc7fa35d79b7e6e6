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

// handed are the clients that other nodes have handed over.
type handed struct {
	clients map[[sha256.Size]byte]*handover // without Session: one that another node has taken
	nodes   map[string]*order               // by id
	queue   []handedAt                      // by time
	waiting map[[sha256.Size]byte]chan struct{}
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
	list  []sent
	heard map[string]uint64
}

// sent is an event that somebody has numbered; seq is 0 if nobody has.
type sent struct {
	from string
	seq  uint64
	lost bool
}

func (o *order) end() uint64 { return o.first + uint64(len(o.list)) }

// at is what a client has seen that has got all up to a position. lost reports
// whether something that came after that was given up.
func (o *order) at(position uint64) (seen map[string]uint64, lost bool) {
	seen = maps.Clone(o.heard)
	for i := len(o.list) - 1; i >= 0 && o.first+uint64(i)+1 > position; i-- {
		if w := &o.list[i]; w.seq != 0 {
			seen[w.from] = w.seq - 1
		} else {
			lost = lost || w.lost
		}
	}
	return seen, lost
}

// add appends what a node says next.
func (o *order) add(p *orderPart, most int) {
	if o.end() != p.First {
		*o = order{first: p.First, heard: o.heard} // a part was lost: what is before cannot be told
	}
	for i, from := range p.Froms {
		s := sent{lost: from == fromLost}
		if from >= 0 {
			s.from, s.seq = p.Nodes[from], p.Seqs[i]
		}
		o.list = append(o.list, s)
	}
	if n := len(o.list) - most; n > 0 {
		o.list, o.first = slices.Delete(o.list, 0, n), o.first+uint64(n)
	}
}

func (p *orderPart) valid() bool {
	return len(p.Froms) == len(p.Seqs) && !slices.ContainsFunc(p.Froms, func(from int) bool { return from < fromLost || from >= len(p.Nodes) })
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

// mostHanded is how many sessions are kept that were handed over.
const mostHanded = 100_000

// takeOver notes what a node says that stops, or that has taken a client.
func (c *clustered) takeOver(ns *Namespace, msg *adapter.Message, text string) {
	r, from := ns.recovery, msg.From
	var h handing
	if err := json.Unmarshal([]byte(text), &h); err != nil || from == "" {
		c.core.Refuse("parse")
		return
	}
	if h.Leaving {
		c.roams.stopping(from)
		if msg.Request != "" {
			c.answer(&adapter.Message{From: from, NS: msg.NS, Request: msg.Request}, adapter.ServerSideAnswer, nil)
		}
		return
	}
	if !r.roams() || r.roam.log != nil {
		return
	}
	r.lock()
	defer r.unlock()
	if !r.roam.takeIn(from, &h) {
		c.core.Refuse("parse")
	}
}

func (m *roam) takeIn(from string, h *handing) bool {
	hd := &m.handed
	if hd.clients == nil {
		hd.clients, hd.nodes = make(map[[sha256.Size]byte]*handover), make(map[string]*order)
	}
	m.forgetHanded(time.Now())
	switch {
	case h.Order != nil:
		if !h.Order.valid() {
			return false
		}
		o := hd.nodes[from]
		if o == nil {
			o = &order{first: h.Order.First}
			hd.nodes[from] = o
		}
		o.add(h.Order, 2*m.r.srv.opts.Recovery.MaxPackets)
	case h.Client != nil:
		c := h.Client
		key, ok := keyOf(c.Key)
		if !ok || c.Session == nil || c.Session.Since == nil || c.Session.NS != m.r.ns.name || len(c.Mine) > mostMine {
			return false
		}
		c.Session.Node = from
		if o := hd.nodes[from]; o != nil {
			o.heard = c.Heard
		} else {
			hd.nodes[from] = &order{first: c.End, heard: c.Heard}
		}
		c.Heard = nil
		if old := hd.clients[key]; old != nil && old.Session == nil && old.Prefix == from {
			return true // somebody was quicker
		}
		m.keepHanded(key, c)
	case h.Taken != nil:
		key, ok := keyOf(h.Taken.Key)
		if !ok {
			return false
		}
		if old := hd.clients[key]; old == nil || old.Session == nil || old.Session.Node == h.Taken.Node {
			m.keepHanded(key, &handover{Prefix: h.Taken.Node}) // what that node says may come later
		}
		if a := m.r.absents.away[key]; a != nil && a.node == h.Taken.Node { // it was here meanwhile
			m.r.absents.done(a, m.r.forget)
		}
	}
	return true
}

func keyOf(text string) (key [sha256.Size]byte, ok bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(key) {
		return key, false
	}
	return [sha256.Size]byte(b), true
}

func (m *roam) keepHanded(key [sha256.Size]byte, h *handover) {
	hd := &m.handed
	hd.clients[key] = h
	hd.queue = append(hd.queue, handedAt{key, h, time.Now()})
	if wait := hd.waiting[key]; wait != nil {
		close(wait)
		delete(hd.waiting, key)
	}
}

// forgetHanded forgets who can not come any more.
func (m *roam) forgetHanded(now time.Time) {
	hd := &m.handed
	n := 0
	for ; n < len(hd.queue) && (len(hd.queue)-n >= mostHanded || now.Sub(hd.queue[n].when) > m.r.srv.opts.Recovery.MaxDuration); n++ {
		if q := hd.queue[n]; hd.clients[q.key] == q.h {
			delete(hd.clients, q.key)
		}
	}
	hd.queue = slices.Delete(hd.queue, 0, n)
	if n > 0 && len(hd.queue) == 0 {
		clear(hd.nodes)
	}
}

// from is the position of an offset with which a client comes that has been
// handed over, 0 if it has got nothing on the node that says so. It reports
// false if the client has been elsewhere since, or the offset is none.
func (h *handover) from(offset any) (uint64, bool) {
	text, isText := offset.(string)
	switch {
	case h.Session == nil:
		return 0, false
	case offset == nil && h.Came == "", isText && text == h.Came:
		return 0, true
	case isText && len(text) == eventlog.OffsetLen && text[:eventlog.PrefixLen] == h.Prefix:
		at, ok := eventlog.PositionOf(text)
		return at, ok && at <= h.End
	}
	return 0, false
}

// awaitHanded takes out a client that a node has handed over, or is about to. It
// is nil if there is none, or has been elsewhere since.
func (m *roam) awaitHanded(ctx context.Context, key [sha256.Size]byte, offset any) (*handover, notRecovered) {
	hd := &m.handed
	for {
		gone := m.c.aNodeStops() // before it is looked whether the client is there
		m.r.lock()
		if h := hd.clients[key]; h != nil {
			if _, ok := h.from(offset); ok {
				m.keepHanded(key, &handover{Prefix: h.Session.Node})
				m.r.unlock()
				return h, ""
			}
			if gone == nil && h.Session != nil {
				m.r.unlock()
				return nil, noOffset
			}
		}
		if gone == nil || ctx.Err() != nil {
			m.r.unlock()
			return nil, noSession
		}
		if hd.waiting == nil {
			hd.waiting = make(map[[sha256.Size]byte]chan struct{})
		}
		wait := hd.waiting[key]
		if wait == nil {
			wait = make(chan struct{})
			hd.waiting[key] = wait
		}
		m.r.unlock()
		select {
		case <-wait:
		case <-gone:
		case <-ctx.Done():
			m.r.lock()
			if hd.waiting[key] == wait {
				close(wait) // for others that wait for the same
				delete(hd.waiting, key)
			}
			m.r.unlock()
		}
	}
}

// takeHanded finds a client whose node has ended.
func (m *roam) takeHanded(ctx context.Context, s *Socket, key [sha256.Size]byte, pid string, offset any) (*absent, notRecovered) {
	h, why := m.awaitHanded(ctx, key, offset)
	if h == nil {
		return nil, why
	}
	_ = m.tellHanding(&handing{Taken: &takenAway{h.Key, h.Session.Node}}) // it can be encoded
	a := h.Session.absent(key, pid)
	a.came = s.cameWith()
	at, _ := h.from(offset)
	m.r.lock()
	why = m.place(a, h, at)
	m.r.unlock()
	if why != "" {
		return nil, why
	}
	return m.bring(ctx, s, a, nil)
}

// place finds out what a client has seen that its node has handed over, in the
// words of all nodes. The caller holds the lock.
func (m *roam) place(a *absent, h *handover, at uint64) notRecovered {
	o := m.handed.nodes[h.Session.Node]
	if o == nil {
		return uncovered
	}
	position, told := h.position(at)
	if told {
		if position < o.first || position > o.end() {
			return uncovered
		}
		seen, lost := o.at(position)
		if lost && h.Lost {
			return lostEvents
		}
		for node, n := range a.known.Nodes {
			seen[node] = max(seen[node], n)
		}
		a.known = &known{Nodes: seen}
	} else if h.Lost {
		return lostEvents
	}
	for room, at := range h.Joined {
		if at > position && at >= o.first {
			if a.marks == nil {
				a.marks = make(map[string]*known)
			}
			seen, _ := o.at(at)
			a.marks[room] = &known{Nodes: seen}
		}
	}
	a.heard = o.heard
	return ""
}

// missesHanded says why not all that a client has missed is kept here, if the
// backend has no log. The caller holds the lock.
func (m *roam) missesHanded(a *absent) notRecovered {
	rows := m.c.core.Rows(m.r.ns.name)
	for node, row := range rows {
		_, heard := a.heard[node]
		if !heard && !row.Left.IsZero() && rows[a.node].First.After(row.Left) {
			continue // it had ended before the client's node began
		}
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

// unnumbered reports whether something was for the client that has no number, as
// what Node's servers and emitters send: nobody can tell whether it has seen it.
// The caller holds the lock.
func (m *roam) unnumbered(a *absent) (found bool) {
	m.r.log.Back(time.Now(), func(e eventlog.Kept[keptEvent]) bool {
		w := e.Value.whence
		found = w != nil && w.unnumbered() && a.addressed(w, e.To, e.Except)
		return !found
	})
	return found
}
