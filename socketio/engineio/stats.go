package engineio

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/socketio/internal/quieter"
	"github.com/sockeye-io/sockeye/socketio/internal/tally"
)

// Stats counts what a server did since it was made. A message that Send was
// given is counted in MessagesOut or in Dropped; one that was queued, and given
// up later, in both.
type Stats struct {
	Sessions, Polling, WebSocket int               // open now
	PollingEIO3, WebSocketEIO3   int               // of these, clients of revision 3
	Opened, Upgraded             uint64            // sessions
	Closed                       map[Reason]uint64 // sessions
	Refused                      map[int]uint64    // requests, by the code of the answer
	Bounds                       map[Bound]uint64  // how often each limit was reached
	Dropped                      map[Drop]uint64   // messages
	MessagesIn, MessagesOut      uint64
	// The books: what Send has accepted was delivered, which means written to
	// the client's socket or into the answer to its poll; or abandoned, because
	// its session ended or SlowPolicy gave it up; or it waits. So
	// MessagesOut = Delivered + Abandoned once nothing waits any more.
	Delivered, Abandoned uint64
	BytesIn, BytesOut    uint64 // of these messages
	Panics               uint64 // of functions of the application
}

// traffic is counted apart by sessions, so that processors do not fight over
// one cache line.
type traffic struct {
	messagesIn, messagesOut, bytesIn, bytesOut atomic.Uint64
	polled                                     atomic.Uint64 // messages put into answers
	_                                          [3]uint64
}

const trafficShards = 8

type counters struct {
	traffic   [trafficShards]traffic
	panics    atomic.Uint64
	abandoned atomic.Uint64
	refused   [len(codeText)]atomic.Uint64
	closed    *tally.Counts[Reason]
	bounds    *tally.Counts[Bound]
	drops     *tally.Counts[Drop]

	mu        sync.Mutex
	opened    uint64
	upgraded  uint64
	websocket int
	eio3      [2]int // sessions of revision 3; those of them with a websocket
}

func (c *counters) init() {
	c.closed, c.bounds, c.drops = tally.New(reasons), tally.New(bounds), tally.New(drops)
}

// Stats counts what has happened so far.
func (srv *Server) Stats() Stats {
	c := &srv.stats
	n := srv.Len()
	c.mu.Lock()
	st := Stats{
		Sessions: n, WebSocket: c.websocket, Polling: max(0, n-c.websocket),
		PollingEIO3: max(0, c.eio3[0]-c.eio3[1]), WebSocketEIO3: c.eio3[1],
		Opened: c.opened, Upgraded: c.upgraded,
		Closed: c.closed.All(), Refused: make(map[int]uint64, len(c.refused)), Bounds: c.bounds.All(), Dropped: c.drops.All(),
		Panics: c.panics.Load(),
	}
	c.mu.Unlock()
	for code := range c.refused {
		st.Refused[code] = c.refused[code].Load()
	}
	for i := range c.traffic {
		t := &c.traffic[i]
		st.MessagesIn += t.messagesIn.Load()
		st.MessagesOut += t.messagesOut.Load()
		st.BytesIn += t.bytesIn.Load()
		st.BytesOut += t.bytesOut.Load()
		st.Delivered += t.polled.Load()
	}
	written, lost := srv.poller.Frames()
	st.Delivered += written
	st.Abandoned = c.abandoned.Load() + lost
	return st
}

// traffic is the session's part of the counters.
func (srv *Server) traffic(s *Session) *traffic {
	return &srv.stats.traffic[s.id[0]%trafficShards]
}

func (srv *Server) received(s *Session, n int) {
	t := srv.traffic(s)
	t.messagesIn.Add(1)
	t.bytesIn.Add(uint64(n))
}

func (srv *Server) sent(s *Session, n int) {
	t := srv.traffic(s)
	t.messagesOut.Add(1)
	t.bytesOut.Add(uint64(n))
}

// polled counts the messages of a poll's answer.
func (srv *Server) polled(s *Session, batch []queued) {
	n := uint64(0)
	for _, q := range batch {
		if !q.m.isControl() {
			n++
		}
	}
	if n > 0 {
		srv.traffic(s).polled.Add(n)
		srv.told(fateTask{s: s, delivered: n})
	}
}

func (c *counters) upgrade() {
	c.mu.Lock()
	c.upgraded++
	c.mu.Unlock()
}

func (srv *Server) dropped(s *Session, m *Message, why Drop) {
	if m.isControl() {
		return
	}
	srv.stats.drops.Add(why)
	if t := srv.opts.Trace; t != nil && t.Dropped != nil {
		srv.poller.Go(dropTask{s, m, why})
	}
}

func (srv *Server) opened(s *Session) {
	srv.stats.mu.Lock()
	srv.stats.opened++
	if s.proto == 3 {
		srv.stats.eio3[0]++
	}
	srv.stats.mu.Unlock()
	if t := srv.opts.Trace; t != nil && t.Opened != nil {
		srv.guard("Trace.Opened", func() { t.Opened(s) })
	}
}

// upgraded tells of a session whose transport has become a websocket.
func (srv *Server) upgraded(s *Session) {
	if t := srv.opts.Trace; t != nil && t.Upgraded != nil {
		srv.poller.Go((*upgradeTask)(s))
	}
}

// upgradeTask calls Trace.Upgraded, as the upgrade is done by the reader.
type upgradeTask Session

func (t *upgradeTask) Run() {
	srv := t.srv
	srv.guard("Trace.Upgraded", func() { srv.opts.Trace.Upgraded((*Session)(t)) })
}

// onWebSocket counts the sessions that have a websocket.
func (srv *Server) onWebSocket(s *Session, n int) {
	srv.stats.mu.Lock()
	srv.stats.websocket += n
	if s.proto == 3 {
		srv.stats.eio3[1] += n
	}
	srv.stats.mu.Unlock()
}

// ended takes a session off the books, as it ends. s.mu is held.
func (srv *Server) ended(s *Session) {
	srv.sessions.remove(s)
	srv.release(s)
	srv.stats.closed.Add(s.fate.reason)
	if s.transport.pushes() {
		srv.onWebSocket(s, -1)
	}
}

// closed tells of a session that has ended, and whose owner knows.
func (srv *Server) closed(s *Session) {
	if _, never := s.recv.(nobody); s.proto == 3 && !never {
		srv.stats.mu.Lock()
		srv.stats.eio3[0]--
		srv.stats.mu.Unlock()
	}
	srv.log.Debug("session closed", "session", s.shortID(), "reason", string(s.fate.reason), "cause", s.fate.cause)
	if t := srv.opts.Trace; t != nil && t.Closed != nil {
		srv.guard("Trace.Closed", func() { t.Closed(s, s.fate.reason, s.fate.cause) })
	}
}

// bound notes that a client has reached a limit. It may be called with a lock
// held: the hook runs on a worker.
func (srv *Server) bound(b Bound, client, detail string) {
	srv.stats.bounds.Add(b)
	srv.poller.Go(boundTask{srv, b, client, detail})
}

// bound notes that the session's client has reached a limit.
func (s *Session) bound(b Bound, detail string) { s.srv.bound(b, s.hs.addr, detail) }

type boundTask struct {
	srv            *Server
	b              Bound
	client, detail string
}

func (t boundTask) Run() {
	t.srv.log.Warn("limit reached", "option", string(t.b), "client", t.client, "detail", t.detail)
	if tr := t.srv.opts.Trace; tr != nil && tr.Bound != nil {
		t.srv.guard("Trace.Bound", func() { tr.Bound(t.b, t.detail) })
	}
}

// guard runs a function of the application. A panic is logged and counted, and
// ends there; ok is false then.
func (srv *Server) guard(where string, f func()) (ok bool) {
	defer func() {
		if ok {
			return
		}
		v := recover()
		if v == nil {
			return // runtime.Goexit
		}
		srv.panicked(where, v, debug.Stack())
	}()
	f()
	return true
}

// rescue is guard for a function that is called with defer.
func (srv *Server) rescue(where string) {
	if v := recover(); v != nil {
		srv.panicked(where, v, debug.Stack())
	}
}

func (srv *Server) panicked(where string, v any, stack []byte) {
	srv.stats.panics.Add(1)
	srv.log.Error("panic in a function of the application", "where", where, "at", quieter.Site(), "panic", fmt.Sprint(v), "stack", string(stack))
	if t := srv.opts.Trace; t != nil && t.Panicked != nil && where != "Trace.Panicked" {
		srv.guard("Trace.Panicked", func() { t.Panicked(where, v, stack) })
	}
}

// shortID tells a session in the log without giving it away.
func (s *Session) shortID() string { return s.id[:min(6, len(s.id))] + "…" }
