//go:build linux && !nopoll && (amd64 || arm64 || loong64 || mips64 || mips64le || ppc64 || ppc64le || riscv64)

package netpoll

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// spare is descriptors kept for when there are no others. Without them Detach
// would fail while clients hold all that the process may have. It takes two;
// the others are for what accepting connections may snatch meanwhile.
type spare struct {
	few atomic.Bool // fewer than there should be
	mu  sync.Mutex
	fds [4]int // guarded by mu; 0 is none
	off bool
}

// fill takes what is missing, as duplicates of fd.
func (s *spare) fill(fd int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fillLocked(fd)
}

func (s *spare) fillLocked(fd int) {
	few := false
	for i, have := range s.fds {
		if have != 0 || s.off {
			continue
		}
		dup, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 1)
		if errno != 0 {
			few = true
			break
		}
		s.fds[i] = int(dup)
	}
	s.few.Store(few)
}

// refill is fill when a descriptor has been closed, if it is needed.
func (e *epoll) refill() {
	if e.spare.few.Load() {
		e.spare.fill(e.fd)
	}
}

// lend gives spare descriptors back to the system, one more before each call of
// f, until f has what it needs.
func (e *epoll) lend(f func() bool) {
	s := &e.spare
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, fd := range s.fds {
		if fd == 0 {
			continue
		}
		_ = syscall.Close(fd)
		s.fds[i] = 0
		if f() {
			break
		}
	}
	s.fillLocked(e.fd)
}

func (s *spare) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = true
	for i, fd := range s.fds {
		if fd != 0 {
			_ = syscall.Close(fd)
			s.fds[i] = 0
		}
	}
}

// duplicate makes a net.Conn of a duplicate of the descriptor. The caller holds
// c.mu, and c is not closed.
func (c *Conn) duplicate() (nc net.Conn, err error) {
	nc, err = duplicate(c.fd)
	if exhausted(err) {
		c.p.ep.lend(func() bool {
			nc, err = duplicate(c.fd)
			return !exhausted(err)
		})
	}
	return nc, err
}

func exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// duplicate takes two descriptors, and gives one back at once.
func duplicate(fd int32) (net.Conn, error) {
	dup, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("fcntl", errno)
	}
	f := os.NewFile(dup, "socket")
	defer f.Close()
	return net.FileConn(f)
}
