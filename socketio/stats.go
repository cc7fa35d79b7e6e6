package socketio

import (
	"errors"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/tally"
)

// Stats counts what a server holds and what it has done since it was made, this
// node alone. The maps have all reasons that there are, also those that were
// never met; they are the caller's.
type Stats struct {
	Engine     engineio.Stats // of the layer below: sessions, transports, bytes
	Sockets    int            // connected now, over all namespaces
	Namespaces int            // that exist now, parents not included

	Connected    uint64                      // sockets that were let in
	Refused      uint64                      // that were not
	Disconnected map[DisconnectReason]uint64 // sockets
	EventsIn     uint64                      // events received
	AcksIn       uint64                      // answers received that somebody waited for
	Ignored      map[Ignore]uint64           // events and answers that nobody looked at, by reason
	Malformed    uint64                      // packets that cost their connection
	Errors       uint64                      // of handlers, panics included
	Panics       uint64                      // of user code
	Sent         uint64                      // events and acknowledgements handed to the connections, one for each receiver
	AcksOut      uint64                      // of these, acknowledgements
	Dropped      map[Drop]uint64             // those that were not, by reason
	Bounds       map[Bound]uint64            // how often each bound was reached
	Recovered    uint64                      // clients that came back to their old state
	Unrecovered  map[string]uint64           // that asked for it and did not get it, by [Socket.RecoveryFailure]
	Cluster      *ClusterStats               // nil without one
}

type counters struct {
	connected, refused, eventsIn, acksIn, malformed, errors, panics, sent, acksOut, recovered atomic.Uint64

	disconnected *tally.Counts[DisconnectReason]
	ignores      *tally.Counts[Ignore]
	drops        *tally.Counts[Drop]
	bounds       *tally.Counts[Bound]
	unrecovered  *tally.Counts[notRecovered]
}

func (c *counters) init() {
	c.disconnected, c.ignores = tally.New(disconnectReasons), tally.New(ignores)
	c.drops, c.bounds = tally.New(drops), tally.New(bounds)
	c.unrecovered = tally.New(notRecoveredWhys)
}

func (c *counters) disconnect(r DisconnectReason) { c.disconnected.Add(r) }
func (c *counters) ignored(why Ignore)            { c.ignores.Add(why) }
func (c *counters) bound(b Bound)                 { c.bounds.Add(b) }

// dropped counts a packet that was not accepted because of err, and returns why
// that was.
func (c *counters) dropped(err error) Drop {
	why := DropOther
	switch {
	case errors.Is(err, engineio.ErrNotWritable):
		why = DropNotWritable
	case errors.Is(err, engineio.ErrQueueFull):
		why = DropQueueFull
	case errors.Is(err, engineio.ErrClosed), errors.Is(err, ErrDisconnected):
		why = DropDisconnected
	case errors.Is(err, ErrTooManyAcks):
		why = DropTooManyAcks
	}
	c.drops.Add(why)
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
		AcksIn:    c.acksIn.Load(),
		AcksOut:   c.acksOut.Load(),
		Malformed: c.malformed.Load(),
		Errors:    c.errors.Load(),
		Panics:    c.panics.Load(),
		Sent:      c.sent.Load(),
	}
	srv.mu.RLock()
	st.Namespaces = len(srv.nsps)
	srv.mu.RUnlock()
	st.Disconnected, st.Ignored, st.Dropped, st.Bounds = c.disconnected.All(), c.ignores.All(), c.drops.All(), c.bounds.All()
	st.Recovered = c.recovered.Load()
	st.Unrecovered = make(map[string]uint64, len(notRecoveredWhys))
	for why, n := range c.unrecovered.All() {
		st.Unrecovered[string(why)] = n
	}
	st.Cluster = srv.cluster.stats()
	return st
}
