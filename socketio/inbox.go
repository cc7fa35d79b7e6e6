package socketio

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// A socket's inbox is worked off by one goroutine at a time, in order: the
// connect, events, callbacks of acknowledgements, and the end. What is in it
// was accepted, and is handled even if the client is gone by then.

type requestKind uint8

const (
	kindEvent requestKind = iota
	kindConnect
	kindCallback
	kindEnd
)

// event takes an event of the client. It runs inside Receive.
func (s *Socket) event(p *siowire.Packet, size int) {
	srv := s.conn.srv
	srv.stats.eventsIn.Add(1)
	if srv.draining.Load() || s.conn.draining.Load() {
		srv.stats.ignored("draining")
		return
	}
	if s.state.Load() == disconnected {
		return
	}
	if srv.opts.Limits.EventRate > 0 && !s.allow() {
		srv.bound("EventRate", s)
		s.failed(p.Event, errEventRate)
		return
	}
	if s.state.Load() == connected && s.unheard(p.Event) {
		srv.stats.ignored("no handler")
		return
	}
	p.Detach()
	s.schedule(&Request{s: s, event: p.Event, args: p.Args, id: p.ID, wantAck: p.HasID, size: size}, true)
}

// unheard reports whether nothing would look at the event.
func (s *Socket) unheard(event string) bool {
	h := s.ns.reg.load()
	if len(h.any) > 0 || len(h.usePacket) > 0 || len(h.events[event]) > 0 {
		return false
	}
	own := s.own.Load().load()
	return len(own.any) == 0 && len(own.events[event]) == 0
}

// schedule puts r into the inbox and sees to it that somebody works it off.
func (s *Socket) schedule(r *Request, reading bool) {
	s.mu.Lock()
	full, start := s.queueLocked(r)
	s.mu.Unlock()
	if full {
		s.conn.stall()
	}
	switch {
	case start && reading:
		s.conn.serve(s)
	case start:
		s.conn.srv.engine.Go(s)
	}
}

// queueLocked puts r into the inbox. It reports whether the inbox is full now,
// and whether the caller has to see to it that somebody works it off.
func (s *Socket) queueLocked(r *Request) (full, start bool) {
	l := &s.conn.srv.opts.Limits
	if s.ended {
		return false, false
	}
	s.ended = r.kind == kindEnd
	if s.tail == nil {
		s.head = r
	} else {
		s.tail.next = r
	}
	s.tail = r
	s.queued++
	s.bytes += r.size
	full = !s.full && r.kind == kindEvent && (int(s.queued) >= l.Inbox || s.bytes >= l.InboxBytes)
	if full {
		s.full = true
	}
	if start = !s.running; start {
		s.running = true
		s.conn.srv.busy.add()
	}
	return full, start
}

// Run works the inbox off. It is called by the server's workers only.
func (s *Socket) Run() {
	l := &s.conn.srv.opts.Limits
	for {
		s.mu.Lock()
		r := s.head
		if r == nil {
			s.running, s.current = false, nil
			if s.idle != nil {
				close(s.idle)
				s.idle = nil
			}
			s.mu.Unlock()
			s.conn.srv.busy.done()
			return
		}
		if s.head = r.next; s.head == nil {
			s.tail = nil
		}
		r.next = nil
		s.queued--
		s.bytes -= r.size
		resume := s.full && int(s.queued) <= l.Inbox/2 && s.bytes <= l.InboxBytes/2
		if resume {
			s.full = false
		}
		if r.kind == kindEvent {
			s.current = r
		}
		s.mu.Unlock()
		if resume {
			s.conn.unstall()
		}
		switch r.kind {
		case kindEvent:
			s.handle(r)
		case kindConnect:
			s.join()
		case kindCallback:
			if err := s.conn.srv.try("ack callback", func() error { r.reply.callback(r.reply.ack, r.reply.err); return nil }); err != nil {
				s.failed("", err)
			}
		case kindEnd:
			s.end()
		}
	}
}

// holding reports whether the inbox is full, and which event is at work.
func (s *Socket) holding() (event string, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		event = s.current.event
	}
	return event, s.full
}

// handle runs the handlers of an event.
func (s *Socket) handle(r *Request) {
	if !s.entered {
		return // it was refused
	}
	ctx := s.Context()
	h := s.ns.reg.load()
	own := s.own.Load().load()
	for _, f := range h.usePacket {
		if err := s.call(ctx, f, r); err != nil {
			s.failed(r.Event(), err)
			return
		}
	}
	for _, f := range h.any {
		s.handled(ctx, f, r)
	}
	for _, f := range own.any {
		s.handled(ctx, f, r)
	}
	s.entries(ctx, h.events[r.event], r)
	s.entries(ctx, own.events[r.event], r)
}

func (s *Socket) entries(ctx context.Context, list []entry, r *Request) {
	for _, e := range list {
		if e.once == 0 || s.first(e.once) {
			s.handled(ctx, e.h, r)
		}
	}
}

func (s *Socket) handled(ctx context.Context, h Handler, r *Request) {
	if err := s.call(ctx, h, r); err != nil {
		s.failed(r.Event(), err)
	}
}

func (s *Socket) call(ctx context.Context, h Handler, r *Request) (err error) {
	defer s.conn.srv.contain("handler", &err)
	return h(ctx, s, r)
}

// failed reports an error of the user's code.
func (s *Socket) failed(event string, err error) {
	srv := s.conn.srv
	srv.stats.errors.Add(1)
	list := noHandlers.failed
	if s.ns != nil {
		list = s.ns.reg.load().failed
	}
	if len(list) == 0 {
		level := slog.LevelWarn
		if public := (*Error)(nil); errors.As(err, &public) {
			level = slog.LevelDebug // the client's mistake, which must not fill our logs
		}
		srv.log.Log(context.Background(), level, "socketio: handler failed", "namespace", quoted(s.name), "event", quoted(event), "error", err)
		return
	}
	ctx := s.Context()
	for _, f := range list {
		_ = srv.try("OnError", func() error { f(ctx, s, event, err); return nil }) // contained and logged there
	}
}

// end runs the last functions of a socket that was connected.
func (s *Socket) end() {
	srv := s.conn.srv
	ctx := s.Context()
	h := s.ns.reg.load()
	s.mu.Lock()
	reason := reasonIn(s.cause)
	s.mu.Unlock()
	for _, f := range h.disconnecting {
		if err := srv.try("OnDisconnecting", func() error { f(ctx, s, reason); return nil }); err != nil {
			s.failed("disconnecting", err)
		}
	}
	for _, f := range h.disconnect {
		if err := srv.try("OnDisconnect", func() error { f(ctx, s, reason); return nil }); err != nil {
			s.failed("disconnect", err)
		}
	}
	s.ns.mu.Lock()
	s.lastRooms = nil
	s.ns.mu.Unlock()
}

// bucket bounds the rate of events; of the reader.
type bucket struct {
	tokens float64
	at     time.Time
}

func (s *Socket) allow() bool {
	l := &s.conn.srv.opts.Limits
	now := time.Now()
	b := s.bucket
	if b == nil {
		b = &bucket{tokens: float64(l.EventBurst), at: now}
		s.bucket = b
	}
	b.tokens = min(float64(l.EventBurst), b.tokens+l.EventRate*now.Sub(b.at).Seconds())
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// close ends the socket's life as a connected one: it leaves the index at
// once, its context ends, and the end is put into its inbox. It reports whether
// this call did that.
func (s *Socket) close(reason DisconnectReason, cause error) bool {
	was := s.state.Swap(disconnected)
	if was == disconnected {
		return false
	}
	s.conn.forget(s, reason == ServerNamespaceDisconnect)
	if was == connecting {
		s.endContext(causeOf(reason, cause))
		return false
	}
	srv := s.conn.srv
	ns := s.ns
	ev := ns.roomEvents()
	ns.recovery.lock()
	empty := ns.remove(s, ev)
	ns.recovery.leave(s, reason.recoverable())
	ns.recovery.unlock()
	ev.send()
	if empty {
		srv.prune(ns)
	}
	srv.stats.disconnect(reason)
	srv.traceDisconnected(s, reason, cause)
	s.mu.Lock()
	acks := s.acks
	s.acks = nil
	s.mu.Unlock()
	err := causeOf(reason, cause)
	s.endContext(err)
	for _, w := range acks {
		w.answered(s, Ack{}, err)
	}
	s.schedule(&Request{s: s, kind: kindEnd}, false)
	return true
}

var _ engineio.Runner = (*Socket)(nil)
