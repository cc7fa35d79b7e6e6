package socketio

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
	"github.com/sockeye-io/sockeye/socketio/internal/mailbox"
	"github.com/sockeye-io/sockeye/socketio/internal/rooms"
	"github.com/sockeye-io/sockeye/socketio/internal/waits"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// The states of a socket. It only goes forward.
const (
	connecting int32 = iota
	connected
	disconnected
)

// A Socket is one client in one namespace. All its methods may be called from
// any goroutine, also after its end: then what they send comes back with
// [ErrDisconnected]. Its handlers run one at a time, in the order in which the
// events arrived. A client that comes back has a new Socket.
type Socket struct {
	// Static once the middleware runs.
	id     string
	name   string // of the namespace
	ns     *Namespace
	conn   *conn
	sess   *engineio.Session // conn's: a broadcast looks at as little as it can
	heard  atomic.Uint32
	told   atomic.Uint32 // beside sess, in the memory that a broadcast has at hand
	auth   siowire.Raw
	origin *origin // nil without recovery

	state   atomic.Int32
	entered bool // of the inbox's worker: it was connected
	crowd   bool // reading is paused until its middleware has finished; static

	inbox     mailbox.Box[task]
	atWork    atomic.Pointer[Request] // the event whose handlers run
	more      atomic.Pointer[more]    // nil until something of it is wanted
	nextReady *Socket                 // of conn.ready

	seat rooms.Member[*Socket] // of ns.index

	mu   sync.Mutex // guards what follows
	data map[string]any
	life *life // nil until somebody wants it, or it is over
}

// more is what most sockets do not need. Its parts are used by different
// goroutines; each has a lock of its own, or one goroutine that uses it.
type more struct {
	own    ownHandlers
	acks   waits.Table[Ack]
	once   map[string]uint64 // of the inbox's worker: by event, the last of the namespace's entries with Once that has run
	bucket bucket            // of the reader
}

func (s *Socket) extra() *more {
	if m := s.more.Load(); m != nil {
		return m
	}
	s.more.CompareAndSwap(nil, new(more))
	return s.more.Load()
}

// life is the context of a socket, for those who want more than its values, and
// how it has ended. Socket.mu guards it.
type life struct {
	context.Context // nil until somebody wants it
	cancel          context.CancelCauseFunc
	cause           error // of the end: a DisconnectReason, or an error that wraps one; nil before
}

// origin is what recovery knows of a socket.
type origin struct {
	pid       string         // private id
	since     uint64         // the log's position at its connect
	joined    eventlog.Names // since when it is in rooms that it has joined later; guarded by recovery.order
	back      *absent        // while it is let in: what its client has come back to; guarded likewise
	absent    *absent        // from its loss to its end: what its client may come back to; guarded likewise
	recovered bool
	notWhy    string   // why it was not recovered
	roaming   *roaming // nil without a cluster; guarded by recovery.order
}

// sprung is the socket's origin, to be changed by whoever connects it.
func (s *Socket) sprung() *origin {
	if s.origin == nil {
		s.origin = new(origin)
	}
	return s.origin
}

// ID returns the socket's id, which the client knows as socket.id. It is new
// with each connection unless the client was recovered, and differs between
// namespaces. A room of that name holds the socket, so that To(id) reaches it
// from any node. It is no secret.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace that the socket is in.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Server returns the server.
func (s *Socket) Server() *Server { return s.conn.srv }

// Transport is "polling" or "websocket". It changes from the first to the
// second when the client upgrades, at any time.
func (s *Socket) Transport() string { return s.conn.sess.Transport() }

// Protocol is the client's Engine.IO protocol: 4, or 3 for clients 1.x and 2.x.
func (s *Socket) Protocol() int { return s.conn.sess.Protocol() }

// Connected reports whether the socket is connected. In a middleware it is not
// yet.
func (s *Socket) Connected() bool { return s.state.Load() == connected }

// Recovered reports whether the client has come back to its old state: id,
// rooms and data are those it had, and it was sent what it missed.
func (s *Socket) Recovered() bool { return s.origin != nil && s.origin.recovered }

// RecoveryFailure says why a client that asked for its old state did not get
// it; "" if it did, or did not ask. There are a few such texts, which Stats has
// in Unrecovered.
func (s *Socket) RecoveryFailure() string {
	if s.origin == nil {
		return ""
	}
	return s.origin.notWhy
}

// Buffered is the number of bytes that wait to be sent on the connection, also
// for its sockets in other namespaces; see EngineOptions.MaxQueue.
func (s *Socket) Buffered() int { return s.conn.sess.Buffered() }

// Traffic is how many events of the client have come, and how many events and
// acknowledgements were handed to its connection. Both begin at 0 again after
// 4,294,967,295.
func (s *Socket) Traffic() (in, out uint32) { return s.heard.Load(), s.told.Load() }

// Handling is the event whose handlers run now; "" while none do. For those who
// are told that the socket has ended, it is the event that was at work then.
func (s *Socket) Handling() string {
	if r := s.atWork.Load(); r != nil {
		return r.event
	}
	return ""
}

// Disconnect makes the client leave the namespace; official clients then stay
// away until they are told to connect again. With closeConn it leaves all
// namespaces, and its connection is closed. What was emitted before is sent. It
// does not wait for that, nor for OnDisconnect, whose reason is
// [ServerNamespaceDisconnect].
func (s *Socket) Disconnect(closeConn bool) {
	s.disconnect(closeConn, (*roomEvents).send)
}

// disconnect is Disconnect that leaves it to tell to call user code.
func (s *Socket) disconnect(closeConn bool, tell func(*roomEvents)) {
	if closeConn {
		s.conn.disconnect(tell)
		return
	}
	// First the state: a client that has been told may be gone the next moment,
	// and that must not be the reason, nor may an event follow.
	ev, ok := s.leave(ServerNamespaceDisconnect, nil)
	if ok {
		s.control(siowire.Outgoing{Type: siowire.Disconnect, Namespace: s.name})
	}
	tell(ev)
}

// On has h called for events of this socket, after the namespace's handlers; see
// [Namespace.On], also for the names on which it panics. Handlers that all
// sockets share belong on the [Namespace].
func (s *Socket) On(event string, h Handler) { s.registered().on(event, h, false) }

// Once is On for the next such event only; then it is forgotten.
func (s *Socket) Once(event string, h Handler) { s.registered().on(event, h, true) }

// OnAny has h called for every event of this socket, after the namespace's; see
// [Namespace.OnAny].
func (s *Socket) OnAny(h Handler) { s.handlers().onAny(h) }

// Off removes what On and Once have registered on this socket for the event.
func (s *Socket) Off(event string) { s.handlers().off(event) }

func (s *Socket) registered() register { return s.handlers() }

func (s *Socket) handlers() *ownHandlers { return &s.extra().own }

// ownHandlers are those that there are: nil if there never were any.
func (s *Socket) ownHandlers() *ownHandlers {
	if m := s.more.Load(); m != nil {
		return &m.own
	}
	return nil
}

// Set keeps a value on the socket. With [Recovery] it comes back with it, from
// another node as JSON; and other nodes see it, as JSON, with FetchSockets:
// what is secret does not belong here. [Key] is the typed way.
func (s *Socket) Set(key string, v any) {
	s.mu.Lock()
	if s.data == nil {
		s.data = make(map[string]any)
	}
	s.data[key] = v
	s.mu.Unlock()
	s.ns.recovery.dataChanged(s)
	s.conn.srv.traceChanged(s)
}

// Get returns a value kept with Set.
func (s *Socket) Get(key string) (any, bool) {
	s.mu.Lock()
	v, ok := s.data[key]
	s.mu.Unlock()
	return v, ok
}

// Delete forgets a value.
func (s *Socket) Delete(key string) {
	s.mu.Lock()
	delete(s.data, key)
	s.mu.Unlock()
	s.ns.recovery.dataChanged(s)
	s.conn.srv.traceChanged(s)
}

// Data returns a copy of the map of all that is kept; the values are shared.
func (s *Socket) Data() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.data == nil {
		return map[string]any{}
	}
	return maps.Clone(s.data)
}
