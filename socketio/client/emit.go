package client

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// Emit sends an event, or keeps it until the socket is connected. It does not
// wait for the network; a []byte is sent as it is and must not be changed
// afterwards.
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
	if w != nil {
		w.id = s.lastID
		s.lastID++
		o.ID, o.HasID = w.id, true
	}
	e, err := s.c.opts.Parser.Encode(o, 4)
	if err != nil {
		return fmt.Errorf("client: %q: %w", event, err)
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
	size := len(e.Text) + len(e.Binary)
	for _, a := range e.Attachments {
		size += len(a)
	}
	if s.bytes+size > s.c.opts.BufferBytes {
		return ErrBufferFull
	}
	s.buffer, s.bytes = append(s.buffer, buffered{e, w}), s.bytes+size
	if w != nil {
		s.acks[w.id] = w
	}
	return nil
}

// EmitWithAck sends an event and waits for the server's acknowledgement, whose
// arguments it returns. Without a deadline in ctx it waits Options.AckTimeout.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (*socketio.Args, error) {
	if _, ok := ctx.Deadline(); !ok && s.c.opts.AckTimeout > 0 {
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

// An Event is what the server has sent.
type Event struct {
	Name string
	Args socketio.Args // still encoded: see [socketio.Raw.Decode]

	s     *Socket
	conn  *conn
	id    uint64
	wants bool
	acked sync.Mutex // held for good once it is acknowledged
}

// WantsAck reports whether the server waits for an acknowledgement.
func (e *Event) WantsAck() bool { return e.wants }

// Ack acknowledges the event. On a connection that has ended meanwhile nobody
// waits for it any more.
func (e *Event) Ack(args ...any) error {
	if !e.wants || !e.acked.TryLock() {
		return ErrAckedTwice
	}
	p, err := e.s.c.opts.Parser.Encode(siowire.Outgoing{Type: siowire.Ack, Namespace: e.s.nsp, Args: args, ID: e.id, HasID: true}, 4)
	if err != nil {
		e.acked.Unlock()
		return fmt.Errorf("client: acknowledging %q: %w", e.Name, err)
	}
	return e.conn.emit(p)
}

// On has h called for each event of that name, after the handlers registered
// before. The context ends when the socket disconnects.
func (s *Socket) On(event string, h func(ctx context.Context, e *Event)) {
	s.mu.Lock()
	s.on[event] = append(s.on[event][:len(s.on[event]):len(s.on[event])], h)
	s.mu.Unlock()
}

// Off removes the handlers of an event.
func (s *Socket) Off(event string) {
	s.mu.Lock()
	delete(s.on, event)
	s.mu.Unlock()
}

// OnAny has h called for each event, before its own handlers.
func (s *Socket) OnAny(h func(ctx context.Context, e *Event)) {
	s.mu.Lock()
	s.onAny = append(s.onAny, h)
	s.mu.Unlock()
}

// OnConnect has h called each time the socket has joined its namespace.
func (s *Socket) OnConnect(h func(ctx context.Context)) {
	s.mu.Lock()
	s.told.connect = append(s.told.connect, h)
	s.mu.Unlock()
}

// OnDisconnect has h called each time it has left, with the official client's
// word for why: "io server disconnect" and "io client disconnect", after which
// it stays away; "transport close", "transport error", "ping timeout" and
// "parse error", after which it comes back. err is the cause, if there is one.
func (s *Socket) OnDisconnect(h func(reason string, err error)) {
	s.mu.Lock()
	s.told.disconnect = append(s.told.disconnect, h)
	s.mu.Unlock()
}

// OnConnectError has h called for each failure to connect: with a
// [*ConnectError], after which the socket stays away, or with why the server
// cannot be reached, after which it tries again.
func (s *Socket) OnConnectError(h func(err error)) {
	s.mu.Lock()
	s.told.failed = append(s.told.failed, h)
	s.mu.Unlock()
}
