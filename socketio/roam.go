package socketio

import (
	"crypto/sha256"
	"maps"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
	"github.com/sockeye-io/sockeye/socketio/internal/id"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// Clients come back to any node. For that all nodes keep all events, their own
// and others', each in the order in which it has sent them to its clients. What a
// client has seen is a beginning of that order on the node where it was. If the
// backend has a log, the offset says which, in words that all nodes understand:
// all that the log has up to a place, and what that node has numbered up to its
// last. So a node sends its own events at once, before it knows their place.
//
// A node to which a client comes looks among what it keeps for what the client
// has not seen. It has it all if it read the log from there on, and missed and
// gave up nothing since. Else it reads what is before in the log itself.

// whence is who has sent an event, and its place in the log.
type whence struct {
	from    string
	seq     uint64       // 0: it has no number
	at      adapter.Mark // zero: not known, and so after all that was read
	local   bool         // it was for this node's clients only
	settled bool         // all that is before it here is before it in the log too
}

// unnumbered reports whether it is from whoever gives no numbers, and there is
// no log to tell it from others by its place.
func (w *whence) unnumbered() bool { return !w.local && w.seq == 0 && w.at.IsZero() }

// roam is what recovery has to do with other nodes. All below is guarded by
// recovery.order. Nil does nothing.
type roam struct {
	r    *recovery
	c    *clustered
	log  adapter.Log // nil: the backend has none
	node nodeOffsets // Recovery.NodeOffsets
	self string

	read   adapter.Mark // what was delivered last came from there
	start  adapter.Mark // all that came after it was kept; zero: not known yet
	unread []*whence    // of this node's, whose places are not known
	many   int          // as many of them are looked through for those that were given up
	lost   known        // what was given up
	blind  uint64       // the last number of this node's that was given up before its place was known
	holes  map[string]hole
	late   map[string][]late // by node: what is still to come, and some have had

	given uint64 // of the message that is being published, 0 if none is

	turns map[[sha256.Size]byte]chan struct{} // of clients that are being taken; closed when one is over

	handed handed            // where there is no log
	got    map[string]uint64 // likewise: the last number of each node's that was delivered
	tells  bool              // others have been told of this node's order
	told   uint64            // up to which position
	oldest uint64            // and from which on

	odd     atomic.Bool // something is not stored as it should be
	stale   atomic.Bool // what is stored of somebody is older than what he is, as the backend is away
	timer   engineio.Timer
	ticking bool
	dirty   []*roaming // of sockets that have changed
	queue   []stored   // by time
	safe    []moment   // by time
}

// A hole is what never came of another node.
type hole struct {
	seq  uint64 // the last number
	at   adapter.Mark
	when time.Time
}

// late is a socket that has seen what is still to come of a node: up to n.
type late struct {
	s *Socket
	n uint64
}

// A moment is what there was at a time.
type moment struct {
	when  time.Time
	known *known
}

// join makes r part of a cluster, before it has given out any offset.
func (r *recovery) join(c *clustered) {
	m := &roam{
		r: r, c: c, log: c.core.Log(), self: c.core.Self().ID,
		holes: make(map[string]hole), late: make(map[string][]late), got: make(map[string]uint64), turns: make(map[[sha256.Size]byte]chan struct{}),
	}
	r.roam = m
	m.node.init(m)
	if m.node.on {
		r.marker = (id.New() + id.New())[:adapter.NodeOffsetLen]
	} else if m.log != nil {
		r.marker = strings.Repeat(r.marker, 4)[:eventlog.OffsetLen] + (id.New() + id.New())[:roamLen]
	}
	r.log.LostOne = m.gaveUp
}

// roams reports whether other nodes are told of all events. Nil does not.
func (r *recovery) roams() bool { return r != nil && r.roam != nil }

// findOffset finds an offset in this node's log.
func (r *recovery) findOffset(text string) (uint64, error) {
	switch {
	case r.roam.waits():
		return r.roam.findNodeOffset(text)
	case r.roam != nil && r.roam.log != nil:
		if len(text) != len(r.marker) {
			text = "" // none
		} else {
			text = text[:eventlog.OffsetLen]
		}
	}
	return r.log.Find(text)
}

// numbered is the last number that this node has given.
func (m *roam) numbered() uint64 {
	if m.given != 0 {
		return m.given
	}
	return m.c.core.Given(m.r.ns.name)
}

// now is what a client has seen that has got all so far.
func (m *roam) now() *known {
	if m.waits() { // this node's own are sent when they are read
		return &known{At: m.position()}
	}
	return &known{At: m.position(), Nodes: map[string]uint64{m.self: m.numbered()}}
}

// position is how far the log was read.
func (m *roam) position() adapter.Mark {
	if at := m.c.core.Read(); m.read.IsZero() || at.Reaches(m.read) {
		return at
	}
	return m.read
}

// publish tells the other nodes of an event that deliver sends to the clients
// here, with whence it is. The caller holds the lock.
func (m *roam) publish(msg *adapter.Message, deliver func(w *whence)) {
	if m.waits() {
		m.publishFirst(msg, deliver)
		return
	}
	w := &whence{from: m.self}
	before := func() {
		w.seq, m.given = msg.Seq, msg.Seq
		if m.log != nil {
			if len(m.unread) >= m.many {
				m.forgetGivenUp()
			}
			m.unread = append(m.unread, w)
		}
		deliver(w)
	}
	err := m.c.core.PublishAfter(msg, before)
	m.given = 0
	if err != nil {
		m.c.srv.log.Warn("socketio: not sent to the cluster", "kind", msg.Kind.String(), "error", err)
	}
}

// forgetGivenUp takes those out of unread that are not kept any more: so it does
// not grow for ever while the log is away.
func (m *roam) forgetGivenUp() {
	kept := make(map[*whence]bool)
	m.r.log.Back(time.Now(), func(e eventlog.Kept[keptEvent]) bool {
		kept[e.Value.whence] = true
		return true
	})
	m.unread = slices.DeleteFunc(m.unread, func(w *whence) bool { return !kept[w] })
	m.many = len(m.unread) + max(64, len(kept)) // which pays for the look
}

// send sends an event to one socket, and tells the other nodes of it: its client
// may come back to one of them. The caller holds the lock.
func (m *roam) send(s *Socket, event string, args []any, e *siowire.Encoded, f engineio.Flags) (err error) {
	msg, failed := m.c.kept(s.ns, event, args, e)
	if failed != nil {
		return m.r.sendOne(s, event, e, f, m.untold(event, failed))
	}
	msg.Rooms = []string{s.id}
	m.publish(msg, func(w *whence) { err = m.r.sendOne(s, event, e, f, w) })
	return err
}

// untold notes an event that the other nodes cannot be told of: that it is missing
// they can see.
func (m *roam) untold(event string, err error) *whence {
	m.c.srv.log.Warn("socketio: not sent to the cluster", "event", clip.Text(event), "error", err)
	return &whence{from: m.self, seq: m.c.core.Skip(m.r.ns.name)}
}

// whence says where an event comes from that is about to be delivered to list:
// another node if that has sent msg. It returns who has not had it.
func (m *roam) whence(msg *adapter.Message, list []*Socket) (*whence, []*Socket) {
	if msg == nil {
		return &whence{local: true}, list
	}
	w := m.arrived(msg)
	return w, m.without(list, w)
}

func (m *roam) arrived(msg *adapter.Message) *whence {
	if !msg.At.IsZero() {
		m.begin(msg.At)
		m.read = msg.At
	} else if m.log != nil && !msg.Flags.Volatile && msg.Request == "" {
		// Its node does not use the log: nobody finds this there who was away.
		m.holes[msg.From] = hole{seq: math.MaxUint64, at: m.position(), when: time.Now()}
	}
	if m.log == nil && msg.Seq != 0 {
		m.got[msg.From] = msg.Seq
	}
	return &whence{from: msg.From, seq: msg.Seq, at: msg.At, settled: len(m.unread) == 0}
}

// begin notes from where on all is kept.
func (m *roam) begin(at adapter.Mark) {
	if m.start.IsZero() || m.start.Log != at.Log {
		m.start = at
	}
}

// without takes those out of list who have had what comes.
func (m *roam) without(list []*Socket, w *whence) []*Socket {
	if len(m.late) == 0 || w.seq == 0 {
		return list
	}
	waits := m.late[w.from]
	if len(waits) == 0 {
		return list
	}
	list = slices.DeleteFunc(list, func(s *Socket) bool {
		return slices.ContainsFunc(waits, func(l late) bool { return l.s == s && w.seq <= l.n })
	})
	waits = slices.DeleteFunc(waits, func(l late) bool { return w.seq >= l.n || l.s.state.Load() == disconnected })
	if len(waits) == 0 {
		delete(m.late, w.from)
	} else {
		m.late[w.from] = waits
	}
	return list
}

// ReadBack implements cluster.Host.
func (c *clustered) ReadBack(name string, seq uint64, at adapter.Mark) {
	ns := c.srv.known(name)
	if ns == nil || !ns.recovery.roams() {
		return
	}
	r := ns.recovery
	r.lock()
	defer r.unlock()
	m := r.roam
	m.begin(at)
	m.deliverRead(seq, at)
	n := 0
	for ; n < len(m.unread) && m.unread[n].seq <= seq; n++ {
		m.unread[n].at = at
	}
	m.unread = slices.Delete(m.unread, 0, n)
	if m.blind != 0 && m.blind <= seq {
		m.blind = 0
		m.lost.At = later(m.lost.At, at)
	}
}

func later(a, b adapter.Mark) adapter.Mark {
	if a.IsZero() || b.Reaches(a) {
		return b
	}
	return a
}

// gaveUp notes that an event is not kept any more.
func (m *roam) gaveUp(e keptEvent) {
	w := e.whence
	switch {
	case w == nil || w.local:
	case !w.at.IsZero():
		m.lost.At = later(m.lost.At, w.at)
	case m.log != nil:
		m.blind = max(m.blind, w.seq)
	}
	if w != nil && w.seq != 0 && m.log == nil {
		if m.lost.Nodes == nil {
			m.lost.Nodes = make(map[string]uint64)
		}
		m.lost.Nodes[w.from] = w.seq
	}
}

// missing notes what never came of a node.
func (c *clustered) missing(from, name string, seq uint64) {
	ns := c.srv.known(name)
	if ns == nil || !ns.recovery.roams() {
		return
	}
	r := ns.recovery
	r.lock()
	defer r.unlock()
	now := time.Now()
	maps.DeleteFunc(r.roam.holes, func(_ string, h hole) bool { return now.Sub(h.when) > r.age() })
	r.roam.holes[from] = hole{seq: seq, at: r.roam.position(), when: now}
}

// interrupted notes that the log is another, or that it is not known what it had.
func (c *clustered) interrupted(s adapter.State) {
	if s.Connection != adapter.Up || s.Log.IsZero() && !s.MayMiss {
		return
	}
	for ns := range c.srv.Namespaces() {
		if r := ns.recovery; r.roams() && r.roam.log != nil {
			r.lock()
			if r.roam.start.Log != s.Log.Log || s.MayMiss {
				r.roam.start = s.Log
			}
			r.unlock()
		}
	}
}
