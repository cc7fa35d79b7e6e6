package socketio

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// A socket's inbox is worked off by one goroutine at a time, in order: the
// connect, events, callbacks of acknowledgements, and the end. What is in it
// was accepted, and is handled even if the client is gone by then.
//
// That is the socket's turn. The reader, which calls event, neither runs code of
// the user's nor asks what handlers there are: both would be too early.

type taskKind uint8

const (
	taskEvent taskKind = iota
	taskConnect
	taskAgain    // a second CONNECT, which wants the answer of the first
	taskOver     // events above Limits.EventRate, to be told of
	taskFrame    // an event or an acknowledgement has come, to be told of
	taskCallback // of an acknowledgement
	taskEnd
)

// task is an entry of the inbox.
type task struct {
	kind    taskKind
	over    int32    // of taskOver: how many; of taskFrame: its bytes
	name    string   // of these: the event
	arrival *arrival // of taskEvent
	reply   *reply   // of taskCallback
	ending  *ending  // of taskEnd
}

// arrival is an event that waits for its turn, independent of the reader's
// buffer.
type arrival struct {
	event   string
	args    siowire.Args
	id      uint64
	wantAck bool
	memory  []byte // what the packet was copied to; used again if nobody has seen it
}

const keepMemory = 4 << 10 // bytes, up to which memory is used again

var arrivals = sync.Pool{New: func() any { return new(arrival) }}

func arrive(p *siowire.Packet, size int) *arrival {
	a := arrivals.Get().(*arrival)
	if size > keepMemory || cap(a.memory) > 4*size+64 {
		a.memory = nil // a handler may keep it
	}
	if a.memory = p.DetachTo(a.memory); cap(a.memory) > keepMemory {
		a.memory = nil
	}
	a.event, a.args, a.id, a.wantAck = p.Event, p.Args, p.ID, p.HasID
	return a
}

// request is the event for those who see it, and may keep it and its memory.
func (a *arrival) request(s *Socket) *Request {
	r := &Request{event: a.event, args: a.args, id: a.id}
	if a.wantAck {
		r.from = s
	}
	a.memory = nil
	return r
}

// free gives back what nobody refers to.
func (a *arrival) free() {
	*a = arrival{memory: a.memory}
	arrivals.Put(a)
}

// event takes an event of the client. It runs inside Receive.
func (s *Socket) event(p *siowire.Packet, size int) {
	srv := s.conn.srv
	srv.stats.eventsIn.Add(1)
	s.heard.Add(1)
	if srv.draining.Load() || s.conn.draining.Load() {
		srv.stats.ignored(IgnoreDraining)
		return
	}
	if s.state.Load() == disconnected {
		srv.stats.ignored(IgnoreLeft)
		return
	}
	if srv.opts.Limits.EventRate > 0 && !s.allow() {
		s.over(p)
		return
	}
	full, start := s.inbox.Put(&srv.inboxes, &task{arrival: arrive(p, size)}, size)
	if full {
		s.conn.stall()
	}
	if start {
		s.conn.serve(s)
	}
}

// frame has the watchers told of what comes, in the socket's turn. It runs inside
// Receive. Who is watched must not be stopped for that: of what finds the inbox
// full nobody is told.
func (s *Socket) frame(event string, size int) {
	t := task{kind: taskFrame, over: int32(size), name: strings.Clone(event)}
	if start, _ := s.inbox.Offer(&s.conn.srv.inboxes, &t, func(*task) bool { return false }); start {
		s.conn.serve(s)
	}
}

// over drops an event that is above the rate, and has OnError told of it in the
// socket's turn. If more are to be told of than the inbox holds, some are only
// counted: a client that floods must not stop its own reader, which the
// heartbeat and other namespaces need.
func (s *Socket) over(p *siowire.Packet) {
	srv := s.conn.srv
	srv.stats.bound(BoundEventRate)
	start, ok := s.inbox.Offer(&srv.inboxes, &task{kind: taskOver, over: 1, name: strings.Clone(p.Event)}, func(last *task) bool {
		if last.kind != taskOver || last.name != p.Event || last.over >= maxOver {
			return false
		}
		last.over++
		return true
	})
	if !ok {
		srv.stats.errors.Add(1)
	}
	if start {
		s.conn.serve(s)
	}
}

const maxOver = 1000 // events above the rate that are told of one after the other

// put has t worked off in the socket's turn, from any goroutine but the reader.
func (s *Socket) put(t *task) {
	if start, _ := s.inbox.Add(&s.conn.srv.inboxes, t); start {
		s.conn.srv.engine.Go(s)
	}
}

// Run works the inbox off. It is called by the server's workers only, and not
// for applications.
func (s *Socket) Run() {
	srv := s.conn.srv
	var t task
	for {
		ok, resume := s.inbox.Next(&srv.inboxes, &t)
		if resume {
			s.conn.unstall()
		}
		if !ok {
			return
		}
		switch t.kind {
		case taskEvent:
			s.handle(t.arrival)
		case taskConnect:
			s.join()
			s.conn.joinOver(s)
		case taskAgain:
			s.answerAgain()
		case taskOver:
			s.tellBound(BoundEventRate)
			for range t.over {
				srv.traceBound(BoundEventRate, s)
				s.failed(t.name, ErrEventRate)
				if s.state.Load() == disconnected {
					break
				}
			}
		case taskFrame:
			if s.entered {
				srv.traceFrame(s, t.name, int(t.over))
			}
		case taskCallback:
			if err := srv.try("ack callback", func() error { t.reply.f(t.reply.ack, t.reply.err); return nil }); err != nil {
				s.failed("", err)
			}
		case taskEnd:
			s.end(t.ending)
		}
	}
}

// holding reports whether the inbox is full, and which event is at work.
func (s *Socket) holding() (event string, full bool) {
	if r := s.atWork.Load(); r != nil {
		event = r.event
	}
	return event, s.inbox.Full()
}

// handle runs the handlers of an event. What handlers there are is asked here,
// and again after each step that may have registered some.
func (s *Socket) handle(a *arrival) {
	if !s.entered {
		s.conn.srv.stats.ignored(IgnoreRefused)
		a.free()
		return
	}
	h := s.ns.reg.load()
	own := s.ownHandlers()
	list := h.events[a.event]
	if len(h.any)+len(h.usePacket)+len(list) == 0 && !own.hear(a.event) {
		s.conn.srv.unheard(s, a.event)
		a.free()
		return
	}
	r := a.request(s)
	a.free()
	s.atWork.Store(r)
	defer s.atWork.Store(nil) // it would keep its packet's memory
	ctx := s.Context()
	if s.conn.srv.trace().Handled != nil {
		defer s.conn.srv.traceHandled(s, r, time.Now())
	}
	for _, f := range h.usePacket {
		if err := s.call(ctx, f, r); err != nil {
			s.failed(r.event, err)
			return
		}
	}
	if len(h.usePacket) > 0 {
		h, own = s.ns.reg.load(), s.ownHandlers()
		list = h.events[r.event]
	}
	any := own.anys()
	if len(h.any)+len(any) > 0 {
		for _, f := range h.any {
			s.handled(ctx, f, r)
		}
		for _, f := range any {
			s.handled(ctx, f, r)
		}
		h, own = s.ns.reg.load(), s.ownHandlers()
		list = h.events[r.event]
	}
	mine := own.take(r.event)
	if len(list)+len(mine)+len(h.any)+len(any) == 0 {
		s.conn.srv.unheard(s, r.event)
	}
	last := s.ran(r.event, list)
	for _, e := range list {
		if e.once == 0 || e.once > last {
			s.handled(ctx, e.h, r)
		}
	}
	for _, e := range mine {
		s.handled(ctx, e.h, r)
	}
}

// ran notes that all entries of list with Once have had their event, and returns
// the number of the last that had before.
func (s *Socket) ran(event string, list []entry) (last uint64) {
	for i := len(list) - 1; i >= 0; i-- {
		now := list[i].once
		if now == 0 {
			continue
		}
		m := s.extra()
		if last = m.once[event]; last == now {
			return last
		}
		if m.once == nil {
			m.once = make(map[string]uint64)
		}
		m.once[strings.Clone(event)] = now
		return last
	}
	return 0
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

// failed reports an error of the user's code. It is called in the socket's turn.
func (s *Socket) failed(event string, err error) {
	srv := s.conn.srv
	srv.stats.errors.Add(1)
	list := noHandlers.failed
	if s.ns != nil {
		list = s.ns.reg.load().failed
	}
	if len(list) == 0 {
		level := slog.LevelWarn
		if public := (*Error)(nil); errors.As(err, &public) || err == ErrEventRate {
			level = slog.LevelDebug // the client's mistake, which must not fill our logs
		}
		srv.log.Log(context.Background(), level, "socketio: handler failed", "namespace", clip.Quoted(s.name), "event", clip.Quoted(event), "error", err, "client", s.sess.Handshake().RemoteAddr())
		return
	}
	ctx := s.Context()
	for _, f := range list {
		_ = srv.try("OnError", func() error { f(ctx, s, event, err); return nil }) // contained and logged there
	}
}

// ending is what close leaves for the socket's last turn to tell.
type ending struct {
	reason DisconnectReason
	cause  error
	during *Request // what was at work
}

// end runs the last functions of a socket that was connected.
func (s *Socket) end(e *ending) {
	srv := s.conn.srv
	s.ns.recovery.ending(s)
	defer s.ns.recovery.over(s)
	s.atWork.Store(e.during)
	defer s.atWork.Store(nil)
	srv.traceDisconnected(s, e.reason, e.cause)
	ctx := s.Context()
	h := s.ns.reg.load()
	for _, f := range h.disconnecting {
		if err := srv.try("OnDisconnecting", func() error { f(ctx, s, e.reason); return nil }); err != nil {
			s.failed("disconnecting", err)
		}
	}
	h = s.ns.reg.load()
	for _, f := range h.disconnect {
		if err := srv.try("OnDisconnect", func() error { f(ctx, s, e.reason); return nil }); err != nil {
			s.failed("disconnect", err)
		}
	}
	s.ns.index.Forget(s)
}

// bucket bounds the rate of events; of the reader.
type bucket struct {
	tokens float64
	at     time.Time
}

func (s *Socket) allow() bool {
	l := &s.conn.srv.opts.Limits
	now := time.Now()
	b := &s.extra().bucket
	if b.at.IsZero() {
		b.tokens, b.at = float64(l.EventBurst), now
	}
	b.tokens = min(float64(l.EventBurst), b.tokens+l.EventRate*now.Sub(b.at).Seconds())
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// close is leave for the reader and for timers, which run no code of the
// user's: a worker tells of the rooms.
func (s *Socket) close(reason DisconnectReason, cause error) {
	if ev, _ := s.leave(reason, cause); ev != nil {
		s.conn.srv.engine.Go(ev)
	}
}

// leave ends the socket's life as a connected one: it leaves the index at once,
// its context ends, and the end is put into its inbox. It reports whether this
// call did that. The caller sends ev, or has it sent.
func (s *Socket) leave(reason DisconnectReason, cause error) (ev *roomEvents, ok bool) {
	was := s.state.Swap(disconnected)
	if was == disconnected {
		return nil, false
	}
	s.conn.forget(s)
	if was == connecting {
		s.endContext(causeOf(reason, cause))
		return nil, false
	}
	srv := s.conn.srv
	ns := s.ns
	ev = ns.roomEvents()
	ns.recovery.lock()
	ns.index.Remove(s, ev.changes())
	ns.recovery.leave(s, reason.recoverable())
	ns.recovery.unlock()
	ev.route()
	if ns.parent != nil && ns.index.Len() == 0 {
		srv.prune(ns)
	}
	srv.stats.disconnect(reason)
	during := s.atWork.Load()
	err := causeOf(reason, cause)
	s.endContext(err)
	s.loseAcks(err)
	if s.inbox.Close(&srv.inboxes, &task{kind: taskEnd, ending: &ending{reason, cause, during}}) {
		srv.engine.Go(s)
	}
	return ev, true
}

var _ engineio.Runner = (*Socket)(nil)
