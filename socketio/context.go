package socketio

import (
	"context"
	"time"
)

// socketContext is a Socket seen as a context. Most sockets never need more of
// it than the pointer; the real one is made when somebody waits for it, asks it
// something or derives from it.
type socketContext Socket

// Context returns a context that carries the values of the handshake's and ends
// when the socket is disconnected; [context.Cause] is then the
// [DisconnectReason], or an error that wraps it and what lies behind. Handlers
// get it too. It has no deadline, and costs nothing until somebody waits for
// it.
func (s *Socket) Context() context.Context { return (*socketContext)(s) }

func (s *Socket) handshakeContext() context.Context { return s.conn.sess.Handshake().Context() }

func (c *socketContext) real() context.Context {
	s := (*Socket)(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life == nil {
		s.life = new(life)
	}
	l := s.life
	if l.Context == nil {
		l.Context, l.cancel = context.WithCancelCause(s.handshakeContext())
		if l.cause != nil {
			l.cancel(l.cause)
		}
	}
	return l.Context
}

func (c *socketContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c *socketContext) Done() <-chan struct{}       { return c.real().Done() }
func (c *socketContext) Err() error                  { return c.real().Err() }
func (c *socketContext) Value(key any) any           { return c.real().Value(key) }
func (c *socketContext) String() string              { return "socketio.Socket.Context" }

func (s *Socket) endContext(cause error) {
	s.mu.Lock()
	if s.life == nil {
		s.life = new(life)
	}
	s.life.cause = cause
	cancel := s.life.cancel
	s.mu.Unlock()
	if cancel != nil {
		cancel(cause)
	}
}

// ended is why the socket's life is over; nil before.
func (s *Socket) ended() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life == nil {
		return nil
	}
	return s.life.cause
}
