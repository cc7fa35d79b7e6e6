package engineio

import (
	"errors"
	"net"
	"net/http"
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

func (w *wsConn) name() string { return websocketName }

func (w *wsConn) pushes() bool { return true }

func (w *wsConn) listens() bool { return !w.busy() }

func (w *wsConn) ready() bool { return !w.busy() }

// busy reports whether output waits for the client to take some.
func (w *wsConn) busy() bool { return w.c.Blocked() }

func (w *wsConn) writeBuffer(b *Buffer, f Flags) bool {
	// What is to be compressed is kept for longer.
	if w.kind != w.plain && f&NoCompress == 0 && len(b.B)-Headroom >= w.s.srv.opts.PerMessageDeflate.Threshold {
		return false
	}
	b.B[Headroom-1] = eiowire.Message.Char()
	return w.c.WriteOwned(ws.FrameInPlace(b.B, ws.Text), (*sentBuffer)(b)) == nil
}

func (w *wsConn) push() { w.c.Flush() }

func (w *wsConn) flush() {
	if !w.busy() {
		w.move() // else when the client has caught up
	}
}

// move takes all that waits. What it lifts the connection's bound for has been
// let in under the session's. s.mu is held.
func (w *wsConn) move() {
	s := w.s
	if len(s.queue) == 0 {
		return
	}
	w.c.SetMaxQueue(-1)
	for i, q := range s.queue {
		if w.write(q.m, q.f) != nil {
			clear(s.queue[:i])
			s.queue = s.queue[i:]
			return // it is closed: what is left counts as dropped
		}
		s.queued -= q.m.cost()
	}
	w.c.SetMaxQueue(s.srv.opts.MaxQueue)
	s.queue, s.owed = nil, 0
}

func (w *wsConn) buffered() int { return w.c.Queued() }

func (w *wsConn) resume(all bool) {
	if all || w.waits {
		w.waits = false
		w.c.Wake()
	}
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
	head := h.AppendResponse(make([]byte, 0, 256), protocol, deflate, w.Header())

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
		if s.hs.b64 {
			c.plain = frame3Base64
		}
	}
	if c.kind = c.plain; deflate && c.plain != frame3Base64 {
		c.kind += frameDeflated
	}
	if fresh {
		srv.startWebSocket(c, nc, pre, head, r.Header.Get("Origin") != "")
	} else {
		srv.startProbe(c, nc, pre, head)
	}
}

// apart is how long the first message of a websocket stays behind the answer to
// its handshake. A program that waits for its websocket to be open, and only then
// listens to it, misses a message that is read together with the answer; clients
// on the same machine take about so long to read it. It costs a write more.
//
// Browsers, which send an Origin, need none of that: what their pages do upon
// the one event is done before the next. Nor is it for a flood of handshakes, of
// which each would keep its goroutine and its buffers meanwhile: only so many wait
// at a time.
const (
	apart    = 200 * time.Microsecond
	maxApart = 8
)

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
	srv.live.Add(1)
	c, err := srv.poller.Add(nc, pre, w)
	if err != nil {
		srv.live.Add(-1)
		return err
	}
	w.c = c
	return nil
}

// startWebSocket makes c the transport of its new session. Its first message
// leaves together with head, or apart.
func (srv *Server) startWebSocket(c *wsConn, nc net.Conn, pre, head []byte, together bool) {
	s := c.s
	first := s.openPacket(websocketName)
	first[Headroom-1] = eiowire.Open.Char()
	first = ws.FrameInPlace(first, ws.Text)
	if !together {
		together = srv.apart.Add(1) > maxApart
		defer srv.apart.Add(-1)
	}
	if together {
		first = append(head, first...)
	} else if err := srv.writeHead(nc, head); err != nil {
		_ = nc.Close()
		s.shut(TransportClose, err, false) // the client has gone
		return
	}
	s.mu.Lock()
	if s.state.Load() == stateClosed {
		s.mu.Unlock()
		_ = nc.Close()
		return
	}
	reason := TransportError
	err := c.add(nc, pre)
	if err == nil {
		c.count()
		if err = c.c.Write(first); err != nil {
			reason = TransportClose // the client has gone meanwhile
			srv.onWebSocket(s, -1)
		}
	}
	if err != nil {
		after := s.shutLocked(reason, err, false)
		s.mu.Unlock()
		after.run()
		return
	}
	s.beginLocked()
	if m := srv.opts.InitialPacket; m != nil {
		if c.write(m, 0) == nil { // it fails only with the connection, which then says so
			srv.sent(s, m.Size())
		}
	}
	after := s.useLocked(c)
	s.mu.Unlock()
	after.run()
}

// count notes that w becomes a transport, before its client can know. s.mu is
// held.
func (w *wsConn) count() {
	w.counted = true
	w.s.srv.onWebSocket(w.s, 1)
}

// fates is what the poller tells of a websocket's frames.
func (srv *Server) fates() func(h netpoll.Handler, written, lost uint64) {
	if t := srv.opts.Trace; t == nil || t.Delivered == nil && t.Abandoned == nil {
		return nil
	}
	return func(h netpoll.Handler, written, lost uint64) {
		if w, ok := h.(*wsConn); ok {
			srv.told(fateTask{w.s, written, lost})
		}
	}
}
