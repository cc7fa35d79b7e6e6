//go:build linux

package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// state of a client connection.
type state uint8

const (
	stDialing  state = iota // non-blocking connect under way
	stPollOpen              // polling: Engine.IO open packet awaited
	stPollPost              // polling: Socket.IO CONNECT posted
	stPollJoin              // polling: reply to it awaited
	stUpgrade               // WebSocket request sent, response awaited
	stProbe                 // -upgrade: probe sent over WebSocket
	stOpen                  // WebSocket up, Engine.IO open packet awaited
	stJoining               // Socket.IO CONNECT sent or implied, reply awaited
	stReady                 // in the namespace
	stClosed
)

// conn is one client. It belongs to its loop; nothing else touches it.
type conn struct {
	id    int
	fd    int
	state state
	key   uint32    // WebSocket mask
	in    []byte    // input left over from the last read
	out   []byte    // output the kernel has not taken yet
	msg   []byte    // fragments of an unfinished message
	op    byte      // opcode of that message
	sid   string    // session, while long-polling
	post  *poster   // its second connection, when it stays on long-polling
	tls   *tls.Conn // nil: in clear

	seq    uint64 // id of the ack awaited (echo)
	sentAt int64  // when that request was sent
}

// dialect is the protocol generation to speak.
type dialect struct {
	eio int // Engine.IO revision: 4 (with Socket.IO 5) or 3 (with Socket.IO 2)
}

// loop drives every client from one thread with one epoll instance and one
// read buffer, so that the generator stays cheap next to the server.
type loop struct {
	opt    dialOptions
	begin  []byte // first request of a connection
	first  state  // state after it
	epfd   int
	conns  []*conn
	ready  int
	busy   int // connections between dial and ready
	failed int
	firstE error // first failure, for the report

	shaking int // TLS handshakes under way
	shaken  chan handshaken

	// message is called with each Engine.IO "message" packet (its leading
	// '4' removed) that a ready connection receives.
	message func(c *conn, packet []byte)
	// binary is called with each binary message, an attachment.
	binary func(c *conn, data []byte)
	// arrived, if set, is called when a client becomes ready.
	arrived func(c *conn)

	rbuf   []byte
	wbuf   []byte
	events []syscall.EpollEvent
	pingAt int64
}

type dialOptions struct {
	addr    [4]byte
	ports   []int // of the server's nodes; clients take them in turn
	path    string
	dialect dialect
	tls     bool
	upgrade bool          // begin with HTTP long-polling (EIO4 only)
	polling bool          // and stay there
	sources int           // how many 127.0.0.x source addresses to spread over
	ping    time.Duration // client ping interval (EIO3)
}

func newLoop(opt dialOptions) (*loop, error) {
	epfd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if (opt.upgrade || opt.polling) && opt.dialect.eio != 4 {
		return nil, errors.New("polling needs Engine.IO 4")
	}
	if opt.polling && (opt.tls || opt.upgrade) {
		return nil, errors.New("-transport polling goes with neither -tls nor -upgrade")
	}
	l := &loop{
		opt:     opt,
		epfd:    epfd,
		rbuf:    make([]byte, 256<<10),
		events:  make([]syscall.EpollEvent, 512),
		shaken:  make(chan handshaken, 64),
		message: func(*conn, []byte) {},
		binary:  func(*conn, []byte) {},
	}
	l.first, l.begin = stUpgrade, l.httpRequest("websocket", "", "")
	if opt.upgrade || opt.polling {
		l.first, l.begin = stPollOpen, l.httpRequest("polling", "", "")
	}
	return l, nil
}

func now() int64 { return int64(time.Since(epoch)) }

var epoch = time.Now()

// dial starts one connection.
func (l *loop) dial() error {
	c := &conn{id: len(l.conns), fd: -1, key: 0x9e3779b9 * uint32(len(l.conns)+1)}
	fd, err := l.socket(c.id)
	if err != nil {
		return err
	}
	c.fd = fd
	l.conns = append(l.conns, c)
	l.busy++
	if l.opt.tls {
		l.dialTLS(c, l.server(c.id))
		return nil
	}
	return l.adopt(c)
}

// socket starts a connection for a client; with TLS it is left to dialTLS.
func (l *loop) socket(id int) (fd int, err error) {
	fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	const bindNoPort = 24 // IP_BIND_ADDRESS_NO_PORT: choose the port at connect
	if l.opt.sources > 1 {
		src := syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(1 + id%l.opt.sources)}}
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, bindNoPort, 1)
		if err := syscall.Bind(fd, &src); err != nil {
			syscall.Close(fd)
			return -1, err
		}
	}
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	if l.opt.tls {
		return fd, nil
	}
	err = syscall.Connect(fd, l.server(id))
	if err != nil && !errors.Is(err, syscall.EINPROGRESS) {
		syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

// server is the node that a client connects to.
func (l *loop) server(id int) *syscall.SockaddrInet4 {
	return &syscall.SockaddrInet4{Addr: l.opt.addr, Port: l.opt.ports[id%len(l.opt.ports)]}
}

// adopt lets the loop watch a new connection.
func (l *loop) adopt(c *conn) error {
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLOUT, Fd: int32(c.id)}
	return syscall.EpollCtl(l.epfd, syscall.EPOLL_CTL_ADD, c.fd, &ev)
}

// connect brings up n clients, at most width of them in handshake at a time.
func (l *loop) connect(n, width int, limit time.Duration) error {
	deadline := now() + int64(limit)
	target := len(l.conns) + n
	for l.ready+l.failed < target {
		for len(l.conns) < target && l.busy < width {
			if err := l.dial(); err != nil {
				return fmt.Errorf("dial %d: %w", len(l.conns), err)
			}
		}
		if now() > deadline {
			return fmt.Errorf("%d of %d clients ready after %v (%d failed: %v)",
				l.ready, target, limit, l.failed, l.firstE)
		}
		if err := l.poll(100 * time.Millisecond); err != nil {
			return err
		}
	}
	if l.failed > 0 {
		return fmt.Errorf("%d of %d clients failed: %w", l.failed, target, l.firstE)
	}
	return nil
}

// runUntil polls until the given time (see now) or until done reports true.
func (l *loop) runUntil(t int64, done func() bool) error {
	for {
		left := t - now()
		if left <= 0 || (done != nil && done()) {
			return nil
		}
		if err := l.poll(min(time.Duration(left), 100*time.Millisecond)); err != nil {
			return err
		}
	}
}

// poll waits for events at most d and handles them.
func (l *loop) poll(d time.Duration) error {
	if l.opt.dialect.eio == 3 {
		l.clientPings()
	}
	if l.shaking > 0 {
		l.takeShaken()
		d = min(d, time.Millisecond)
	}
	n, err := epollWait(l.epfd, l.events, d)
	if err != nil {
		return err
	}
	for _, ev := range l.events[:n] {
		c := l.conns[ev.Fd]
		if c.state == stClosed {
			continue
		}
		if ev.Pad != 0 {
			l.postEvent(c, ev.Events)
			continue
		}
		if ev.Events&syscall.EPOLLOUT != 0 {
			l.writable(c)
		}
		if c.state != stClosed && ev.Events&(syscall.EPOLLIN|syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
			l.readable(c)
		}
	}
	return nil
}

// epollWait is epoll_pwait2(2): like epoll_wait, with a timeout in nanoseconds.
func epollWait(epfd int, events []syscall.EpollEvent, d time.Duration) (int, error) {
	const sysEpollPwait2 = 441
	ts := syscall.NsecToTimespec(int64(max(d, 0)))
	n, _, e := syscall.Syscall6(sysEpollPwait2, uintptr(epfd), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), uintptr(unsafe.Pointer(&ts)), 0, 0)
	switch e {
	case 0:
		return int(n), nil
	case syscall.EINTR:
		return 0, nil
	}
	return 0, e
}

// clientPings sends the pings that EIO3 wants from the client.
func (l *loop) clientPings() {
	if t := now(); t >= l.pingAt {
		if l.pingAt != 0 {
			for _, c := range l.conns {
				if c.state == stReady {
					l.send(c, []byte("2"))
				}
			}
		}
		l.pingAt = t + int64(l.opt.ping)
	}
}

// close ends every connection.
func (l *loop) close() {
	for _, c := range l.conns {
		if c.state != stClosed {
			l.hangUp(c)
		}
	}
	syscall.Close(l.epfd)
}
