package socketio

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
)

// patience is how long a client that comes from another node waits at most.
const patience = 2 * time.Second

// take finds what a client had, on this node or another.
func (m *roam) take(s *Socket, key [sha256.Size]byte, pid string, offset any) (*absent, notRecovered) {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	if m.log == nil {
		if m.r.holds(key) {
			return m.takeBack(ctx, s, key, offset)
		}
		return m.takeHanded(ctx, s, key, pid, offset)
	}
	text, isText := offset.(string)
	if offset != nil && !isText {
		text = "?" // none
	}
	nodes, why := m.fromNodeFirst(ctx, s, key, pid, text)
	if why != "" || nodes.a != nil {
		return nodes.a, why
	}
	raw, err := m.log.TakeSession(ctx, sessionKey(m.r.ns.name, key))
	var found session
	if err == nil && raw != nil {
		err = found.decode(raw)
	}
	if found.Away && nodes.gone {
		m.forgetHere(key)
		return nil, noSession // a Node server has taken it
	}
	switch {
	case err != nil && m.r.holds(key) && m.here(offset), err == nil && m.r.holdsAs(key, found.tag):
		return m.takeBack(ctx, s, key, offset)
	case err != nil:
		return nil, logSilent
	case raw == nil:
		return m.fromNode(ctx, s, key, pid, text)
	case found.NS != m.r.ns.name || found.Node == m.self:
		return nil, noSession
	}
	answered, why := m.ask(ctx, key, &found)
	if why != "" {
		return nil, why
	}
	if found.Open || !answered && saysStale(text, found.Node) {
		return nil, unsettled // and its node cannot say more
	}
	a := found.absent(key, pid)
	if offset != nil {
		if why := m.apply(ctx, a, text); why != "" {
			return nil, why
		}
	}
	return m.bring(ctx, s, a)
}

// here reports whether a client has been nowhere else since it was here, as far
// as its offset tells.
func (m *roam) here(offset any) bool {
	text, _ := offset.(string)
	_, err := m.r.findOffset(text)
	return offset == nil || err == nil
}

// holds reports whether a client is here, or was here last.
func (r *recovery) holds(key [sha256.Size]byte) bool {
	r.lock()
	defer r.unlock()
	return r.here[key] != nil || r.absents.away[key] != nil
}

// holdsAs reports whether the client is here under the tag of its session, or
// has none that is stored.
func (r *recovery) holdsAs(key [sha256.Size]byte, tag string) bool {
	r.lock()
	defer r.unlock()
	var rm *roaming
	if s := r.here[key]; s != nil && s.origin != nil {
		rm = s.origin.roaming
		if b := s.origin.back; b != nil {
			rm = b.rm
		}
	} else if a := r.absents.away[key]; a != nil {
		rm = a.rm
	}
	return rm != nil && (rm.tag == tag || tag == "" && !rm.stored.Load())
}

// takeBack has a client back that was here last.
func (m *roam) takeBack(ctx context.Context, s *Socket, key [sha256.Size]byte, offset any) (*absent, notRecovered) {
	a, why := m.r.find(s, key, offset, m.r.end(key))
	if a != nil && a.rm != nil {
		a.rm.stored.Store(false) // it was taken out
	}
	if a != nil && m.log == nil && !m.nowhereElse(a, offset) {
		m.r.drop(s, a)
		return nil, noOffset
	}
	if a == nil || a.known == nil {
		return a, why
	}
	if text, ok := offset.(string); ok && m.log == nil {
		m.r.lock()
		if at, err := m.r.log.Find(text); err == nil {
			seen := m.seenAt(at)
			for node, n := range a.known.Nodes {
				seen[node] = max(seen[node], n)
			}
			a.known, a.local = &known{Nodes: seen}, max(a.local, at)
		}
		m.r.unlock()
	} else if ok {
		if why := m.apply(ctx, a, text); why != "" {
			m.r.drop(s, a)
			return nil, why
		}
	}
	if why := m.prepare(ctx, a); why != "" {
		m.r.drop(s, a)
		return nil, why
	}
	return a, ""
}

// nowhereElse reports whether a client has got nothing on another node since it
// was here, as far as its offset tells.
func (m *roam) nowhereElse(a *absent, offset any) bool {
	text, _ := offset.(string)
	return text == a.came || len(text) == eventlog.OffsetLen && text[:eventlog.PrefixLen] == m.r.log.Prefix()
}

// drop ends a client's return that has failed.
func (r *recovery) drop(s *Socket, a *absent) {
	r.lock()
	defer r.unlock()
	if s.origin.back == a {
		s.origin.back = nil
		delete(r.here, a.key)
		r.absents.done(a, r.forget)
	}
}

// apply adds what the client says it has seen. An offset of a node where the
// session never was is from before, if it can be: then it has seen nothing since.
func (m *roam) apply(ctx context.Context, a *absent, text string) notRecovered {
	if at, ok := m.node.offset(text); ok {
		if !a.known.At.IsZero() && at.Log != a.known.At.Log {
			return logTrimmed
		}
		a.known = a.known.and(&known{At: at})
		return ""
	}
	node, k, ok := readKnown(text)
	if !ok {
		return noOffset
	}
	n := k.Nodes[node]
	if _, was := a.known.Nodes[node]; !was && node != a.node && node != m.self {
		if k.At.Log != m.c.core.Read().Log || !m.c.core.AwaitRead(ctx, k.At) {
			return noOffset // nobody has given it out: of another log, or from the future
		}
		return ""
	}
	if heard := m.c.core.Heard(node, m.r.ns.name); heard != 0 && n > heard+1<<16 {
		return noOffset
	}
	if !a.known.At.IsZero() && k.At.Log != a.known.At.Log {
		return logTrimmed
	}
	a.known, a.node = a.known.and(k), node
	if at, err := m.r.log.Find(text[:eventlog.OffsetLen]); err == nil {
		a.local = max(a.local, at)
	}
	return ""
}

// ended is the end of a life on another node.
var ended = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// bring lets a client come that was on another node.
func (m *roam) bring(ctx context.Context, s *Socket, a *absent) (*absent, notRecovered) {
	r := m.r
	if old := r.end(a.key); old != nil {
		r.lock()
		if b := r.absents.away[a.key]; b != nil {
			r.absents.done(b, r.forget) // of an earlier life here
		}
		r.unlock()
	}
	a.rm, a.fresh = newRoaming(a), true
	r.lock()
	if b := r.absents.away[a.key]; b != nil {
		r.absents.done(b, r.forget)
	}
	m.store(a.key, a.rm, m.sessionOf(a), true, m.ttl())
	a.from, a.since = r.log.Position(), r.log.Position()
	if a.local == 0 {
		a.local = a.from
	}
	unsure := m.log == nil && m.unnumbered(a)
	r.absents.arrive(a)
	s.sprung().back = a
	r.here[a.key] = s
	r.unlock()
	why := uncovered
	if !unsure {
		why = m.prepare(ctx, a)
	}
	if why != "" {
		r.drop(s, a)
		return nil, why
	}
	return a, ""
}

// prepare finds out whether all that a client has missed is there, and reads
// what this node does not keep.
func (m *roam) prepare(ctx context.Context, a *absent) notRecovered {
	if m.log != nil {
		if a.known.At.IsZero() {
			return logTrimmed // it came before its node knew the log
		}
		if !m.c.core.AwaitRead(ctx, a.known.At) {
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
