package socketio

import (
	"bytes"
	"context"
	"iter"
	"log/slog"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/clientfs"
	"github.com/sockeye-io/sockeye/socketio/internal/mailbox"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
)

// Server is a Socket.IO server. It is an [http.Handler], to be mounted at its
// Path; handlers are registered on its namespaces. [New] makes one, and
// [Server.Shutdown] ends it. All methods may be called from any goroutine, at
// any time. Those that a [Namespace] has too are the root namespace's.
type Server struct {
	opts   Options // resolved; static
	engine *engineio.Server
	client *clientfs.Handler
	log    *slog.Logger
	root   *Namespace

	mu          sync.RWMutex
	nsps        map[string]*Namespace // by name, parents not included
	parents     []*Namespace          // in order of creation
	onNamespace []func(*Namespace)

	draining atomic.Bool // no new events are taken
	closed   atomic.Bool
	unjoined *peers.Table[*conn]      // connections that have joined no namespace
	dynamic  *peers.Table[*Namespace] // those of nsps that a parent has made, by who has asked for them first
	vacant   *peers.Table[*Namespace] // those of dynamic that are empty and kept
	inboxes  mailbox.Kind[task]
	cluster  *clustered // nil: alone
	claims   claims
	watched  watchers
	stats    counters
	hints    hints
}

// New makes a server. Nil options are the defaults. With Options.Cluster it
// joins the cluster, in the background: a broker that is away is waited for.
//
// It panics if the options make no sense: with a [*ClusterStartError] if that
// is the adapter or ClusterOptions, as when a mesh's address is taken, and
// with a text that names the field if it is one of Engine's.
func New(opts *Options) *Server {
	srv := &Server{opts: opts.resolved(), nsps: make(map[string]*Namespace)}
	srv.log = srv.opts.Logger
	srv.watched.init(srv.opts.Trace)
	srv.unjoined = peers.NewTable[*conn](srv.opts.Limits.MaxUnjoined)
	srv.dynamic = peers.NewTable[*Namespace](srv.opts.Limits.MaxDynamicNamespaces)
	srv.vacant = peers.NewTable[*Namespace](math.MaxInt)
	srv.stats.init()
	srv.inboxes.Max, srv.inboxes.MaxBytes = srv.opts.Limits.Inbox, srv.opts.Limits.InboxBytes
	srv.client = clientfs.New(srv.opts.Client, srv.opts.ClientVersion, srv.log)
	srv.root = newNamespace(srv, "/", new(registry))
	srv.nsps["/"] = srv.root
	srv.engine = engineio.New(&srv.opts.Engine, srv.accept)
	srv.engine.MakeRoom(srv.spare)
	if a := srv.opts.Cluster; a != nil {
		if err := srv.join(a); err != nil {
			panic(err)
		}
		srv.cluster.namespace(srv.root, true)
	}
	return srv
}

// Path is where clients look for the server: "/socket.io/" by default.
func (srv *Server) Path() string { return srv.engine.Path() }

// Logger is Options.Logger with its limits, for lines that clients can cause:
// of each message one a second is written, see EngineOptions.Logger. An
// attribute "client" with the client's address keeps one client from hiding what
// happens to others.
func (srv *Server) Logger() *slog.Logger { return srv.log }

// Engine returns the layer below, for its sessions and counters. It must be
// neither served nor stopped by itself.
func (srv *Server) Engine() *engineio.Server { return srv.engine }

// ServeHTTP serves the connections and, if there is one, the client bundle.
// Requests outside Path get 404, so that a server can also be the only handler
// of a program; those of a Socket.IO client are told of Path, and logged.
func (srv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := srv.engine.Path()
	rest, ok := strings.CutPrefix(r.URL.Path, path)
	if !ok && r.URL.Path+"/" != path {
		srv.elsewhere(w, r)
		return
	}
	if slices.Contains(clientfs.Names, rest) {
		srv.client.ServeFile(w, r, rest)
		return
	}
	if rest == "asyncapi.json" && srv.opts.AsyncAPI != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(srv.opts.AsyncAPI))
		return
	}
	srv.engine.ServeHTTP(w, r)
}

// Of returns the namespace of that name, and makes it if there is none. The
// empty name is the root; a missing slash in front is added. It panics on a
// server's misuse only: a name with a question mark or a comma, which clients
// cannot ask for.
func (srv *Server) Of(name string) *Namespace {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	if strings.ContainsAny(name, ",?") {
		panic("socketio: namespace " + name + ": a client cannot ask for a name with ',' or '?'")
	}
	if name == "/" {
		return srv.root
	}
	srv.mu.Lock()
	ns := srv.nsps[name]
	if ns != nil {
		srv.mu.Unlock()
		return ns
	}
	ns = newNamespace(srv, name, new(registry))
	srv.nsps[name] = ns
	srv.cluster.namespace(ns, true)
	tell := srv.onNamespace
	srv.mu.Unlock()
	srv.told(tell, ns)
	return ns
}

func (srv *Server) told(tell []func(*Namespace), ns *Namespace) {
	for _, f := range tell {
		srv.guard("OnNamespace", func() { f(ns) })
	}
}

// OfPattern returns a parent for all namespaces whose name matches re, which
// should be anchored. They are made when a client asks for them, and removed
// when they are empty unless Options.KeepEmptyNamespaces is set. A namespace
// that [Server.Of] has made comes before any pattern, and of several parents
// that match the one that was made first.
func (srv *Server) OfPattern(re *regexp.Regexp) *Namespace {
	return srv.addParent(re.String(), func(_ context.Context, name string, _ *Handshake) bool {
		return re.MatchString(name)
	})
}

// OfFunc returns a parent for all namespaces that match lets in. It is asked,
// on a goroutine of the connecting socket, for every client that wants such a
// namespace, and may block. ctx is that of [Handshake.Context]: it has values,
// and does not end. For the rest see [Server.OfPattern].
func (srv *Server) OfFunc(match func(ctx context.Context, name string, h *Handshake) bool) *Namespace {
	return srv.addParent("func", match)
}

// Namespaces iterates over the namespaces that exist when the loop begins, the
// root among them and parents not, in no order. The loop holds no lock.
func (srv *Server) Namespaces() iter.Seq[*Namespace] {
	return func(yield func(*Namespace) bool) {
		srv.mu.RLock()
		list := make([]*Namespace, 0, len(srv.nsps))
		for _, ns := range srv.nsps {
			list = append(list, ns)
		}
		srv.mu.RUnlock()
		for _, ns := range list {
			if !yield(ns) {
				return
			}
		}
	}
}

// OnNamespace has f called with every namespace that is made from then on, by
// Of or for a client, on the goroutine that made it, with no lock held.
func (srv *Server) OnNamespace(f func(*Namespace)) {
	srv.mu.Lock()
	srv.onNamespace = add(srv.onNamespace, f)
	srv.mu.Unlock()
}

// SocketCount is the number of sockets that are connected to this node, over
// all namespaces: a client in two counts twice.
func (srv *Server) SocketCount() int {
	n := 0
	for ns := range srv.Namespaces() {
		n += ns.Len()
	}
	return n
}

// The root namespace's methods, for short programs.

// Use is Of("/").Use.
func (srv *Server) Use(f func(ctx context.Context, s *Socket) error) { srv.root.Use(f) }

// UsePacket is Of("/").UsePacket.
func (srv *Server) UsePacket(f func(ctx context.Context, s *Socket, r *Request) error) {
	srv.root.UsePacket(f)
}

// OnAny is Of("/").OnAny.
func (srv *Server) OnAny(h Handler) { srv.root.OnAny(h) }

// OnConnect is Of("/").OnConnect.
func (srv *Server) OnConnect(f func(ctx context.Context, s *Socket)) { srv.root.OnConnect(f) }

// OnDisconnecting is Of("/").OnDisconnecting.
func (srv *Server) OnDisconnecting(f func(ctx context.Context, s *Socket, reason DisconnectReason)) {
	srv.root.OnDisconnecting(f)
}

// OnDisconnect is Of("/").OnDisconnect.
func (srv *Server) OnDisconnect(f func(ctx context.Context, s *Socket, reason DisconnectReason)) {
	srv.root.OnDisconnect(f)
}

// OnError is Of("/").OnError.
func (srv *Server) OnError(f func(ctx context.Context, s *Socket, event string, err error)) {
	srv.root.OnError(f)
}

// On is Of("/").On.
func (srv *Server) On(event string, h Handler) { srv.root.On(event, h) }

// Once is Of("/").Once.
func (srv *Server) Once(event string, h Handler) { srv.root.Once(event, h) }

func (srv *Server) registered() register { return srv.root.reg }

// Emit is Of("/").Emit.
func (srv *Server) Emit(event string, args ...any) error { return srv.root.Emit(event, args...) }

// EmitWithAck is Of("/").EmitWithAck.
func (srv *Server) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Ack, error] {
	return srv.root.EmitWithAck(ctx, event, args...)
}

// To is Of("/").To.
func (srv *Server) To(rooms ...string) Broadcast { return srv.root.To(rooms...) }

// In is Of("/").In.
func (srv *Server) In(rooms ...string) Broadcast { return srv.root.To(rooms...) }

// Except is Of("/").Except.
func (srv *Server) Except(rooms ...string) Broadcast { return srv.root.Except(rooms...) }

// Local is Of("/").Local.
func (srv *Server) Local() Broadcast { return srv.root.Local() }

// Volatile is Of("/").Volatile.
func (srv *Server) Volatile() Broadcast { return srv.root.Volatile() }

// Compress is Of("/").Compress.
func (srv *Server) Compress(on bool) Broadcast { return srv.root.Compress(on) }

// Timeout is Of("/").Timeout.
func (srv *Server) Timeout(d time.Duration) Broadcast { return srv.root.Timeout(d) }

// FetchSockets is Of("/").FetchSockets.
func (srv *Server) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	return srv.root.FetchSockets(ctx)
}

// SocketsJoin is Of("/").SocketsJoin.
func (srv *Server) SocketsJoin(rooms ...string) { srv.root.SocketsJoin(rooms...) }

// SocketsLeave is Of("/").SocketsLeave.
func (srv *Server) SocketsLeave(rooms ...string) { srv.root.SocketsLeave(rooms...) }

// DisconnectSockets is Of("/").DisconnectSockets.
func (srv *Server) DisconnectSockets(closeConn bool) { srv.root.DisconnectSockets(closeConn) }

// ServerSideEmit is Of("/").ServerSideEmit.
func (srv *Server) ServerSideEmit(event string, args ...any) error {
	return srv.root.ServerSideEmit(event, args...)
}
