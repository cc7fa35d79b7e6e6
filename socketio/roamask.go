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
)

// askSession is the server-side event by which a node asks another for clients:
// its values are each a client's key, the tag of its session, and its
// namespace: all go through "/", which every node has. The answer is a list of
// sessions in the same order, of clients that the node has given up, with ""
// for one that it does not have. It may end early: then the rest is asked
// again.
const askSession = "sockeye:session"

// roams is what recovery has for all namespaces of a server in a cluster.
type roams struct {
	readers chan struct{} // holds one for each that reads the log
	peeks   gatherer[string, adapter.Kept]
	asks    gatherer[question, string]
	ends    gatherer[struct{}, adapter.Mark]

	mu     sync.Mutex
	silent map[string]time.Time     // since when nodes do not answer
	stops  map[string]chan struct{} // nodes that are about to stop; closed when they have
}

// readingLogs is how many clients have the log read for them at the same time.
const readingLogs = 8

func (rs *roams) init(c *clustered) {
	rs.readers = make(chan struct{}, readingLogs)
	rs.silent = make(map[string]time.Time)
	rs.stops = make(map[string]chan struct{})
	if log := c.core.Log(); log != nil {
		rs.peeks.init(func(string) string { return "" }, log.PeekSessions)
		rs.ends.init(func(struct{}) string { return "" }, func(ctx context.Context, all []struct{}) ([]adapter.Mark, error) {
			end, err := log.End(ctx)
			return slices.Repeat([]adapter.Mark{end}, len(all)), err
		})
	}
	rs.asks.init(func(q question) string { return q.node }, c.askFor)
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

// answers reports whether a node is there, and has answered since it was asked
// last, or was heard of.
func (c *clustered) answers(node string) bool {
	heard, ok := c.core.Alive(node)
	return ok && !c.roams.mute(node, heard)
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

// A question is for a client that another node has, or had last.
type question struct {
	node, ns string
	key      [sha256.Size]byte
	tag      string // of the session that is stored: of another life the node says nothing
}

// keyLen is how long a key is that is written out.
const keyLen = 2 * sha256.Size

func (q *question) text() string { return hex.EncodeToString(q.key[:]) + q.tag + q.ns }

// read is the reverse of text. It reports false for what is none.
func (q *question) read(text string) bool {
	if len(text) <= keyLen+adapter.SessionTag {
		return false
	}
	b, err := hex.DecodeString(text[:keyLen])
	if err != nil {
		return false
	}
	q.key, q.tag, q.ns = [sha256.Size]byte(b), text[keyLen:keyLen+adapter.SessionTag], text[keyLen+adapter.SessionTag:]
	return true
}

// errMute: a node is not there, or does not answer.
var errMute = errors.New("socketio: the node does not answer")

// askFor asks one node for clients. It may answer the first of them only. It fails
// with errMute if the node is as good as dead.
func (c *clustered) askFor(ctx context.Context, list []question) ([]string, error) {
	node := list[0].node
	if !c.answers(node) {
		return nil, errMute
	}
	ctx, cancel := context.WithTimeout(ctx, patience/2)
	defer cancel()
	values := []any{askSession}
	for i := range list {
		values = append(values, list[i].text())
	}
	data, err := c.list(values)
	if err != nil {
		return nil, err
	}
	var found []string
	q := &adapter.Message{Kind: adapter.ServerSide, NS: "/", To: node, Data: data}
	err = c.gather(ctx, q, 0, func(msg *adapter.Message) error {
		a, err := acknowledgement(msg.Data)
		if err != nil || a.Len() == 0 {
			return err
		}
		var texts []string
		if err = a.Arg(0).Decode(&texts); err == nil {
			found = texts[:min(len(texts), len(list))]
		}
		return err
	})
	var missing *MissingAcksError
	switch {
	case len(found) > 0:
		return found, nil
	case err == nil:
		return make([]string, len(list)), nil // it has none of them
	case ctx.Err() != nil:
		c.roams.muted(node, time.Now())
		return nil, errMute
	case errors.As(err, &missing) && missing.Cause == ErrNodeLost:
		return nil, errMute // it has gone meanwhile
	}
	return nil, err
}

// ask has the node where a session is stored give its client up: it knows better,
// if it answers.
func (m *roam) ask(ctx context.Context, key [sha256.Size]byte, seen *sighting) (answered bool, why notRecovered) {
	if !m.c.answers(seen.Node) {
		return false, "" // what is stored counts
	}
	// Once it is asked the client is nowhere else: the answer is waited for.
	text, err := m.c.roams.asks.want(context.WithoutCancel(ctx), question{seen.Node, m.r.ns.name, key, seen.tag})
	switch {
	case err == errMute:
		return false, ""
	case err != nil:
		return false, logSilent
	case text == "":
		return true, noSession // it was there, and is not any more
	}
	var better session
	if better.decode([]byte(text)) != nil || better.SID != seen.SID || better.NS != seen.NS || better.tag != seen.tag {
		return true, logSilent
	}
	seen.session = better
	return true, ""
}

// mostAnswered is how many bytes of sessions an answer has, besides the last.
const mostAnswered = 128 << 10

// surrender gives up clients that have gone to another node, which asks for them.
func (c *clustered) surrender(asked []string, to adapter.Message) {
	most := mostAnswered
	if n := c.core.Traits().MaxMessage; n > 0 {
		most = min(most, n/4) // as JSON in JSON it grows
	}
	given := []string{}
	size := 0
	for _, one := range asked {
		var q question
		text := ""
		if q.read(one) {
			if ns := c.srv.known(q.ns); ns != nil && ns.recovery.roams() {
				text = ns.recovery.giveUp(q.key, q.tag)
			}
		}
		given = append(given, text)
		if size += len(text); size >= most {
			break
		}
	}
	data, err := c.list([]any{given}) // one value: some backends carry no more
	if err == nil {
		err = c.core.Answer(&to, &adapter.Message{Kind: adapter.ServerSideAnswer, Data: data}, true)
	}
	if err != nil {
		c.srv.log.Warn("socketio: question of the cluster not answered", "kind", "session", "error", err)
	}
}

// giveUp ends a client's life here, if it is the one of that tag, and returns its
// session.
func (r *recovery) giveUp(key [sha256.Size]byte, tag string) string {
	r.lock()
	defer r.unlock()
	var s *Socket // that has ended
	for {
		rm, here := r.roamingOf(key), r.here[key]
		if rm == nil || rm.tag != tag {
			return "" // it is not here, or meanwhile in another life
		}
		if here == nil || here == s {
			break
		}
		s = here
		r.unlock()
		s.supersede()
		r.lock()
	}
	a := r.absents.away[key]
	if s != nil && s.origin.back != nil {
		a = s.origin.back
	}
	if a == nil {
		return ""
	}
	session := r.roam.sessionOf(a)
	text := session.encode()
	if session.bad != nil || len(text) > maxSession {
		return "" // it can come back to this node only
	}
	if a = r.takeOut(key, s, time.Now()); a == nil {
		return ""
	}
	r.absents.done(a, r.forget)
	return string(text)
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
	return m.bring(ctx, s, a, nil)
}
