package forward

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	// dialTimeout is how long it may take to reach a node.
	dialTimeout = 3 * time.Second
	// idleFor is how long a connection waits for its next request: less than
	// servers usually let one wait.
	idleFor = 15 * time.Second
	// maxIdle is how many wait, for each node, of each kind.
	maxIdle = 256
)

// reach is where a node is.
type reach struct {
	addr string
	tls  *tls.Config // nil: without
}

// dial connects to it.
func (to *reach) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", to.addr)
	if err != nil || to.tls == nil {
		return nc, err
	}
	secure := tls.Client(nc, to.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return secure, nil
}

// spares are connections to one node that wait for their next request.
type spares[T interface {
	comparable
	drop() // closes it
}] struct {
	mu     sync.Mutex
	closed bool
	list   []spare[T] // the oldest first
	sweep  *time.Timer
}

type spare[T any] struct {
	conn  T
	since time.Time
}

// take returns the one that has waited least, and for how long it has.
func (s *spares[T]) take() (conn T, waited time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.list)
	if n == 0 {
		return conn, 0, false
	}
	last := s.list[n-1]
	s.list[n-1] = spare[T]{}
	s.list = s.list[:n-1]
	return last.conn, time.Since(last.since), true
}

// put has one wait.
func (s *spares[T]) put(conn T) {
	now := time.Now()
	s.mu.Lock()
	full := s.closed || len(s.list) >= maxIdle
	if !full {
		s.list = append(s.list, spare[T]{conn, now})
		if s.sweep == nil {
			s.sweep = time.AfterFunc(idleFor, s.tidy)
		}
	}
	s.mu.Unlock()
	if full {
		conn.drop()
	}
}

// remove takes one out that has ended by itself.
func (s *spares[T]) remove(conn T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(w spare[T]) bool { return w.conn == conn })
}

// tidy ends those that have waited for too long.
func (s *spares[T]) tidy() {
	s.mu.Lock()
	now := time.Now()
	n := 0
	for n < len(s.list) && now.Sub(s.list[n].since) >= idleFor {
		n++
	}
	old := s.list[:n]
	s.list = slices.Clone(s.list[n:])
	s.sweep = nil
	if len(s.list) > 0 {
		s.sweep = time.AfterFunc(idleFor-now.Sub(s.list[0].since), s.tidy)
	}
	s.mu.Unlock()
	for _, w := range old {
		w.conn.drop()
	}
}

// close ends those that wait, and those that are to wait later.
func (s *spares[T]) close() {
	s.mu.Lock()
	s.closed = true
	list := s.list
	s.list = nil
	if s.sweep != nil {
		s.sweep.Stop()
	}
	s.mu.Unlock()
	for _, w := range list {
		w.conn.drop()
	}
}
