package engineio

import (
	"errors"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/host"
	"github.com/sockeye-io/sockeye/socketio/internal/httpconn"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

var (
	errTransportFull = netpoll.ErrQueueFull
	errNoHijack      = errors.New("engineio: the connection cannot be taken over")
)

// wsConn is a websocket: the transport of a session, or about to be. It is the
// handler of its connection.
type wsConn struct {
	s *Session
	c *netpoll.Conn
	r ws.Reader

	kind  uint8 // of frames that are sent
	plain uint8 // the same without compression

	window uint8 // if not 0, messages of 1<<window bytes are sent without compression: see ws.Handshake.DeflateWindow
	claim  bool  // of the goroutine that reads: it delivers the session's input

	due     bool // the upgrade packet has come; guarded by s.mu, as all that follows
	waits   bool // OnReadable has found somebody else delivering input
	full    bool // the client has caused more output than it takes: it is not read
	counted bool // as the transport of a session
	done    bool // the close frame is on its way: input is of no interest
	code    ws.CloseCode
	timer   *deadline // for an upgrade, or for the end; made when needed
}

// write hands a message to the connection. s.mu is held.
func (w *wsConn) write(m *Message, f Flags) error {
	kind := w.kind
	if f&NoCompress != 0 || w.window != 0 && m.size>>w.window != 0 {
		kind = w.plain
	}
	return w.c.Write(m.webSocketFrame(int(kind), w.s.srv))
}

// busy reports whether output waits for the client to take some.
func (w *wsConn) busy() bool { return w.c.Blocked() }

// unbound lifts the bound of the connection's own queue, or sets it again.
func (w *wsConn) unbound(yes bool) {
	n := w.s.srv.opts.MaxQueue
	if yes {
		n = -1
	}
	w.c.SetMaxQueue(n)
}

// serveWebSocket makes r a websocket: of a new session if s is nil.
func (srv *Server) serveWebSocket(w http.ResponseWriter, r *http.Request, q *query, s *Session) {
	h, err := ws.ParseHandshake(r)
	if err != nil {
		w.Header().Set("Sec-WebSocket-Version", "13")
		srv.refuse(w, r, refusal{code: BadRequest, name: "TRANSPORT_HANDSHAKE_ERROR", err: err})
		return
	}
	if s != nil && srv.opts.DisableUpgrades {
		srv.refuse(w, r, refusal{code: BadRequest, name: "UPGRADES_DISABLED"})
		return
	}
	fresh := s == nil
	if fresh {
		var no *refusal
		if s, no = srv.open(r, q); no != nil {
			srv.refuse(w, r, *no)
			return
		}
		defer s.end()
		srv.initialHeaders(w.Header(), r, s)
	}
	srv.hookHeaders(w.Header(), r, s)
	protocol := ""
	if list := h.Protocols(); len(list) > 0 {
		protocol = list[0] // browsers close the connection if none is chosen
	}
	deflate := srv.deflater != nil && h.Deflate()
	head := h.AppendResponse(make([]byte, 0, 512), protocol, deflate, w.Header())

	nc, pre, err := httpconn.Hijack(w)
	if err != nil {
		if fresh {
			s.shut(TransportError, errNoHijack, false)
		}
		srv.refuse(w, r, refusal{code: BadRequest, name: "TRANSPORT_HANDSHAKE_ERROR", text: host.NoTakeOver, err: errors.Join(errNoHijack, err)})
		return
	}
	c := &wsConn{s: s}
	c.r.Deflate, c.window = deflate, h.DeflateWindow()
	if s.proto < 4 {
		c.plain = frame3
		if s.b64 {
			c.plain = frame3Base64
		}
	}
	if c.kind = c.plain; deflate && c.plain != frame3Base64 {
		c.kind += frameDeflated
	}
	if fresh {
		srv.startWebSocket(c, nc, pre, head)
	} else {
		srv.startProbe(c, nc, pre, head)
	}
}

// apart is how long the first message of a websocket stays behind the answer to
// its handshake. A program that waits for its websocket to be open, and only then
// listens to it, misses a message that is read together with the answer; clients
// on the same machine take about so long to read it. It costs a write more.
const apart = 200 * time.Microsecond

func (srv *Server) writeHead(nc net.Conn, head []byte) error {
	if d := srv.opts.WriteTimeout; d > 0 {
		_ = nc.SetWriteDeadline(time.Now().Add(d)) // an error shows with the next call, too
		defer nc.SetWriteDeadline(time.Time{})
	}
	_, err := nc.Write(head)
	if err == nil {
		time.Sleep(apart)
	}
	return err
}

// add gives the connection to the poller. The caller holds s.mu, so that the
// handler, which may run before the poller returns, finds c.c set.
func (w *wsConn) add(nc net.Conn, pre []byte) error {
	srv := w.s.srv
	srv.hold()
	c, err := srv.poller.Add(nc, pre, w)
	if err != nil {
		srv.unhold()
		return err
	}
	w.c = c
	return nil
}

// startWebSocket makes c the transport of its new session.
func (srv *Server) startWebSocket(c *wsConn, nc net.Conn, pre, head []byte) {
	s := c.s
	if err := srv.writeHead(nc, head); err != nil {
		_ = nc.Close()
		s.shut(TransportError, err, false)
		return
	}
	open := s.openPacket(websocketName)
	s.mu.Lock()
	if s.state.Load() == stateClosed {
		s.mu.Unlock()
		_ = nc.Close()
		return
	}
	err := c.add(nc, pre)
	if err == nil {
		err = c.write(open, NoCompress)
	}
	if err != nil {
		after := s.shutLocked(TransportError, err, false)
		s.mu.Unlock()
		after.run()
		return
	}
	if s.state.Load() == stateOpen && !s.paused {
		s.beatLocked() // now the client begins to count, too
	}
	if m := srv.opts.InitialPacket; m != nil {
		if c.write(m, 0) == nil { // it fails only with the connection, which then says so
			srv.sent(s, m.Size())
		}
	}
	after := s.useLocked(c)
	s.mu.Unlock()
	after.run()
}

// useLocked makes w the session's transport.
func (s *Session) useLocked(w *wsConn) (after aftermath) {
	s.ws = w
	w.counted = true
	s.srv.onWebSocket(1)
	if s.state.Load() == stateClosing {
		return s.endLocked(true, noopMessage)
	}
	s.moveLocked()
	switch p := s.poll; {
	case p == nil:
	case p.late:
		s.releaseLocked(nil)
	default:
		s.releaseLocked(noopMessage)
	}
	return after
}

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
		case s.paused && w.counted:
			s.mu.Unlock()
			return netpoll.ErrPaused
		}
		s.reading, w.claim = true, true
		if w.due {
			after, upgraded = s.upgradeLocked(w), true
		}
	}
	s.mu.Unlock()
	after.run()
	if upgraded {
		s.srv.upgraded(s)
	}
	var err error
	if s.halt.Load() && w.claim {
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
	var wrong *ws.Error
	switch {
	case err == nil || err == netpoll.ErrWouldBlock || err == errDone:
		return nil
	case err == netpoll.ErrPaused:
		return err
	case errors.As(err, &wrong):
		if wrong.Code == ws.TooBig {
			w.s.srv.bound("MaxPayload", "a websocket message is too big")
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
	if s.ws == w {
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
		if s.halt.Load() || ping && w.sated() {
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
	if w.s.ws == w {
		w.s.moveLocked() // OnDrained is about to come
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
	if s.ws == w && s.controlLocked(&Message{typ: eiowire.Pong, text: true, frame: frame}, ownedPong) {
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

// OnDrained implements netpoll.DrainHandler: the client has caught up.
func (w *wsConn) OnDrained(*netpoll.Conn) {
	s := w.s
	s.mu.Lock()
	if s.ws == w && s.state.Load() == stateOpen {
		s.moveLocked()
	}
	if w.full {
		w.full = false
		w.c.Wake()
	}
	s.mu.Unlock()
}
