package cluster

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

const (
	// crowd is how many other nodes are known at most. One that is forged costs
	// as much as a real one.
	crowd = 4096
	// remembers is how many times longer than until it is taken for gone a node is
	// remembered.
	remembers = 12
	// restart is a jump of numbers that is no loss.
	restart = 1 << 20
)

// peers are the other nodes.
type peers struct {
	mu   sync.Mutex
	byID map[string]*peer

	busy   atomic.Bool // a message that was numbered is being carried out
	inHand inHand
}

// inHand is the message that came last: where it counts, and what came before.
type inHand struct {
	laneKey
	from   string
	before uint64
}

// carriedOutLocked is up to which number a node's messages were carried out.
func (ps *peers) carriedOutLocked(from string, p *peer, k laneKey) uint64 {
	if ps.busy.Load() && ps.inHand.from == from && ps.inHand.laneKey == k {
		return ps.inHand.before
	}
	return p.lanes[k]
}

type peer struct {
	node   adapter.Node
	known  bool // it has said hello, or a heartbeat, and is there; else it is known by its numbers only
	gone   bool // it was known, and is remembered for what may still come of it
	ended  bool // it is gone for good: it has said goodbye
	seen   time.Time
	first  time.Time          // when it was heard of first
	left   time.Time          // when it was gone
	lanes  map[laneKey]uint64 // the last number that came
	begins map[laneKey]uint64 // the number that came before the first that is heard of, 0 if there is none; of lane 0
	claims map[laneKey]claim  // numbers it says it has given, and that have not come yet
	missed uint64
}

type claim struct {
	seq uint64
	at  time.Time
}

func (ps *peers) init() { ps.byID = make(map[string]*peer) }

// heard notes that a node lives. isNew: it has told who it is for the first time.
// ok is false if there are too many.
func (ps *peers) heard(m *adapter.Message, now time.Time) (node adapter.Node, isNew, ok bool) {
	tells := m.Node != nil && (m.Kind == adapter.Hello || m.Kind == adapter.Heartbeat)
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.byID[m.From]
	if p == nil {
		if !tells && (m.Seq == 0 || m.Kind.Answers()) {
			return node, false, true // nothing to remember
		}
		if m.Kind == adapter.Goodbye {
			return node, false, true
		}
		if len(ps.byID) >= crowd && !ps.forgetOneLocked() {
			return node, false, false
		}
		p = &peer{node: adapter.Node{ID: m.From}, first: now, lanes: make(map[laneKey]uint64)}
		ps.byID[m.From] = p
	}
	p.seen = now
	if tells && !p.ended {
		isNew = !p.known
		p.known, p.gone, p.left = true, false, time.Time{}
		p.node = *m.Node
		p.node.ID = m.From
	}
	return p.node, isNew, true
}

// forgetOneLocked forgets one that is gone, if there is any.
func (ps *peers) forgetOneLocked() bool {
	for id, p := range ps.byID {
		if p.gone {
			delete(ps.byID, id)
			return true
		}
	}
	return false
}

// number notes the number of a message: gap is how many before it never came,
// old that it, or a later one, has come before.
func (ps *peers) number(m *adapter.Message) (gap uint64, old bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.byID[m.From]
	if p == nil {
		return 0, false
	}
	k := laneKey{m.NS, m.Lane}
	switch last, had := p.lanes[k]; {
	case !had && len(p.lanes) >= most:
		return 0, false
	case !had:
		p.begin(k, m.Seq-1)
	case m.Seq <= last:
		return 0, true
	case m.Seq-last <= restart:
		gap = m.Seq - last - 1
	}
	p.lanes[k] = m.Seq
	ps.inHand = inHand{k, m.From, m.Seq - 1}
	ps.busy.Store(true)
	return gap, false
}

// claim notes how far a node says it is.
func (ps *peers) claim(m *adapter.Message, now time.Time, expects func(laneKey) bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.byID[m.From]
	if p == nil {
		return
	}
	for _, pos := range m.Positions {
		k := laneKey{pos.NS, pos.Lane}
		if !expects(k) {
			continue
		}
		last, had := p.lanes[k]
		switch {
		case had && pos.Seq > last:
			if p.claims == nil {
				p.claims = make(map[laneKey]claim)
			}
			if _, waits := p.claims[k]; !waits {
				p.claims[k] = claim{pos.Seq, now}
			}
		case !had && pos.Lane < everybody && len(p.lanes) < most:
			p.lanes[k] = pos.Seq // what comes next is not the first
			p.begin(k, pos.Seq)
		}
	}
}

// A lapse is a row of messages that never came.
type lapse struct {
	laneKey
	from    string
	last, n uint64
}

// overdue are the claims that messages should have met by now. They are met by
// that.
func (ps *peers) overdue(now time.Time) (list []lapse) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for id, p := range ps.byID {
		for k, c := range p.claims {
			last, had := p.lanes[k]
			if had && last < c.seq && now.Sub(c.at) < grace {
				continue
			}
			if had && last < c.seq {
				if n := c.seq - last; n <= restart {
					list = append(list, lapse{k, id, c.seq, n})
				}
				p.lanes[k] = c.seq
			}
			delete(p.claims, k)
		}
	}
	return list
}

// forget forgets what came over a lane.
func (ps *peers) forget(k laneKey) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.byID {
		delete(p.lanes, k)
		delete(p.begins, k)
		delete(p.claims, k)
	}
}

// wake takes all for alive, as of now.
func (ps *peers) wake(now time.Time) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.byID {
		p.seen = now
	}
}

// silent lists those that are there and were not heard of for so long. Who was
// gone for much longer is forgotten.
func (ps *peers) silent(now time.Time, dead time.Duration) (ids []string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for id, p := range ps.byID {
		switch quiet := now.Sub(p.seen); {
		case quiet <= dead:
		case p.gone && quiet > remembers*dead, !p.known && !p.gone:
			delete(ps.byID, id)
		case p.known:
			ids = append(ids, id)
		}
	}
	return ids
}

// remove ends a node's part. Its numbers are kept for a while: what comes late, or
// twice, is known by them, and so is what was missed if it comes back. ok is
// false if nobody has been told of it.
func (ps *peers) remove(id string, ended bool) (node adapter.Node, ok bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.byID[id]
	if p == nil {
		return node, false
	}
	ok = p.known
	if ok {
		p.left = time.Now()
	}
	p.known, p.gone, p.ended = false, true, p.ended || ended
	return p.node, ok
}

func (ps *peers) missed(id string, n uint64) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.byID[id]; p != nil {
		p.missed += n
	}
}

func (ps *peers) losses() map[string]uint64 {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	list := make(map[string]uint64, len(ps.byID))
	for id, p := range ps.byID {
		if !p.gone {
			list[id] = p.missed
		}
	}
	return list
}

// live is how many have told who they are.
func (ps *peers) live() (n int) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, p := range ps.byID {
		if p.known {
			n++
		}
	}
	return n
}

// below reports whether one that is there has a lower id.
func (ps *peers) below(id string) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for other, p := range ps.byID {
		if p.known && other < id {
			return true
		}
	}
	return false
}

// names are those of live, by id: what a node calls itself, or its id.
func (ps *peers) names() map[string]string {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	names := make(map[string]string, len(ps.byID))
	for id, p := range ps.byID {
		if p.known {
			names[id] = cmp.Or(p.node.Name, id)
		}
	}
	return names
}

func (ps *peers) list() []adapter.Node {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var list []adapter.Node
	for _, id := range slices.Sorted(maps.Keys(ps.byID)) {
		if p := ps.byID[id]; p.known {
			list = append(list, p.node)
		}
	}
	return list
}
