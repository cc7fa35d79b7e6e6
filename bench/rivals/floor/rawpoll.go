//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// rawPolls serves HTTP long-polling on bare sockets, with the least of HTTP: a
// floor for an engine that owns its connections. A held poll is a socket to
// write the answer to; its goroutine waits in RawConn.Read without a buffer.
type rawPolls struct {
	h     *hub
	mu    sync.RWMutex
	peers map[string]*rawPollPeer
}

// rawPollPeer is one session; its packets wait in buf while no poll is held.
type rawPollPeer struct {
	mu   sync.Mutex
	buf  []byte
	held int // descriptor of the poll that waits, or 0
}

func (p *rawPollPeer) write(msg []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held != 0 {
		answer(p.held, msg)
		p.held = 0
		return
	}
	if len(p.buf) > 0 {
		p.buf = append(p.buf, 0x1e)
	}
	p.buf = append(p.buf, msg...)
}

func (p *rawPollPeer) share(s *shared) { p.write(s.text) }

// poll answers at once if anything waits, else holds the poll.
func (p *rawPollPeer) poll(fd int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.buf) == 0 {
		p.held = fd
		return
	}
	answer(fd, p.buf)
	p.buf = nil
}

// answer writes a response; what does not fit the socket is lost (a floor).
func answer(fd int, body []byte) {
	buf := scratch.Get().(*[]byte)
	b := append((*buf)[:0], "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	b = append(b, body...)
	_, _ = syscall.Write(fd, b)
	*buf = b
	scratch.Put(buf)
}

func (s *rawPolls) listen(ln net.Listener) error {
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go s.serve(c.(*net.TCPConn))
	}
}

func (s *rawPolls) serve(nc *net.TCPConn) {
	defer nc.Close()
	rc, err := nc.SyscallConn()
	if err != nil {
		return
	}
	for ok := true; ok; {
		err := rc.Read(func(fd uintptr) bool {
			buf := scratch.Get().(*[]byte)
			defer scratch.Put(buf)
			b := (*buf)[:cap(*buf)]
			n, err := syscall.Read(int(fd), b)
			if err == syscall.EAGAIN {
				return false
			}
			// Requests are small: one read, one request.
			ok = err == nil && n > 0 && s.request(int(fd), b[:n])
			return true
		})
		if err != nil {
			return
		}
	}
}

func (s *rawPolls) request(fd int, b []byte) bool {
	head, body, whole := bytes.Cut(b, []byte("\r\n\r\n"))
	line, _, _ := bytes.Cut(head, []byte("\r\n"))
	_, after, known := bytes.Cut(line, []byte("&sid="))
	if !whole {
		return false
	}
	if !known {
		s.mu.Lock()
		sid := fmt.Sprintf("A%019d", len(s.peers))
		s.peers[sid] = &rawPollPeer{}
		s.mu.Unlock()
		answer(fd, fmt.Appendf(nil, `0{"sid":"%s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`, sid))
		return true
	}
	sid, _, _ := bytes.Cut(after, []byte(" "))
	s.mu.RLock()
	p := s.peers[string(sid)]
	s.mu.RUnlock()
	if p == nil {
		return false
	}
	if head[0] == 'G' {
		p.poll(fd)
		return true
	}
	for len(body) > 0 {
		var packet []byte
		packet, body, _ = bytes.Cut(body, []byte{0x1e})
		s.h.handle(p, packet)
	}
	answer(fd, []byte("ok"))
	return true
}
