package socketio

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// Stats counts what a server holds and what it has done since it was made.
type Stats struct {
	Engine     engineio.Stats
	Sockets    int // connected now, over all namespaces
	Namespaces int

	Connected    uint64                      // sockets that were let in
	Refused      uint64                      // that were not
	Disconnected map[DisconnectReason]uint64 // sockets
	EventsIn     uint64                      // events received
	Ignored      map[string]uint64           // events and answers that nobody looked at, by reason
	Malformed    uint64                      // packets that cost their connection
	Errors       uint64                      // of handlers, panics included
	Panics       uint64                      // of user code
	Sent         uint64                      // packets accepted for delivery, one for each receiver
	Dropped      map[string]uint64           // packets that were not, by reason
	Bounds       map[string]uint64           // how often each bound was reached
}

type counters struct {
	connected, refused, eventsIn, malformed, errors, panics, sent atomic.Uint64

	mu                     sync.Mutex
	reasons                map[DisconnectReason]uint64
	ignore, drop, boundary map[string]uint64
}

func count[K comparable](c *counters, m *map[K]uint64, key K) {
	c.mu.Lock()
	if *m == nil {
		*m = make(map[K]uint64)
	}
	(*m)[key]++
	c.mu.Unlock()
}

func (c *counters) disconnect(r DisconnectReason) { count(c, &c.reasons, r) }
func (c *counters) ignored(why string)            { count(c, &c.ignore, why) }
func (c *counters) bound(name string)             { count(c, &c.boundary, name) }

// dropped counts a packet that was not accepted because of err.
func (c *counters) dropped(err error) {
	why := "other"
	switch {
	case errors.Is(err, engineio.ErrNotWritable):
		why = "not writable"
	case errors.Is(err, engineio.ErrQueueFull):
		why = "queue full"
	case errors.Is(err, engineio.ErrClosed), errors.Is(err, ErrDisconnected):
		why = "disconnected"
	case errors.Is(err, ErrTooManyAcks):
		why = "too many acknowledgements"
	}
	count(c, &c.drop, why)
}

// Stats returns the counters. It costs little more than copying them.
func (srv *Server) Stats() Stats {
	c := &srv.stats
	st := Stats{
		Engine:    srv.engine.Stats(),
		Sockets:   srv.SocketCount(),
		Connected: c.connected.Load(),
		Refused:   c.refused.Load(),
		EventsIn:  c.eventsIn.Load(),
		Malformed: c.malformed.Load(),
		Errors:    c.errors.Load(),
		Panics:    c.panics.Load(),
		Sent:      c.sent.Load(),
	}
	srv.mu.RLock()
	st.Namespaces = len(srv.nsps)
	srv.mu.RUnlock()
	c.mu.Lock()
	st.Disconnected = maps.Clone(c.reasons)
	st.Ignored, st.Dropped, st.Bounds = maps.Clone(c.ignore), maps.Clone(c.drop), maps.Clone(c.boundary)
	c.mu.Unlock()
	return st
}

// Trace is told of single events, for logs, metrics and tests. All functions
// are optional, run on the goroutine at work, must not block, and must not
// call the server back.
type Trace struct {
	Connected    func(s *Socket)
	Disconnected func(s *Socket, reason DisconnectReason, cause error)
	Panicked     func(where string, p *PanicError)
	Bound        func(name string, s *Socket) // a field of Limits was reached
}

var noTrace Trace

func (srv *Server) trace() *Trace {
	if t := srv.opts.Trace; t != nil {
		return t
	}
	return &noTrace
}

func (t *Trace) connected(s *Socket) {
	if t.Connected != nil {
		t.Connected(s)
	}
}

func (t *Trace) disconnected(s *Socket, r DisconnectReason, cause error) {
	if t.Disconnected != nil {
		t.Disconnected(s, r, cause)
	}
}

func (t *Trace) panicked(where string, p *PanicError) {
	if t.Panicked != nil {
		t.Panicked(where, p)
	}
}

func (t *Trace) bound(name string, s *Socket) {
	if t.Bound != nil {
		t.Bound(name, s)
	}
}
