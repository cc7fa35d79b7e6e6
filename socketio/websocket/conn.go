package websocket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/mailbox"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

var (
	// ErrClosed is returned for a connection that is closed, or being closed:
	// nothing was sent.
	ErrClosed = errors.New("websocket: the connection is closed")
	// ErrSlow is returned, and is the cause in Conn.Context, when a client does
	// not take what is sent to it and Options.SlowPolicy closes it.
	ErrSlow = errors.New("websocket: the client does not read fast enough")
	// ErrSilent is the cause of the end of a connection from which nothing came,
	// not even the answer to a ping.
	ErrSilent = errors.New("websocket: nothing came from the client")
	// ErrStalled is the cause of the end of a connection whose endpoint did not
	// take its messages for Options.StallTimeout.
	ErrStalled = errors.New("websocket: the endpoint did not take its messages")
)

// CloseError is the cause, in [Conn.Context], of an orderly end; [errors.As]
// finds it.
type CloseError struct {
	Code   int    // of RFC 6455, section 7.4
	Reason string // for people, at most 123 bytes
}

// Error returns the reason, and not the code.
func (e *CloseError) Error() string { return "websocket: closed: " + e.Reason }

// Conn is a connection, as the functions of an [Endpoint] get it. Its methods
// may be called from any goroutine, also after its end.
type Conn struct {
	srv      *Server
	e        *Endpoint
	addr     string
	key      peers.Key
	place    *peers.Place[*Conn] // within MaxSessions; nil without
	protocol string
	deflate  bool
	window   uint8 // see ws.Handshake.DeflateWindow
	ctx      context.Context
	cancel   context.CancelCauseFunc

	r     ws.Reader // of OnReadable
	start bool      // of OnReadable: it has put something in, and nobody works that off
	inbox mailbox.Box[event]
	heard atomic.Bool // something came since the last ping

	mu       sync.Mutex // guards all that follows; held for moments
	nc       *netpoll.Conn
	paused   time.Time // when reading was paused; zero if it is not
	closing  bool      // a close frame was sent, or the end has come
	pinged   bool      // and the answer is due
	code     int       // of the close; valid when closing
	reason   string
	deadline wheel.Timer // the next ping, or the end of waiting for the peer's close
}

// Protocol is the sub-protocol agreed on, or "".
func (c *Conn) Protocol() string { return c.protocol }

// RemoteAddr is the client's address and port; behind trusted proxies (see
// engineio.Options.TrustedProxies) the address alone, as they tell it.
func (c *Conn) RemoteAddr() string { return c.addr }

// Context carries the values of the request's context, and ends when the
// connection begins to close; [context.Cause] tells why: a [*CloseError],
// [ErrSlow], [ErrSilent], [ErrStalled] or another error.
func (c *Conn) Context() context.Context { return c.ctx }

// Go runs f in a goroutine that Server.Shutdown waits for, beside the
// endpoint's functions. f must return soon after its context, which is the
// connection's, has ended.
func (c *Conn) Go(f func(ctx context.Context)) { c.srv.poller.Go(&side{c, f}) }

// Send sends a text message, which must be valid UTF-8: clients close the
// connection otherwise. It never blocks: the message is queued. The error is
// [ErrClosed], or [ErrSlow]; nil says that it was queued, and not that the
// client has it. What one goroutine sends arrives in that order.
func (c *Conn) Send(text string) error { return c.SendMessage([]byte(text), false) }

// SendBinary is Send for a binary message. data is copied.
func (c *Conn) SendBinary(data []byte) error { return c.SendMessage(data, true) }

// SendMessage is SendBinary if binary is set, else Send. data is copied.
func (c *Conn) SendMessage(data []byte, binary bool) error {
	op := ws.Text
	if binary {
		op = ws.Binary
	}
	var frame []byte
	if c.deflate && len(data) >= c.srv.opts.PerMessageDeflate.Threshold && (c.window == 0 || len(data)>>c.window == 0) {
		frame = c.srv.deflate.AppendFrame(nil, op, data)
	} else {
		frame = ws.AppendFrame(make([]byte, 0, len(data)+10), op, data)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return ErrClosed
	}
	return c.sendLocked(frame)
}

// sendLocked queues a message's frame, or does what SlowPolicy says.
func (c *Conn) sendLocked(frame []byte) error {
	err := c.nc.Write(frame)
	if errors.Is(err, netpoll.ErrQueueFull) { // perhaps only because nobody has written it yet
		c.nc.Flush()
		err = c.nc.Write(frame)
	}
	if errors.Is(err, netpoll.ErrQueueFull) && c.srv.opts.SlowPolicy == engineio.DropOldest {
		n, _ := c.nc.DropOldestFunc(len(frame), isMessage)
		c.srv.stats.dropped.Add(uint64(n))
		err = c.nc.Write(frame)
	}
	switch {
	case err == nil:
		c.srv.stats.sent.Add(1)
		return nil
	case errors.Is(err, netpoll.ErrQueueFull):
		c.srv.stats.dropped.Add(1)
		c.srv.stats.slow.Add(1)
		c.dropLocked(ErrSlow)
		return ErrSlow
	}
	return ErrClosed
}

// isMessage tells frames of messages from those of control.
func isMessage(frame []byte) bool { return len(frame) > 0 && frame[0]&0x0f <= byte(ws.Binary) }

// Buffered is the number of bytes that wait for the client to take them.
func (c *Conn) Buffered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nc.Queued()
}

// Close begins to close the connection with a code (1000 to 1014 as registered,
// or 3000 to 4999 of one's own) and a reason, of which at most 123 bytes travel.
// What was sent before still arrives. OnMessage is not called any more. The
// error is ErrClosed if it is closing already, or says that there is no such
// code.
func (c *Conn) Close(code int, reason string) error {
	if (code < 1000 || code > 1014 || code >= 1004 && code <= 1006) && (code < 3000 || code > 4999) {
		return fmt.Errorf("websocket: %d is not a code to close with", code)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return ErrClosed
	}
	c.closeLocked(ws.CloseCode(code), reason)
	return nil
}

// closeLocked sends a close frame and gives the peer a while to answer it.
func (c *Conn) closeLocked(code ws.CloseCode, reason string) {
	c.endLocked(int(code), reason, &CloseError{int(code), reason})
	if c.nc != nil { // else open does it
		c.goodbyeLocked(code, reason)
	}
}

func (c *Conn) goodbyeLocked(code ws.CloseCode, reason string) {
	if err := c.nc.Write(ws.AppendClose(nil, code, reason)); err != nil {
		c.nc.Close(err) // the queue is full: this end will have no goodbye
		return
	}
	const most = 10 * time.Second
	d := most
	if w := c.srv.opts.WriteTimeout; w >= 0 {
		d = min(w, most)
	}
	c.srv.wheel.After(d, &c.deadline, (*lastWait)(c))
}

// endLocked notes why the connection ends, once. It comes before the goodbye: a
// client that has it may come back at once, and there is room for it.
func (c *Conn) endLocked(code int, reason string, cause error) {
	if c.closing {
		return
	}
	c.closing, c.code, c.reason = true, code, reason
	c.cancel(cause)
	c.srv.release(c)
}

// lastWait is what happens when the peer does not answer a close frame.
type lastWait Conn

func (w *lastWait) Run() { (*Conn)(w).nc.Close(net.ErrClosed) }

// side is a function that runs beside a connection.
type side struct {
	c *Conn
	f func(context.Context)
}

func (r *side) Run() { r.c.guard("Go", func() { r.f(r.c.ctx) }) }

// open hands the connection to the poller.
func (c *Conn) open(nc net.Conn, pre, head []byte, r *http.Request) {
	c.mu.Lock() // the handler, which may run at once, must find c.nc, and OnOpen comes first
	conn, err := c.srv.poller.Add(nc, pre, (*network)(c))
	if err != nil {
		c.endLocked(int(ws.Abnormal), "", err)
		c.mu.Unlock()
		c.srv.remove(c)
		return
	}
	c.nc = conn
	_ = conn.Write(head) // fails only if it is closed already, which OnClose tells
	if c.closing {
		c.goodbyeLocked(ws.CloseCode(c.code), c.reason)
	}
	c.inbox.Add(&c.srv.inboxes, &event{kind: opened, request: r})
	c.beatLocked()
	c.mu.Unlock()
	c.srv.poller.Go((*calls)(c))
}
