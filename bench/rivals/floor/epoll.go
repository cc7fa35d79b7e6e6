//go:build linux

package main

import (
	"net/http"
	"os"
	"sync"
	"syscall"
)

// poller is an epoll instance of our own that is itself watched by Go's
// poller, so that no thread blocks in epoll_wait.
type poller struct {
	fd int
	rc syscall.RawConn

	mu    sync.Mutex
	conns map[int32]*leanConn

	work chan *leanConn // to standing workers
}

func newPoller() *poller {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		panic(err)
	}
	_ = syscall.SetNonblock(fd, true)
	f := os.NewFile(uintptr(fd), "epoll")
	rc, err := f.SyscallConn()
	if err != nil {
		panic(err)
	}
	const workers = 16
	p := &poller{fd: fd, rc: rc, conns: map[int32]*leanConn{}, work: make(chan *leanConn, 1024)}
	for range workers {
		go func() {
			for c := range p.work {
				c.serve(p)
			}
		}()
	}
	go p.run(f)
	return p
}

func (p *poller) run(f *os.File) {
	events := make([]syscall.EpollEvent, 256)
	err := p.rc.Read(func(uintptr) bool {
		for {
			n, err := syscall.EpollWait(p.fd, events, 0)
			if n <= 0 || err != nil {
				return false
			}
			for _, ev := range events[:n] {
				p.mu.Lock()
				c := p.conns[ev.Fd]
				p.mu.Unlock()
				if c == nil {
					continue
				}
				c.hup.CompareAndSwap(false, ev.Events&(syscall.EPOLLRDHUP|syscall.EPOLLHUP|syscall.EPOLLERR) != 0)
				if c.activate() {
					p.work <- c
				}
			}
		}
	})
	panic(err)
}

func epollHandler(h *hub) http.HandlerFunc {
	tr, p := newTransport(h, false, 0), newPoller()
	return func(w http.ResponseWriter, r *http.Request) {
		nc, err := upgrade(w, r)
		if err != nil {
			return
		}
		rc, _ := nc.SyscallConn()
		c := &leanConn{h: h, tr: tr}
		_ = rc.Control(func(fd uintptr) {
			n, _, e := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_DUPFD_CLOEXEC, 0)
			if e == 0 {
				c.fd = int(n)
			}
		})
		nc.Close()
		p.mu.Lock()
		p.conns[int32(c.fd)] = c
		p.mu.Unlock()
		ev := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | edge, Fd: int32(c.fd)}
		_ = syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, c.fd, &ev)
	}
}

const edge = 1 << 31 // EPOLLET, which package syscall has as a negative number

// activate notes an event and reports whether nobody serves c yet.
func (c *leanConn) activate() bool {
	for {
		switch s := c.active.Load(); {
		case s == 2:
			return false
		case c.active.CompareAndSwap(s, s+1):
			return s == 0
		}
	}
}

// serve reads and handles what there is on a goroutine that lives only
// meanwhile, so that handlers may block and idle connections cost no stack.
func (c *leanConn) serve(p *poller) {
	for {
		for c.rerr == nil && (c.readable(c.fd) || c.hup.Load()) {
		}
		if c.rerr != nil {
			p.mu.Lock()
			delete(p.conns, int32(c.fd))
			p.mu.Unlock()
			c.close()
			return
		}
		if c.active.CompareAndSwap(1, 0) {
			return
		}
		c.active.Store(1)
	}
}
