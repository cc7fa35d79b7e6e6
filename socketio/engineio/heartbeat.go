package engineio

import (
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

// beatLocked begins a new period of the heartbeat.
func (s *Session) beatLocked() {
	o := &s.srv.opts
	if s.proto >= 4 {
		s.arm(phaseIdle, o.PingInterval)
		return
	}
	d := time.Duration(-1)
	if o.PingInterval >= 0 && o.PingTimeout >= 0 {
		d = o.PingInterval + o.PingTimeout
	}
	s.arm(phaseClient, d)
}

// armPaused sets the timer of a session whose input is paused: no answer can be
// seen, but the client still wants to hear of us.
func (s *Session) armPaused() {
	o := &s.srv.opts
	d := o.PingInterval
	if o.StallTimeout >= 0 {
		left := max(0, o.StallTimeout-time.Duration(s.srv.now()-s.pausedAt)*time.Millisecond)
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
		s.arm(phasePong, o.PingTimeout)
		s.controlLocked(pingMessage)
	case phasePong, phaseClient:
		return s.shutLocked(PingTimeout, nil, false)
	case phasePaused:
		if o.StallTimeout >= 0 && s.srv.now()-s.pausedAt >= o.StallTimeout.Milliseconds() {
			return s.boundLocked("StallTimeout", "input was not taken for "+o.StallTimeout.String())
		}
		s.armPaused()
		if s.proto >= 4 {
			s.controlLocked(pingMessage)
		}
	case phaseClosing:
		return s.endLocked(false, closeMessage)
	}
	return after
}

// boundLocked closes the session because a limit was reached.
func (s *Session) boundLocked(b Bound, detail string) aftermath {
	s.srv.bound(b, detail)
	return s.shutLocked(TransportError, &BoundError{b, detail}, false)
}

// pong notes the answer to a ping.
func (s *Session) pong() {
	s.mu.Lock()
	if s.phase == phasePong {
		s.arm(phaseIdle, s.srv.opts.PingInterval)
	}
	s.mu.Unlock()
}

// clientPing answers a client of revision 3.
func (s *Session) clientPing() {
	s.mu.Lock()
	if s.phase == phaseClient {
		s.beatLocked()
	}
	if s.state.Load() == stateOpen {
		s.controlLocked(pongMessage)
	}
	s.mu.Unlock()
}
