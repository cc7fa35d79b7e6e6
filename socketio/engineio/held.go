package engineio

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/host"
)

// A poll that a goroutine of net/http holds has others to please: middleware
// that gives each request so much time and no more, and an http.Server that
// wants to stop. Both get an answer with a noop, upon which the client polls
// again; the session does not notice.

// await holds a poll until the session has it answered, or somebody else wants it
// answered. It is false if the client has gone away.
func (srv *Server) await(w http.ResponseWriter, r *http.Request, woken held) bool {
	ctx := r.Context()
	var over <-chan time.Time
	if d, limited := patience(ctx, w); limited {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-woken:
	case <-over:
	case <-srv.stops.of(r):
	case <-ctx.Done():
		// net/http cancels it without more words when the client goes. Any other
		// end is somebody's who has lost patience.
		return context.Cause(ctx) != context.Canceled
	}
	return true
}

const (
	// maxMargin is how long before a deadline a poll is answered at most; with a
	// deadline that is near it is a quarter of the time there is.
	maxMargin = 2 * time.Second
	// unknownPatience is for middleware that has a deadline and does not tell.
	unknownPatience = 750 * time.Millisecond
)

// patience is how long a request may be held, if there is a bound.
func patience(ctx context.Context, w http.ResponseWriter) (d time.Duration, limited bool) {
	if t, ok := ctx.Deadline(); ok {
		d := time.Until(t)
		return d - min(d/4, maxMargin), true
	}
	return unknownPatience, host.HoldsBack(w)
}

// excuse lets p be answered though there is nothing to say.
func (s *Session) excuse(p *poll) {
	s.mu.Lock()
	if s.poll == p && len(s.queue) == 0 && s.state.Load() == stateOpen {
		s.queue = append(s.queue, queued{noopMessage, 0})
	}
	s.mu.Unlock()
}

// stops tells which http.Servers are being shut down. Shutdown waits for
// requests, and so for polls that would be held.
type stops struct {
	mu   sync.Mutex
	list map[*http.Server]chan struct{}
}

// of is closed when the server of r is shut down. The first request of each
// is to be early: what was done before is not noticed.
func (s *stops) of(r *http.Request) <-chan struct{} {
	srv, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if srv == nil {
		return nil // for ever
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.list[srv]
	if c == nil {
		c = make(chan struct{})
		if s.list == nil {
			s.list = make(map[*http.Server]chan struct{})
		}
		s.list[srv] = c
		srv.RegisterOnShutdown(sync.OnceFunc(func() { close(c) }))
	}
	return c
}
