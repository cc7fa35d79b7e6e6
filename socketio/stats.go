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
	Sent         uint64                      // events and acknowledgements handed to the connections, one for each receiver
	Dropped      map[string]uint64           // those that were not, by reason
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

// dropped counts a packet that was not accepted because of err, and returns the
// reason in the words of Stats.Dropped.
func (c *counters) dropped(err error) (why string) {
	why = "other"
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
	return why
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
