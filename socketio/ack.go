package socketio

import (
	"context"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// An Ack is a client's answer to an event.
type Ack struct{ args siowire.Args }

// Len is the number of values in the answer.
func (a Ack) Len() int { return a.args.Len() }

// Arg returns value i, counted from 0; the zero Raw if there is none.
func (a Ack) Arg(i int) Raw { return a.args.At(i) }

// Scan decodes the values; see [Request.Scan].
func (a Ack) Scan(dst ...any) error { return scan(&a.args, dst) }

// acker waits for a socket's answer. answered is called once, by whoever took
// it out of the socket's map, with no lock held; it must not block.
type acker interface {
	answered(s *Socket, a Ack, err error)
}

// expect notes that the answer with this id is w's.
func (s *Socket) expect(id uint64, w acker) (err error) {
	defer func() {
		if err == ErrTooManyAcks {
			s.conn.srv.bound("MaxAcks", s)
		}
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state.Load() == disconnected:
		return ErrDisconnected
	case len(s.acks) >= s.conn.srv.opts.Limits.MaxAcks:
		return ErrTooManyAcks
	}
	if s.acks == nil {
		s.acks = make(map[uint64]acker)
	}
	s.acks[id] = w
	return nil
}

// take ends the wait for an answer and returns who waited, if anybody still
// did.
func (s *Socket) take(id uint64) acker {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.takeLocked(id)
}

func (s *Socket) takeLocked(id uint64) acker {
	w := s.acks[id]
	if delete(s.acks, id); len(s.acks) == 0 {
		s.acks = nil
	}
	return w
}

// acked takes an answer. It runs inside Receive, ahead of the inbox, so that a
// handler may wait for it.
func (s *Socket) acked(p *siowire.Packet) {
	if p.HasID && s.expects(p.ID) {
		p.Detach() // a copy, which answers that nobody waits for are not worth
		if s.answer(p.ID, Ack{args: p.Args}, nil) {
			return
		}
	}
	s.conn.srv.stats.ignored("unknown acknowledgement")
}

func (s *Socket) expects(id uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.acks[id]
	return ok
}

// answer hands an answer, or what there is in its place, to who waits for it,
// and reports false if nobody does any more.
func (s *Socket) answer(id uint64, a Ack, err error) bool {
	s.mu.Lock()
	w := s.takeLocked(id)
	f, later := w.(*callback)
	start := false
	if later {
		// At once: after the socket's end nothing comes into the inbox any more.
		start, _ = s.inbox.Add(&s.conn.srv.inboxes, f.task(a, err))
	}
	s.mu.Unlock()
	switch {
	case start:
		s.conn.srv.engine.Go(s)
	case w != nil && !later:
		w.answered(s, a, err)
	}
	return w != nil
}

// emitAck sends an event whose answer is w's.
func (s *Socket) emitAck(w acker, event string, args []any) (id uint64, err error) {
	if err := checkEvent(event); err != nil {
		return 0, err
	}
	id = s.ns.ackIDs.Add(1) - 1
	m, err := s.conn.srv.encode(siowire.Outgoing{
		Type: siowire.Event, Namespace: s.name, Event: event, Args: args, ID: id, HasID: true,
	}, s.conn.sess.Protocol())
	if err != nil {
		return 0, err
	}
	if err := s.expect(id, w); err != nil {
		s.conn.srv.dropped(s, event, err)
		if err == ErrDisconnected {
			err = s.lostError()
		}
		return 0, err
	}
	s.outgoing(event, args)
	if err := s.send(event, m, 0); err != nil {
		if s.take(id) == nil {
			return id, nil // w has its answer: the loss
		}
		return 0, err
	}
	return id, nil
}

// EmitWithAck sends an event and waits for the client's answer. If ctx has no
// deadline, Options.AckTimeout is one. A handler may call it: the answer is
// taken while the socket's other events wait.
//
// The error is [ErrAckTimeout], ctx's, the [DisconnectReason] of a client lost
// meanwhile, or why nothing was sent.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Ack, error) {
	w := make(waiter, 1)
	id, err := s.emitAck(w, event, args)
	if err != nil {
		return Ack{}, err
	}
	var expired <-chan time.Time
	if _, ok := ctx.Deadline(); !ok && s.conn.srv.opts.AckTimeout > 0 {
		t := time.NewTimer(s.conn.srv.opts.AckTimeout)
		defer t.Stop()
		expired = t.C
	}
	select {
	case r := <-w:
		return r.Ack, r.err
	case <-ctx.Done():
		err = context.Cause(ctx)
		if err == context.DeadlineExceeded {
			err = ErrAckTimeout
		}
	case <-expired:
		err = ErrAckTimeout
	}
	if s.take(id) == nil {
		r := <-w // it came at the last moment
		return r.Ack, r.err
	}
	return Ack{}, err
}

type answer struct {
	Ack
	err error
}

// waiter is the acker of EmitWithAck. It has room for the one answer.
type waiter chan answer

func (w waiter) answered(_ *Socket, a Ack, err error) { w <- answer{a, err} }

// EmitFunc sends an event and has f called with the answer, or with an error
// after timeout (0 is Options.AckTimeout, negative none) or when the client is
// lost. f runs among the socket's handlers, in order with its events. Nothing
// waits meanwhile. If the event could not be sent, the error is returned and f
// is not called.
func (s *Socket) EmitFunc(event string, timeout time.Duration, f func(Ack, error), args ...any) error {
	w := &callback{f: f}
	id, err := s.emitAck(w, event, args)
	if err != nil {
		return err
	}
	if timeout == 0 {
		timeout = s.conn.srv.opts.AckTimeout
	}
	if timeout > 0 {
		t := time.AfterFunc(timeout, func() {
			s.answer(id, Ack{}, ErrAckTimeout) // unless it came at the last moment
		})
		w.expires(t)
	}
	return nil
}
