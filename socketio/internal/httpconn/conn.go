package httpconn

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
	"unique"

	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
)

// Handler answers the requests on one connection. Mine and Serve are called by
// whoever reads, one at a time.
type Handler interface {
	// Mine reports whether r, whose body need not have come, is answered here.
	// If not, the connection goes back to its http.Server. It must not block.
	Mine(r *Request) bool
	// Serve is handed a request that was Mine a moment ago, with its body. It, or
	// somebody later, calls Conn.Answer: no request is looked at before.
	Serve(r *Request)
	// Served follows a Serve that has called Conn.Serve. It may block.
	Served()
	// Closed is called once, at the end, of which cause is the reason. half says
	// that a request that was Mine has come in part.
	Closed(cause error, half bool)
}

// Drainer is a Handler whose answers come in parts.
type Drainer interface {
	Handler
	// Drained says that there is room, after Part or Room had said that there was
	// none. It must not block.
	Drained()
}

var (
	// errIdle ends a connection on which no request, or no whole one, came in time.
	errIdle = errors.New("httpconn: no request came in time")
	// ErrAnswer ends a connection whose client has not taken an answer in time.
	ErrAnswer = errors.New("httpconn: the client did not take an answer in time")
)

// hangUp is how long a client has to end its side after the last answer.
const hangUp = 5 * time.Second

// aside is how many bytes of answers may still be on their way to the socket
// when the next request is read, if the socket is not full. Waiting for each of
// them would cost a client that polls and posts in turns a change of goroutines.
const aside = 16 << 10

// stage is what the timer of a connection stands for.
type stage uint8

const (
	awaitRequest stage = iota
	awaitHead          // the rest of it
	awaitBody
	awaitTaken // the client has to take an answer
	awaitPart  // or what has come of it
	awaitEnd   // and this one was the last
	awaitEndBusy
)

// Conn is a connection that was taken over, to be embedded in its Handler. The
// zero value is for Conns.Take. Its methods may be called from any goroutine
// unless they say otherwise.
type Conn struct {
	all    *Conns
	host   *http.Server
	h      Handler
	c      *netpoll.Conn // set before a request is answered
	fields *Fields
	same   unique.Handle[string] // see Request.has; of most connections it is the same

	// These belong to whoever reads.
	in   []byte // input that is not a whole request, or that came too early
	need int32  // so many bytes make a request of in; 0 if that is not known
	mine bool   // it is one that is Mine

	mu    sync.Mutex
	stage stage
	busy  bool // a request is being answered
	early bool // input waits for the answer
	end   bool // the connection ends with the next answer, or has
	gone  bool // it has ended
	timer wheel.Timer
}

// Fields is the header fields of answers.
func (c *Conn) Fields() *Fields { return c.fields }

// Last reports whether the answer to come has to be the last one.
func (c *Conn) Last() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end
}

// Serve asks for a call of Handler.Served once input has been read. It may be
// called inside Handler.Serve only.
func (c *Conn) Serve() { c.c.Serve() }

// Answer writes the answer to the request that is being served. The next one is
// read then, unless it was the last.
func (c *Conn) Answer(b []byte, last bool) error { return c.AnswerOwned(b, last, nil) }

// Piece is the size of the pieces in which AnswerOwned writes.
const Piece = 64 << 10

// AnswerOwned is Answer for a long answer: owner.Release is called for each
// Piece of it, and for the rest, when that has left.
func (c *Conn) AnswerOwned(b []byte, last bool, owner netpoll.Owner) error {
	if c.c == nil {
		return net.ErrClosed
	}
	for owner != nil && len(b) > Piece {
		if err := c.c.WriteOwned(b[:Piece], owner); err != nil {
			return err
		}
		b = b[Piece:]
	}
	if err := c.c.WriteOwned(b, owner); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return nil
	}
	if last {
		c.endLocked()
		return nil
	}
	c.busy = false
	cfg := &c.all.cfg
	if w, idle := cfg.WriteTimeout, cfg.IdleTimeout; w > 0 && (w < idle || idle < 0) {
		c.await(awaitTaken, w)
	} else {
		c.await(awaitRequest, idle)
	}
	if c.early {
		c.early = false
		c.c.Wake()
	}
	return nil
}

// Part writes a part of the answer to the request that is being served. Like an
// answer it has Config.WriteTimeout to be taken. room says whether there is room
// for more; if not, Drainer.Drained says when there is.
func (c *Conn) Part(b []byte, owner netpoll.Owner) (room bool, err error) {
	if c.c == nil {
		return false, net.ErrClosed
	}
	if err := c.c.WriteOwned(b, owner); err != nil {
		return false, err
	}
	c.mu.Lock()
	if w := c.all.cfg.WriteTimeout; w > 0 && !c.gone {
		c.await(awaitPart, w)
	}
	c.mu.Unlock()
	return c.Room(), nil
}

// Room reports whether the client has taken so much that there may be more of an
// answer. If not, Drainer.Drained is called when it has taken all.
func (c *Conn) Room() bool { return room(c.c) }

func room(nc *netpoll.Conn) bool {
	if n := nc.Queued(); n == 0 || n <= aside && !nc.Blocked() {
		return true
	}
	return nc.Settled()
}

// Abort ends the connection in the middle of an answer.
func (c *Conn) Abort(cause error) {
	if c.c != nil {
		c.c.Close(cause)
	}
}

// EndIdle ends a connection on which nothing is going on. Any other ends with
// its Handler's last answer.
func (c *Conn) EndIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.busy && !c.gone {
		c.endLocked()
	}
}

func (c *Conn) endLocked() {
	c.busy, c.end = true, true // what comes now comes too late
	c.c.CloseWrite()
	c.await(awaitEnd, hangUp)
}

// await sets the timer. c.mu is held.
func (c *Conn) await(s stage, d time.Duration) {
	c.stage = s
	if d < 0 {
		c.timer.Stop()
		return
	}
	c.all.cfg.Wheel.After(d, &c.timer, (*deadline)(c))
}

type deadline Conn

// Run implements wheel.Runner.
func (d *deadline) Run() {
	c := (*Conn)(d)
	c.mu.Lock()
	cause := c.lateLocked()
	c.mu.Unlock()
	if cause != nil {
		c.c.Close(cause)
	}
}

// lateLocked is why the connection ends, if it does, when the timer runs.
func (c *Conn) lateLocked() error {
	cfg := &c.all.cfg
	if c.timer.Pending() || c.gone || c.busy && c.stage < awaitPart {
		return nil // it is of no interest any more
	}
	switch c.stage {
	case awaitTaken:
		if c.c.Queued() > 0 {
			return ErrAnswer
		}
		// The rest of the time begins.
		if cfg.IdleTimeout > 0 {
			c.await(awaitRequest, cfg.IdleTimeout-cfg.WriteTimeout)
		} else {
			c.await(awaitRequest, -1)
		}
		return nil
	case awaitPart:
		if c.c.Queued() > 0 {
			return ErrAnswer
		}
		return nil // there is as much time as whoever answers has
	case awaitEnd:
		switch w := cfg.WriteTimeout; {
		case c.c.Queued() == 0:
		case w < 0:
			c.await(awaitEnd, hangUp)
			return nil
		case w > hangUp:
			c.await(awaitEndBusy, w-hangUp)
			return nil
		}
	}
	return errIdle
}

// partial sets the deadline for the rest of a request, once for each part.
func (c *Conn) partial(s stage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.stage == s || c.end:
	case s == awaitBody:
		c.await(s, c.all.cfg.BodyTimeout)
	default:
		c.await(s, headTimeout(c.host, c.all.cfg.BodyTimeout))
	}
}

// headTimeout is how long the head of a request may take to come on a fresh
// connection, or most if that is stricter. None is negative.
func headTimeout(srv *http.Server, most time.Duration) time.Duration {
	d := srv.ReadHeaderTimeout
	if d == 0 || srv.ReadTimeout > 0 && srv.ReadTimeout < d {
		d = srv.ReadTimeout
	}
	if d <= 0 || most >= 0 && most < d {
		return most
	}
	return d
}

// OnServed implements netpoll.Handler.
func (c *Conn) OnServed(*netpoll.Conn) { c.h.Served() }

// OnDrained implements netpoll.DrainHandler: a request may have waited for it, or
// more of an answer.
func (c *Conn) OnDrained(nc *netpoll.Conn) {
	nc.Wake()
	if d, ok := c.h.(Drainer); ok {
		d.Drained()
	}
}

// OnClose implements netpoll.Handler.
func (c *Conn) OnClose(_ *netpoll.Conn, cause error) {
	c.mu.Lock()
	c.gone = true
	c.timer.Stop()
	c.mu.Unlock()
	c.all.remove(c)
	c.h.Closed(cause, c.mine)
}
