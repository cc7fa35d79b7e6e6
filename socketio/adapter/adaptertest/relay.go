package adaptertest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// A Relay stands between nodes and a broker, and does to their connections what
// networks do. Its methods may be called from any goroutine.
type Relay struct {
	Addr string // where it listens

	done chan struct{}

	mu    sync.Mutex
	away  bool
	rate  int
	links []*relayLink
}

// A relayLink is one connection through a relay.
type relayLink struct {
	client, broker net.Conn
	frozen         chan struct{} // closed once nothing passes any more
}

// NewRelay starts one before the broker at target, until the test ends.
func NewRelay(t testing.TB, target string) *Relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{Addr: l.Addr().String(), done: make(chan struct{})}
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
			link := &relayLink{c, s, make(chan struct{})}
			r.mu.Lock()
			if r.away {
				link.end()
			}
			r.links = append(r.links, link)
			r.mu.Unlock()
			all.Go(func() { r.pass(link, s, c) })
			all.Go(func() { r.pass(link, c, s) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		close(r.done)
		r.Cut()
		all.Wait()
	})
	return r
}

func (l *relayLink) end() { _, _ = l.client.Close(), l.broker.Close() }

func (r *Relay) pass(l *relayLink, to, from net.Conn) {
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
		if len(part) < len(b) && n > 0 {
			<-time.After(10 * time.Millisecond)
		}
		select {
		case <-l.frozen:
			<-r.done
			return
		default:
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

// Freeze has the connections of now carry nothing any more. They stay.
func (r *Relay) Freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.links {
		select {
		case <-l.frozen:
		default:
			close(l.frozen)
		}
	}
}

// Refuse ends new connections at once, or lets them be.
func (r *Relay) Refuse(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
}

// Cut ends the connections of now.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.links {
		l.end()
	}
	r.links = nil
}

// Slowly lets no more than so many bytes pass in 10 ms, each way.
func (r *Relay) Slowly(bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rate = min(bytes, 32<<10-1)
}
