package engineio

import (
	"math"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
)

// phase is what a session's one timer stands for.
type phase uint8

const (
	phaseNone    phase = iota
	phaseIdle          // revision 4: when it runs, a ping is sent
	phasePong          // revision 4: a ping was sent
	phaseClient        // revision 3: the client's next ping is awaited
	phasePaused        // input is paused
	phaseClosing       // the queue is being sent
)

// arm sets the timer. A negative d is for ever.
func (s *Session) arm(p phase, d time.Duration) {
	s.phase = p
	if d < 0 {
		s.timer.Stop()
		return
	}
	s.srv.wheel.After(d, &s.timer, (*beatTask)(s))
}

// allowed is until when a client may be silent that was heard of now.
func (s *Session) allowed(now time.Duration) time.Duration {
	o := &s.srv.opts
	if o.PingInterval < 0 || o.PingTimeout < 0 {
		return never
	}
	return now + o.PingInterval + o.PingTimeout
}

// never is a deadline that does not come.
const never = time.Duration(math.MaxInt64)

// beatLocked begins a new period of the heartbeat: from now on the client has
// PingInterval and PingTimeout, exactly, to be heard of.
func (s *Session) beatLocked() {
	o := &s.srv.opts
	now := s.srv.elapsed()
	s.due = s.allowed(now)
	switch {
	case s.proto < 4:
		s.armDue(phaseClient, now)
	case o.PingInterval >= pingsTogether:
		s.arm(phaseIdle, (now+o.PingInterval)/pingStep*pingStep-now)
	default:
		s.arm(phaseIdle, o.PingInterval)
	}
}

// beginLocked begins the heartbeat of a new session.
func (s *Session) beginLocked() {
	if s.state.Load() == stateOpen && s.paused.Load() == nil {
		s.beatLocked()
	}
}

// Pings that are seldom leave a little early, many sessions' together: that
// costs the client none of its time to answer, and the server fewer wake-ups.
const (
	pingsTogether = 10 * time.Second
	pingStep      = 64 * time.Millisecond
)

// maxPingLag is how much less than PingTimeout a client may have to answer a
// ping that has left late: so much the session's deadline is exact for. Beyond, as
// on a machine that is short of time, it is moved for clients that listen.
const maxPingLag = 5 * time.Millisecond

// listensLocked reports whether the client would see a ping at once.
func (s *Session) listensLocked() bool { return s.transport.pushes() || s.transport.listens() }

// armDue sets the timer to s.due.
func (s *Session) armDue(p phase, now time.Duration) {
	if s.due == never {
		s.arm(p, -1)
	} else {
		s.arm(p, max(0, s.due-now))
	}
}

// overdueLocked ends a session whose time is over although its timer, which may
// be a moment late, has not run.
func (s *Session) overdueLocked() (after aftermath) {
	switch {
	case s.phase == phaseNone, s.phase == phasePaused, s.phase == phaseIdle && s.listensLocked():
	case s.srv.elapsed() >= s.due:
		if s.phase == phaseIdle {
			s.phase = phasePong // of a ping that it would not have seen
		}
		return s.timeLocked()
	}
	return after
}

// armPaused sets the timer of a session whose input is paused: no answer can be
// seen, but the client still wants to hear of us.
func (s *Session) armPaused() {
	o := &s.srv.opts
	d := o.PingInterval
	if o.StallTimeout >= 0 {
		left := max(0, o.StallTimeout-(s.srv.elapsed()-s.paused.Load().since))
		if d < 0 || left < d {
			d = left
		}
	}
	s.arm(phasePaused, d)
}

// beatTask is the timer's Runner.
type beatTask Session

var _ wheel.Runner = (*beatTask)(nil)

func (t *beatTask) Run() {
	s := (*Session)(t)
	s.mu.Lock()
	if s.timer.Pending() {
		s.mu.Unlock()
		return // set anew while this run was on its way
	}
	after := s.timeLocked()
	s.mu.Unlock()
	after.run()
}

func (s *Session) timeLocked() (after aftermath) {
	o := &s.srv.opts
	switch s.phase {
	case phaseIdle:
		now := s.srv.elapsed()
		if s.due != never && s.listensLocked() {
			s.due = max(s.due, now+o.PingTimeout-maxPingLag)
		}
		s.armDue(phasePong, now)
		s.controlLocked(pingMessage, 1)
	case phasePong, phaseClient:
		return s.shutLocked(PingTimeout, nil, false)
	case phasePaused:
		if o.StallTimeout >= 0 && s.srv.elapsed()-s.paused.Load().since >= o.StallTimeout {
			return s.boundLocked(BoundStallTimeout, "input was not taken for "+o.StallTimeout.String())
		}
		s.armPaused()
		if s.proto >= 4 {
			s.controlLocked(pingMessage, 1)
		}
	case phaseClosing:
		return s.endLocked(false, closeMessage)
	}
	return after
}

// boundLocked closes the session because a limit was reached.
func (s *Session) boundLocked(b Bound, detail string) aftermath {
	s.bound(b, detail)
	return s.shutLocked(TransportError, &BoundError{b, detail}, false)
}

// pong notes the answer to a ping.
func (s *Session) pong() {
	s.mu.Lock()
	if s.phase == phasePong {
		s.beatLocked()
	}
	s.mu.Unlock()
}

// clientPing answers a client of revision 3.
func (s *Session) clientPing() {
	s.mu.Lock()
	var after aftermath
	if s.phase == phaseClient {
		s.beatLocked()
	}
	// A transport that pushes reads nothing more when so many wait.
	if s.state.Load() == stateOpen && !s.controlLocked(pongMessage, 1) && !s.transport.pushes() {
		after = s.boundLocked(BoundMaxQueue, "the client does not fetch the answers to its pings")
	}
	s.mu.Unlock()
	after.run()
}
