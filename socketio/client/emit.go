package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// Emit sends an event, or keeps it until the socket is connected, or, with
// Options.Retries, until it is its turn. It does not wait for the network; a
// []byte is sent as it is and must not be changed afterwards. The error is
// [socketio.ErrReservedEvent], [ErrBufferFull] or [ErrClosed], or says that an
// argument cannot be encoded. Nil is no promise that the server got it.
func (s *Socket) Emit(event string, args ...any) error { return s.emit(event, args, nil, false) }

// Volatile returns an emitter whose events are dropped, with [ErrNotSent], while
// the socket is not connected.
func (s *Socket) Volatile() socketio.Emitter { return volatile{s} }

type volatile struct{ s *Socket }

func (v volatile) Emit(event string, args ...any) error { return v.s.emit(event, args, nil, true) }

func (s *Socket) emit(event string, args []any, w *wait, volatile bool) error {
	if socketio.Reserved(event) {
		return fmt.Errorf("client: %q: %w", event, socketio.ErrReservedEvent)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := siowire.Outgoing{Type: siowire.Event, Namespace: s.nsp, Event: event, Args: args}
	again := s.c.opts.Retries > 0 && !volatile
	asked := w != nil
	if again && !asked {
		w = &wait{done: make(chan struct{})}
	}
	if w != nil {
		w.id = s.lastID
		s.lastID++
		o.ID, o.HasID = w.id, true
	}
	e, err := s.c.opts.Parser.Encode(o, 4)
	if err != nil {
		return fmt.Errorf("client: %q: %w", event, err)
	}
	if again {
		return s.enqueueLocked(&attempted{event: event, e: e, wait: w, asked: asked})
	}
	conn := s.conn
	if conn == nil && volatile {
		return ErrNotSent
	}
	if conn != nil {
		err = conn.emit(e)
		if err == nil && w != nil {
			w.sent = true
			s.acks[w.id] = w
		}
		if !errors.Is(err, ErrDisconnected) {
			return err
		}
		if volatile {
			return ErrNotSent
		}
		// It has just ended, which the socket is about to learn.
	}
	if s.c.ctx.Err() != nil {
		return ErrClosed
	}
	size := sizeOf(e)
	if s.bytes+size > s.c.opts.BufferBytes {
		return ErrBufferFull
	}
	s.buffer, s.bytes = append(s.buffer, buffered{e, w}), s.bytes+size
	if w != nil {
		s.acks[w.id] = w
	}
	return nil
}

// buffered is what waits for a connection.
type buffered struct {
	e    siowire.Encoded
	wait *wait // nil: no acknowledgement is wanted
}

// wait is a call that is not answered yet.
type wait struct {
	id   uint64
	sent bool
	done chan struct{} // closed with the following
	args siowire.Args
	err  error
}

// EmitWithAck sends an event and waits for the server's acknowledgement, whose
// arguments it returns. Without a deadline in ctx it waits Options.AckTimeout,
// or, with Options.Retries, until the event was sent as often as that says.
// [Ask] is the typed way. A handler may call it.
//
// The error is [ErrAckTimeout], also for ctx's deadline; the cause of a ctx
// that was cancelled; [ErrDisconnected]; or one of Emit's. An event that waits
// for the connection is not sent any more once nobody waits for its answer.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (*socketio.Args, error) {
	if _, ok := ctx.Deadline(); !ok && s.c.opts.AckTimeout > 0 && s.c.opts.Retries <= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.c.opts.AckTimeout, ErrAckTimeout)
		defer cancel()
	}
	w := &wait{done: make(chan struct{})}
	if err := s.emit(event, args, w, false); err != nil {
		return nil, err
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		s.mu.Lock()
		delete(s.acks, w.id)
		s.buffer = without(s.buffer, w) // who does not wait for it any more does not want it sent
		s.takeLocked(w)
		s.mu.Unlock()
		if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			return nil, fmt.Errorf("%w: %q", ErrAckTimeout, event)
		}
		return nil, fmt.Errorf("client: %q: %w", event, context.Cause(ctx))
	}
	if w.err != nil {
		return nil, w.err
	}
	return &w.args, nil
}

func without(list []buffered, w *wait) []buffered {
	for i := range list {
		if list[i].wait == w {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}
