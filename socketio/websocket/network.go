package websocket

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/quieter"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// What may wait for an endpoint before reading its connection pauses.
const (
	maxInbox      = 128
	maxInboxBytes = 1 << 20
)

const (
	opened = iota
	message
	closed
)

// event is one call of an endpoint's functions.
type event struct {
	kind    int
	binary  bool
	data    []byte
	request *http.Request
}

// network is a Conn as the poller sees it.
type network Conn

// OnReadable implements netpoll.Handler.
func (n *network) OnReadable(nc *netpoll.Conn) error {
	c := (*Conn)(n)
	c.heard.Store(true)
	err := c.r.Read(nc, &c.srv.limits, (*frames)(n))
	if c.start {
		c.start = false
		nc.Serve()
	}
	var wrong *ws.Error
	if !errors.As(err, &wrong) {
		return wait(err)
	}
	c.mu.Lock()
	if !c.closing {
		c.srv.stats.invalid.Add(1)
		c.closeLocked(wrong.Code, wrong.Text)
		c.nc.CloseWrite()
	}
	c.mu.Unlock()
	var scrap [4096]byte
	for { // nothing that follows can be understood
		if _, err := nc.Read(scrap[:]); err != nil {
			return wait(err)
		}
	}
}

// wait makes of the error with which reading has ended what OnReadable returns.
func wait(err error) error {
	if err == netpoll.ErrWouldBlock {
		return nil
	}
	return err
}

// OnServed implements netpoll.Handler.
func (n *network) OnServed(*netpoll.Conn) { (*calls)(n).Run() }

// OnClose implements netpoll.Handler.
func (n *network) OnClose(_ *netpoll.Conn, cause error) {
	c := (*Conn)(n)
	c.r.Release()
	if errors.Is(cause, io.EOF) {
		cause = io.ErrUnexpectedEOF // after a goodbye it is of no interest
	}
	c.mu.Lock()
	c.endLocked(int(ws.Abnormal), "", cause)
	c.deadline.Stop()
	c.mu.Unlock()
	if c.inbox.Close(&c.srv.inboxes, &event{kind: closed}) {
		c.srv.poller.Go((*calls)(c))
	}
}

// frames is a Conn as the reader of its frames sees it.
type frames Conn

// Message implements ws.Handler.
func (f *frames) Message(op ws.Op, data []byte) error {
	c := (*Conn)(f)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch op {
	case ws.Text, ws.Binary:
		if c.closing {
			return nil
		}
		c.srv.stats.received.Add(1)
		full, start := c.inbox.Put(&c.srv.inboxes, &event{kind: message, binary: op == ws.Binary, data: append([]byte(nil), data...)}, len(data))
		c.start = c.start || start
		if full {
			c.paused = time.Now()
		}
		if !c.paused.IsZero() {
			return netpoll.ErrPaused
		}
	case ws.Ping:
		if !c.closing && !c.nc.Blocked() { // a peer that does not read gets no answers to pile up
			_ = c.nc.Write(ws.AppendFrame(nil, ws.Pong, data)) // one that is lost is no loss
		}
	case ws.Close:
		code, reason := ws.ParseClose(data)
		if !c.closing {
			c.closeLocked(code, "")
			c.reason = reason
		}
		c.nc.CloseWrite() // both have said goodbye
	}
	return nil
}

// calls is a Conn as a worker sees it.
type calls Conn

// Run calls the endpoint's functions until there is nothing to tell it.
func (r *calls) Run() {
	c := (*Conn)(r)
	var ev event
	for {
		ok, wake := c.inbox.Next(&c.srv.inboxes, &ev)
		c.mu.Lock()
		if wake {
			c.paused = time.Time{}
		}
		skip := ev.kind == message && c.closing
		code, reason := c.code, c.reason
		c.mu.Unlock()
		if wake {
			c.nc.Wake()
		}
		if !ok {
			return
		}
		if !skip {
			c.call(ev, code, reason)
		}
	}
}

func (c *Conn) call(ev event, code int, reason string) {
	switch {
	case ev.kind == opened && c.e.OnOpen != nil:
		c.guard("OnOpen", func() { c.e.OnOpen(c, ev.request) })
	case ev.kind == message && c.e.OnMessage != nil:
		c.guard("OnMessage", func() { c.e.OnMessage(c, ev.data, ev.binary) })
	case ev.kind == closed:
		if c.e.OnClose != nil {
			c.guard("OnClose", func() { c.e.OnClose(c, code, reason) })
		}
		c.srv.remove(c)
	}
}

// guard contains a panic of the endpoint: it is the end of this connection,
// and of nothing else.
func (c *Conn) guard(where string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			c.srv.stats.panics.Add(1)
			c.srv.log.Error("websocket: an endpoint panicked", "function", where, "at", quieter.Site(), "panic", fmt.Sprint(v), "stack", string(debug.Stack()), "client", c.addr)
			_ = c.Close(int(ws.InternalError), "internal error") // unless it is closing already
		}
	}()
	f()
}

// beat pings, and ends connections from which nothing comes.
type beat Conn

func (b *beat) Run() {
	c := (*Conn)(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	if !c.pinged {
		c.pinged = true
		c.heard.Store(false)
		if !c.nc.Blocked() {
			_ = c.nc.Write(ws.AppendFrame(nil, ws.Ping, nil)) // one that is lost shows in the silence that follows
		}
		c.srv.wheel.After(c.srv.opts.PingTimeout, &c.deadline, b)
		return
	}
	switch stalled := !c.paused.IsZero(); {
	case stalled && c.srv.opts.StallTimeout > 0 && time.Since(c.paused) > c.srv.opts.StallTimeout:
		c.srv.stats.stalled.Add(1)
		c.dropLocked(ErrStalled)
	case !stalled && !c.heard.Load():
		c.srv.stats.silent.Add(1)
		c.dropLocked(ErrSilent)
	default:
		c.beatLocked()
	}
}

// beatLocked sets the time of the next ping.
func (c *Conn) beatLocked() {
	o := &c.srv.opts
	if o.PingInterval < 0 || o.PingTimeout < 0 || c.closing {
		return
	}
	c.pinged = false
	c.srv.wheel.After(o.PingInterval, &c.deadline, (*beat)(c))
}

// dropLocked ends the connection without a goodbye, which nobody would hear.
func (c *Conn) dropLocked(cause error) {
	c.endLocked(int(ws.Abnormal), "", cause)
	c.nc.Close(cause)
}
