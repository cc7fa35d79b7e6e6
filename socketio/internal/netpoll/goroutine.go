package netpoll

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// This file is for connections whose reading cannot be left to epoll: a worker
// reads, and one writes while there is output.

const (
	minRead = 512      // bytes a connection that says little reads at a time
	maxRead = 16 << 10 // and one that says much: a record of TLS
	// slowMark is how many bytes wait, while a write is under way, when the
	// connection counts as blocked.
	slowMark = 16 << 10
	// linger is how long a worker waits for input of a connection that can be
	// parked.
	linger = 150 * time.Millisecond
)

// pump reads and serves, and holds the bit served meanwhile. It ends when the
// connection is closed, or has nothing to do until it is woken, by Wake or by
// epoll.
func (c *Conn) pump() {
	var buf []byte
	in := c.in
	for {
		if in.wait && len(in.pre) == 0 && c.state.Load()&closing == 0 {
			if buf = c.fill(buf); buf == nil {
				return
			}
		}
		then, rest := c.readable()
		if then {
			c.p.push((*servedTask)(c))
		}
		over := c.got == nothing || in.err != nil && len(in.pre) == 0
		in.wait = rest && !over
		switch {
		case c.state.Load()&closing != 0:
			c.retire()
			return
		case rest && over:
			if c.release() {
				return
			}
		}
	}
}

// fill waits for input and has it in c.in. It returns the buffer for the next
// time, or nil if it has parked c.
func (c *Conn) fill(buf []byte) []byte {
	in := c.in
	if buf == nil {
		buf = make([]byte, minRead)
	}
	for {
		if in.park != nil && !in.timed {
			in.timed = true
			in.err = c.nc.SetReadDeadline(time.Now().Add(linger))
		}
		var n int
		if in.err == nil {
			n, in.err = c.nc.Read(buf)
		}
		if in.park == nil || n > 0 || !errors.Is(in.err, os.ErrDeadlineExceeded) {
			in.pre, in.lively = buf[:n], true
			switch {
			case n == len(buf) && n < maxRead:
				return make([]byte, min(4*n, maxRead))
			case n <= minRead/4 && len(buf) > minRead:
				return make([]byte, minRead)
			}
			return buf
		}
		in.timed, in.err = false, nil
		if !in.lively && c.rest() {
			return nil
		}
		in.lively = false
	}
}

// rest parks c, so that no goroutine waits for its input but epoll, and reports
// whether it did: not if something has come in the meantime.
func (c *Conn) rest() bool {
	ep := c.p.epoll()
	c.state.And(^uint32(more)) // a call of Wake, with nothing to see
	if ep == nil || !ep.park(c) {
		c.in.park = nil // it will not do, so never again
		_ = c.nc.SetReadDeadline(time.Time{})
		return false
	}
	return c.release()
}

var joins = sync.Pool{New: func() any { return new([maxRead]byte) }}

// drain writes what is queued. It holds the lock for writing, and may block.
func (c *Conn) drain() {
	joined := joins.Get().(*[maxRead]byte)
	var err error
	c.mu.Lock()
	for err == nil && c.nextLocked() {
		if c.queued > slowMark {
			c.state.Or(blocked)
		}
		out := c.out
		c.mu.Unlock()
		b := out.frames[out.first].b[out.off:]
		if out.first+1 < len(out.frames) && len(b) < len(joined) {
			// Several in one write: in TLS each write is a record.
			n := copy(joined[:], b)
			for _, f := range out.frames[out.first+1:] {
				if n+len(f.b) > len(joined) {
					break
				}
				n += copy(joined[n:], f.b)
			}
			b = joined[:n]
		}
		var n int
		n, err = c.nc.Write(b)
		c.mu.Lock()
		c.wroteLocked(n)
	}
	joins.Put(joined)
	drained := c.state.And(^uint32(blocked))&blocked != 0 && err == nil && !c.closed
	drained = c.drainedLocked(err) || drained
	shut := c.fin && err == nil && !c.closed
	if shut {
		c.mu.Unlock()
		err = c.shutNC()
		c.mu.Lock()
	}
	c.writtenLocked(err)
	if drained {
		c.tellDrained()
	}
}

// shutNC ends our side. The error is why the whole connection ends with it.
func (c *Conn) shutNC() error {
	if w, ok := c.nc.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return net.ErrClosed
}
