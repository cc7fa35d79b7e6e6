package socketio

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
)

// reads waits until this node has read the log up to a place. It reports false
// if the log does not go so far, or ctx ends before. What is of a log before is
// waited for: it may be on its way.
func (m *roam) reads(ctx context.Context, at adapter.Mark) bool {
	if m.c.core.Read().Reaches(at) {
		return true
	}
	end, err := m.c.roams.ends.want(ctx, struct{}{})
	if err == nil && end.Log == at.Log && !end.Reaches(at) {
		return false
	}
	return m.c.core.AwaitRead(ctx, at)
}

// prepare finds out whether all that a client has missed is there, and reads
// what this node does not keep.
func (m *roam) prepare(ctx context.Context, a *absent) notRecovered {
	if m.log != nil {
		if a.known.At.IsZero() {
			return logTrimmed // it came before its node knew the log
		}
		if !m.reads(ctx, a.known.At) {
			if at := m.c.core.Read(); !at.IsZero() && at.Log != a.known.At.Log {
				return logTrimmed
			}
			if m.c.core.State().Connection != adapter.Up {
				return logSilent
			}
			return logAhead
		}
	}
	m.r.lock()
	why, to := m.misses(a), m.position()
	m.r.unlock()
	if why != uncovered || m.log == nil {
		return why
	}
	return m.readLog(ctx, a, to)
}

// misses says why not all that a client has missed is kept here, and notes up to
// where it is if it is. The caller holds the lock.
func (m *roam) misses(a *absent) notRecovered {
	k := a.known
	for node, h := range m.holes {
		// What is missing came after h.at or, if others were quicker, before it.
		if k.Nodes[node] < h.seq && !(m.log != nil && k.At.Reaches(h.at) && k.At != h.at) {
			return logHole
		}
	}
	if m.log == nil {
		return m.missesHanded(a)
	}
	lost := m.blind > k.Nodes[m.self] || !m.lost.At.IsZero() && !k.At.Reaches(m.lost.At)
	if m.start.IsZero() || !k.At.Reaches(m.start) || lost && m.r.log.Lost(time.Now(), 0, a.everyName()) {
		return uncovered
	}
	a.whole = m.r.log.Position() // m.start is in the last log that was read
	return ""
}

// everyName are the names that it answers to, at any time.
func (a *absent) everyName() eventlog.Names {
	names := make(eventlog.Names, len(a.rooms)+1)
	names[a.sid] = 0
	for _, room := range a.rooms {
		names[room] = 0
	}
	return names
}

// addressed reports whether an event was for the client.
func (a *absent) addressed(w *whence, to, except []string) bool {
	in := func(names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			if name == a.sid {
				return true
			}
			mark := a.marks[name]
			return slices.Contains(a.rooms, name) && (mark == nil || !mark.saw(w))
		})
	}
	return (len(to) == 0 || in(to)) && !in(except)
}

// reaches reports whether the log, or one before it, had an event no later than
// where the client has read it. Marks of two logs do not tell which was first;
// the order in which they were read here does.
func (a *absent) reaches(e eventlog.Kept[keptEvent]) bool {
	at := e.Value.whence.at
	return !at.IsZero() && (a.known.At.Reaches(at) || at.Log != a.known.At.Log && e.Position <= a.whole)
}

// missed lists what a client has missed, in order. The caller holds the lock.
func (m *roam) missed(a *absent) []keptEvent {
	var list []keptEvent
	m.r.log.Back(time.Now(), func(e eventlog.Kept[keptEvent]) bool {
		w := e.Value.whence
		switch {
		case w == nil:
		case w.local || w.unnumbered():
			if e.Position > a.local && a.addressedAt(e) {
				list = append(list, e.Value)
			}
		case a.reaches(e):
			return w.from != m.self && !w.settled // else it has seen all before it, too
		case a.known.saw(w):
		case a.addressedAt(e):
			list = append(list, e.Value)
		}
		return true
	})
	slices.Reverse(list)
	return append(slices.Clip(a.early), list...)
}

var (
	errHole = errors.New("socketio: a number is missing in the log")
	errMany = errors.New("socketio: too much was missed")
)

// scanned is how many messages of the log are looked at for one client.
const scanned = 200_000

// readLog reads from the log what the client has missed up to a place. From there
// on this node keeps it.
func (m *roam) readLog(ctx context.Context, a *absent, to adapter.Mark) notRecovered {
	select {
	case m.c.roams.readers <- struct{}{}:
		defer func() { <-m.c.roams.readers }()
	case <-ctx.Done():
		return logSilent
	}
	o := m.r.srv.opts.Recovery
	ns, k := m.r.ns, a.known
	dec := m.c.json.NewDecoder(&m.c.limits)
	last := make(map[string]uint64)
	if n := k.Nodes[a.node]; n != 0 {
		last[a.node] = n
	}
	seen := k.and(nil)
	count, size := 0, 0
	err := m.log.Read(ctx, ns.name, k.At, to, func(msg *adapter.Message) error {
		if count++; count > scanned {
			return errMany
		}
		if msg.Seq != 0 && msg.Lane == 0 {
			switch before, had := last[msg.From]; {
			case had && msg.Seq <= before:
				return nil // it came twice
			case had && msg.Seq != before+1 && msg.Seq-before < 1<<20:
				return errHole
			}
			last[msg.From] = msg.Seq
		}
		w := &whence{from: msg.From, seq: msg.Seq, at: msg.At}
		if msg.Kind != adapter.Broadcast || msg.Request != "" || msg.Flags.Volatile || k.saw(w) || !a.addressed(w, msg.Rooms, msg.Except) {
			return nil
		}
		e, event, _, err := m.c.incoming(dec, ns, msg)
		if err != nil {
			return nil // nor could this node's clients get it
		}
		if msg.From == a.node {
			seen = seen.and(&known{Nodes: map[string]uint64{a.node: msg.Seq}})
		}
		seen.At = msg.At
		place := m.r.place(e)
		m.r.log.WriteAt(m.r.own(place), a.from)
		m.stampAt(place, seen, a.node)
		em := message(*e)
		if size += em.Size(); size > o.MaxBytes || len(a.early) >= o.MaxPackets {
			return errMany
		}
		a.early = append(a.early, keptEvent{event, em, w})
		return nil
	})
	switch {
	case errors.Is(err, adapter.ErrGone):
		return logTrimmed
	case err == errHole:
		return logHole
	case err == errMany:
		return lostEvents
	case err != nil:
		return logSilent
	}
	m.r.lock()
	defer m.r.unlock()
	if a.seen == nil {
		a.seen = k
	}
	a.known = k.and(&known{At: to}) // when it has got what comes first
	if why := m.misses(a); why != uncovered {
		return why
	}
	return lostEvents
}
