package netpoll

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// Bits of Conn.state.
const (
	served  = 1 << iota // somebody serves c, or is about to: the lock for reading
	more                // something came since OnReadable was last called
	hup                 // the peer has ended its side: read up to the end
	closing             // Close was called
	blocked             // output waits for room in the socket
)

// Values of Conn.got.
const (
	nothing = iota // OnReadable has not called Read
	some           // it has, and there may be more
	all            // there is nothing to read until the next event
)

// Conn is a connection. Read and Serve may be called in OnReadable only, the
// other methods from any goroutine at any time.
type Conn struct {
	p     *Poller // static, as h, slot and gen
	h     Handler
	nc    net.Conn // nil if epoll has c; static after Add
	state atomic.Uint32
	slot  uint32
	gen   uint32
	fd    int32 // with epoll; otherwise -1

	// These belong to whoever serves c.
	in   *input // nil if there is nothing in it, but only with epoll
	got  uint8
	then bool // OnServed is wanted

	tcp bool // static after Add

	// All below is guarded by mu, which is held for moments only, never over a
	// write or a callback.
	dirty    bool // in a shard's list
	writing  bool // somebody writes: the lock for writing
	armed    bool // epoll watches for room
	closed   bool // no new frames
	fin      bool // end our side once the queue is empty
	tell     bool // OnDrained is wanted when nothing is left to be written
	retired  bool // nobody will serve c again
	bytes    bool // what is written is not of frames that count
	maxQueue int32
	mu       sync.Mutex
	queued   int
	queue    *batch
	out      *batch // older than queue, perhaps written in part; of who writes
	cause    error
}

// input is what has been read from a connection and not been asked for yet.
type input struct {
	pre []byte
	err error // what reading has ended with, to be told after pre

	wait bool // on the goroutine path: the handler has seen everything

	// On the goroutine path, if the connection can be parked:
	park   syscall.RawConn // of the socket beneath, or nil
	parked bool            // epoll knows it
	timed  bool            // a deadline for reading is set
	lively bool            // input has come since
}

// The things that workers do for a connection, as Runners that cost nothing.
type (
	serveTask  Conn // serve it
	servedTask Conn // call OnServed
	flushTask  Conn // write its queue
	drainTask  Conn // write its queue, blocking
)

// closeTask closes a net.Conn, for which TLS may take its time.
type closeTask struct{ net.Conn }

func (t *serveTask) Run() {
	if t.nc != nil {
		(*Conn)(t).pump()
	} else {
		(*Conn)(t).serve()
	}
}

func (t *servedTask) Run() { t.h.OnServed((*Conn)(t)) }
func (t *flushTask) Run()  { (*Conn)(t).flush() }
func (t *drainTask) Run()  { (*Conn)(t).drain() }
func (t closeTask) Run()   { _ = t.Conn.Close() }

// Read reads without blocking. ErrWouldBlock says that there is nothing left.
func (c *Conn) Read(b []byte) (int, error) {
	if c.state.Load()&closing != 0 {
		return 0, net.ErrClosed
	}
	if in := c.in; in != nil {
		if len(in.pre) > 0 {
			n := copy(b, in.pre)
			in.pre = in.pre[n:]
			c.got = some
			return n, nil
		}
		in.pre = nil
		if in.err != nil {
			c.got = all
			return 0, in.err
		}
		if c.nc == nil {
			c.in = nil
		}
	}
	if c.got == all || c.nc != nil {
		c.got = all
		return 0, ErrWouldBlock
	}
	n, again, err := c.sysRead(b)
	switch {
	case again:
		c.got = all
		return 0, ErrWouldBlock
	case err != nil:
		c.in, c.got = &input{err: err}, all
		return 0, err
	case n < len(b) && c.tcp && c.state.Load()&hup == 0:
		// The kernel had no more, and will tell when it has: no need to be
		// told EAGAIN. With hup set it will not tell again.
		c.got = all
	default:
		c.got = some
	}
	return n, nil
}

// Quiet reports whether the peer has neither ended its side nor said anything
// that was not read, as far as that can be seen without reading. It is for who
// is about to write on a connection on which nothing is expected.
func (c *Conn) Quiet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed || c.retired:
		return false
	case c.fd < 0:
		return true
	}
	return c.sysQuiet() // the descriptor is not closed before c is retired
}

// Serve asks for a call of OnServed once OnReadable has returned. It may be
// called more than once; OnServed is called once for each OnReadable.
func (c *Conn) Serve() { c.then = true }

// Wake has OnReadable called again, although no input has come, if it has
// returned ErrPaused or is about to.
func (c *Conn) Wake() {
	if c.wake(0) {
		c.p.push((*serveTask)(c))
	}
}

// wake notes something to look at, and reports whether the caller has to have
// c served.
func (c *Conn) wake(bits uint32) bool {
	return c.state.Or(bits|more|served)&served == 0
}

// readable calls OnReadable. It reports whether OnServed is wanted, and
// whether there is nothing to do for now.
func (c *Conn) readable() (then, rest bool) {
	c.state.And(^uint32(more))
	c.got = nothing
	if c.state.Load()&closing == 0 {
		switch err := c.h.OnReadable(c); err {
		case nil:
		case ErrPaused:
			c.got = nothing
		default:
			c.close(err, false)
		}
	}
	then, c.then = c.then, false
	return then, c.got != some
}

// serve runs the handler, with epoll. Whoever calls it owns the bit served,
// and does not after the call.
func (c *Conn) serve() {
	for {
		then, rest := c.readable()
		switch {
		case c.state.Load()&closing != 0:
			c.retire()
		case rest && c.release():
		case rest && !then:
			continue // something came meanwhile
		default:
			c.p.push((*serveTask)(c)) // still served; the others first
		}
		if then {
			c.h.OnServed(c)
		}
		return
	}
}

// release ends serving, unless something came meanwhile.
func (c *Conn) release() bool {
	for s := c.state.Load(); s&(more|closing) == 0; s = c.state.Load() {
		if c.state.CompareAndSwap(s, s&^served) {
			return true
		}
	}
	return false
}

// Close closes c and reports whether this call did it. OnClose follows with
// cause, for which nil stands for net.ErrClosed, when no OnReadable runs. What
// is queued is dropped; the peer is told at once.
func (c *Conn) Close(cause error) bool { return c.close(cause, true) }

// close is Close; tell is false if whoever serves c looks at it next.
func (c *Conn) close(cause error, tell bool) bool {
	if cause == nil {
		cause = net.ErrClosed
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return false
	}
	c.closed, c.cause = true, cause
	mine := c.wake(closing)
	if tell && !mine && c.fd >= 0 {
		c.shut() // a handler runs: the peer shall not have to wait for it
	}
	nc := c.nc
	c.mu.Unlock()
	if nc != nil {
		c.p.push(closeTask{nc})
	}
	if mine {
		c.p.push((*serveTask)(c))
	}
	return true
}

// Detach gives the connection back as a net.Conn, on the goroutine path the one
// that Add was given, with what was read from it and not handed out: c is
// closed, and OnClose follows, but the peer does not notice. It may be called in
// OnReadable only, when c is Settled. If something is in the way, there is an
// error, errors.ErrUnsupported if it is output or TLS, and c stays what it is.
func (c *Conn) Detach() (nc net.Conn, pre []byte, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed || c.fin:
		return nil, nil, net.ErrClosed
	case c.in != nil && c.in.park != nil || c.queued > 0 || c.writing:
		return nil, nil, errors.ErrUnsupported
	}
	if nc = c.nc; nc == nil {
		if nc, err = c.duplicate(); err != nil {
			return nil, nil, err
		}
	}
	if c.in != nil {
		pre, c.in.pre = c.in.pre, nil
	}
	c.closed, c.cause = true, net.ErrClosed
	c.wake(closing) // whoever serves c, that is the caller, ends it
	return nc, pre, nil
}

// retire is the end: c is closed and whoever serves it will not do so again.
func (c *Conn) retire() {
	c.mu.Lock()
	if c.queue != nil {
		c.giveUp(c.queue)
		c.queue = nil
	}
	c.queued = 0
	c.in = nil
	c.retired = true
	last, cause := !c.writing, c.cause
	if !last {
		c.p.hold() // for the writer, who ends c
	}
	c.mu.Unlock()
	if last {
		c.end()
	}
	c.h.OnClose(c, cause)
	c.p.done()
}
