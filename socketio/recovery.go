package socketio

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// recovery remembers, for one namespace, the events of the last minutes and the
// clients that were cut off, so that those who come back get what they missed.
//
// Every event that is sent without an acknowledgement and is not volatile
// carries its offset as one more argument. A client that comes back names the
// last one it has seen. Offsets are as long as the marker that stands for them
// until the order is settled: so the encoding is done before, outside the lock.
//
// An event may be forgotten when it is older than the longest absence and the
// time it takes to notice a loss: whoever is remembered had received it, or the
// heartbeat would have ended the connection earlier. So an offset may be hours
// old.
//
// All methods may be called on nil, which remembers nothing.
type recovery struct {
	srv    *Server
	ns     *Namespace
	marker string
	prefix string // of this log's offsets
	keeps  time.Duration
	timer  engineio.Timer // prunes a dynamic namespace nobody can come back to

	// order makes the log and the sockets see events in the same order. It is
	// taken before ns.mu.
	order sync.Mutex
	seq   uint64
	log   []keptEvent
	bytes int
	lost  uint64                        // the last event given up before its time, to stay within bounds
	here  map[[sha256.Size]byte]*Socket // connected, by private id
	away  map[[sha256.Size]byte]*absent
	queue []*absent             // those of away, and some that have left it, by age
	crowd *peers.Table[*absent] // those of away, within MaxSessions; made when the first one leaves
}

// errSuperseded is the cause of an end that the client's return brought.
var errSuperseded = errors.New("socketio: the client came back on another connection")

type keptEvent struct {
	seq    uint64
	at     time.Time
	event  string
	m      *engineio.Message
	rooms  []string
	except []string
}

// absent is a client that was cut off.
type absent struct {
	key   [sha256.Size]byte
	sid   string
	pid   string
	rooms []string // without its own
	data  map[string]any
	since uint64 // what it is known to have seen, if it names no offset
	at    time.Time
	place peers.Place[*absent] // in recovery.crowd

	from uint64 // what it says it has seen
}

const (
	prefixLen = 6
	offsetLen = prefixLen + 10
)

func newRecovery(srv *Server, ns *Namespace) *recovery {
	e := &srv.opts.Engine
	notice := engineDuration(e.PingInterval, 25*time.Second) + engineDuration(e.PingTimeout, 20*time.Second) +
		engineDuration(e.StallTimeout, time.Minute)
	return &recovery{
		srv: srv, ns: ns,
		marker: newID()[:offsetLen],
		prefix: newID()[:prefixLen],
		keeps:  srv.opts.Recovery.MaxDuration + notice,
		here:   make(map[[sha256.Size]byte]*Socket),
		away:   make(map[[sha256.Size]byte]*absent),
	}
}

func engineDuration(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return max(d, 0)
}

func (r *recovery) lock() {
	if r != nil {
		r.order.Lock()
	}
}

func (r *recovery) unlock() {
	if r != nil {
		r.order.Unlock()
	}
}

// withOffset appends the marker that keep replaces.
func (r *recovery) withOffset(args []any) []any {
	return append(slices.Clip(args), r.marker)
}

func (r *recovery) offset(seq uint64) string {
	s := strconv.FormatUint(seq, 36)
	return r.prefix + strings.Repeat("0", offsetLen-prefixLen-len(s)) + s
}

// position is the reverse of offset.
func (r *recovery) position(offset string) (uint64, bool) {
	digits, ok := strings.CutPrefix(offset, r.prefix)
	if !ok || len(offset) != offsetLen {
		return 0, false
	}
	seq, err := strconv.ParseUint(digits, 36, 64)
	return seq, err == nil && seq <= r.seq
}

// keep gives an encoded event its offset and logs it. The caller holds the
// lock, and sends the message before it releases it.
func (r *recovery) keep(event string, e siowire.Encoded, rooms, except []string) *engineio.Message {
	r.seq++
	text := e.Text
	if e.Binary != nil {
		text = e.Binary
	}
	if i := bytes.LastIndex(text, []byte(r.marker)); i >= 0 {
		copy(text[i:], r.offset(r.seq))
	}
	m := message(e)
	now := time.Now()
	r.log = append(r.log, keptEvent{r.seq, now, event, m, rooms, except})
	r.bytes += m.Size()
	r.forgetEvents(now)
	return m
}

// forgetEvents drops what is too old, and what is too much.
func (r *recovery) forgetEvents(now time.Time) {
	o := r.srv.opts.Recovery
	n := 0
	for ; n < len(r.log); n++ {
		old := now.Sub(r.log[n].at) > r.keeps
		if !old && len(r.log)-n <= o.MaxPackets && r.bytes <= o.MaxBytes {
			break
		}
		if !old {
			r.lost = r.log[n].seq
			r.srv.stats.bound("Recovery")
		}
		r.bytes -= r.log[n].m.Size()
	}
	if n > 0 {
		clear(r.log[:n])
		r.log = r.log[n:]
	}
}

// enroll gives a socket its private id and returns it; a client that came back
// keeps its own. The caller holds the lock.
func (r *recovery) enroll(s *Socket, back *absent) string {
	if r == nil {
		return ""
	}
	o := s.sprung()
	if back != nil {
		o.pid, o.since = back.pid, back.since
	} else {
		o.pid, o.since = newID(), r.seq
	}
	r.here[sha256.Sum256([]byte(o.pid))] = s
	return o.pid
}

// leave notes that a socket's life has ended, and keeps what it had if it may
// come back. The caller holds the lock.
func (r *recovery) leave(s *Socket, mayReturn bool) {
	if r == nil || s.origin == nil || s.origin.pid == "" {
		return
	}
	now := time.Now()
	o := s.origin
	key := sha256.Sum256([]byte(o.pid))
	delete(r.here, key)
	if !mayReturn {
		return
	}
	a := &absent{key: key, sid: s.id, pid: o.pid, since: o.since, at: now}
	r.ns.mu.RLock()
	for _, name := range s.lastRooms {
		if name != s.id {
			a.rooms = append(a.rooms, name)
		}
	}
	r.ns.mu.RUnlock()
	s.mu.Lock()
	a.data = maps.Clone(s.data) // handlers of this life may still be running
	s.mu.Unlock()
	r.away[a.key] = a
	r.queue = append(r.queue, a)
	if r.crowd == nil {
		r.crowd = peers.NewTable[*absent](r.srv.opts.Recovery.MaxSessions)
	}
	a.place.Value = a
	if old, pushed := r.crowd.Push(peers.Key(s.sess.Network()), &a.place); pushed {
		delete(r.away, old.key)
		r.srv.stats.bound("Recovery")
	}
	r.forgetAbsent(now)
	r.srv.engine.AfterFunc(r.srv.opts.Recovery.MaxDuration+time.Millisecond, &r.timer, r)
}

func (r *recovery) forgetAbsent(now time.Time) {
	o := r.srv.opts.Recovery
	n := 0
	for ; n < len(r.queue); n++ {
		a := r.queue[n]
		if r.away[a.key] != a {
			continue // it came back
		}
		if now.Sub(a.at) <= o.MaxDuration {
			break
		}
		r.forgetOne(a)
	}
	if n > 0 {
		clear(r.queue[:n])
		r.queue = r.queue[n:]
	}
	if len(r.queue) > 2*len(r.away)+64 { // whoever comes and goes leaves nothing behind
		r.queue = slices.DeleteFunc(r.queue, func(a *absent) bool { return r.away[a.key] != a })
	}
}

// forgetOne takes a client off the list of the absent.
func (r *recovery) forgetOne(a *absent) {
	delete(r.away, a.key)
	r.crowd.Leave(&a.place)
}

// Run is called by the timer, when the last client can not come back any more.
func (r *recovery) Run() {
	r.lock()
	r.forgetAbsent(time.Now())
	r.unlock()
	if r.ns.parent != nil {
		r.srv.prune(r.ns)
	}
}

// remembers reports whether anybody may come back. The caller holds the lock.
func (r *recovery) remembers() bool {
	if r == nil {
		return false
	}
	r.forgetAbsent(time.Now())
	return len(r.away) > 0
}

// take finds what s's client had before, if it asks for that. A failure is
// final: the client gets a new state and learns so.
func (r *recovery) take(s *Socket) *absent {
	if r == nil || s.auth.IsZero() || s.conn.sess.Protocol() == 3 {
		return nil
	}
	var auth struct {
		PID    any `json:"pid"`
		Offset any `json:"offset"`
	}
	if s.auth.Decode(&auth) != nil {
		return nil // it is no object: no wish of that kind
	}
	pid, ok := auth.PID.(string)
	if !ok {
		return nil
	}
	key := sha256.Sum256([]byte(pid))
	r.end(key)
	r.lock()
	defer r.unlock()
	r.forgetAbsent(time.Now())
	a := r.away[key]
	if a == nil {
		return r.refuse(s, "unknown or expired session")
	}
	r.forgetOne(a)
	a.from = a.since
	if auth.Offset != nil {
		offset, _ := auth.Offset.(string)
		if a.from, ok = r.position(offset); !ok {
			return r.refuse(s, "unknown offset")
		}
	}
	if r.lost > a.from {
		return r.refuse(s, "missed events were discarded (Recovery.MaxPackets, MaxBytes)")
	}
	return a
}

// end ends the life of a socket whose client is back on another connection: it
// has noticed the loss of the old one before the server did. Only that client
// knows the private id.
func (r *recovery) end(key [sha256.Size]byte) {
	r.lock()
	old := r.here[key]
	r.unlock()
	if old == nil {
		return
	}
	old.close(TransportClose, errSuperseded)
	<-old.Context().Done() // somebody else may be ending it just now
	old.sess.CloseNow(engineio.TransportClose, errSuperseded)
}

func (r *recovery) refuse(s *Socket, why string) *absent {
	s.sprung().notWhy = why
	r.srv.log.Debug("socketio: not recovered", "namespace", quoted(s.name), "reason", why)
	return nil
}

// missed lists the events that a has not seen. It reports false if some of
// them are not there any more. The caller holds the lock.
func (r *recovery) missed(a *absent) ([]keptEvent, bool) {
	if r.lost > a.from {
		return nil, false
	}
	var list []keptEvent
	for _, e := range r.log {
		if e.seq > a.from && a.addressed(&e) {
			list = append(list, e)
		}
	}
	return list, true
}

func (a *absent) addressed(e *keptEvent) bool {
	in := func(names []string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return n == a.sid || slices.Contains(a.rooms, n) })
	}
	return (len(e.rooms) == 0 || in(e.rooms)) && !in(e.except)
}
