package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// A Socket is a client in one namespace. It is a [socketio.Emitter], so typed
// events say themselves to it: chat.Say.Emit(s, line).
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
	early     []*Event // what came before the server's yes
	lastID    uint64
	acks      map[uint64]*wait
	on        map[string][]func(context.Context, *Event)
	onAny     []func(context.Context, *Event)
	told      hooks
	inbox     inbox
}

// hooks are functions to call when something happens.
type hooks struct {
	connect    []func(ctx context.Context)
	disconnect []func(reason string, err error)
	failed     []func(err error)
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

// ID is the socket's id on the server, "" while it is not connected.
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
// server cannot be reached. When ctx ends the socket goes on trying:
// [Socket.Disconnect] ends that.
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
// needs it. What is buffered is forgotten. Connect comes back.
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
		s.mu.Unlock()
		if w != nil {
			w.args = p.Args
			close(w.done)
		}
	case siowire.Event:
		s.event(&Event{Name: p.Event, Args: p.Args, s: s, conn: k, id: p.ID, wants: p.HasID})
	}
}

func (s *Socket) connected(k *conn, id, pid string) {
	s.mu.Lock()
	if !s.active || s.conn != nil {
		s.mu.Unlock()
		return
	}
	s.recovered = pid != "" && s.pid == pid
	if !s.recovered {
		s.offset = ""
	}
	s.id, s.pid, s.conn, s.failed, s.given = id, pid, k, nil, nil
	s.life, s.end = context.WithCancelCause(s.c.ctx)
	life, early, hooks := s.life, s.early, slices.Clone(s.told.connect)
	s.early = nil
	queue := s.buffer
	s.buffer, s.bytes = nil, 0
	for _, b := range queue {
		if b.wait != nil {
			b.wait.sent = true
		}
		_ = k.emit(b.e) // if it is lost again, so is this, as if it had been sent
	}
	s.notify()
	s.mu.Unlock()
	for _, h := range hooks {
		s.do(func() { h(life) })
	}
	for _, e := range early {
		s.event(e)
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

// gone ends the socket's time on a connection. What was asked and not answered
// fails.
func (s *Socket) gone(reason string, err error) {
	s.mu.Lock()
	was := s.conn != nil
	s.conn, s.id, s.early = nil, "", nil
	end, hooks := s.end, slices.Clone(s.told.disconnect)
	s.end = nil
	var lost []*wait
	for id, w := range s.acks {
		if w.sent {
			lost = append(lost, w)
			delete(s.acks, id)
		}
	}
	s.notify()
	s.mu.Unlock()
	for _, w := range lost {
		w.err = fmt.Errorf("%w: %s", ErrDisconnected, reason)
		close(w.done)
	}
	if !was {
		return
	}
	end(fmt.Errorf("%w: %s", ErrDisconnected, reason))
	for _, h := range hooks {
		s.do(func() { h(reason, err) })
	}
}

// lost is the end of the connection.
func (s *Socket) lost(reason string, err error) {
	if s.Connected() {
		s.gone(reason, err)
	}
}

// unreachable is a connection that could not be made.
func (s *Socket) unreachable(err error) {
	s.mu.Lock()
	active := s.active
	s.failed = err
	hooks := slices.Clone(s.told.failed)
	s.notify()
	s.mu.Unlock()
	if active {
		for _, h := range hooks {
			s.do(func() { h(err) })
		}
	}
}

// givenUp is the end of all attempts.
func (s *Socket) givenUp(err error) {
	s.mu.Lock()
	active := s.active
	s.active = false
	if active {
		s.given = err
	}
	s.notify()
	s.mu.Unlock()
	if active {
		s.forget(err)
	}
}

// refused is the server's no, or a reason not to ask.
func (s *Socket) refused(err error) {
	s.mu.Lock()
	s.active, s.asked, s.given, s.early = false, nil, err, nil
	hooks := slices.Clone(s.told.failed)
	s.notify()
	s.mu.Unlock()
	for _, h := range hooks {
		s.do(func() { h(err) })
	}
	s.c.idle()
}

// forget fails what waits to be sent.
func (s *Socket) forget(err error) {
	s.mu.Lock()
	s.buffer, s.bytes = nil, 0
	all := slices.Collect(maps.Values(s.acks))
	clear(s.acks)
	s.mu.Unlock()
	for _, w := range all {
		w.err = err
		close(w.done)
	}
}

var _ socketio.Emitter = (*Socket)(nil)
