package netpoll

import (
	"math"
	"net"
	"sync"
)

// Whoever writes to a connection puts it on the list of its shard. The shard
// is run by a worker when its list has become non-empty, but after what there
// is to read: output of many handlers leaves together. Before a long list is
// written, there is one more look for input: a message to many is seldom alone,
// and two of them together cost hardly more than one.
type shard struct {
	mu    sync.Mutex
	dirty []*Conn
	spare []*Conn
	twice bool // the list has been put off once
}

const (
	numShards = 8  // a power of two
	longList  = 32 // connections
)

func (p *Poller) markDirty(c *Conn) {
	s := &p.shards[c.slot&(numShards-1)]
	s.mu.Lock()
	s.dirty = append(s.dirty, c)
	n := len(s.dirty)
	s.mu.Unlock()
	switch n {
	case 1:
		p.pushOutput(s)
	case longList:
		p.press()
	}
}

// Run writes what the connections on the list have queued.
func (s *shard) Run() {
	s.mu.Lock()
	list := s.dirty
	if s.twice = len(list) >= longList && !s.twice; s.twice {
		s.mu.Unlock()
		if c := list[0]; c.nc == nil {
			c.p.ep.poll(c.p)
		}
		p := list[0].p
		p.pushOutput(s)
		p.press()
		return
	}
	s.dirty, s.spare = s.spare, nil
	s.mu.Unlock()
	var last *Conn // to be written blocking
	for i, c := range list {
		if c.flush() {
			if last != nil {
				last.p.push((*drainTask)(last))
			}
			last = c
		}
		list[i] = nil
	}
	if cap(list) <= 16<<10 {
		s.mu.Lock()
		s.spare = list[:0]
		s.mu.Unlock()
	}
	if last != nil {
		last.drain()
	}
}

// Owner is whose memory a frame is. Release is called when the frame has been
// written, and never if it is dropped: it is for memory that is used again, not
// for accounts. It must not block, nor use the connection.
type Owner interface{ Release() }

// frame is bytes to be written, shared by many connections unless it has an
// owner.
type frame struct {
	b     []byte
	owner Owner
}

// batch is frames to be written together. Idle connections have none.
type batch struct {
	frames []frame
	first  int // frames before are written
	off    int // bytes written of the first

	wrote chan struct{} // closed after the write that is under way; nil if nobody waits for it
}

var batches = sync.Pool{New: func() any { return new(batch) }}

func (b *batch) free() {
	clear(b.frames)
	if cap(b.frames) > 256 {
		b.frames = nil
	}
	b.frames, b.first, b.off, b.wrote = b.frames[:0], 0, 0, nil
	batches.Put(b)
}

// advance notes n written bytes. It reports whether that was all, and how many
// frames that count were completed.
func (b *batch) advance(n int, counts func([]byte) bool) (all bool, counted uint64) {
	for b.off += n; b.first < len(b.frames); b.first++ {
		f := &b.frames[b.first]
		if b.off < len(f.b) {
			break
		}
		b.off -= len(f.b)
		if counts != nil && counts(f.b) {
			counted++
		}
		if f.owner != nil {
			f.owner.Release()
		}
		*f = frame{}
	}
	return b.first == len(b.frames), counted
}

// giveUp counts what is left of b, and frees it.
func (c *Conn) giveUp(b *batch) {
	if counts := c.p.cfg.Counts; counts != nil && !c.bytes {
		n := uint64(0)
		for _, f := range b.frames[b.first:] {
			if counts(f.b) {
				n++
			}
		}
		if n > 0 {
			c.p.lost.Add(n)
			if f := c.p.cfg.Fates; f != nil {
				f(c.h, 0, n)
			}
		}
	}
	b.free()
}

// drop removes whole frames that are not begun, oldest first and only those
// that droppable agrees to, until it has removed at least want bytes.
func (b *batch) drop(want int, droppable func([]byte) bool) (frames, bytes int) {
	from := b.first
	if b.off > 0 {
		from++
	}
	keep := b.frames[:min(from, len(b.frames))]
	for _, f := range b.frames[len(keep):] {
		if bytes < want && (droppable == nil || droppable(f.b)) {
			frames++
			bytes += len(f.b)
		} else {
			keep = append(keep, f)
		}
	}
	clear(b.frames[len(keep):])
	b.frames = keep
	return frames, bytes
}

func clampQueue(n int) int32 {
	if n < 0 {
		return math.MaxInt32
	}
	return int32(min(n, math.MaxInt32))
}

// SetMaxQueue bounds the bytes that may wait on c, in place of
// Config.MaxQueue. Negative means no bound.
func (c *Conn) SetMaxQueue(n int) {
	c.mu.Lock()
	c.maxQueue = clampQueue(n)
	c.mu.Unlock()
}

// CountNothing says that what is written to c is none of the frames that
// Config.Counts knows, whatever it looks like.
func (c *Conn) CountNothing() {
	c.mu.Lock()
	c.bytes = true
	c.mu.Unlock()
}

// Write queues a frame behind what is queued already. It never blocks and does
// not copy: b, which many connections may share, must not be changed any
// more. If it would take the queue past its bound, Write queues nothing and
// returns ErrQueueFull; a single frame always has room in an empty queue.
// After Close or CloseWrite the error is net.ErrClosed.
func (c *Conn) Write(b []byte) error { return c.write(frame{b: b}) }

// WriteOwned is Write for a frame that goes to this connection alone: its
// memory is given back to its owner once it is written. If an error is
// returned, the caller still has it.
func (c *Conn) WriteOwned(b []byte, owner Owner) error { return c.write(frame{b, owner}) }

func (c *Conn) write(f frame) error {
	if len(f.b) == 0 {
		return nil
	}
	c.mu.Lock()
	if c.closed || c.fin {
		c.mu.Unlock()
		return net.ErrClosed
	}
	if c.queued > 0 && c.queued+len(f.b) > int(c.maxQueue) {
		c.mu.Unlock()
		return ErrQueueFull
	}
	if c.queue == nil {
		c.queue = batches.Get().(*batch)
	}
	c.queue.frames = append(c.queue.frames, f)
	c.queued += len(f.b)
	if c.queued > slowMark && c.writing && c.nc != nil {
		c.state.Or(blocked)
	}
	mark := c.markLocked()
	c.mu.Unlock()
	if mark {
		c.p.markDirty(c)
	}
	return nil
}

// markLocked reports whether the caller has to put c on a shard's list: not if
// it is there, nor if a writer will look again, nor if room will be announced.
func (c *Conn) markLocked() bool {
	if c.dirty || c.writing || c.state.Load()&blocked != 0 {
		return false
	}
	c.dirty = true
	return true
}

// CloseWrite lets the queue be written and then ends our side, so that the
// peer gets all of it. c stays open for reading until it is closed; what
// cannot be half closed (net.Pipe, say) is closed then.
func (c *Conn) CloseWrite() {
	c.mu.Lock()
	mark := !c.fin && !c.closed && c.markLocked()
	c.fin = true
	c.mu.Unlock()
	if mark {
		c.p.markDirty(c)
	}
}

// Queued is the number of bytes not yet taken by the kernel.
func (c *Conn) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued
}

// Blocked reports whether output waits because the socket buffer is full. On
// the goroutine path, where that cannot be seen, it means that more than 16 KiB
// wait while a write is under way.
func (c *Conn) Blocked() bool { return c.state.Load()&blocked != 0 }

// DropOldest makes room for n bytes: it drops queued frames, the oldest first,
// until so many fit into the bound of the queue, and says how much it dropped.
// A frame that has been written in part, or is being written, stays.
func (c *Conn) DropOldest(n int) (frames, bytes int) { return c.DropOldestFunc(n, nil) }

// DropOldestFunc is DropOldest for those frames of which droppable, which must
// not block nor use c, says true.
func (c *Conn) DropOldestFunc(n int, droppable func(frame []byte) bool) (frames, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, 0
	}
	want := c.queued + n - int(c.maxQueue)
	if c.out != nil && !c.writing {
		frames, bytes = c.out.drop(want, droppable)
		if c.out.first == len(c.out.frames) {
			c.out.free()
			c.out = nil
		}
	}
	if c.queue != nil && bytes < want {
		f, b := c.queue.drop(want-bytes, droppable)
		frames, bytes = frames+f, bytes+b
		if len(c.queue.frames) == 0 {
			c.queue.free()
			c.queue = nil
		}
	}
	c.queued -= bytes
	return frames, bytes
}

// Flush writes what is queued, in the caller's goroutine but without blocking,
// instead of leaving it to a worker. It is for who has met ErrQueueFull and
// has to know whether it is the socket that is full: then it returns true. If
// it does not, there is room in the queue. A connection that is not epoll's is
// left to its worker all the same.
func (c *Conn) Flush() (full bool) {
	c.mu.Lock()
	for c.writing && c.nc == nil { // a call that does not block is under way
		if c.out.wrote == nil {
			c.out.wrote = make(chan struct{})
		}
		wrote := c.out.wrote
		c.mu.Unlock()
		<-wrote
		c.mu.Lock()
	}
	drain, full := c.flushLocked()
	if drain {
		c.p.push((*drainTask)(c))
	}
	return full
}

// Settled reports whether all that was written has left. If not, it writes what
// can be written without blocking; what is left then, or is being written by
// somebody else, has OnDrained called when it has left, unless c is closed.
func (c *Conn) Settled() bool {
	c.mu.Lock()
	if c.queued > 0 && !c.writing && c.nc == nil {
		c.flushLocked() // never leaves anything to us with epoll
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	settled := c.queued == 0 && !c.writing
	c.tell = c.tell || !settled && !c.closed
	return settled
}

func (c *Conn) flush() (drain bool) {
	c.mu.Lock()
	drain, _ = c.flushLocked()
	return drain
}

// flushLocked writes what is queued until the queue is empty or the socket is
// full, and gives mu back. It leaves what may block to the caller, and the lock
// for writing with it, and then returns drain: drain is to be called.
func (c *Conn) flushLocked() (drain, full bool) {
	c.dirty = false
	full = c.nc == nil && c.state.Load()&blocked != 0
	if c.writing || c.closed || full {
		c.mu.Unlock()
		return false, full
	}
	c.writing = true
	if c.nc != nil {
		if c.queued > slowMark {
			c.state.Or(blocked) // until drain has written all
		}
		c.mu.Unlock()
		return true, false
	}
	var err error
	for total := 0; err == nil && c.nextLocked(); {
		if total >= 1<<20 { // the others first
			c.dirty = true
			break
		}
		out := c.out
		c.mu.Unlock()
		n, again, e := c.sysWrite(out)
		c.mu.Lock()
		total += n
		c.wroteLocked(n)
		if err = e; again {
			// Under mu, so that whoever is told of room finds writing unset.
			c.state.Or(blocked)
			c.armed, full = true, true
			err = c.watch(true)
			break
		}
	}
	drained := c.drainedLocked(err)
	if c.armed && c.out == nil && c.queue == nil && err == nil {
		c.armed, drained = false, !c.closed
		err = c.watch(false)
	}
	again := c.dirty
	c.writtenLocked(err)
	if again {
		c.p.markDirty(c)
	}
	if drained {
		c.tellDrained()
	}
	return false, full
}

// drainedLocked reports whether the handler has asked to be told that nothing is
// left to be written, and nothing is.
func (c *Conn) drainedLocked(err error) bool {
	if !c.tell || c.out != nil || c.queue != nil || err != nil {
		return false
	}
	c.tell = false
	return !c.closed
}

func (c *Conn) tellDrained() {
	if h, ok := c.h.(DrainHandler); ok {
		h.OnDrained(c)
	}
}

// nextLocked makes c.out the frames to be written next, if there are any.
func (c *Conn) nextLocked() bool {
	if c.out == nil && !c.closed {
		c.out, c.queue = c.queue, nil
	}
	return c.out != nil && !c.closed
}

func (c *Conn) wroteLocked(n int) {
	if wrote := c.out.wrote; wrote != nil {
		close(wrote)
		c.out.wrote = nil
	}
	if c.retired {
		return // nobody counts any more
	}
	c.queued -= n
	counts := c.p.cfg.Counts
	if c.bytes {
		counts = nil
	}
	all, counted := c.out.advance(n, counts)
	if counted > 0 {
		c.p.written.Add(counted)
		if f := c.p.cfg.Fates; f != nil {
			f(c.h, counted, 0)
		}
	}
	if all {
		c.out.free()
		c.out = nil
	}
}

// writtenLocked gives the lock for writing back, and c.mu. A descriptor that
// was kept for the writer is closed now.
func (c *Conn) writtenLocked(err error) {
	c.writing = false
	if c.fin && c.out == nil && c.queue == nil && !c.closed && c.nc == nil {
		c.shutWrite()
	}
	last := c.retired
	c.mu.Unlock()
	if last {
		c.end()
		c.p.done()
	} else if err != nil {
		c.Close(err)
	}
}

// end runs once: when c is retired and nobody writes.
func (c *Conn) end() {
	if c.out != nil {
		c.giveUp(c.out)
		c.out = nil
	}
	c.p.forget(c)
	if c.fd >= 0 {
		c.closeFD()
	}
}
