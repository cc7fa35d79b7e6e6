package engineio

import (
	"errors"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
)

var errHeartbeat = errors.New("engineio: a heartbeat in the wrong direction")

// receive handles one packet of the session's transport. Whoever calls it has
// the claim of begin.
func (s *Session) receive(p eiowire.Packet) {
	if s.state.Load() != stateOpen {
		if p.Type == eiowire.Close {
			s.clientClosed() // it will not come for what is left
		}
		return
	}
	switch p.Type {
	case eiowire.Message:
		s.srv.received(s, len(p.Data))
		s.recv.Receive(p.Data, p.Binary)
	case eiowire.Pong:
		if s.proto < 4 {
			s.shut(TransportError, errHeartbeat, false)
			return
		}
		s.pong()
	case eiowire.Ping:
		if s.proto >= 4 {
			s.shut(TransportError, errHeartbeat, false)
			return
		}
		s.clientPing()
	case eiowire.Close:
		s.clientClosed()
	}
	// The other types mean nothing here, and the reference ignores them.
}

// clientClosed ends the session as the client wishes.
func (s *Session) clientClosed() {
	s.mu.Lock()
	var after aftermath
	if state := s.state.Load(); state != stateClosed {
		if state == stateOpen { // else for a reason of ours
			s.fate = &fate{reason: TransportClose}
		}
		if !s.listensLocked() {
			s.srv.farewells.add(s)
		}
		after = s.endLocked(false, noopMessage)
	}
	s.mu.Unlock()
	after.run()
}
