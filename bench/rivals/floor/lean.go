//go:build linux

package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const maxQueue = 1 << 20 // bytes a slow client may have waiting

// leanConn is a WebSocket connection on a bare socket. While it is idle it
// holds no buffer: its goroutine (lean) waits inside RawConn.Read, or an epoll
// loop (epoll) has it registered.
type leanConn struct {
	h  *hub
	tr *transport
	fd int
	rc syscall.RawConn // lean only
	nc net.Conn        // lean only

	active atomic.Int32 // epoll with dispatch: 0 idle, 1 served, 2 served and more came
	hup    atomic.Bool  // the peer has ended its side

	in   []byte // input kept between reads: an unfinished frame
	rerr error

	mu       sync.Mutex
	queue    [][]byte // frames not written yet
	queued   int      // their bytes
	flushing bool     // somebody is due to write the queue
	closed   bool
}

// transport is the write strategy: batch queues shared frames and lets a
// flusher per shard write what a burst of input has gathered, else every frame
// is written at once by whoever sends it.
type transport struct {
	batch  bool
	shards []*shard
}

// shard is one flusher and the connections due to it.
type shard struct {
	mu    sync.Mutex
	cond  sync.Cond
	conns []*leanConn
}

func newTransport(h *hub, batch bool, shards int) *transport {
	t := &transport{batch: batch}
	if !batch {
		return t
	}
	for range shards {
		s := &shard{}
		s.cond.L = &s.mu
		t.shards = append(t.shards, s)
		go s.flushConns()
	}
	h.uncork = t.uncork
	return t
}

// uncork starts the writing of what one batch of input has queued.
func (t *transport) uncork() {
	for _, s := range t.shards {
		s.mu.Lock()
		due := len(s.conns) > 0
		s.mu.Unlock()
		if due {
			s.cond.Signal()
		}
	}
}

func (s *shard) flushConns() {
	var mine []*leanConn
	for {
		s.mu.Lock()
		for len(s.conns) == 0 {
			s.cond.Wait()
		}
		mine, s.conns = s.conns, mine[:0]
		s.mu.Unlock()
		for i, c := range mine {
			c.flush()
			mine[i] = nil
		}
	}
}

func (c *leanConn) write(msg []byte) {
	buf := scratch.Get().(*[]byte)
	*buf = appendServerFrame((*buf)[:0], msg)
	c.direct(*buf, false)
	scratch.Put(buf)
}

func (c *leanConn) share(s *shared) {
	if c.tr.batch {
		c.enqueue(s.wire)
	} else {
		c.direct(s.wire, true)
	}
}

// direct writes at once what the socket takes and queues the rest.
func (c *leanConn) direct(b []byte, keep bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if len(c.queue) == 0 {
		n, err := c.sysWrite(b)
		if n == len(b) {
			return
		}
		if err != nil && err != syscall.EAGAIN {
			c.closed = true
			return
		}
		b = b[max(n, 0):]
	}
	if !keep {
		b = bytes.Clone(b)
	}
	c.push(b)
	if !c.flushing {
		c.flushing = true
		go c.flushBlocked()
	}
}

func (c *leanConn) push(b []byte) {
	if c.queued += len(b); c.queued > maxQueue {
		c.closed = true // a real server ends the connection here
		c.queue = nil
		return
	}
	c.queue = append(c.queue, b)
}

// enqueue leaves the writing to a flusher.
func (c *leanConn) enqueue(b []byte) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.push(b)
	due := !c.flushing
	c.flushing = true
	c.mu.Unlock()
	if !due {
		return
	}
	s := c.tr.shards[c.fd%len(c.tr.shards)]
	s.mu.Lock()
	s.conns = append(s.conns, c)
	s.mu.Unlock()
}

// flush writes what is queued, all of it in one call where it fits.
func (c *leanConn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) > 0 && !c.closed {
		n, err := c.sysWritev(c.queue)
		c.consume(n)
		if err == syscall.EAGAIN {
			go c.flushBlocked()
			return
		}
		if err != nil {
			c.closed = true
		}
	}
	c.flushing = false
}

func (c *leanConn) consume(n int) {
	c.queued -= max(n, 0)
	i := 0
	for ; i < len(c.queue) && n >= len(c.queue[i]); i++ {
		n -= len(c.queue[i])
		c.queue[i] = nil
	}
	if i == len(c.queue) {
		if cap(c.queue) > 16 {
			c.queue = nil
		} else {
			c.queue = c.queue[:0]
		}
		return
	}
	c.queue = c.queue[i:]
	c.queue[0] = c.queue[0][n:]
}

// flushBlocked waits for room in the socket.
func (c *leanConn) flushBlocked() {
	if c.rc != nil {
		_ = c.rc.Write(func(uintptr) bool { return c.flushed() })
		return
	}
	for !c.flushed() { // epoll is for reading here: a slow client has a goroutine that looks again
		time.Sleep(time.Millisecond)
	}
}

// flushed writes what is queued, and reports false if the socket is full.
func (c *leanConn) flushed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) > 0 && !c.closed {
		n, err := c.sysWritev(c.queue)
		c.consume(n)
		if err == syscall.EAGAIN {
			return false
		}
		if err != nil {
			c.closed = true
		}
	}
	c.flushing = false
	return true
}

// sysWrite and sysWritev hold c.mu, which close takes before the descriptor
// goes, so that the number cannot mean another file meanwhile.
func (c *leanConn) sysWrite(b []byte) (int, error) {
	n, _, e := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(c.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

func (c *leanConn) sysWritev(q [][]byte) (int, error) {
	if len(q) == 1 {
		return c.sysWrite(q[0])
	}
	var iov [64]syscall.Iovec
	k := min(len(q), len(iov))
	for i, b := range q[:k] {
		iov[i].Base = &b[0]
		iov[i].SetLen(len(b))
	}
	n, _, e := syscall.RawSyscall(syscall.SYS_WRITEV, uintptr(c.fd), uintptr(unsafe.Pointer(&iov[0])), uintptr(k))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

func (c *leanConn) close() {
	c.h.leave(c)
	c.mu.Lock()
	c.closed = true
	c.queue = nil
	if c.nc != nil {
		c.nc.Close()
	} else {
		syscall.Close(c.fd)
	}
	c.mu.Unlock()
}

var readBufs = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// readable takes what the socket has and handles it. It reports false when
// there is nothing more for now.
func (c *leanConn) readable(fd int) (more bool) {
	buf := readBufs.Get().(*[16 << 10]byte)
	defer readBufs.Put(buf)
	b := buf[:]
	held := copy(b, c.in)
	if held == len(b) {
		b = make([]byte, 2*len(c.in)+len(b))
		held = copy(b, c.in)
	}
	r, _, e := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[held])), uintptr(len(b)-held))
	n := int(r)
	var err error
	if e != 0 {
		n, err = 0, e
	}
	if err == syscall.EAGAIN {
		return false
	}
	if err != nil || n == 0 {
		c.rerr = errors.Join(err, net.ErrClosed)
		return true
	}
	full := held+n == len(b)
	rest, err := c.input(b[:held+n])
	if c.h.uncork != nil {
		c.h.uncork()
	}
	if err != nil {
		c.rerr = err
		return true
	}
	if len(rest) == 0 {
		c.in = nil
	} else {
		c.in = append(c.in[:0:0], rest...)
	}
	return full || c.rc != nil // lean waits only after EAGAIN
}

func (c *leanConn) input(b []byte) ([]byte, error) {
	for len(b) >= 2 {
		head, size := 2, int(b[1]&0x7f)
		switch size {
		case 126:
			if len(b) < 4 {
				return b, nil
			}
			head, size = 4, int(binary.BigEndian.Uint16(b[2:]))
		case 127:
			if len(b) < 10 {
				return b, nil
			}
			head, size = 10, int(binary.BigEndian.Uint64(b[2:]))
		}
		if size > 1<<20 || b[1]&0x80 == 0 || b[0]&0xf0 != 0x80 {
			return nil, errors.New("bad frame")
		}
		if len(b) < head+4+size {
			return b, nil
		}
		key := binary.LittleEndian.Uint32(b[head:])
		msg := b[head+4 : head+4+size]
		unmask(msg, key)
		switch b[0] & 0x0f {
		case 1:
			c.h.handle(c, msg)
		case 8:
			return nil, net.ErrClosed
		}
		b = b[head+4+size:]
	}
	return b, nil
}

func unmask(b []byte, key uint32) {
	wide := uint64(key) | uint64(key)<<32
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= byte(key >> (8 * (i & 3)))
	}
}

// upgrade answers the handshake and takes the connection from net/http.
func upgrade(w http.ResponseWriter, r *http.Request) (*net.TCPConn, error) {
	key := r.Header.Get("Sec-Websocket-Key")
	if key == "" {
		http.Error(w, "upgrade required", http.StatusUpgradeRequired)
		return nil, errors.New("no upgrade")
	}
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	resp := make([]byte, 0, 160)
	resp = append(resp, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	resp = base64.StdEncoding.AppendEncode(resp, sum[:])
	resp = append(resp, "\r\n\r\n"...)
	resp = appendServerFrame(resp, openPacket) // one segment with the answer
	if _, err := conn.Write(resp); err != nil {
		conn.Close()
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

func leanHandler(h *hub) http.HandlerFunc {
	tr := newTransport(h, true, 2)
	return func(w http.ResponseWriter, r *http.Request) {
		nc, err := upgrade(w, r)
		if err != nil {
			return
		}
		rc, _ := nc.SyscallConn()
		c := &leanConn{h: h, tr: tr, nc: nc, rc: rc}
		_ = rc.Control(func(fd uintptr) { c.fd = int(fd) })
		go c.read()
	}
}

// read lives inside one RawConn.Read, which waits whenever the callback
// returns false, so that no buffer is held meanwhile.
func (c *leanConn) read() {
	_ = c.rc.Read(c.onReadable)
	c.close()
}

func (c *leanConn) onReadable(fd uintptr) bool {
	for c.readable(int(fd)) {
		if c.rerr != nil {
			return true
		}
	}
	return false
}
