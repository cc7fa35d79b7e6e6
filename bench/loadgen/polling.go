//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"syscall"
)

// packetMark separates Engine.IO 4 packets in one HTTP body.
const packetMark = 0x1e

// poster is the second connection of a client that stays on long-polling: it
// posts while a poll is held on the first, as browsers do. It is kept alive
// between posts; a server may close it while idle.
type poster struct {
	fd     int  // -1: none
	dialed bool // the connection is up
	used   bool // it has carried a post before
	busy   bool // a post is under way
	body   []byte
	queue  []byte // packets that wait for the post under way
	out    []byte
	in     []byte
	get    []byte // the poll
	head   string // of a post, up to its Content-Length
}

// startPolling makes c ready on the long-polling transport.
func (l *loop) startPolling(c *conn) {
	port := l.opt.ports[c.id%len(l.opt.ports)]
	c.post = &poster{fd: -1, get: l.httpRequest("polling", c.sid, ""), head: fmt.Sprintf(
		"POST %s?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"+
			"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ", l.opt.path, c.sid, port)}
	l.write(c, c.post.get)
	l.joined(c)
}

// pollResult handles the packets that answer a poll, and polls again.
func (l *loop) pollResult(c *conn, body []byte) error {
	for p := range bytes.SplitSeq(body, []byte{packetMark}) {
		if err := l.packet(c, p); err != nil {
			return err
		}
	}
	if c.state != stClosed {
		l.write(c, c.post.get)
	}
	return nil
}

// postPacket posts a packet, or keeps it for the next post.
func (l *loop) postPacket(c *conn, packet []byte) {
	p := c.post
	if len(p.queue) > 0 {
		p.queue = append(p.queue, packetMark)
	}
	p.queue = append(p.queue, packet...)
	if !p.busy {
		p.body, p.queue = p.queue, p.body[:0]
		l.postBody(c)
	}
}

// postBody sends p.body as one post.
func (l *loop) postBody(c *conn) {
	p := c.post
	p.busy = true
	p.out = append(p.out[:0], p.head...)
	p.out = strconv.AppendInt(p.out, int64(len(p.body)), 10)
	p.out = append(p.out, "\r\n\r\n"...)
	p.out = append(p.out, p.body...)
	if p.fd >= 0 {
		if p.dialed {
			l.postFlush(c)
		}
		return
	}
	fd, err := l.socket(c.id)
	if err == nil {
		ev := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLOUT, Fd: int32(c.id), Pad: 1}
		err = syscall.EpollCtl(l.epfd, syscall.EPOLL_CTL_ADD, fd, &ev)
	}
	if err != nil {
		l.fail(c, fmt.Errorf("post: %w", err))
		return
	}
	p.fd, p.dialed, p.used = fd, false, false
}

func (l *loop) postFlush(c *conn) {
	p := c.post
	for len(p.out) > 0 {
		n, err := syscall.Write(p.fd, p.out)
		if err == syscall.EINTR {
			continue
		}
		if err == syscall.EAGAIN {
			l.watchPoster(c, syscall.EPOLLIN|syscall.EPOLLOUT)
			return
		}
		if err != nil {
			l.postClosed(c, err)
			return
		}
		p.out = p.out[n:]
	}
}

func (l *loop) watchPoster(c *conn, events uint32) {
	ev := syscall.EpollEvent{Events: events, Fd: int32(c.id), Pad: 1}
	if err := syscall.EpollCtl(l.epfd, syscall.EPOLL_CTL_MOD, c.post.fd, &ev); err != nil {
		l.fail(c, err)
	}
}

// postEvent handles readiness of the second connection.
func (l *loop) postEvent(c *conn, events uint32) {
	p := c.post
	if events&syscall.EPOLLOUT != 0 {
		p.dialed = true
		l.watchPoster(c, syscall.EPOLLIN)
		l.postFlush(c)
	}
	if p.fd < 0 || c.state == stClosed || events&(syscall.EPOLLIN|syscall.EPOLLHUP|syscall.EPOLLERR) == 0 {
		return
	}
	held := copy(l.rbuf, p.in)
	n, err := syscall.Read(p.fd, l.rbuf[held:])
	switch {
	case err == syscall.EAGAIN || err == syscall.EINTR:
		return
	case err != nil:
		l.postClosed(c, err)
		return
	case n == 0:
		l.postClosed(c, errors.New("closed by server"))
		return
	}
	b := l.rbuf[:held+n]
	_, rest, err := response(b)
	if err == errShort {
		p.in = append(p.in[:0], b...)
		return
	}
	if err != nil || len(rest) > 0 || !p.busy {
		l.fail(c, fmt.Errorf("post: unexpected answer %.60q: %w", b, err))
		return
	}
	p.in, p.busy, p.used = p.in[:0], false, true
	if len(p.queue) > 0 {
		p.body, p.queue = p.queue, p.body[:0]
		l.postBody(c)
	}
}

// postClosed handles the end of the second connection: no matter while idle;
// a post that met a keep-alive connection just closed is sent again.
func (l *loop) postClosed(c *conn, err error) {
	p := c.post
	syscall.Close(p.fd)
	p.fd = -1
	switch {
	case !p.busy:
	case p.used && len(p.in) == 0:
		l.postBody(c)
	default:
		l.fail(c, fmt.Errorf("post: %w", err))
	}
}
