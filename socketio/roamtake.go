package socketio

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
)

// patience is how long a client that comes from another node waits at most, until
// it is known what it was; storing it may take half of that besides.
const patience = 2 * time.Second

// take finds what a client had, on this node or another. Of several connections
// that come here for the same one the last has it: each waits for those before it.
func (m *roam) take(s *Socket, key [sha256.Size]byte, pid string, offset any) (*absent, notRecovered) {
	there, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	over, ok := m.turn(there, key)
	if !ok {
		return nil, logSilent
	}
	defer over()
	// Whoever is taken from where he was must be somewhere, whether his
	// connection lasts or not.
	deadline, _ := there.Deadline()
	ctx, cancelIt := context.WithDeadline(context.WithoutCancel(there), deadline)
	defer cancelIt()
	if m.log == nil {
		if m.r.holds(key) {
			return m.takeBack(ctx, s, key, offset, nil)
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
	seen, err := m.look(there, key)
	if seen.Away && nodes.gone {
		m.forgetHere(key)
		m.forgetStored(key, seen)
		return nil, noSession // a Node server has taken it
	}
	switch {
	case err != nil && m.r.holds(key) && m.here(offset):
		return m.takeBack(ctx, s, key, offset, nil)
	case err == nil && m.r.holdsAs(key, seen.tag):
		return m.takeBack(ctx, s, key, offset, seen)
	case err != nil:
		return nil, logSilent
	case !seen.there:
		return m.fromNode(ctx, s, key, pid, text)
	case seen.NS != m.r.ns.name || seen.Node == m.self:
		return nil, noSession
	}
	answered, why := m.ask(ctx, key, seen)
	if why != "" {
		return nil, why
	}
	if answered {
		seen.state = seen.state[:adapter.SessionTag] // it was given to this node alone
		return m.takeSeen(ctx, s, key, pid, offset, seen, false)
	}
	a, why := m.takeSeen(ctx, s, key, pid, offset, seen, saysStale(text, seen.Node))
	if why == noSession {
		// Its node may live, and have stored it anew meanwhile; not that it
		// came back there.
		if again, err := m.look(ctx, key); err == nil && again.tag == seen.tag && again.Turn == seen.Turn {
			return m.takeSeen(ctx, s, key, pid, offset, again, saysStale(text, seen.Node))
		}
	}
	return a, why
}

// takeSeen lets a client come as another node has stored it. stale: that may be
// old.
func (m *roam) takeSeen(ctx context.Context, s *Socket, key [sha256.Size]byte, pid string, offset any, seen *sighting, stale bool) (*absent, notRecovered) {
	var why notRecovered
	if seen.Open || stale {
		why = unsettled // and its node cannot say more
	}
	text, _ := offset.(string)
	a := seen.absent(key, pid)
	a.came = text
	if why == "" && offset != nil {
		why = m.apply(ctx, a, text)
	}
	if why != "" {
		m.forgetStored(key, seen)
		return nil, why
	}
	return m.bring(ctx, s, a, seen)
}

// turn waits until nobody else takes a client here. It reports false if ctx ends
// before; else over lets the next do so.
func (m *roam) turn(ctx context.Context, key [sha256.Size]byte) (over func(), ok bool) {
	mine := make(chan struct{})
	for {
		m.r.lock()
		before := m.turns[key]
		if before == nil {
			m.turns[key] = mine
		}
		m.r.unlock()
		if before == nil {
			return func() {
				m.r.lock()
				delete(m.turns, key)
				m.r.unlock()
				close(mine)
			}, true
		}
		select {
		case <-before:
		case <-ctx.Done():
			return nil, false
		}
	}
}

// A sighting is what the backend has of a client.
type sighting struct {
	session
	there  bool
	state  []byte // all of it; if its node has given it up, its tag
	number uint64 // the backend's
}

// look finds what the backend has of a client. Where several look that is one
// command for all of them.
func (m *roam) look(ctx context.Context, key [sha256.Size]byte) (*sighting, error) {
	kept, err := m.c.roams.peeks.want(ctx, sessionKey(m.r.ns.name, key))
	seen := &sighting{number: kept.Number, state: kept.State, there: err == nil && kept.State != nil}
	if seen.there {
		err = seen.decode(kept.State)
	}
	return seen, err
}

// forgetStored takes away what is stored of a client that is not recovered: a
// failure is final.
func (m *roam) forgetStored(key [sha256.Size]byte, seen *sighting) {
	m.log.PutSession(adapter.Session{Key: sessionKey(m.r.ns.name, key), State: []byte(seen.tag), Instead: seen.state})
}

// here reports whether a client has been nowhere else since it was here, as far
// as its offset tells.
func (m *roam) here(offset any) bool {
	text, _ := offset.(string)
	m.r.lock()
	defer m.r.unlock()
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
	rm := r.roamingOf(key)
	return rm != nil && (rm.tag == tag || tag == "" && rm.acked.Load() == 0)
}

// roamingOf is what other nodes are to know of a client that is here, or was here
// last; nil if there is none. The caller holds the lock.
func (r *recovery) roamingOf(key [sha256.Size]byte) *roaming {
	if s := r.here[key]; s != nil && s.origin != nil {
		if b := s.origin.back; b != nil {
			return b.rm
		}
		return s.origin.roaming
	}
	if a := r.absents.away[key]; a != nil {
		return a.rm
	}
	return nil
}

// takeBack has a client back that was here last, and is stored as seen.
func (m *roam) takeBack(ctx context.Context, s *Socket, key [sha256.Size]byte, offset any, seen *sighting) (*absent, notRecovered) {
	a, why := m.r.find(s, key, offset, m.r.end(key))
	if a == nil {
		return nil, why
	}
	if why = m.seesAll(ctx, a, offset); why == "" {
		why = m.keepsIt(ctx, a, offset, seen)
	}
	if why != "" {
		m.r.drop(s, a)
		return nil, why
	}
	return a, ""
}

// keepsIt stores a client that is back where it was: so nobody else has it who took
// this node for dead.
func (m *roam) keepsIt(ctx context.Context, a *absent, offset any, seen *sighting) notRecovered {
	if seen == nil || a.rm == nil {
		return ""
	}
	how := adapter.Session{First: !seen.there, TTL: m.ttl()}
	if seen.there {
		how.Instead, how.Number = []byte(a.rm.tag), seen.number
	}
	why := m.storeFor(ctx, a, how)
	if why == logSilent && m.here(offset) {
		return ""
	}
	return why
}

// seesAll finds out what a client has missed that is back where it was, and has
// been elsewhere before.
func (m *roam) seesAll(ctx context.Context, a *absent, offset any) notRecovered {
	switch {
	case m.log == nil && !m.nowhereElse(a, offset):
		return noOffset
	case a.known == nil:
		return ""
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
		if a.came = text; a.rm != nil {
			a.lands = a.rm.lands
		}
		if why := m.apply(ctx, a, text); why != "" {
			return why
		}
	}
	return m.prepare(ctx, a)
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
		if k.At.Log != m.c.core.Read().Log || !m.reads(ctx, k.At) {
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
	if a.lands.says(text, node, n) {
		a.known = a.known.and(a.lands.Seen)
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

// bring lets a client come that was on another node. It is stored before: so
// nobody takes it for what it was there, whatever happens. seen is what this takes
// the place of, nil if there is nothing.
func (m *roam) bring(ctx context.Context, s *Socket, a *absent, seen *sighting) (*absent, notRecovered) {
	r := m.r
	a.rm, a.fresh = newRoaming(a), true
	old := r.end(a.key)
	r.lock()
	if b := r.takeOut(a.key, old, time.Now()); b != nil {
		r.absents.done(b, r.forget) // of an earlier life here
	}
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
	switch {
	case why != "":
		if seen != nil {
			m.forgetStored(a.key, seen)
		}
	case m.log != nil:
		how := adapter.Session{First: seen == nil, TTL: m.ttl()}
		if seen != nil {
			how.Instead, how.Number = seen.state, seen.number
		}
		if why = m.storeFor(ctx, a, how); why == logSilent { // it may be stored later
			m.forgetStored(a.key, &sighting{session: session{tag: a.rm.tag}})
		}
	}
	if why != "" {
		r.drop(s, a)
		return nil, why
	}
	return a, ""
}

// storeFor stores a client that comes, and waits until that is so: for half of
// patience, however long it took until here.
func (m *roam) storeFor(ctx context.Context, a *absent, how adapter.Session) notRecovered {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience/2)
	defer cancel()
	stored := make(chan adapter.Stored, 1)
	how.Done = func(what adapter.Stored) { stored <- what }
	m.r.lock()
	a.rm.land(a, m.self)
	a.rm.turn++
	m.store(a.key, a.rm, m.sessionOf(a), how)
	m.r.unlock()
	select {
	case what := <-stored:
		switch what {
		case adapter.StoredThere:
			return ""
		case adapter.StoredNone, adapter.StoredOther:
			return noSession // somebody was quicker
		}
	case <-ctx.Done():
	}
	return logSilent
}
