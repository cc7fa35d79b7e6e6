package socketio

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
	"github.com/sockeye-io/sockeye/socketio/internal/tally"
)

// askSession is the server-side event by which a node asks another for a client.
const askSession = "sockeye:session"

// roams is what recovery has for all namespaces of a server in a cluster.
type roams struct {
	readers chan struct{} // holds one for each that reads the log

	mu     sync.Mutex
	silent map[string]time.Time // since when nodes do not answer
}

// readingLogs is how many clients have the log read for them at the same time.
const readingLogs = 8

func (rs *roams) init() {
	rs.readers = make(chan struct{}, readingLogs)
	rs.silent = make(map[string]time.Time)
}

// mute reports whether a node that was last heard of then has not answered
// since.
func (rs *roams) mute(node string, heard time.Time) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	since, ok := rs.silent[node]
	if ok && heard.After(since) {
		delete(rs.silent, node)
		return false
	}
	return ok
}

func (rs *roams) muted(node string, now time.Time) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if len(rs.silent) > 100 {
		clear(rs.silent)
	}
	rs.silent[node] = now
}

// notRecovered is why a client that asked for its old state did not get it.
type notRecovered string

const (
	noSession  notRecovered = "unknown or expired session"
	noOffset   notRecovered = "unknown offset"
	lostEvents notRecovered = "missed events were discarded (Recovery.MaxPackets, MaxBytes)"
	logTrimmed notRecovered = "missed events are not in the cluster's log any more"
	logHole    notRecovered = "events of another node never came"
	logAhead   notRecovered = "the offset is ahead of the cluster's log"
	logSilent  notRecovered = "the cluster did not answer in time"
	uncovered  notRecovered = "this node did not hear of the missed events"
)

var notRecoveredWhys = tally.List[notRecovered]{
	{noSession, "There is no such session, or it has ended, or somebody else has taken it."},
	{noOffset, "The offset is none that was given to a client of this session."},
	{lostEvents, "More was kept than Recovery.MaxPackets or MaxBytes allow."},
	{logTrimmed, "The backend's log was trimmed, or is another one."},
	{logHole, "A row of numbers is broken: an event was lost between the nodes."},
	{logAhead, "The log does not reach the offset within 2 s."},
	{logSilent, "The backend, or the node that knows the client, did not answer within 2 s."},
	{uncovered, "The backend has no log, and this node was not there when it happened."},
}

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
	raw, err := m.log.TakeSession(ctx, sessionKey(m.r.ns.name, key))
	var found session
	if err == nil && raw != nil {
		err = found.decode(raw)
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
	if why := m.ask(ctx, key, &found); why != "" {
		return nil, why
	}
	a := found.absent(key, pid)
	if offset != nil {
		if why := m.apply(a, text); why != "" {
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
		if why := m.apply(a, text); why != "" {
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
// session never was is from before: then it has seen nothing since.
func (m *roam) apply(a *absent, text string) notRecovered {
	node, k, ok := readKnown(text)
	if !ok {
		return noOffset
	}
	n := k.Nodes[node]
	if _, was := a.known.Nodes[node]; !was && node != a.node && node != m.self {
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

// ask has the node where the session is stored give it up: it knows better.
func (m *roam) ask(ctx context.Context, key [sha256.Size]byte, found *session) notRecovered {
	seen, ok := m.c.core.Alive(found.Node)
	if !ok || m.c.roams.mute(found.Node, seen) {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, patience/2)
	defer cancel()
	data, err := m.c.list([]any{askSession, hex.EncodeToString(key[:])})
	if err != nil {
		return logSilent
	}
	var answer []byte
	answered := false
	q := &adapter.Message{Kind: adapter.ServerSide, NS: m.r.ns.name, To: found.Node, Data: data}
	err = m.c.gather(ctx, q, 0, func(msg *adapter.Message) error {
		a, err := acknowledgement(msg.Data)
		if err != nil {
			return err
		}
		var text string
		if a.Len() > 0 && a.Arg(0).Decode(&text) == nil {
			answer, answered = []byte(text), true
		}
		return nil
	})
	switch {
	case !answered && ctx.Err() != nil:
		m.c.roams.muted(found.Node, time.Now())
		return "" // it is as good as dead: what is stored counts
	case !answered && err != nil:
		return "" // it has gone meanwhile
	case len(answer) == 0:
		return noSession // it was there, and is not any more
	}
	var better session
	if better.decode(answer) != nil || better.SID != found.SID {
		return logSilent
	}
	*found = better
	return ""
}

// fromNode takes a client that a Node server has let go.
func (m *roam) fromNode(ctx context.Context, s *Socket, key [sha256.Size]byte, pid, offset string) (*absent, notRecovered) {
	nodes, ok := m.log.(adapter.NodeLog)
	if !ok {
		return nil, noSession
	}
	at, ok := nodes.NodeOffset(offset)
	if !ok {
		return nil, noSession
	}
	found, err := nodes.TakeNodeSession(ctx, pid)
	switch {
	case err != nil:
		return nil, logSilent
	case found == nil:
		return nil, noSession
	}
	a := &absent{key: key, pid: pid, sid: found.SID, known: &known{At: at}, at: time.Now(), over: ended}
	for _, room := range found.Rooms {
		if room != a.sid {
			a.rooms = append(a.rooms, room)
		}
	}
	_ = json.Unmarshal(found.Data, &a.data) // what is no object is no data of ours
	return m.bring(ctx, s, a)
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
	r.absents.arrive(a)
	s.sprung().back = a
	r.here[a.key] = s
	r.unlock()
	if why := m.prepare(ctx, a); why != "" {
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

// misses says why not all that a client has missed is kept here. The caller
// holds the lock.
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

// missed lists what a client has missed, in order. The caller holds the lock.
func (m *roam) missed(a *absent) []keptEvent {
	var list []keptEvent
	m.r.log.Back(time.Now(), func(e eventlog.Kept[keptEvent]) bool {
		w := e.Value.whence
		switch {
		case w == nil:
		case w.local:
			if e.Position > a.local && a.addressed(w, e.To, e.Except) {
				list = append(list, e.Value)
			}
		case a.known.saw(w):
			if m.log != nil && !w.at.IsZero() && a.known.At.Reaches(w.at) && (w.from == m.self || w.settled) {
				return false // and all before it
			}
		case a.addressed(w, e.To, e.Except):
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
		m.r.log.WriteAt(place, a.from)
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
	a.known = k.and(&known{At: to})
	if why := m.misses(a); why != uncovered {
		return why
	}
	return lostEvents
}

// surrender gives up a client that has gone to another node, which asks for it.
func (c *clustered) surrender(ns *Namespace, hexKey string, to adapter.Message) {
	text := ""
	b, err := hex.DecodeString(hexKey)
	if r := ns.recovery; err == nil && len(b) == sha256.Size && r.roams() {
		key := [sha256.Size]byte(b)
		r.end(key)
		r.lock()
		now := time.Now()
		if a := r.absents.take(key, now); a != nil {
			text = string(r.roam.sessionOf(a).encode())
			r.absents.done(a, r.forget)
			r.forgetAbsent(now)
		}
		r.unlock()
	}
	data, err := c.list([]any{text})
	if err == nil {
		err = c.core.Answer(&to, &adapter.Message{Kind: adapter.ServerSideAnswer, Data: data}, true)
	}
	if err != nil {
		c.srv.log.Warn("socketio: question of the cluster not answered", "kind", "session", "error", err)
	}
}
