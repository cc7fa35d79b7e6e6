package client

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// A Socket is a client in one namespace. It is a [socketio.Emitter], so typed
// events say themselves to it: chat.Say.Emit(s, line). It outlives connections:
// what is registered on it stays. All methods may be called from any goroutine.
// Its handlers and hooks run one at a time, in the order in which things have
// happened, and may block: then reading pauses after Options.Inbox of them.
type Socket struct {
	c   *Client
	nsp string

	mu        sync.Mutex
	active    bool  // it wants to be connected
	asked     *conn // over which it has asked to be let in
	conn      *conn // nil while it is not connected
	life      context.Context
	end       context.CancelCauseFunc
	id, pid   string
	offset    string
	recovered bool
	failed    error // why the last attempt went wrong
	given     error // not nil: it has been refused, or given up
	changed   chan struct{}
	buffer    []buffered
	bytes     int
	retries   retries
	early     []*Event // what came before the server's yes
	lastID    uint64
	acks      map[uint64]*wait
	on        map[string][]func(context.Context, *Event)
	onAny     []func(context.Context, *Event)
	told      hooks
	inbox     inbox
}

func newSocket(c *Client, nsp string) *Socket {
	s := &Socket{c: c, nsp: nsp, changed: make(chan struct{}), acks: map[uint64]*wait{}, on: map[string][]func(context.Context, *Event){}}
	s.inbox.init(c.opts.Inbox)
	return s
}

// Client returns the connection that the socket shares with those of other
// namespaces.
func (s *Socket) Client() *Client { return s.c }

// Namespace returns the name of the socket's namespace.
func (s *Socket) Namespace() string { return s.nsp }

// ID is the socket's id on the server, "" while it is not connected. It is a
// new one after each loss, unless the socket was recovered.
func (s *Socket) ID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Connected reports whether the socket is in its namespace.
func (s *Socket) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn != nil
}

// Recovered reports whether the server has restored what the socket was before
// the last loss: its id, its rooms, and the events it missed.
func (s *Socket) Recovered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recovered
}

func (s *Socket) isActive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active
}

// joins notes that the socket asks to be let in over k. It reports false if it
// has asked already.
func (s *Socket) joins(k *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.active || s.asked == k {
		return false
	}
	s.asked = k
	return true
}

// notify wakes those who wait for a change. s.mu is held.
func (s *Socket) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Connect has the socket join its namespace, and waits until it has. It fails
// with a [*ConnectError] if the server does not let it in; with the last
// [*HandshakeError] when ctx ends, or at once without reconnecting, if the
// server cannot be reached; with [ErrDisconnected] if Disconnect is called
// meanwhile, and with [ErrClosed] after Close. When ctx ends the socket goes on
// trying: [Socket.Disconnect] ends that. Of one that is connected it returns
// nil at once.
func (s *Socket) Connect(ctx context.Context) error {
	s.mu.Lock()
	s.given, s.failed = nil, nil
	already := s.active
	s.active = true
	s.mu.Unlock()
	if !already {
		if err := s.c.want(s); err != nil {
			s.mu.Lock()
			s.active = false
			s.mu.Unlock()
			return err
		}
	}
	for {
		s.mu.Lock()
		conn, given, failed, changed := s.conn, s.given, s.failed, s.changed
		s.mu.Unlock()
		switch {
		case conn != nil:
			return nil
		case given != nil:
			return given
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if failed != nil {
				return fmt.Errorf("client: not connected in time: %w", failed)
			}
			return fmt.Errorf("client: not connected in time: %w", context.Cause(ctx))
		}
	}
}

// Disconnect leaves the namespace, and closes the connection if no other socket
// needs it. What is buffered is forgotten, and who waits for an acknowledgement
// gets [ErrDisconnected]. Connect comes back.
func (s *Socket) Disconnect() {
	s.mu.Lock()
	conn := s.conn
	s.active, s.asked = false, nil
	s.given = ErrDisconnected
	s.mu.Unlock()
	if conn != nil {
		if e, err := s.c.opts.Parser.Encode(siowire.Outgoing{Type: siowire.Disconnect, Namespace: s.nsp}, 4); err == nil {
			_ = conn.emit(e) // of an ended connection it is true already
		}
	}
	s.gone("io client disconnect", nil)
	s.forget(ErrDisconnected)
	s.c.idle()
}

// auth is what the socket says of itself when it connects.
func (s *Socket) auth(ctx context.Context) (any, error) {
	own := s.c.opts.Auth
	if f := s.c.opts.AuthFunc; f != nil {
		var err error
		if own, err = f(ctx, s.nsp); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	pid, offset := s.pid, s.offset
	s.mu.Unlock()
	if pid == "" {
		return own, nil
	}
	all := map[string]any{}
	if own != nil {
		text, err := json.Marshal(own)
		if err == nil {
			err = json.Unmarshal(text, &all)
		}
		if err != nil {
			return nil, err
		}
	}
	all["pid"] = pid
	if offset != "" {
		all["offset"] = offset
	}
	return all, nil
}

var _ socketio.Emitter = (*Socket)(nil)
