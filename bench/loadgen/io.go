//go:build linux

package main

import (
	"errors"
	"fmt"
	"syscall"
)

func (l *loop) writable(c *conn) {
	if c.state == stDialing {
		c.state = l.first
		l.write(c, l.begin)
	}
	pending := c.out
	c.out = c.out[:0]
	l.writeRaw(c, pending)
	if len(c.out) == 0 && c.state != stClosed {
		c.out = nil
		l.watch(c, syscall.EPOLLIN)
	}
}

func (l *loop) watch(c *conn, events uint32) {
	ev := syscall.EpollEvent{Events: events, Fd: int32(c.id)}
	if err := syscall.EpollCtl(l.epfd, syscall.EPOLL_CTL_MOD, c.fd, &ev); err != nil {
		l.fail(c, err)
	}
}

// write sends b to the server, encrypted if need be.
func (l *loop) write(c *conn, b []byte) {
	if c.tls == nil {
		l.writeRaw(c, b)
	} else if _, err := c.tls.Write(b); err != nil {
		l.fail(c, err)
	}
}

// writeRaw sends b as it is, or keeps what the kernel does not take for later.
func (l *loop) writeRaw(c *conn, b []byte) {
	if len(c.out) > 0 {
		c.out = append(c.out, b...)
		return
	}
	for len(b) > 0 {
		n, err := syscall.Write(c.fd, b)
		switch err {
		case nil:
			b = b[n:]
		case syscall.EINTR:
		case syscall.EAGAIN:
			c.out = append(c.out, b...)
			l.watch(c, syscall.EPOLLIN|syscall.EPOLLOUT)
			return
		default:
			l.fail(c, err)
			return
		}
	}
}

// send writes one text message to the server.
func (l *loop) send(c *conn, packet []byte) {
	if c.post != nil {
		l.postPacket(c, packet)
		return
	}
	l.wbuf = appendFrame(l.wbuf[:0], opText, c.key, packet)
	l.write(c, l.wbuf)
}

func (l *loop) fail(c *conn, err error) {
	if c.state == stClosed {
		return
	}
	if c.state == stReady {
		l.ready--
	} else {
		l.busy--
	}
	l.failed++
	if l.firstE == nil {
		l.firstE = fmt.Errorf("client %d: %w", c.id, err)
	}
	l.hangUp(c)
}

// hangUp closes what a client holds.
func (l *loop) hangUp(c *conn) {
	c.state = stClosed
	syscall.Close(c.fd)
	if c.post != nil && c.post.fd >= 0 {
		syscall.Close(c.post.fd)
	}
}

// leave ends a ready client: like a tab that is closed (with a close frame)
// or like a machine that goes away.
func (l *loop) leave(c *conn, politely bool) {
	if c.state != stReady {
		return
	}
	if politely && c.post == nil {
		l.write(c, appendFrame(nil, opClose, c.key, []byte{0x03, 0xe8}))
	}
	if c.state == stReady {
		l.ready--
		l.hangUp(c)
	}
}

// pause stops reading a client, for good, and keeps what the kernel takes for
// it small.
func (l *loop) pause(c *conn) error {
	_ = syscall.SetsockoptInt(c.fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
	return syscall.EpollCtl(l.epfd, syscall.EPOLL_CTL_DEL, c.fd, nil)
}

func (l *loop) readable(c *conn) {
	for c.state != stClosed && l.readOnce(c) && c.tls != nil {
		// crypto/tls gives one record at a time, and may hold more.
	}
}

// readOnce reads and handles input; it tells whether there was any.
func (l *loop) readOnce(c *conn) bool {
	held := copy(l.rbuf, c.in)
	if held == len(l.rbuf) { // one message larger than the buffer
		l.rbuf = append(l.rbuf, make([]byte, len(l.rbuf))...)
	}
	var n int
	var err error
	if c.tls != nil {
		n, err = c.tls.Read(l.rbuf[held:])
	} else {
		n, err = syscall.Read(c.fd, l.rbuf[held:])
	}
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR || err == errAgain:
		return false
	case err != nil:
		l.fail(c, err)
		return false
	case n == 0:
		l.fail(c, errors.New("closed by server"))
		return false
	}
	rest, err := l.input(c, l.rbuf[:held+n])
	if err != nil {
		l.fail(c, err)
		return false
	}
	if len(rest) == 0 {
		c.in = nil
	} else {
		c.in = append(c.in[:0], rest...)
	}
	return true
}
