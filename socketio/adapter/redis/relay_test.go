//go:build unix

package redis

import (
	"net"
	"sync"
	"testing"
	"time"
)

// A relay stands between nodes and a server.
type relay struct {
	addr string
	done chan struct{}

	mu    sync.Mutex
	away  bool // new connections are ended at once
	conns []net.Conn
	gates []*gate
	rate  int // bytes that pass one way in 10 ms; 0: no bound
}

// A gate lets the bytes of one connection through, or keeps them.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // closed while open
}

func (g *gate) wait(done chan struct{}) {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	select {
	case <-open:
	case <-done:
	}
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: l.Addr().String(), done: make(chan struct{})}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", target)
			if err != nil {
				_ = c.Close()
				continue
			}
			g := &gate{open: make(chan struct{})}
			close(g.open)
			r.mu.Lock()
			if r.away {
				_, _ = c.Close(), s.Close()
			}
			r.conns, r.gates = append(r.conns, c, s), append(r.gates, g)
			r.mu.Unlock()
			all.Go(func() { r.pass(s, c, g) })
			all.Go(func() { r.pass(c, s, g) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		close(r.done)
		r.cut()
		all.Wait()
	})
	return r
}

func (r *relay) pass(to, from net.Conn, g *gate) {
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		g.wait(r.done)
		r.mu.Lock()
		rate := r.rate
		r.mu.Unlock()
		part := b
		if rate > 0 {
			part = b[:rate]
		}
		n, err := from.Read(part)
		if n > 0 {
			g.wait(r.done)
			if rate > 0 {
				<-time.After(10 * time.Millisecond)
			}
			if _, err := to.Write(part[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// freeze keeps all bytes of the connections of now.
func (r *relay) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.gates {
		g.mu.Lock()
		g.open = make(chan struct{})
		g.mu.Unlock()
	}
}

// refuse ends new connections at once, or lets them be.
func (r *relay) refuse(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
}

// cut ends the connections of now.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
}
