package client

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// hooks are functions to call when something happens.
type hooks struct {
	connect    []func(ctx context.Context)
	disconnect []func(reason string, err error)
	failed     []func(err error)
}

// OnConnect has h called each time the socket has joined its namespace, after a
// loss too: see [Socket.Recovered]. The context ends when it disconnects.
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

// connected is the server's yes.
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
	s.nextLocked()
	s.notify()
	s.mu.Unlock()
	for _, h := range hooks {
		s.do(func() { h(life) })
	}
	for _, e := range early {
		s.event(e)
	}
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
	s.landLocked()
	over := s.overLocked()
	s.notify()
	s.mu.Unlock()
	s.giveUp(over, fmt.Errorf("%w: %s", ErrDisconnected, reason))
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
	s.dropLocked()
	all := slices.Collect(maps.Values(s.acks))
	clear(s.acks)
	s.mu.Unlock()
	for _, w := range all {
		w.err = err
		close(w.done)
	}
}
