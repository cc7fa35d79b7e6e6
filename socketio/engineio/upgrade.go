package engineio

// An upgrade from polling to websocket: the client opens a websocket with its
// session's id, sends the ping "probe" on it and gets a pong. Its poll is released
// then, and those that come are held for a moment only; when it has none under
// way it sends an upgrade packet, and the websocket is the transport. What is sent
// meanwhile waits in the session's queue, which is the same for both transports.

// offerLocked makes t the transport to which the session may change. It reports
// false if that cannot be.
func (s *Session) offerLocked(t transport) bool {
	if s.upgrade != nil || s.transport.pushes() || s.state.Load() == stateClosed {
		return false
	}
	s.upgrade = &upgrade{to: t}
	s.wakeWaitingLocked()
	return true
}

// offered reports whether t is the transport to which the session may change.
// s.mu is held.
func (s *Session) offered(t transport) bool { return s.upgrade != nil && s.upgrade.to == t }

// probedLocked notes that the client has got its answer over the probe.
func (s *Session) probedLocked() {
	s.upgrade.probed = true
	s.letGoLocked()
}

// upgradeLocked makes the session's probe its transport. The caller delivers
// input.
func (s *Session) upgradeLocked() aftermath {
	t := s.upgrade.to
	s.upgrade = nil
	return s.useLocked(t)
}

// useLocked makes t the session's transport.
func (s *Session) useLocked(t transport) (after aftermath) {
	old := s.transport
	s.transport = t
	if s.state.Load() == stateClosing {
		old.finish(true, noopMessage)
		return s.endLocked(true, noopMessage)
	}
	t.flush()
	old.finish(true, nil)
	return after
}

// dropProbeLocked gives up an upgrade; the session goes on as it was.
func (s *Session) dropProbeLocked(t transport) {
	if s.offered(t) {
		s.upgrade = nil
	}
	t.finish(true, nil)
}
