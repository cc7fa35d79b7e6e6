package websocket

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/idle"
	"github.com/sockeye-io/sockeye/socketio/internal/mailbox"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
	"github.com/sockeye-io/sockeye/socketio/internal/tally"
	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// Endpoint is a program that talks over WebSocket; [Server.Handle] serves it.
// All its functions are optional. For each connection they run one at a time,
// and may block. A panic ends the connection.
type Endpoint struct {
	// Protocols are the sub-protocols that the program speaks. The first one
	// that the client offers and that is among them is chosen. If there is
	// none, the connection is opened without: OnOpen sees it by
	// Conn.Protocol and may close it with a code and a reason. (A browser that
	// has offered others refuses such a connection by itself.)
	Protocols []string

	// OnOpen is called first. The request is the one that asked for the
	// connection; it may be kept, its body may not be read.
	OnOpen func(c *Conn, r *http.Request)

	// OnMessage is called with each message. Text is valid UTF-8. data is the
	// function's to keep and to change.
	OnMessage func(c *Conn, data []byte, binary bool)

	// OnClose is called last, with the code and reason of whoever began to
	// close the connection: the client, or Conn.Close, or this package.
	// Code 1005 is a close without a code, 1006 an end without one.
	OnClose func(c *Conn, code int, reason string)
}

// Server holds the connections of any number of endpoints. [New] makes one,
// [Server.Handle] mounts them. Its methods may be called from any goroutine.
type Server struct {
	opts    engineio.Options
	log     *slog.Logger
	limits  ws.Limits
	deflate *ws.Deflater // nil without compression
	poller  *netpoll.Poller
	wheel   wheel.Wheel
	peers   *peers.Peers
	places  *peers.Table[*Conn] // nil without MaxSessions
	stats   counters
	inboxes mailbox.Kind[event]

	mu      sync.Mutex
	conns   map[*Conn]struct{}
	closing bool
	open    idle.Count // of conns; none comes when closing
}

// Stats counts what a Server has done since it was made.
type Stats struct {
	Open     int    // connections now
	Opened   uint64 // connections ever
	Refused  uint64 // handshakes that were not let in
	Received uint64 // messages
	Sent     uint64 // messages accepted for delivery
	Dropped  uint64 // messages given up for a client that does not read
	Slow     uint64 // connections closed for that
	Silent   uint64 // connections closed because nothing came from them
	Stalled  uint64 // connections closed because a handler held them too long
	Invalid  uint64 // connections closed for breaking the protocol or a bound
	Panics   uint64 // of the endpoints' functions

	Bounds map[engineio.Bound]uint64 // handshakes refused, and connections that made room for another, because of a limit, by its option
}

type counters struct {
	opened, refused, received, sent, dropped, slow, silent, stalled, invalid, panics atomic.Uint64

	bounds *tally.Counts[engineio.Bound]
}

// bounds are those that count connections and handshakes.
var bounds = tally.List[engineio.Bound]{
	{engineio.BoundMaxSessions, "There were too many connections, and one was refused or made room."},
	{engineio.BoundMaxSessionsPerAddr, "An address had too many connections, and one more was refused."},
	{engineio.BoundHandshakeRate, "An address asked for too many connections in a second, and was refused."},
}

// New makes a Server. A client from which nothing has come for PingInterval is
// pinged, and dropped when nothing comes for PingTimeout after that.
//
// Of the options, which are those of the Socket.IO server beside it if there is
// one, these count, with the same defaults: Origins (nil is
// engineio.SameOrigin), Hosts, AllowRequest, MaxPayload, MaxQueue, SlowPolicy,
// MaxSessions, MaxSessionsPerAddr, HandshakeRate, ClientIPHeader,
// TrustedProxies, PerMessageDeflate, PingInterval, PingTimeout, StallTimeout,
// WriteTimeout, DisablePoller and Logger. The bounds count the connections of
// this server alone, each until it begins to close; one that makes room for
// another, see Options.MaxSessions, is closed with code 1013. No message here is
// volatile, so DropVolatile has nothing to give up, and a full queue ends the
// connection as with Close. New panics if the options make no sense. Shutdown or
// Close must be called in the end.
func New(opts *engineio.Options) *Server {
	s := &Server{opts: opts.Resolved(), conns: map[*Conn]struct{}{}}
	s.stats.bounds = tally.New(bounds)
	s.inboxes.Max, s.inboxes.MaxBytes = maxInbox, maxInboxBytes
	o := &s.opts
	s.log = o.Logger
	if d := o.PerMessageDeflate; d != nil {
		var err error
		if s.deflate, err = ws.NewDeflater(d.Level); err != nil {
			panic("websocket: PerMessageDeflate: " + err.Error())
		}
	}
	if err := o.Hosts.Check(); err != nil {
		panic("websocket: Hosts: " + err.Error())
	}
	var err error
	s.peers, err = peers.New(peers.Config{MaxSessions: o.MaxSessionsPerAddr, Rate: o.HandshakeRate, Header: o.ClientIPHeader, Trusted: o.TrustedProxies}, &s.wheel)
	if err != nil {
		panic("websocket: " + err.Error())
	}
	if o.MaxSessions > 0 {
		s.places = peers.NewTable[*Conn](o.MaxSessions)
	}
	s.limits.MaxMessage = int(o.MaxPayload)
	s.poller = netpoll.New(netpoll.Config{MaxQueue: o.MaxQueue, DisableEpoll: o.DisablePoller})
	return s
}

// Handle returns the handler of an endpoint, to be mounted on any route for
// GET requests. Others, and those that do not ask for a WebSocket, are refused
// with a status that says why; see [Requested].
func (s *Server) Handle(e Endpoint) http.Handler {
	e.Protocols = slices.Clone(e.Protocols)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, &e) })
}

// Requested reports whether r asks to become a WebSocket, for routes that
// serve something else too.
func Requested(r *http.Request) bool { return ws.IsUpgrade(r) }

// Len is the number of open connections.
func (s *Server) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	c := &s.stats
	return Stats{
		Open: s.Len(), Opened: c.opened.Load(), Refused: c.refused.Load(), Received: c.received.Load(), Sent: c.sent.Load(),
		Dropped: c.dropped.Load(), Slow: c.slow.Load(), Silent: c.silent.Load(), Stalled: c.stalled.Load(),
		Invalid: c.invalid.Load(), Panics: c.panics.Load(), Bounds: c.bounds.All(),
	}
}

// Shutdown refuses new connections, closes those that there are with code 1001
// and waits until the last OnClose has returned, or until ctx ends: then they
// are dropped, and the error is that of ctx. It may be called again.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	all := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	s.mu.Unlock()
	for _, c := range all {
		_ = c.Close(int(ws.GoingAway), "server shutting down") // one that is closed already is fine
	}
	_ = s.open.Wait(ctx) // if ctx has ended, the poller says so
	err := s.poller.Shutdown(ctx)
	s.wheel.Stop()
	return err
}

// Close drops all connections without a word and waits for the endpoints'
// functions to return. It may be called again, and before first use.
func (s *Server) Close() error {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(now); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return s.poller.Shutdown(context.Background())
}

// bound notes that a limit has refused somebody.
func (s *Server) bound(b engineio.Bound) {
	s.stats.bounds.Add(b)
	s.log.Warn("websocket: limit reached", "option", string(b))
}

// add counts c in. If it may not be, status and text say why.
func (s *Server) add(c *Conn) (status int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return http.StatusServiceUnavailable, "the server is shutting down"
	}
	if !s.peers.Enter(c.key) {
		defer s.bound(engineio.BoundMaxSessionsPerAddr)
		return http.StatusTooManyRequests, "too many connections of your address (the server's option MaxSessionsPerAddr)"
	}
	if s.places != nil {
		c.place = &peers.Place[*Conn]{Value: c}
		old, pushed, ok := s.places.Enter(c.key, c.place)
		if !ok {
			s.peers.Leave(c.key)
			defer s.bound(engineio.BoundMaxSessions)
			return http.StatusServiceUnavailable, "too many connections (the server's option MaxSessions)"
		}
		if pushed {
			defer s.bound(engineio.BoundMaxSessions)
			s.poller.Go(evicted{old})
		}
	}
	s.conns[c] = struct{}{}
	s.open.Add(1)
	s.stats.opened.Add(1)
	return 0, ""
}

// evicted is a connection that makes room for another one.
type evicted struct{ c *Conn }

func (e evicted) Run() {
	_ = e.c.Close(int(ws.TryAgainLater), "too many connections: this one made room for another") // one that is closed already is fine
}

// remove counts c off. It has ended.
func (s *Server) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.conns[c]; !ok {
		return
	}
	delete(s.conns, c)
	s.open.Add(-1)
}

// release gives back the room that c has within the bounds, as it begins to end.
func (s *Server) release(c *Conn) {
	if s.places != nil {
		s.places.Leave(c.place)
	}
	s.peers.Leave(c.key)
}
