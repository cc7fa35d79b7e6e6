package socketio

import (
	"context"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/waits"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// An Ack is a client's answer to an event, or another node's to one of
// [Namespace.ServerSideEmitWithAck]. It is a value that can be copied and kept;
// its values are still encoded.
type Ack struct{ args siowire.Args }

// Len is the number of values in the answer.
func (a Ack) Len() int { return a.args.Len() }

// Arg returns value i, counted from 0; the zero Raw if there is none.
func (a Ack) Arg(i int) Raw { return a.args.At(i) }

// Scan decodes the values; see [Request.Scan].
func (a Ack) Scan(dst ...any) error { return scan(&a.args, dst) }

// An acker waits for the answer of a socket.
type acker = waits.Waiter[Ack]

// waits are those for this socket's answers.
func (s *Socket) waits() *waits.Table[Ack] { return &s.extra().acks }

// expect notes that the answer with this id is w's.
func (s *Socket) expect(id uint64, w acker) error {
	t := s.waits()
	switch err := t.Expect(id, w, s.conn.srv.opts.Limits.MaxAcks); err {
	case nil:
		// The socket may have ended meanwhile: then loseAcks has seen w, or we see
		// the end.
		if s.state.Load() == disconnected && t.Forget(id) {
			return ErrDisconnected
		}
		return nil
	case waits.ErrFull:
		s.bound(BoundMaxAcks)
		return ErrTooManyAcks
	}
	return ErrDisconnected
}

// acked takes an answer. It runs inside Receive, ahead of the inbox, so that a
// handler may wait for it.
func (s *Socket) acked(p *siowire.Packet) {
	if m := s.more.Load(); m != nil && p.HasID && m.acks.Waits(p.ID) {
		p.Detach() // a copy, which answers that nobody waits for are not worth
		if m.acks.Answer(p.ID, Ack{args: p.Args}) {
			s.conn.srv.stats.acksIn.Add(1)
			return
		}
	}
	s.conn.srv.stats.ignored(IgnoreUnknownAck)
}

// loseAcks ends the waits for this socket's answers. Its state says already that
// it has ended.
func (s *Socket) loseAcks(err error) {
	if m := s.more.Load(); m != nil {
		m.acks.Close(err)
	}
}

// emitAck sends an event whose answer is w's.
func (s *Socket) emitAck(w acker, event string, args []any) (id uint64, err error) {
	if err := checkEvent(event); err != nil {
		return 0, err
	}
	id = s.ns.ackIDs.Add(1) - 1
	m, err := s.conn.srv.encode(&siowire.Outgoing{
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
		if !s.waits().Forget(id) {
			return id, nil // w has its answer: the loss
		}
		return 0, err
	}
	return id, nil
}

// EmitWithAck sends an event and waits for the client's answer. If ctx has no
// deadline, Options.AckTimeout is one. A handler may call it: the answer is
// taken while the socket's other events wait. [Call.EmitWithAck] is the typed
// way.
//
// The error is [ErrAckTimeout], also for ctx's deadline; the cause of a ctx
// that was cancelled; the [DisconnectReason] of a client lost meanwhile; or why
// nothing was sent, see [Emitter] and [ErrTooManyAcks].
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
	if !s.waits().Forget(id) {
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

func (w waiter) Answered(a Ack, err error) { w <- answer{a, err} }

// EmitFunc sends an event and has f called with the answer, or with an error
// after timeout (0 is Options.AckTimeout, negative none) or when the client is
// lost; the errors are those of [Socket.EmitWithAck]. f runs among the socket's
// handlers, in order with its events, and may block as they may. Nothing waits
// meanwhile. If the event could not be sent, the error is returned and f is not
// called.
func (s *Socket) EmitFunc(event string, timeout time.Duration, f func(Ack, error), args ...any) error {
	id, err := s.emitAck(&callback{s, f}, event, args)
	if err != nil {
		return err
	}
	if timeout == 0 {
		timeout = s.conn.srv.opts.AckTimeout
	}
	if timeout > 0 {
		s.waits().Limit(id, timeout, ErrAckTimeout)
	}
	return nil
}

// callback is the acker of EmitFunc: it has the function called in the socket's
// turn.
type callback struct {
	s *Socket
	f func(Ack, error)
}

func (w *callback) Answered(a Ack, err error) {
	w.s.put(&task{kind: taskCallback, reply: &reply{w.f, a, err}})
}

// reply is an answer on its way to the function that waits for it.
type reply struct {
	f   func(Ack, error)
	ack Ack
	err error
}
