package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// reading is how far the log of the backend has been read, and carried out.
type reading struct {
	mu    sync.Mutex
	at    adapter.Mark
	moved chan struct{} // closed, and replaced, when at changes; nil if nobody waits
}

// begin notes where reading begins.
func (r *reading) begin(s adapter.State) {
	if s.Connection == adapter.Up && !s.Log.IsZero() {
		r.mu.Lock()
		if r.at.Log != s.Log.Log || r.at.IsZero() || s.Log.Compare(r.at) > 0 {
			r.at = s.Log
		}
		r.mu.Unlock()
	}
}

// reached notes that what is there was carried out.
func (r *reading) reached(at adapter.Mark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at.Log == at.Log && r.at.Compare(at) >= 0 {
		return // it came twice
	}
	r.at = at
	if r.moved != nil {
		close(r.moved)
		r.moved = nil
	}
}

// Read is how far the log has been read: what it has up to there was given to
// the Host. It is zero if that is not known.
func (c *Core) Read() adapter.Mark {
	r := &c.reading
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

// AwaitRead waits until the log has been read up to a place, and reports false if
// ctx ends before.
func (c *Core) AwaitRead(ctx context.Context, to adapter.Mark) bool {
	r := &c.reading
	for {
		r.mu.Lock()
		if r.at.Reaches(to) {
			r.mu.Unlock()
			return true
		}
		if r.moved == nil {
			r.moved = make(chan struct{})
		}
		moved := r.moved
		r.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return false
		}
	}
}

// Log is the backend's, nil if it has none.
func (c *Core) Log() adapter.Log {
	if l, ok := c.a.(adapter.Log); ok && c.traits.Log {
		return l
	}
	return nil
}

// A Row is what this node has heard of another's numbers on lane 0 of a
// namespace, and has carried out: all from Begin on, to Last. Begin is 0 if
// nothing came before.
type Row struct {
	Begin, Last uint64
	First, Left time.Time // when the node was heard of first, and when it was gone; Left is zero if it is there
}

// Rows are those of all nodes that are known, by id.
func (c *Core) Rows(ns string) map[string]Row {
	ps, k := &c.peers, laneKey{ns, 0}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	rows := make(map[string]Row)
	for id, p := range ps.byID {
		if _, ok := p.lanes[k]; ok {
			rows[id] = Row{p.begins[k], ps.carriedOutLocked(id, p, k), p.first, p.left}
		}
	}
	return rows
}

// Heard is the last number that was heard of a node on lane 0 of a namespace, and
// carried out.
func (c *Core) Heard(from, ns string) uint64 {
	ps := &c.peers
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.byID[from]; p != nil {
		return ps.carriedOutLocked(from, p, laneKey{ns, 0})
	}
	return 0
}

// Alive reports whether a node is there, and when it was heard of last.
func (c *Core) Alive(id string) (seen time.Time, ok bool) {
	ps := &c.peers
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.byID[id]; p != nil && p.known {
		return p.seen, true
	}
	return seen, false
}

// begin notes which number came before what is heard of a row.
func (p *peer) begin(k laneKey, seq uint64) {
	if k.lane != 0 {
		return
	}
	if isFirst(seq) {
		seq = 0
	}
	if p.begins == nil {
		p.begins = make(map[laneKey]uint64)
	}
	p.begins[k] = seq
}
