package socketio

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/cluster"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// EmitWithAck sends an event to all that are addressed and gathers their
// answers. It is sent when EmitWithAck is called; the loop over the result may
// come later, and yields each answer as it arrives. It ends when all have
// answered, or when ctx, Timeout or Options.AckTimeout ends the wait: then the
// last pair carries a [*MissingAcksError]. A socket that is lost meanwhile
// counts as one that did not answer.
//
//	for a, err := range srv.To("jury").EmitWithAck(ctx, "vote?") {
//		…
//	}
//
// The result may be ranged over once, and need not be: what is gathered ends
// with the wait. If nothing could be sent, for the reasons that [Emitter]
// tells, the only pair carries that error.
func (b Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Ack, error] {
	c := &collector{wake: make(chan struct{}, 1)}
	if err := checkEvent(event); err != nil {
		return failing(err)
	}
	for _, ns := range b.ns.leaves() {
		e, err := c.emit(&b, ns, event, args)
		if err != nil {
			c.finish(err)
			return failing(err)
		}
		if m := ns.srv.cluster; m != nil && !b.local {
			c.emitElsewhere(m, &b, ns, event, args, &e)
		}
	}
	wait := cmp.Or(b.timeout, b.ns.srv.opts.AckTimeout)
	if _, ok := ctx.Deadline(); ok && b.timeout == 0 {
		wait = -1
	}
	c.mu.Lock()
	c.sealed = true
	over := c.missing == 0 && c.asking == 0
	if !over && wait > 0 {
		c.timer = time.AfterFunc(wait, func() { c.finish(ErrAckTimeout) })
	}
	if !over {
		c.stop = context.AfterFunc(ctx, func() {
			err := context.Cause(ctx)
			if err == context.DeadlineExceeded {
				err = ErrAckTimeout
			}
			c.finish(err)
		})
	}
	c.mu.Unlock()
	if over {
		c.finish(nil)
	}
	return c.answers
}

func failing(err error) iter.Seq2[Ack, error] {
	return func(yield func(Ack, error) bool) { yield(Ack{}, err) }
}

// collector is the acker of a broadcast.
type collector struct {
	wake chan struct{} // has an entry when there is something new

	mu      sync.Mutex
	waiting []expected
	list    []Ack // arrived and not yielded yet
	missing int
	asked   []*cluster.Question // of other nodes
	asking  int                 // of asked: those that are open
	left    cluster.Left        // what never came of those that are over
	sealed  bool                // all are sent
	over    bool                // no answer counts any more
	ended   bool                // and what is missing is known
	err     error
	timer   *time.Timer
	stop    func() bool
}

// expected is one socket's answer that is waited for.
type expected struct {
	s  *Socket
	id uint64
}

func (c *collector) emit(b *Broadcast, ns *Namespace, event string, args []any) (siowire.Encoded, error) {
	id := ns.ackIDs.Add(1) - 1
	e, err := ns.srv.packet(&siowire.Outgoing{
		Type: siowire.Event, Namespace: ns.name, Event: event, Args: args, ID: id, HasID: true,
	}, 4)
	if err != nil {
		return e, err
	}
	m := message(e)
	sent := 0
	for _, s := range b.appendTo(nil, ns) {
		c.mu.Lock()
		c.missing++
		c.waiting = append(c.waiting, expected{s, id})
		c.mu.Unlock()
		if err := s.expect(id, c); err != nil {
			ns.srv.dropped(s, event, err)
			continue
		}
		s.outgoing(event, args)
		if s.send(event, m, b.flags) != nil {
			_ = s.waits().Forget(id) // it counts as missing
		} else {
			sent++
		}
	}
	ns.srv.traceBroadcast(ns, event, sent)
	return e, nil
}

// Answered implements acker.
func (c *collector) Answered(a Ack, err error) {
	c.mu.Lock()
	if c.over || err != nil {
		c.mu.Unlock()
		return
	}
	c.list = append(c.list, a)
	c.missing--
	done := c.doneLocked()
	c.mu.Unlock()
	if done {
		c.finish(nil)
	} else {
		c.signal()
	}
}

func (c *collector) doneLocked() bool { return c.missing == 0 && c.asking == 0 && c.sealed }

// emitElsewhere has the other nodes ask their sockets.
func (c *collector) emitElsewhere(m *clustered, b *Broadcast, ns *Namespace, event string, args []any, e *siowire.Encoded) {
	data, err := m.eventData(ns, event, args, e, false)
	if err != nil {
		return // emit has said so
	}
	msg := &adapter.Message{Kind: adapter.Broadcast, NS: ns.name, Data: data}
	b.target(msg)
	c.mu.Lock()
	c.asking++
	c.mu.Unlock()
	q, err := m.core.Ask(msg, (*others)(c))
	if err != nil {
		m.srv.log.Warn("socketio: not sent to the cluster", "event", clip.Text(event), "error", err)
		(*others)(c).Done(cluster.Left{Some: 1})
		return
	}
	c.mu.Lock()
	c.asked = append(c.asked, q)
	c.mu.Unlock()
}

// others are the nodes that a collector has asked.
type others collector

// Answer implements cluster.Asker.
func (o *others) Answer(m *adapter.Message) {
	if m.Kind != adapter.ClientAck {
		return
	}
	a, err := acknowledgement(m.Data)
	if err != nil {
		a = Ack{} // the node's client has answered, and we cannot tell what
	}
	c := (*collector)(o)
	c.mu.Lock()
	if c.over {
		c.mu.Unlock()
		return
	}
	c.list = append(c.list, a)
	c.mu.Unlock()
	c.signal()
}

// Done implements cluster.Asker.
func (o *others) Done(left cluster.Left) {
	c := (*collector)(o)
	c.mu.Lock()
	c.asking--
	c.lostLocked(left)
	done := c.doneLocked() && !c.over
	c.mu.Unlock()
	if done {
		c.finish(nil)
	}
}

func (c *collector) lostLocked(l cluster.Left) {
	c.left.Acks += l.Acks
	c.left.Some += l.Some
	c.left.Nodes = append(c.left.Nodes, l.Nodes...)
}

func (c *collector) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// finish ends the wait; cause says why if answers are missing, and is nil if
// there are none: then nobody is waited for.
func (c *collector) finish(cause error) {
	c.mu.Lock()
	if c.over {
		c.mu.Unlock()
		return
	}
	c.over = true
	c.err = cause
	waiting, asked := c.waiting, c.asked
	c.waiting, c.asked = nil, nil
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.stop != nil {
		c.stop()
	}
	c.mu.Unlock()
	if cause != nil {
		for _, w := range waiting {
			_ = w.s.waits().Forget(w.id) // it may have come at the last moment
		}
		for _, q := range asked {
			left := q.End()
			c.mu.Lock()
			c.lostLocked(left)
			c.mu.Unlock()
		}
	}
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.signal()
}

// answers is the iterator.
func (c *collector) answers(yield func(Ack, error) bool) {
	for {
		c.mu.Lock()
		list := c.list
		c.list = nil
		over, missing, left, err := c.ended, c.missing, c.left, c.err
		c.mu.Unlock()
		for _, a := range list {
			if !yield(a, nil) {
				return
			}
		}
		if over {
			if missing += left.Acks + left.Some; missing > 0 {
				if err == nil {
					err = ErrNodeLost
				}
				slices.Sort(left.Nodes)
				yield(Ack{}, &MissingAcksError{Missing: missing, Nodes: slices.Compact(left.Nodes), Cause: err})
			}
			return
		}
		<-c.wake
	}
}
