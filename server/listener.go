package server

import (
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// listener tells when connections cannot be accepted, for want of file
// descriptors say. http.Server tries again then, after pauses of up to a
// second; without this it would do so in silence.
type listener struct {
	net.Listener
	log    *slog.Logger
	failed *atomic.Uint64
	told   time.Time // of the one goroutine that accepts
}

const tellEvery = time.Minute

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err == nil || errors.Is(err, net.ErrClosed) {
		return nc, err
	}
	n := l.failed.Add(1)
	if now := time.Now(); l.told.IsZero() || now.Sub(l.told) >= tellEvery {
		l.told = now
		advice := "new clients wait"
		if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			advice += "; raise the limit on open files (ulimit -n)"
		}
		l.log.Warn("connections cannot be accepted: "+advice, "error", err, "failures", n)
	}
	return nil, err
}
