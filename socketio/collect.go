package socketio

import (
	"cmp"
	"context"
	"iter"
	"sync"
	"time"

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
// The result may be ranged over once.
func (b Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Ack, error] {
	c := &collector{wake: make(chan struct{}, 1)}
	if err := checkEvent(event); err != nil {
		return failing(err)
	}
	for _, ns := range b.ns.leaves() {
		if err := c.emit(&b, ns, event, args); err != nil {
			c.finish(err)
			return failing(err)
		}
	}
	wait := cmp.Or(b.timeout, b.ns.srv.opts.AckTimeout)
	if _, ok := ctx.Deadline(); ok && b.timeout == 0 {
		wait = -1
	}
	c.mu.Lock()
	c.sealed = true
	over := c.missing == 0
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
	sealed  bool // all are sent
	over    bool // no answer counts any more
	err     error
	timer   *time.Timer
	stop    func() bool
}

// expected is one socket's answer that is waited for.
type expected struct {
	s  *Socket
	id uint64
}

func (c *collector) emit(b *Broadcast, ns *Namespace, event string, args []any) error {
	id := ns.ackIDs.Add(1) - 1
	m, err := ns.srv.encode(siowire.Outgoing{
		Type: siowire.Event, Namespace: ns.name, Event: event, Args: args, ID: id, HasID: true,
	}, 4)
	if err != nil {
		return err
	}
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
		}
	}
	return nil
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
	done := c.missing == 0 && c.sealed
	c.mu.Unlock()
	if done {
		c.finish(nil)
	} else {
		c.signal()
	}
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
	waiting := c.waiting
	c.waiting = nil
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
	}
	c.signal()
}

// answers is the iterator.
func (c *collector) answers(yield func(Ack, error) bool) {
	for {
		c.mu.Lock()
		list := c.list
		c.list = nil
		over, missing, err := c.over, c.missing, c.err
		c.mu.Unlock()
		for _, a := range list {
			if !yield(a, nil) {
				return
			}
		}
		if over {
			if missing > 0 {
				yield(Ack{}, &MissingAcksError{Missing: missing, Cause: err})
			}
			return
		}
		<-c.wake
	}
}
