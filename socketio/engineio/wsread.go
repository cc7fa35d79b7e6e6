package engineio

import (
	"errors"
	"runtime/debug"

	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// The input of a websocket, and what it is answered at once.

// OnReadable implements netpoll.Handler.
func (w *wsConn) OnReadable(c *netpoll.Conn) error {
	s := w.s
	var after aftermath
	upgraded := false
	s.mu.Lock()
	if w.done {
		s.mu.Unlock()
		return discard(c)
	}
	if w.full {
		s.mu.Unlock()
		return netpoll.ErrPaused
	}
	if w.counted || w.due {
		switch {
		case s.reading || s.posting:
			w.waits = true
			s.mu.Unlock()
			return netpoll.ErrPaused
		case s.paused.Load() != nil && w.counted:
			s.mu.Unlock()
			return netpoll.ErrPaused
		}
		s.reading, w.claim = true, true
		if w.due {
			after, upgraded = w.upgradeLocked(), true
		}
	}
	s.mu.Unlock()
	after.run()
	if upgraded {
		s.srv.upgraded(s)
	}
	var err error
	if s.paused.Load() != nil && w.claim {
		err = netpoll.ErrPaused
	} else {
		err = w.read(c)
	}
	if w.claim {
		w.claim = false
		if s.serve {
			s.serve = false
			c.Serve()
		}
		s.end()
	}
	return err
}

// read has the frames that there are delivered.
func (w *wsConn) read(c *netpoll.Conn) (err error) {
	defer func() {
		if v := recover(); v != nil {
			w.s.srv.panicked("Receiver.Receive", v, debug.Stack())
			w.fail(TransportError, errPanicked, ws.InternalError)
			err = nil
		}
	}()
	err = w.r.Read(c, &w.s.srv.limits, w)
	switch err {
	case nil, netpoll.ErrWouldBlock, errDone:
		return nil
	case netpoll.ErrPaused:
		return err
	}
	if wrong, ok := errors.AsType[*ws.Error](err); ok {
		if wrong.Code == ws.TooBig {
			w.s.bound(BoundMaxPayload, "a websocket message is too big")
		}
		w.fail(TransportError, err, wrong.Code)
		return nil
	}
	return err // the connection ends, and OnClose with it
}

// errDone stops the reader of a websocket whose end has begun.
var errDone = errors.New("engineio: websocket is closed")

// fail ends the websocket with a close frame, and its session if it is that of
// one.
func (w *wsConn) fail(reason Reason, cause error, code ws.CloseCode) {
	s := w.s
	s.mu.Lock()
	w.code = code
	var after aftermath
	if s.transport == transport(w) {
		after = s.shutLocked(reason, cause, false)
	} else {
		s.dropProbeLocked(w)
	}
	s.mu.Unlock()
	after.run()
}

// Message implements ws.Handler.
func (w *wsConn) Message(op ws.Op, data []byte) error {
	s := w.s
	switch op {
	case ws.Text, ws.Binary:
		p, err := eiowire.DecodeFrame(int(s.proto), data, op == ws.Binary)
		if err != nil {
			w.fail(ParseError, err, ws.NoStatus)
			return errDone
		}
		if !w.mine() {
			return w.probePacket(p)
		}
		ping := p.Type == eiowire.Ping
		if ping {
			w.relieve()
		}
		s.receive(p)
		if s.state.Load() != stateOpen {
			return errDone
		}
		if s.paused.Load() != nil || ping && w.sated() {
			return netpoll.ErrPaused
		}
	case ws.Ping:
		return w.pong(data)
	case ws.Close:
		code, _ := ws.ParseClose(data)
		w.fail(TransportClose, nil, code)
		return errDone
	}
	return nil
}

// relieve makes sure that what the reader has answered, and nobody has had the
// time to send, does not grow: afterwards the socket has room, or w is busy.
// s.mu is not held.
func (w *wsConn) relieve() {
	if w.c.Queued() > maxUnsent {
		w.c.Flush()
	}
}

// sated reports whether the client has caused as much output as may wait. Then
// nothing is read of it until it has taken all, or its heartbeat ends it.
func (w *wsConn) sated() bool {
	s := w.s
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owed+ownedPong > maxOwed/owedUnit && w.satedLocked()
}

func (w *wsConn) satedLocked() bool {
	if w.full = w.busy(); w.full {
		return true // OnDrained comes for sure, and then w goes on
	}
	if w.s.transport == transport(w) {
		w.move() // OnDrained is about to come
	}
	return false
}

// pong answers a ping of WebSocket's own.
func (w *wsConn) pong(data []byte) error {
	frame := ws.AppendFrame(nil, ws.Pong, data)
	if w.answer(frame) {
		return nil
	}
	s := w.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.transport == transport(w) && s.controlLocked(&Message{typ: eiowire.Pong, text: true, frame: frame}, ownedPong) {
		return nil
	}
	if w.satedLocked() {
		return netpoll.ErrPaused
	}
	return nil // one that is lost is no loss
}

// answer writes a frame that the client has asked for, if nothing waits.
func (w *wsConn) answer(frame []byte) bool {
	w.relieve()
	return !w.busy() && w.c.Write(frame) == nil
}

// mine reports whether w is the transport of its session. It belongs to the
// goroutine that reads, which is the one that makes it so.
func (w *wsConn) mine() bool { return w.counted }

// OnServed implements netpoll.Handler.
func (w *wsConn) OnServed(*netpoll.Conn) {
	defer w.s.srv.rescue("Receiver.Served")
	w.s.recv.Served()
}

// OnDrained implements netpoll.DrainHandler: the client has caught up. If it is
// busy again, as the reader was faster, it comes again: what it moved now would
// come on top of what waits on the connection.
func (w *wsConn) OnDrained(*netpoll.Conn) {
	s := w.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.busy() {
		return
	}
	if s.transport == transport(w) && s.state.Load() == stateOpen {
		w.move()
	}
	if w.full {
		w.full = false
		w.c.Wake()
	}
}
