package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// An Event is what the server has sent. It may be kept, and used by any
// goroutine. The typed way is the function [On].
type Event struct {
	Name string
	Args socketio.Args // still encoded: e.Args.At(0).Decode(&v)

	s     *Socket
	conn  *conn
	id    uint64
	wants bool
	acked sync.Mutex // held for good once it is acknowledged
}

// WantsAck reports whether the server waits for an acknowledgement.
func (e *Event) WantsAck() bool { return e.wants }

// Ack acknowledges the event, once, also after its handler has returned. The
// error is [ErrAckedTwice], also if no acknowledgement is wanted; says that an
// argument cannot be encoded, and then another answer can be given; or is
// [ErrDisconnected] on a connection that has ended meanwhile, where nobody
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
// before. The context ends when the socket disconnects. The typed way is the
// function [On].
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

// packet takes what the server has sent to the namespace, from the reader.
func (s *Socket) packet(k *conn, p *siowire.Packet) {
	switch p.Type {
	case siowire.Connect:
		var body struct{ SID, PID string }
		if err := p.Data.Decode(&body); err != nil || body.SID == "" {
			s.refused(errors.New("client: the server's answer to CONNECT has no sid: it speaks the protocol of socket.io 2, which this client does not"))
			return
		}
		s.connected(k, body.SID, body.PID)
	case siowire.ConnectError:
		e := &ConnectError{Namespace: s.nsp}
		var body struct {
			Message string
			Data    json.RawMessage
		}
		if err := p.Data.Decode(&body); err != nil {
			_ = p.Data.Decode(&body.Message) // old servers send a text; of neither there is nothing to tell
		}
		e.Message, e.Data = body.Message, body.Data
		s.refused(e)
	case siowire.Disconnect:
		s.mu.Lock()
		s.active, s.asked = false, nil
		s.given = fmt.Errorf("%w by the server", ErrDisconnected)
		s.mu.Unlock()
		s.gone("io server disconnect", nil)
		s.c.idle()
	case siowire.Ack:
		s.mu.Lock()
		w := s.acks[p.ID]
		delete(s.acks, p.ID)
		if w != nil {
			s.takeLocked(w)
		}
		s.mu.Unlock()
		if w != nil {
			w.args = p.Args
			close(w.done)
		}
	case siowire.Event:
		s.event(&Event{Name: p.Event, Args: p.Args, s: s, conn: k, id: p.ID, wants: p.HasID})
	}
}

// event has an event handled in its turn.
func (s *Socket) event(e *Event) {
	s.mu.Lock()
	if s.conn == nil { // it counts as coming after the yes
		if s.active && len(s.early) < s.c.opts.Inbox {
			s.early = append(s.early, e)
		}
		s.mu.Unlock()
		return
	}
	if s.pid != "" && !e.wants {
		// As the official client: the last string is the offset.
		offset := ""
		if e.Args.Len() > 0 && e.Args.At(e.Args.Len()-1).Decode(&offset) == nil && offset != "" {
			s.offset = offset
		}
	}
	ctx := s.life
	s.mu.Unlock()
	s.do(func() {
		s.mu.Lock()
		list := slices.Concat(s.onAny, s.on[e.Name])
		s.mu.Unlock()
		for _, h := range list {
			h(ctx, e)
		}
	})
}

// do has f called on the socket's goroutine, after what was there before.
func (s *Socket) do(f func()) {
	s.inbox.put(s.c, func() {
		defer func() {
			if v := recover(); v != nil {
				s.c.log().Error("client: a handler panicked", "namespace", s.nsp, "panic", v)
			}
		}()
		f()
	})
}
