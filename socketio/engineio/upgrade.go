package engineio

import (
	"net"

	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// An upgrade from polling to websocket: the client opens a websocket with its
// session's id, sends the ping "probe" on it and gets a pong. From then on its
// polls are released at once; when it has none under way it sends an upgrade
// packet, and the websocket is the transport. What is sent meanwhile waits in
// the session's queue, which is the same for both transports.

// startProbe makes c the websocket to which its session may change.
func (srv *Server) startProbe(c *wsConn, nc net.Conn, pre, head []byte) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := c.add(nc, pre); err != nil {
		return // and the client sees its connection end
	}
	_ = c.c.Write(head) // it fails only with the connection, which then says so
	if s.probe != nil || s.ws != nil || s.state.Load() == stateClosed {
		c.finish(true) // a second one: as the reference, it is opened and closed
		return
	}
	s.probe = c
	c.deadline(srv.opts.UpgradeTimeout)
	s.wakeWaitingLocked()
}

// probePacket handles a packet on a websocket that is not yet a transport.
func (w *wsConn) probePacket(p eiowire.Packet) error {
	s := w.s
	var after aftermath
	err, upgraded := error(nil), false
	probe := p.Type == eiowire.Ping && string(p.Data) == "probe"
	answered := probe && w.answer(probeAnswer.frame)
	s.mu.Lock()
	switch {
	case w.done || s.probe != w:
	case probe && !answered && w.satedLocked():
		err = netpoll.ErrPaused // it has asked often, and does not read
	case probe:
		if !answered {
			_ = w.c.Write(probeAnswer.frame) // there is room again, or the connection has ended
		}
		s.probed = true
		if s.poll != nil && !s.poll.woken && !s.poll.late {
			s.releaseLocked(noopMessage)
		}
	case p.Type == eiowire.Upgrade && (s.reading || s.posting):
		// What a POST has brought comes first.
		w.due, w.waits = true, true
		err = netpoll.ErrPaused
	case p.Type == eiowire.Upgrade:
		s.reading, w.claim = true, true
		after, upgraded = s.upgradeLocked(w), true
		if s.paused {
			err = netpoll.ErrPaused
		}
	default:
		s.dropProbeLocked(w)
	}
	if w.done {
		err = errDone
	}
	s.mu.Unlock()
	after.run()
	if upgraded {
		s.srv.upgraded(s)
	}
	return err
}

// upgradeLocked makes the session's probe its transport. The caller delivers
// input.
func (s *Session) upgradeLocked(w *wsConn) aftermath {
	s.probe, s.probed = nil, false
	w.due = false
	w.timer.stop()
	w.timer = nil
	return s.useLocked(w)
}

var probeAnswer = control(eiowire.Pong, "probe")

// dropProbeLocked gives up an upgrade; the session goes on as it was.
func (s *Session) dropProbeLocked(w *wsConn) {
	if s.probe == w {
		s.probe, s.probed = nil, false
	}
	if w.code == 0 {
		w.code = ws.NoStatus
	}
	w.finish(true)
}
