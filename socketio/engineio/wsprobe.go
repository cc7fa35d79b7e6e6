package engineio

import (
	"net"

	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
)

// A websocket that is not a transport yet.

// startProbe makes c the websocket to which its session may change.
func (srv *Server) startProbe(c *wsConn, nc net.Conn, pre, head []byte) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := c.add(nc, pre); err != nil {
		return // and the client sees its connection end
	}
	_ = c.c.Write(head) // it fails only with the connection, which then says so
	if !s.offerLocked(c) {
		c.finish(true, nil) // a second one: as the reference, it is opened and closed
		return
	}
	c.deadline(srv.opts.UpgradeTimeout)
}

// probePacket handles a packet on a websocket that is not yet a transport.
func (w *wsConn) probePacket(p eiowire.Packet) error {
	s := w.s
	var after aftermath
	err, upgraded := error(nil), false
	probe := p.Type == eiowire.Ping && string(p.Data) == "probe"
	if probe {
		w.relieve()
	}
	s.mu.Lock()
	switch {
	case w.done || !s.offered(w):
	case probe && w.satedLocked():
		err = netpoll.ErrPaused // it has asked often, and does not read
	case probe:
		_ = w.c.Write(probeAnswer.frame) // it fails only with the connection
		s.probedLocked()
	case p.Type == eiowire.Upgrade && (s.reading || s.posting):
		// What a POST has brought comes first.
		w.due, w.waits = true, true
		err = netpoll.ErrPaused
	case p.Type == eiowire.Upgrade:
		s.reading, w.claim = true, true
		after, upgraded = w.upgradeLocked(), true
		if s.paused.Load() != nil {
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

// upgradeLocked makes w, which is its session's probe, the transport.
func (w *wsConn) upgradeLocked() aftermath {
	w.due = false
	w.timer.Stop()
	w.timer = nil
	w.count()
	w.s.srv.stats.upgrade()
	return w.s.upgradeLocked()
}

var probeAnswer = control(eiowire.Pong, "probe")
