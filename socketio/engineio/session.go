package engineio

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/peers"
	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
)

// Receiver is the owner of one session, as the function given to [New] returns
// it.
type Receiver interface {
	// Receive is handed one message; in order, never two at once. It must not
	// block, and data is valid only during the call.
	Receive(data []byte, binary bool)
	// Served is called after a burst of Receive calls in which Session.Serve was
	// called. Reading goes on meanwhile: it may run user code and block, and it
	// may be called again before it has returned.
	Served()
	// Closed is called exactly once, after the last Receive. It must not block long.
	Closed(reason Reason, cause error)
}

// Reason says why a session ended, in the words of the reference server.
type Reason string

// The reasons that this package gives by itself, or is given by those above it.
const (
	TransportError     Reason = "transport error"      // the client broke a rule of the transport, or a bound was reached
	TransportClose     Reason = "transport close"      // the client went away
	ForcedClose        Reason = "forced close"         // the owner closed it, for what the client had sent
	PingTimeout        Reason = "ping timeout"         // the heartbeat was not answered
	ParseError         Reason = "parse error"          // a malformed packet
	ServerShuttingDown Reason = "server shutting down" // Server.Shutdown, Server.Close
	ForcedServerClose  Reason = "forced server close"  // the owner closed it
)

// Error implements error: it returns the bare words.
func (r Reason) Error() string { return string(r) }

// Errors that [Session.Send] and SendBuffer return, to be compared with
// [errors.Is].
var (
	// ErrClosed says that the session or the server has ended.
	ErrClosed = errors.New("engineio: session is closed")
	// ErrNotWritable says that a volatile message was dropped, as it would have had
	// to wait.
	ErrNotWritable = errors.New("engineio: transport is not writable")
	// ErrQueueFull says that a message had no room, see Options.SlowPolicy.
	ErrQueueFull = errors.New("engineio: outbound queue is full")
)

// BoundError is the cause of a session's end, as [Receiver] and [Trace] get it,
// or of a refused request, when a limit was reached.
type BoundError struct {
	Bound  Bound  // the name of the option
	Detail string // for whoever reads the log
}

func (e *BoundError) Error() string {
	return fmt.Sprintf("engineio: %s: see Options.%s", e.Detail, e.Bound)
}

// The states of a session.
const (
	stateOpen    = iota
	stateClosing // nothing is taken any more, what is queued still leaves
	stateClosed
)

// Session is one client's connection, over whatever transport. Its methods may
// be called from any goroutine at any time unless they say otherwise.
type Session struct {
	srv   *Server
	recv  Receiver
	id    string
	hs    Handshake
	addr  peers.Key              // for the bounds per address
	place *peers.Place[*Session] // within MaxSessions; nil without
	proto uint8
	serve bool // Served is wanted; of whoever delivers input

	phase   phase
	reading bool   // input is being delivered: Closed has to wait
	ending  bool   // Closed is due when reading ends
	posting bool   // a POST is under way
	owed    uint16 // what controls in queue cost, in units

	flying atomic.Int32  // bytes of answers to polls that the client has not taken
	state  atomic.Uint32 // changed under mu only, as is paused
	mu     sync.Mutex    // guards all from phase on; held for moments, never over a callback

	fate      *fate // nil before its end, unless its client lags
	queue     []queued
	queued    int   // bytes, as Message.cost counts them
	poll      *poll // of the transport polling
	transport transport
	upgrade   *upgrade              // nil while there is none
	paused    atomic.Pointer[pause] // nil while input is delivered
	resumed   chan struct{}
	due       time.Duration // since the server's start; the session ends then if the client is not heard of
	timer     wheel.Timer
}

// What most sessions do not have most of the time is apart: there may be very
// many, and idle.
type (
	// fate is why a session has ended.
	fate struct {
		reason Reason
		cause  error
		lag    lag // before: then the others are not set
	}
	// upgrade is a change of transport that is under way.
	upgrade struct {
		to     transport
		probed bool // the client has got its answer over it: polls are released
	}
	// pause is a time in which input is not delivered.
	pause struct {
		since time.Duration // the server's start
	}
)

// ID is the session's id. Whoever knows it can take the session over: never log
// it whole.
func (s *Session) ID() string { return s.id }

// Protocol is the Engine.IO revision, 3 or 4.
func (s *Session) Protocol() int { return int(s.proto) }

// Transport is "polling" or "websocket".
func (s *Session) Transport() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transport.name()
}

// Handshake describes the request that opened the session.
func (s *Session) Handshake() *Handshake { return &s.hs }

// Closed reports whether the session has ended, or will once its queue is sent.
func (s *Session) Closed() bool { return s.state.Load() != stateOpen }

// Buffered is the number of bytes that wait to be sent.
func (s *Session) Buffered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bufferedLocked()
}

func (s *Session) bufferedLocked() int { return s.queued + s.transport.buffered() }

// Close sends what is queued, then closes the transport. The session takes and
// delivers nothing any more. A client that does not fetch what is left is given
// Options.WriteTimeout.
func (s *Session) Close(reason Reason) { s.shut(reason, nil, true) }

// CloseNow closes the transport at once. cause is for the log and Receiver.Closed.
func (s *Session) CloseNow(reason Reason, cause error) { s.shut(reason, cause, false) }

// shut ends the session; of several reasons the first one stands.
func (s *Session) shut(reason Reason, cause error, flush bool) {
	s.mu.Lock()
	after := s.shutLocked(reason, cause, flush)
	s.mu.Unlock()
	after.run()
}

// shutLocked is shut with mu held. The caller runs what is left to do without it.
func (s *Session) shutLocked(reason Reason, cause error, flush bool) (after aftermath) {
	switch s.state.Load() {
	case stateClosed:
		return after
	case stateOpen:
		s.fate = &fate{reason: reason, cause: cause}
		s.state.Store(stateClosing)
		s.phase = phaseNone
		s.timer.Stop()
		if s.paused.Load() != nil {
			s.paused.Store(nil)
			s.due = s.allowed(s.srv.elapsed())
			s.wakeLocked()
		}
	}
	if flush && !s.transport.pushes() {
		// The next poll, or the upgrade under way, takes the queue and the end.
		s.transport.flush()
		s.awaitClientLocked()
		return after
	}
	return s.endLocked(flush, closeMessage)
}

// awaitClientLocked gives the client time to come for what is left: WriteTimeout,
// but no longer than it could have been silent if the session had gone on.
func (s *Session) awaitClientLocked() {
	now := s.srv.elapsed()
	wait := s.srv.opts.WriteTimeout
	if s.srv.closing.Load() && (wait < 0 || wait > betweenPolls) {
		wait = betweenPolls
	}
	if wait >= 0 {
		s.due = min(s.due, now+wait)
	}
	s.armDue(phaseClosing, now)
}

// betweenPolls is how long Shutdown waits for a polling client to come for
// what is left. It comes at once, unless it has gone; one that has gone must
// not hold up the stop of a server.
const betweenPolls = 2 * time.Second

// endLocked closes the transport. last is what answers a poll that waits. A client
// that is told may come back at once: the books are right before.
func (s *Session) endLocked(flush bool, last *Message) (after aftermath) {
	s.state.Store(stateClosed)
	s.phase = phaseNone
	s.timer.Stop()
	s.srv.ended(s)
	if u := s.upgrade; u != nil {
		s.upgrade = nil
		u.to.finish(false, last)
	}
	s.transport.finish(flush, last)
	after.s, after.dropped = s, s.queue
	s.queue, s.queued, s.owed = nil, 0, 0
	if s.reading {
		s.ending = true
	} else {
		after.finish = true
	}
	return after
}

// aftermath is what remains to be done without the lock.
type aftermath struct {
	s       *Session
	dropped []queued
	shed    int // so many of dropped, from the front on, by policy; the others with the session
	finish  bool
}

func (a aftermath) run() {
	if a.s == nil {
		return
	}
	abandoned := uint64(0)
	for i, q := range a.dropped {
		if !q.m.isControl() {
			abandoned++
		}
		if i < a.shed {
			a.s.srv.dropped(a.s, q.m, DropQueueFull)
		} else {
			a.s.srv.dropped(a.s, q.m, DropClosed)
		}
	}
	if abandoned > 0 {
		a.s.srv.stats.abandoned.Add(abandoned)
		a.s.srv.told(fateTask{s: a.s, abandoned: abandoned})
	}
	if a.finish {
		a.s.srv.poller.Go((*finishTask)(a.s))
	}
}

// finishTask calls Closed where no lock of the caller's can be in the way.
type finishTask Session

func (t *finishTask) Run() { (*Session)(t).finish() }

func (s *Session) finish() {
	srv := s.srv
	srv.guard("Receiver.Closed", func() { s.recv.Closed(s.fate.reason, s.fate.cause) })
	srv.closed(s)
	srv.live.Add(-1)
}

// begin claims the delivery of input, and waits for it if need be: the client
// may have its answer to the handshake, and post, before the handshake has given
// its claim back. It fails if the session delivers nothing.
func (s *Session) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.reading && s.state.Load() != stateClosed {
		if s.resumed == nil {
			s.resumed = make(chan struct{})
		}
		resumed := s.resumed
		s.mu.Unlock()
		<-resumed
		s.mu.Lock()
	}
	if s.state.Load() == stateClosed {
		return false
	}
	s.reading = true
	return true
}

// end gives the claim back, and lets Closed follow if it is due.
func (s *Session) end() {
	s.mu.Lock()
	s.reading = false
	if s.resumed != nil {
		close(s.resumed)
		s.resumed = nil
	}
	finish := s.ending
	s.ending = false
	s.wakeWaitingLocked()
	s.mu.Unlock()
	if finish {
		s.finish()
	}
}

// Serve asks for Served after this burst of input. It may be called inside
// Receive only.
func (s *Session) Serve() { s.serve = true }

// Pause stops the delivery of input, but for what has been read already and is
// delivered after this call. The heartbeat is suspended, for at most
// Options.StallTimeout, after which the session is closed.
func (s *Session) Pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused.Load() != nil || s.state.Load() != stateOpen {
		return
	}
	s.paused.Store(&pause{s.srv.elapsed()})
	s.due = never
	s.armPaused()
}

// Resume continues the delivery of input.
func (s *Session) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused.Load() == nil {
		return
	}
	s.paused.Store(nil)
	if s.state.Load() == stateOpen {
		s.beatLocked()
	}
	s.wakeLocked()
}

// wakeLocked has whoever is paused go on.
func (s *Session) wakeLocked() {
	if s.resumed != nil {
		close(s.resumed)
		s.resumed = nil
	}
	s.transport.resume(true)
}

// wakeWaitingLocked has a transport go on that has found somebody else delivering
// input.
func (s *Session) wakeWaitingLocked() {
	if s.reading || s.posting {
		return
	}
	s.transport.resume(false)
	if s.upgrade != nil {
		s.upgrade.to.resume(false)
	}
}
