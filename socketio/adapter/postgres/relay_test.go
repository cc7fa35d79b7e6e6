//go:build unix

package postgres

import (
	"encoding/hex"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// storable reports whether bytes can be a notification, and hexOf is what they
// are for a row otherwise.
func storable(raw []byte) (string, bool) {
	text := string(raw)
	return text, len(text) <= room && utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

func hexOf(raw []byte) string { return hex.EncodeToString(raw) }

// A relay stands between a node and the server.
type relay struct {
	addr string
	done chan struct{}

	mu     sync.Mutex
	away   bool // new connections are ended at once
	conns  []net.Conn
	frozen map[net.Conn]bool // of what comes from these nothing is passed on any more
	rate   int               // bytes that pass one way in 10 ms; 0: no bound
}

func newRelay(t testing.TB, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: l.Addr().String(), done: make(chan struct{}), frozen: map[net.Conn]bool{}}
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
			r.mu.Lock()
			if r.away {
				_, _ = c.Close(), s.Close()
			}
			r.conns = append(r.conns, c, s)
			r.mu.Unlock()
			all.Go(func() { r.pass(s, c) })
			all.Go(func() { r.pass(c, s) })
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

func (r *relay) pass(to, from net.Conn) {
	defer to.Close()
	b := make([]byte, 32<<10)
	for {
		r.mu.Lock()
		part := b
		if r.rate > 0 {
			part = b[:r.rate]
		}
		r.mu.Unlock()
		n, err := from.Read(part)
		r.mu.Lock()
		frozen, slow := r.frozen[from], r.rate > 0
		r.mu.Unlock()
		if n > 0 && slow {
			<-time.After(10 * time.Millisecond)
		}
		if frozen {
			<-r.done
			return
		}
		if n > 0 {
			if _, err := to.Write(part[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// freeze has the connections of now carry nothing any more.
func (r *relay) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		r.frozen[c] = true
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

// slowly bounds what passes.
func (r *relay) slowly(rate int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rate = rate
}
