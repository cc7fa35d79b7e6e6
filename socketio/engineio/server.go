package engineio

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/forward"
	"github.com/sockeye-io/sockeye/socketio/internal/httpconn"
	"github.com/sockeye-io/sockeye/socketio/internal/idle"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// Server is an http.Handler that serves Engine.IO sessions. See New.
type Server struct {
	opts       Options // with defaults; read only
	accept     func(*Session) Receiver
	handler    http.Handler
	transports map[string]bool
	upgrades   bool
	log        *slog.Logger
	start      time.Time
	poller     *netpoll.Poller
	wheel      wheel.Wheel
	limits     ws.Limits
	deflater   *ws.Deflater // nil without PerMessageDeflate
	sessions   registry
	farewells  farewells
	stats      counters
	peers      *peers.Peers
	places     *peers.Table[*Session] // nil without MaxSessions
	spare      func() *Session        // see MakeRoom; nil if nobody knows
	contexts   contexts
	forward    *forward.Forwarder // nil: alone

	conns          *httpconn.Conns
	stops          stops
	closing        atomic.Bool   // Shutdown or Close was called
	elsewhereBytes atomic.Uint64 // that other nodes have said: see FromElsewhere
	apart          atomic.Int32  // handshakes whose first message waits: see maxApart

	mu       sync.Mutex
	refusing bool
	live     idle.Count // sessions, and connections of some, that have not ended
}

// Runner is something to be run once; see [Server.Go] and [Server.AfterFunc].
type Runner interface{ Run() }

// New makes a Server. Nil opts are the defaults. accept is called once for each
// new session, before anything is read from it, on the goroutine of its
// request; it may send and close already, and must not block long. If it
// returns nil, or panics, the client is refused with [Forbidden].
//
// New panics if opts makes no sense, with a text that names the field.
func New(opts *Options, accept func(*Session) Receiver) *Server {
	srv := &Server{opts: opts.Resolved(), accept: accept, start: time.Now(), transports: make(map[string]bool)}
	o := &srv.opts
	srv.log = o.Logger
	srv.poller = netpoll.New(netpoll.Config{MaxQueue: o.MaxQueue, DisableEpoll: o.DisablePoller, Counts: isMessageFrame, Fates: srv.fates()})
	srv.limits.MaxMessage = int(o.MaxPayload)
	if d := o.PerMessageDeflate; d != nil {
		var err error
		if srv.deflater, err = ws.NewDeflater(d.Level); err != nil {
			panic("engineio: Options.PerMessageDeflate: " + err.Error())
		}
	}
	srv.conns = httpconn.New(httpconn.Config{
		Poller: srv.poller, Wheel: &srv.wheel, Log: srv.log,
		WriteTimeout: o.WriteTimeout, BodyTimeout: o.BodyTimeout, IdleTimeout: o.IdleTimeout,
	})
	srv.stats.init()
	srv.sessions.init()
	srv.farewells.wheel = &srv.wheel
	var err error
	srv.peers, err = peers.New(peers.Config{MaxSessions: o.MaxSessionsPerAddr, Rate: o.HandshakeRate, Header: o.ClientIPHeader, Trusted: o.TrustedProxies, Odd: srv.oddAddress}, &srv.wheel)
	if err != nil {
		panic("engineio: Options." + err.Error())
	}
	if err := o.Hosts.Check(); err != nil {
		panic("engineio: Options.Hosts: " + err.Error())
	}
	if o.MaxSessions > 0 {
		srv.places = peers.NewTable[*Session](o.MaxSessions)
	}
	for _, t := range o.Transports {
		srv.transports[t] = true
	}
	srv.upgrades = srv.transports[websocketName] && !o.DisableUpgrades
	srv.handler = http.HandlerFunc(srv.serve)
	for i := len(o.Middleware) - 1; i >= 0; i-- {
		srv.handler = o.Middleware[i](srv.handler)
	}
	return srv
}

// Path is where the server expects to be mounted, with a slash at the end
// unless Options.DisableTrailingSlash is set.
func (srv *Server) Path() string { return srv.opts.Path }

// Go runs r on a worker, soon. One that blocks delays nobody; Shutdown waits
// for it.
func (srv *Server) Go(r Runner) { srv.poller.Go(r) }

// Hold says that more is about to be sent, at once and by the same caller, or
// that there is nothing more: WebSockets that are sent several messages meanwhile
// get them with one write. Each true must be followed by a false, soon: little is
// written in between, to all sessions.
func (srv *Server) Hold(more bool) { srv.poller.Hold(more) }

// Timer is one deadline, see Server.AfterFunc. The zero value is ready; a
// Timer must not be copied. Its method Stop reports whether it kept the timer
// from running.
type Timer = wheel.Timer

// AfterFunc has r.Run called once d has passed, unless t is stopped, or set
// anew, before. It is late by up to 2 ms, and never early. Deadlines cost
// neither a goroutine nor a runtime timer each. Run must not block: hand longer
// work to Go. After Shutdown nothing runs any more.
func (srv *Server) AfterFunc(d time.Duration, t *Timer, r Runner) { srv.wheel.After(d, t, r) }

// Forward makes the server one of several: the ids of its sessions tell whose they
// are (but those of Options.GenerateID), and requests for sessions of others are
// passed on to them. It is to be called before the server serves. It is for
// package socketio; see socketio.ClusterOptions.Advertise.
func (srv *Server) Forward(f *forward.Forwarder) {
	srv.forward = f
	f.Drive(srv.poller)
}

// passNothing ends what is being passed on over connections that were taken over.
func (srv *Server) passNothing() {
	if srv.forward != nil {
		srv.forward.Stop()
	}
}

// elapsed is since the server was made.
func (srv *Server) elapsed() time.Duration { return time.Since(srv.start) }

// Sessions ranges over the open sessions. Those that come and go meanwhile may
// be left out.
func (srv *Server) Sessions() iter.Seq[*Session] { return srv.sessions.all() }

// Len is the number of open sessions.
func (srv *Server) Len() int { return srv.sessions.len() }

// Session finds an open session.
func (srv *Server) Session(id string) (*Session, bool) { return srv.sessions.get(id) }

// Refuse stops new sessions: they are answered with status 503. Those that
// exist go on. It is the first step of a drain.
func (srv *Server) Refuse() {
	srv.mu.Lock()
	srv.refusing = true
	srv.mu.Unlock()
}

// Shutdown stops new sessions, closes those that exist once their queues are
// sent (Engine.IO's close packet on polling, a close frame on websocket: clients
// come back by themselves), and waits for them and for all that runs. When ctx
// ends first, it cuts what is left and returns the error of ctx. It may be
// called twice, and before the server was used.
func (srv *Server) Shutdown(ctx context.Context) error {
	srv.Refuse()
	srv.closing.Store(true)
	for s := range srv.Sessions() {
		s.shut(ServerShuttingDown, nil, true)
	}
	srv.passNothing()
	srv.conns.Shutdown()
	return srv.wait(ctx)
}

// closeWait is how long Close waits for clients to take note.
const closeWait = time.Second

// Close is Shutdown without sending what is queued, and waits for a second at
// most. Its error says that something was still running then.
func (srv *Server) Close() error {
	srv.Refuse()
	srv.closing.Store(true)
	for s := range srv.Sessions() {
		s.shut(ServerShuttingDown, nil, false)
	}
	srv.passNothing()
	srv.conns.Shutdown()
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	return srv.wait(ctx)
}

func (srv *Server) wait(ctx context.Context) error {
	if err := srv.live.Wait(ctx); err != nil {
		for s := range srv.Sessions() {
			s.shut(ServerShuttingDown, err, false)
		}
	}
	err := srv.poller.Shutdown(ctx)
	srv.conns.Close()
	srv.wheel.Stop()
	return err
}
