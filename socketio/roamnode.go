package socketio

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
)

// With Recovery.NodeOffsets an offset is a place in the log alone. So this node
// sends its own events too when it reads them there.

// nodeOffsets is what a roam has for that. It is guarded by recovery.order.
type nodeOffsets struct {
	log     adapter.NodeLog // nil: Node's servers have no log of this kind
	on      bool
	waiting []waitingEvent // by number
}

// A waitingEvent is one of this node's that it has not read yet.
type waitingEvent struct {
	w       *whence
	deliver func(w *whence)
}

func (n *nodeOffsets) init(m *roam) {
	if m.log != nil {
		n.log, _ = m.log.(adapter.NodeLog)
	}
	n.on = n.log != nil && m.r.srv.opts.Recovery.NodeOffsets
}

// offset is the place that an offset of Node's stands for.
func (n *nodeOffsets) offset(text string) (adapter.Mark, bool) {
	if n.log == nil {
		return adapter.Mark{}, false
	}
	return n.log.NodeOffset(text)
}

// waits reports whether events are sent when they are read. Nil does not.
func (m *roam) waits() bool { return m != nil && m.node.on }

// publishFirst is publish that has deliver called when the event is read. If it
// cannot come, or too many wait, deliver is called at once, and nobody can come
// back for it.
func (m *roam) publishFirst(msg *adapter.Message, deliver func(w *whence)) {
	n := &m.node
	err := m.c.core.PublishAfter(msg, func() {
		n.waiting = append(n.waiting, waitingEvent{&whence{from: m.self, seq: msg.Seq}, deliver})
	})
	if err != nil {
		m.c.srv.log.Warn("socketio: not sent to the cluster", "kind", msg.Kind.String(), "error", err)
		m.deliverUnread(len(n.waiting))
	} else if most := m.r.srv.opts.Recovery.MaxPackets; len(n.waiting) > most {
		m.deliverUnread(len(n.waiting) - most)
	}
}

// deliverUnread delivers the first n of what waits.
func (m *roam) deliverUnread(n int) {
	list := m.node.waiting[:n]
	for _, e := range list {
		e.w.local = true
		e.deliver(e.w)
	}
	m.node.waiting = slices.Delete(m.node.waiting, 0, n)
}

// deliverRead delivers this node's event of that number, and what was before it
// and never came. The caller holds the lock.
func (m *roam) deliverRead(seq uint64, at adapter.Mark) {
	if !m.waits() {
		return
	}
	n := 0
	for n < len(m.node.waiting) && m.node.waiting[n].w.seq < seq {
		n++
	}
	m.deliverUnread(n)
	m.read = at
	if len(m.node.waiting) == 0 || m.node.waiting[0].w.seq != seq {
		return
	}
	e := m.node.waiting[0]
	m.node.waiting = slices.Delete(m.node.waiting, 0, 1)
	e.w.at, e.w.settled = at, true
	e.deliver(e.w)
}

// findNodeOffset finds the position of what was sent last up to an offset of
// Node's. The caller holds the lock.
func (m *roam) findNodeOffset(text string) (position uint64, err error) {
	at, ok := m.node.offset(text)
	switch {
	case !ok:
		return 0, eventlog.ErrForeign
	case !m.position().Reaches(at):
		return 0, errNoSession
	}
	m.r.log.Back(time.Now(), func(e eventlog.Kept[keptEvent]) bool {
		if w := e.Value.whence; w != nil && at.Reaches(w.at) {
			position = e.Position
		}
		return position == 0
	})
	return position, nil
}

// A nodeTaken is what there was for Node's servers.
type nodeTaken struct {
	a    *absent // it comes from one of them
	gone bool    // nothing
}

// fromNodeFirst looks for a session that a Node server has stored: then the
// client has been there last. It takes out what this package's have stored for
// them.
func (m *roam) fromNodeFirst(ctx context.Context, s *Socket, key [sha256.Size]byte, pid, offset string) (nodeTaken, notRecovered) {
	if !m.waits() {
		return nodeTaken{}, ""
	}
	found, err := m.node.log.TakeNodeSession(ctx, pid)
	switch {
	case err != nil:
		return nodeTaken{}, logSilent
	case found == nil:
		return nodeTaken{gone: true}, ""
	case found.Ours:
		return nodeTaken{}, ""
	}
	m.forgetHere(key)
	m.log.PutSession(adapter.Session{Key: sessionKey(m.r.ns.name, key), First: true}) // nothing: it is from before
	at, ok := m.node.offset(offset)
	if !ok {
		return nodeTaken{}, noOffset
	}
	a, why := m.bringFromNode(ctx, s, key, pid, found, at)
	return nodeTaken{a: a}, why
}

// forgetHere forgets a client that has been elsewhere since.
func (m *roam) forgetHere(key [sha256.Size]byte) {
	m.r.lock()
	defer m.r.unlock()
	if a := m.r.absents.away[key]; a != nil {
		m.r.absents.done(a, m.r.forget)
	}
}
