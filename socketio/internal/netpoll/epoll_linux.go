//go:build linux && !nopoll && (amd64 || arm64 || loong64 || mips64 || mips64le || ppc64 || ppc64le || riscv64)

package netpoll

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// Supported says that some connections cost no goroutine in this build.
const Supported = true

const edge = 1 << 31 // EPOLLET, which package syscall has as a negative number

// epoll is an epoll instance. It is itself watched by Go's poller, so that
// waiting for it takes a goroutine but no thread.
type epoll struct {
	fd int
	f  *os.File // owns fd
	rc syscall.RawConn

	spare spare
}

func newEpoll() (*epoll, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	// NewFile hands to Go's poller only what does not block.
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return nil, os.NewSyscallError("setnonblock", err)
	}
	f := os.NewFile(uintptr(fd), "epoll")
	rc, err := f.SyscallConn()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	e := &epoll{fd: fd, f: f, rc: rc}
	e.spare.fill(fd)
	return e, nil
}

// run hands events on until stop is called.
func (e *epoll) run(p *Poller) {
	defer e.f.Close()
	defer e.spare.close()
	events := make([]syscall.EpollEvent, 256)
	// The callback runs at once and then whenever Go's poller says that the
	// instance has something. An edge that comes while it runs is kept. The
	// error is that of stop's deadline.
	_ = e.rc.Read(func(uintptr) bool {
		for {
			n := e.wait(events)
			if n == 0 {
				return false
			}
			p.dispatch(events[:n])
			runtime.Gosched() // more events at a time under load
		}
	})
}

// poll hands on the events that there are now, without waiting for run.
func (e *epoll) poll(p *Poller) {
	events := polls.Get().(*[64]syscall.EpollEvent)
	if n := e.wait(events[:]); n > 0 {
		p.dispatch(events[:n])
	}
	polls.Put(events)
}

var polls = sync.Pool{New: func() any { return new([64]syscall.EpollEvent) }}

// wait returns how many events there are now. It cannot block, so the scheduler
// need not know of it. An error is none, and cannot be but EINTR.
func (e *epoll) wait(events []syscall.EpollEvent) int {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(e.fd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
		switch errno {
		case 0:
			return int(n)
		case syscall.EINTR:
		default:
			return 0
		}
	}
}

// stop makes run return and close the instance. It is called under Poller.mu,
// so not Close, which would wait for run, which may wait for that.
func (e *epoll) stop() { _ = e.f.SetReadDeadline(time.Unix(1, 0)) }

// dispatch marks the connections of events and makes tasks of those that
// nobody serves.
func (p *Poller) dispatch(events []syscall.EpollEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range events {
		ev := &events[i]
		s := p.slots[ev.Fd]
		if s.c == nil || s.gen != uint32(ev.Pad) {
			continue // it was closed meanwhile
		}
		const end = syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR
		if ev.Events&syscall.EPOLLOUT != 0 && s.c.state.And(^uint32(blocked))&blocked != 0 {
			p.output.push((*flushTask)(s.c))
		}
		if ev.Events&(syscall.EPOLLIN|end) == 0 {
			continue
		}
		bits := uint32(0)
		if ev.Events&end != 0 {
			bits = hup
		}
		if s.c.wake(bits) {
			p.tasks.push((*serveTask)(s.c))
		}
	}
	p.callLocked()
}

// native reports whether nc is exactly a stream socket of package net: a type
// that embeds one may have another idea of what Read and Write are.
func native(nc net.Conn) bool {
	switch nc := nc.(type) {
	case *net.TCPConn:
		return nc != nil
	case *net.UnixConn:
		return nc != nil && nc.LocalAddr().Network() == "unix"
	}
	return false
}

// take makes c a connection of e and reports whether it could. The descriptor
// is duplicated and nc closed, which takes it out of Go's poller.
func (e *epoll) take(c *Conn, nc net.Conn) bool {
	rc, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return false
	}
	var fd uintptr
	var errno syscall.Errno
	err = rc.Control(func(old uintptr) {
		fd, _, errno = syscall.Syscall(syscall.SYS_FCNTL, old, syscall.F_DUPFD_CLOEXEC, 0)
	})
	if err != nil || errno != 0 {
		return false
	}
	// Nobody looks at nc and fd meanwhile but Close, which takes the lock.
	c.mu.Lock()
	c.fd = int32(fd)
	if err := c.ctl(syscall.EPOLL_CTL_ADD, false); err != nil {
		_ = syscall.Close(int(fd))
		c.fd = -1
		c.mu.Unlock()
		return false
	}
	c.nc = nil
	_, c.tcp = nc.(*net.TCPConn)
	c.mu.Unlock()
	_ = nc.Close()
	return true
}

// parkable returns the socket beneath a TLS connection, if a goroutine that
// waits for its input can be spared: a read whose deadline passes can be
// repeated, and has handed out all records that have come completely. It
// returns nil for all else, and while there is a handshake to be done, which a
// deadline would spoil.
func parkable(nc net.Conn) syscall.RawConn {
	tc, ok := nc.(*tls.Conn)
	if !ok || !native(tc.NetConn()) || !tc.ConnectionState().HandshakeComplete {
		return nil
	}
	rc, err := tc.NetConn().(syscall.Conn).SyscallConn()
	if err != nil {
		return nil
	}
	return rc
}

// park has an event made, once, when there is input for c, or now if there is
// some, and reports whether it could. The descriptor stays with its net.Conn,
// and its closing ends the matter.
func (e *epoll) park(c *Conn) bool {
	in := c.in
	op := syscall.EPOLL_CTL_ADD
	if in.parked {
		op = syscall.EPOLL_CTL_MOD
	}
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, Fd: int32(c.slot), Pad: int32(c.gen)}
	var err error
	if e := in.park.Control(func(fd uintptr) { err = syscall.EpollCtl(e.fd, op, int(fd), &ev) }); e != nil {
		err = e
	}
	in.parked = err == nil
	return in.parked
}

// watch tells epoll whether to look for room. The caller holds the lock for
// writing, and so the descriptor. It also makes an edge of what is there
// already, so that nothing is missed between a write that found no room and
// this call.
func (c *Conn) watch(room bool) error { return c.ctl(syscall.EPOLL_CTL_MOD, room) }

func (c *Conn) ctl(op int, room bool) error {
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | edge, Fd: int32(c.slot), Pad: int32(c.gen)}
	if room {
		ev.Events |= syscall.EPOLLOUT
	}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(c.p.ep.fd, op, int(c.fd), &ev))
}

// closeFD closes the descriptor. Deleting it first matters if it has another
// duplicate somewhere, such as in a child that has not called exec yet.
func (c *Conn) closeFD() {
	_ = syscall.EpollCtl(c.p.ep.fd, syscall.EPOLL_CTL_DEL, int(c.fd), nil)
	_ = syscall.Close(int(c.fd))
	c.p.ep.refill()
}

// Both tell the peer of an end while somebody may still use the descriptor.
// They are called under c.mu.
func (c *Conn) shut()      { _ = syscall.Shutdown(int(c.fd), syscall.SHUT_RDWR) }
func (c *Conn) shutWrite() { _ = syscall.Shutdown(int(c.fd), syscall.SHUT_WR) }

// MSG_DONTWAIT keeps a read or write from blocking even if another holder of
// the socket has made it blocking, so RawSyscall may be used, which does not
// tell the scheduler. MSG_NOSIGNAL saves a signal for each EPIPE.

func (c *Conn) sysRead(b []byte) (n int, again bool, err error) {
	if len(b) == 0 {
		return 0, false, nil
	}
	for {
		r, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(c.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), syscall.MSG_DONTWAIT, 0, 0)
		switch e {
		case 0:
			if r == 0 {
				return 0, false, io.EOF
			}
			return int(r), false, nil
		case syscall.EAGAIN:
			return 0, true, nil
		case syscall.EINTR:
		default:
			return 0, false, os.NewSyscallError("recvfrom", e)
		}
	}
}

// sysQuiet reports whether there is nothing to be read, nor an end.
func (c *Conn) sysQuiet() bool {
	var b [1]byte
	_, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(c.fd), uintptr(unsafe.Pointer(&b[0])), 1, syscall.MSG_DONTWAIT|syscall.MSG_PEEK, 0, 0)
	return e == syscall.EAGAIN || e == syscall.EINTR
}

// gather is what one sendmsg of several frames needs; it may not lie on a
// stack.
type gather struct {
	msg syscall.Msghdr
	iov [64]syscall.Iovec
}

var gathers = sync.Pool{New: func() any { return new(gather) }}

// maxWrite bounds the bytes of one call: RawSyscall keeps its processor, and a
// stop of the world waits for it.
const maxWrite = 128 << 10

func (c *Conn) sysWrite(out *batch) (n int, again bool, err error) {
	frames := out.frames[out.first:]
	first := frames[0].b[out.off:]
	if len(frames) == 1 {
		if len(first) > maxWrite {
			first = first[:maxWrite]
		}
		return c.sendto(first)
	}
	g := gathers.Get().(*gather)
	size, k := 0, 0
	for f := first; ; f = frames[k].b {
		if size+len(f) > maxWrite {
			f = f[:maxWrite-size]
		}
		g.iov[k].Base = unsafe.SliceData(f)
		g.iov[k].SetLen(len(f))
		size += len(f)
		if k++; k == len(frames) || k == len(g.iov) || size == maxWrite {
			break
		}
	}
	g.msg.Iov, g.msg.Iovlen = &g.iov[0], uint64(k)
	n, again, err = c.sendmsg(&g.msg)
	clear(g.iov[:k]) // the pool shall not keep frames alive
	gathers.Put(g)
	return n, again, err
}

const sendFlags = syscall.MSG_DONTWAIT | syscall.MSG_NOSIGNAL

func (c *Conn) sendto(b []byte) (n int, again bool, err error) {
	for {
		r, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), sendFlags, 0, 0)
		if n, again, err, ok := sent(r, e); ok {
			return n, again, err
		}
	}
}

func (c *Conn) sendmsg(m *syscall.Msghdr) (n int, again bool, err error) {
	for {
		r, _, e := syscall.RawSyscall(syscall.SYS_SENDMSG, uintptr(c.fd), uintptr(unsafe.Pointer(m)), sendFlags)
		if n, again, err, ok := sent(r, e); ok {
			return n, again, err
		}
	}
}

// sent says what a call for sending has come to; ok is false if it has to be
// repeated.
func sent(r uintptr, e syscall.Errno) (n int, again bool, err error, ok bool) {
	switch e {
	case 0:
		return int(r), false, nil, true
	case syscall.EAGAIN:
		return 0, true, nil, true
	case syscall.EINTR:
		return 0, false, nil, false
	}
	return 0, false, os.NewSyscallError("send", e), true
}
