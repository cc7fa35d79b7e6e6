package engineio

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// The end of a websocket.

// OnClose implements netpoll.Handler.
func (w *wsConn) OnClose(_ *netpoll.Conn, cause error) {
	s := w.s
	reason := TransportClose
	if errors.Is(cause, netpoll.ErrPollerClosed) {
		reason = ServerShuttingDown
	}
	if errors.Is(cause, io.EOF) {
		cause = nil // as usual
	}
	var after aftermath
	s.mu.Lock()
	w.done = true
	if w.timer != nil {
		w.timer.Stop()
	}
	if s.transport == transport(w) {
		after = s.shutLocked(reason, cause, false)
	} else {
		s.dropProbeLocked(w)
	}
	s.mu.Unlock()
	w.r.Release()
	after.run()
	s.srv.live.Add(-1)
}

// finish ends the websocket with a close frame behind what the connection has
// queued. With flush the client has the time to take all of it. s.mu is held.
func (w *wsConn) finish(flush bool, _ *Message) {
	if w.done {
		return
	}
	w.done = true
	if flush && w.s.transport == transport(w) {
		w.move()
	}
	code := w.code
	if code == 0 {
		code = ws.NoStatus // as the reference
	}
	w.c.SetMaxQueue(-1)
	_ = w.c.Write(ws.AppendClose(nil, code, "")) // fails only if it is closed
	w.c.CloseWrite()
	most, limit := hangUp, w.s.srv.opts.WriteTimeout
	if !flush && w.busy() {
		most = hangUpBusy
	}
	first := most
	if limit >= 0 {
		first = min(most, limit)
	}
	w.deadline(first)
	if flush {
		w.timer.more, w.timer.endless = limit-first, limit < 0
	}
	if w.waits || w.full {
		w.waits, w.full = false, false
		w.c.Wake() // to see the client's end
	}
}

// How long a client has to end its side if nothing, or nothing that matters, is
// left to send; and one that has not taken what it was sent before. While what
// matters is left it has Options.WriteTimeout.
const (
	hangUp     = 5 * time.Second
	hangUpBusy = time.Second
)

// deadline is when a websocket is cut that has not come to its end, or to be its
// session's transport.
type deadline struct {
	wheel.Timer
	w       *wsConn
	more    time.Duration // that the client may have to take what is left for it
	endless bool          // it may have any time
}

func (w *wsConn) deadline(d time.Duration) {
	if w.timer == nil {
		w.timer = &deadline{w: w}
	}
	if d >= 0 {
		w.s.srv.wheel.After(d, &w.timer.Timer, w.timer)
	}
}

// Run implements wheel.Runner.
func (d *deadline) Run() {
	w := d.w
	s := w.s
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case d.Pending() || w.timer != d:
	case w.done && (d.more > 0 || d.endless) && w.c.Queued() > 0:
		next := hangUp
		if !d.endless {
			next = min(next, d.more)
			d.more -= next
		}
		w.deadline(next)
	case w.done:
		w.c.Close(errDeadline)
	case s.offered(w):
		s.bound(BoundUpgradeTimeout, "a client has not completed its upgrade")
		s.dropProbeLocked(w)
	}
}

var errDeadline = errors.New("engineio: the client did not end its side")

var scraps = sync.Pool{New: func() any { return new([4096]byte) }}

// discard reads what nobody wants, up to the client's end.
func discard(c *netpoll.Conn) error {
	b := scraps.Get().(*[4096]byte)
	defer scraps.Put(b)
	_, err := c.Read(b[:])
	if err == netpoll.ErrWouldBlock {
		return nil
	}
	return err
}
