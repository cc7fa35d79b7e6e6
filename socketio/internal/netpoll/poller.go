package netpoll

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
)

var (
	// ErrWouldBlock is returned by Conn.Read when there is no input for now.
	ErrWouldBlock = errors.New("netpoll: no more input for now")
	// ErrPaused is returned by a handler's OnReadable that does not want to
	// read on until Conn.Wake.
	ErrPaused = errors.New("netpoll: reading is paused")
	// ErrQueueFull is returned by Conn.Write when a frame has no room.
	ErrQueueFull = errors.New("netpoll: write queue is full")
	// ErrPollerClosed is what Add returns, and the cause of the connections
	// that are closed, after Shutdown.
	ErrPollerClosed = errors.New("netpoll: poller is closed")
)

// Handler is the owner of one connection.
type Handler interface {
	// OnReadable is called when c may have input; sometimes there is none. It
	// calls c.Read until ErrWouldBlock. If it returns nil earlier, it is
	// called again after the other connections had their turn; if it returns
	// ErrPaused, or nil without having called Read at all, it need not be
	// called again before c.Wake. Any other error (io.EOF too) closes c with
	// that cause. No two calls for one connection overlap.
	OnReadable(c *Conn) error
	// OnServed is called after an OnReadable that has called c.Serve, when c
	// has been released for reading: the next OnReadable, the next OnServed
	// and OnClose may run meanwhile, or before. It may block as long as it
	// likes.
	OnServed(c *Conn)
	// OnClose is called exactly once, after the last OnReadable has returned.
	OnClose(c *Conn, cause error)
}

// DrainHandler is a Handler that wants to know when a connection whose socket
// buffer had been full (see Conn.Blocked), or of which Conn.Settled was asked,
// has no output waiting any more.
type DrainHandler interface {
	Handler
	// OnDrained must not block. Other calls for c may run meanwhile.
	OnDrained(c *Conn)
}

// Config is the configuration of a Poller. The zero value is ready to use.
type Config struct {
	// MaxQueue bounds the bytes that may wait on one connection. Zero means
	// 1 MiB, negative no bound.
	MaxQueue int
	// MaxIdleWorkers bounds the goroutines kept while there is nothing to do.
	// Zero means 16.
	MaxIdleWorkers int
	// DisableEpoll gives every connection a goroutine.
	DisableEpoll bool
	// Counts says which frames Poller.Frames counts; nil none. It is called
	// with locks held, and looks at the frame only.
	Counts func(frame []byte) bool
	// Fates is told how many of these frames of a connection were written, or
	// given up with it, as that happens; nil is not. It may be called with locks
	// held: all it may do here is Poller.Go.
	Fates func(h Handler, written, lost uint64)
}

const defaultMaxQueue = 1 << 20

// slot finds the connection of an event. gen tells it from earlier users.
type slot struct {
	c   *Conn
	gen uint32
}

// Poller owns connections and the workers that serve them. It is safe for
// concurrent use.
type Poller struct {
	cfg    Config // static
	shards [numShards]shard
	pool

	written atomic.Uint64 // frames that count
	lost    atomic.Uint64

	slots   []slot   // guarded by pool.mu, as is all that follows
	free    []uint32 // slots nobody has
	conns   int      // connections whose OnClose has not returned, and holds
	closing bool
	ep      *epoll // nil until the first connection that it can take
	polling bool   // the event loop has not ended yet
	over    chan struct{}
}

// Frames says how many of the frames that count were written, and how many were
// given up with their connection. What is in neither waits.
func (p *Poller) Frames() (written, lost uint64) { return p.written.Load(), p.lost.Load() }

// New returns a poller. It starts nothing: the first connection does.
func New(cfg Config) *Poller {
	if cfg.MaxQueue == 0 {
		cfg.MaxQueue = defaultMaxQueue
	}
	if cfg.MaxIdleWorkers <= 0 {
		cfg.MaxIdleWorkers = 16
	}
	p := &Poller{cfg: cfg, over: make(chan struct{})}
	p.pool.maxIdle = cfg.MaxIdleWorkers
	p.pool.onExit = p.endLocked
	return p
}

// Add hands nc over: the caller must not use it any more, whatever the result.
// pre is input already read from it, which belongs to the connection now.
// Calls of h may begin before Add returns. The error is ErrPollerClosed.
func (p *Poller) Add(nc net.Conn, pre []byte, h Handler) (*Conn, error) {
	c := &Conn{p: p, h: h, nc: nc, fd: -1, maxQueue: clampQueue(p.cfg.MaxQueue)}
	if len(pre) > 0 {
		c.in = &input{pre: pre}
	}
	// From its slot Shutdown can close c. Being served keeps the descriptor
	// until the end of Add, as it does while OnReadable runs.
	c.state.Store(served)
	p.mu.Lock()
	if p.closing {
		p.mu.Unlock()
		_ = nc.Close()
		return nil, ErrPollerClosed
	}
	p.conns++
	if n := len(p.free); n > 0 {
		c.slot, p.free = p.free[n-1], p.free[:n-1]
	} else {
		c.slot = uint32(len(p.slots))
		p.slots = append(p.slots, slot{})
	}
	p.slots[c.slot].c = c
	c.gen = p.slots[c.slot].gen
	p.mu.Unlock()

	// Whatever epoll will not have is read by a worker: there may be no
	// descriptor left for the duplicate, say.
	var ep *epoll
	if native(nc) {
		ep = p.epoll()
	}
	switch {
	case ep == nil || !ep.take(c, nc):
		if c.in == nil {
			c.in = new(input)
		}
		c.in.wait = true
		if !p.cfg.DisableEpoll {
			c.in.park = parkable(nc)
		}
	case c.in == nil && c.release():
		return c, nil // it is readable when epoll says so
	}
	p.push((*serveTask)(c))
	return c, nil
}

// Takes reports whether nc is of a kind that costs no goroutine here.
func (p *Poller) Takes(nc net.Conn) bool { return !p.cfg.DisableEpoll && native(nc) }

// epoll returns the epoll instance, or nil if there is none to be had.
func (p *Poller) epoll() *epoll {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cfg.DisableEpoll || p.stopped {
		return nil
	}
	if p.ep == nil {
		ep, err := newEpoll()
		if err != nil {
			return nil // and perhaps next time
		}
		p.ep, p.polling = ep, true
		go func() {
			ep.run(p)
			p.mu.Lock()
			p.polling = false
			p.endLocked()
			p.mu.Unlock()
		}()
	}
	return p.ep
}

// Len is the number of connections that are not quite over.
func (p *Poller) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns
}

// forget makes events for c meaningless before its descriptor is closed.
func (p *Poller) forget(c *Conn) {
	p.mu.Lock()
	p.slots[c.slot].c = nil
	p.slots[c.slot].gen++
	p.free = append(p.free, c.slot)
	p.mu.Unlock()
}

// hold makes the end wait for one more call of done. The caller is itself
// something that the end waits for.
func (p *Poller) hold() {
	p.mu.Lock()
	p.conns++
	p.mu.Unlock()
}

// done counts a connection off, whose OnClose has returned.
func (p *Poller) done() {
	p.mu.Lock()
	p.conns--
	p.endLocked()
	p.mu.Unlock()
}

// Shutdown closes all connections with the cause ErrPollerClosed and waits
// until every handler and Runner has returned and every goroutine has ended,
// or until ctx is done, whose error it returns then. It may be called again to
// wait longer.
func (p *Poller) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	p.closing = true
	all := make([]*Conn, 0, p.conns)
	for _, s := range p.slots {
		if s.c != nil {
			all = append(all, s.c)
		}
	}
	p.endLocked()
	p.mu.Unlock()
	for _, c := range all {
		c.Close(ErrPollerClosed)
	}
	select {
	case <-p.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// endLocked takes the next step of the end: with the last connection the event
// loop and the idle workers are told to stop, with the last of them all is over.
func (p *Poller) endLocked() {
	if !p.closing || p.conns > 0 {
		return
	}
	if !p.stopped {
		p.stopLocked()
		if p.polling {
			p.ep.stop()
		}
	}
	if p.workers == 0 && !p.polling {
		select {
		case <-p.over:
		default:
			close(p.over)
		}
	}
}
