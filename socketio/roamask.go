package socketio

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// askSession is the server-side event by which a node asks another for a client.
const askSession = "sockeye:session"

// roams is what recovery has for all namespaces of a server in a cluster.
type roams struct {
	readers chan struct{} // holds one for each that reads the log

	mu     sync.Mutex
	silent map[string]time.Time     // since when nodes do not answer
	stops  map[string]chan struct{} // nodes that are about to stop; closed when they have
}

// readingLogs is how many clients have the log read for them at the same time.
const readingLogs = 8

func (rs *roams) init() {
	rs.readers = make(chan struct{}, readingLogs)
	rs.silent = make(map[string]time.Time)
	rs.stops = make(map[string]chan struct{})
}

// stopping notes a node that is about to stop.
func (rs *roams) stopping(node string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.stops[node] == nil && len(rs.stops) < mostStopping {
		rs.stops[node] = make(chan struct{})
	}
}

// mostStopping is how many nodes stop at the same time.
const mostStopping = 100

// left notes that a node has.
func (rs *roams) left(node string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if gone := rs.stops[node]; gone != nil {
		close(gone)
		delete(rs.stops, node)
	}
}

// aNodeStops returns what is closed when a node that is about to stop has; nil if
// there is none.
func (c *clustered) aNodeStops() <-chan struct{} {
	rs := &c.roams
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for node, gone := range rs.stops {
		if _, ok := c.core.Alive(node); ok {
			return gone
		}
		close(gone)
		delete(rs.stops, node)
	}
	return nil
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

// ask has the node where the session is stored give it up: it knows better, if it
// answers.
func (m *roam) ask(ctx context.Context, key [sha256.Size]byte, found *session) (answered bool, why notRecovered) {
	seen, ok := m.c.core.Alive(found.Node)
	if !ok || m.c.roams.mute(found.Node, seen) {
		return false, ""
	}
	ctx, cancel := context.WithTimeout(ctx, patience/2)
	defer cancel()
	data, err := m.c.list([]any{askSession, hex.EncodeToString(key[:])})
	if err != nil {
		return answered, logSilent
	}
	var answer []byte
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
		return false, "" // it is as good as dead: what is stored counts
	case !answered && err != nil:
		return false, "" // it has gone meanwhile
	case len(answer) == 0:
		return true, noSession // it was there, and is not any more
	}
	var better session
	if better.decode(answer) != nil || better.SID != found.SID {
		return answered, logSilent
	}
	*found = better
	return true, ""
}

// fromNode takes a client that a Node server has let go.
func (m *roam) fromNode(ctx context.Context, s *Socket, key [sha256.Size]byte, pid, offset string) (*absent, notRecovered) {
	at, ok := m.node.offset(offset)
	if !ok || m.waits() { // then it was looked for already
		return nil, noSession
	}
	found, err := m.node.log.TakeNodeSession(ctx, pid)
	switch {
	case err != nil:
		return nil, logSilent
	case found == nil:
		return nil, noSession
	}
	return m.bringFromNode(ctx, s, key, pid, found, at)
}

// bringFromNode lets a client come that a Node server has let go.
func (m *roam) bringFromNode(ctx context.Context, s *Socket, key [sha256.Size]byte, pid string, found *adapter.NodeSession, at adapter.Mark) (*absent, notRecovered) {
	a := &absent{key: key, pid: pid, sid: found.SID, known: &known{At: at}, at: time.Now(), over: ended}
	for _, room := range found.Rooms {
		if room != a.sid {
			a.rooms = append(a.rooms, room)
		}
	}
	_ = json.Unmarshal(found.Data, &a.data) // what is no object is no data of ours
	return m.bring(ctx, s, a)
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
