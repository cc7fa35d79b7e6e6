//go:build !linux || nopoll || !(amd64 || arm64 || loong64 || mips64 || mips64le || ppc64 || ppc64le || riscv64)

package netpoll

import (
	"net"
	"syscall"
)

// Here every connection has a goroutine, and none of this is ever called but
// native, parkable and newEpoll.

// Supported says that some connections cost no goroutine in this build.
const Supported = false

type epoll struct{}

func parkable(net.Conn) syscall.RawConn  { return nil }
func (*epoll) park(*Conn) bool           { return false }
func native(net.Conn) bool               { return false }
func newEpoll() (*epoll, error)          { return nil, net.ErrClosed }
func (*epoll) run(*Poller)               {}
func (*epoll) poll(*Poller)              {}
func (*epoll) stop()                     {}
func (*epoll) take(*Conn, net.Conn) bool { return false }

func (*Conn) watch(bool) error                   { return nil }
func (*Conn) duplicate() (net.Conn, error)       { return nil, net.ErrClosed }
func (*Conn) closeFD()                           {}
func (*Conn) shut()                              {}
func (*Conn) shutWrite()                         {}
func (*Conn) sysQuiet() bool                     { return true }
func (*Conn) sysRead([]byte) (int, bool, error)  { return 0, true, nil }
func (*Conn) sysWrite(*batch) (int, bool, error) { return 0, true, nil }
