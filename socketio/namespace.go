package socketio

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/rooms"
)

// A Namespace is a channel of its own on a shared connection: clients join it
// with io("/name"), pass its middleware, and meet its handlers. [Server.Of]
// makes one. Handlers are registered once, on the namespace, and serve all its
// sockets; they may be added at any time and then count from the next event on.
//
// A namespace made by [Server.OfPattern] or [Server.OfFunc] has no sockets of
// its own: it stands for all that match. What is registered on it serves them,
// and what is emitted on it reaches them all.
//
// All methods may be called from any goroutine.
type Namespace struct {
	name     string
	srv      *Server
	reg      *registry // a dynamic namespace shares its parent's
	parent   *Namespace
	match    func(ctx context.Context, name string, h *Handshake) bool // of a parent
	ackIDs   atomic.Uint64
	recovery *recovery // nil if off

	child    *child                // nil if no parent has made it
	children *children             // nil if it is no parent
	index    *rooms.Index[*Socket] // closed when the namespace is removed
}

func newNamespace(srv *Server, name string, reg *registry) *Namespace {
	ns := &Namespace{name: name, srv: srv, reg: reg, index: rooms.New(seat)}
	if reg.log == nil {
		reg.log = srv.log // before it is shared
	}
	if srv.opts.Recovery != nil {
		ns.recovery = newRecovery(srv, ns)
	}
	return ns
}

// Name returns the name with its slash, "/" for the root.
func (ns *Namespace) Name() string { return ns.name }

// Server returns the server that the namespace belongs to.
func (ns *Namespace) Server() *Server { return ns.srv }

func (ns *Namespace) registered() register { return ns.reg }

// Use adds a middleware: it runs, in order of registration, before a client is
// let in, and may block, which holds up that client only. The socket is not
// connected yet: it can be told apart by [Socket.Handshake], take what
// [Socket.Set] keeps and join rooms. An error refuses it, and no further
// middleware is asked: the client's connect_error carries the message of an
// [*Error] and its data ({"code"} if it has a code and no data), and says only
// "internal error" otherwise.
func (ns *Namespace) Use(f func(ctx context.Context, s *Socket) error) {
	ns.reg.change(func(h *handlers) { h.use = add(h.use, f) })
}

// UsePacket adds a function that sees every incoming event before its handlers,
// in the socket's turn, as these. An error drops the event and goes to OnError.
func (ns *Namespace) UsePacket(f func(ctx context.Context, s *Socket, r *Request) error) {
	ns.reg.change(func(h *handlers) { h.usePacket = add(h.usePacket, f) })
}

// OnConnect has f called for every new socket, once it is connected. No event
// of the socket is handled before f has returned. For a socket that was
// recovered it is called when the functions of OnDisconnect have run for the one
// that was lost, or 5 s after it came back.
func (ns *Namespace) OnConnect(f func(ctx context.Context, s *Socket)) {
	ns.reg.change(func(h *handlers) { h.connect = add(h.connect, f) })
}

// OnDisconnecting has f called when a socket has been lost or has left, after
// its last event was handled and before the functions of OnDisconnect.
// [Socket.Rooms] still tells where it was.
func (ns *Namespace) OnDisconnecting(f func(ctx context.Context, s *Socket, reason DisconnectReason)) {
	ns.reg.change(func(h *handlers) { h.disconnecting = add(h.disconnecting, f) })
}

// OnDisconnect has f called last, and once, for a socket that was connected.
// ctx has ended by then: [context.WithoutCancel] makes one of it that has not.
func (ns *Namespace) OnDisconnect(f func(ctx context.Context, s *Socket, reason DisconnectReason)) {
	ns.reg.change(func(h *handlers) { h.disconnect = add(h.disconnect, f) })
}

// OnError has f called with the errors of handlers and packet middleware, with
// [ErrEventRate], and with the panics ([*PanicError]) of these and of the
// functions of OnConnect, OnDisconnecting, OnDisconnect and [Socket.EmitFunc].
// event is "connect", "disconnecting", "disconnect" and "" for the latter. It
// runs in the socket's turn. What a [Call] has told its client, an [*Error], is
// none of these. Without any OnError they are logged, those that are an
// [*Error] or ErrEventRate at DEBUG: they are a client's mistake.
func (ns *Namespace) OnError(f func(ctx context.Context, s *Socket, event string, err error)) {
	ns.reg.change(func(h *handlers) { h.failed = add(h.failed, f) })
}

// On has h called for every event of that name; several handlers run in order
// of registration. Whether an event has a handler is asked when its turn has
// come: one that was registered by OnConnect, a packet middleware or the handler
// of an earlier event gets it.
//
// It panics for the names that are events in Node and have a function here:
// connection, connect, disconnect, disconnecting, connect_error, new_namespace,
// connection_error; and for newListener and removeListener. (A client may send
// "error": its handler is not told of what goes wrong here, OnError is.)
func (ns *Namespace) On(event string, h Handler) { ns.reg.on(event, h, false) }

// Once is On for the first such event of each socket that comes after the call.
func (ns *Namespace) Once(event string, h Handler) { ns.reg.on(event, h, true) }

// Handles reports whether On or Once has been called for the event, on the
// namespace; what a socket has registered on itself does not count.
func (ns *Namespace) Handles(event string) bool { return len(ns.reg.load().events[event]) > 0 }

// OnAny has h called for every event, after UsePacket and before the event's
// own handlers, also if it has none. Its error stops nothing.
func (ns *Namespace) OnAny(h Handler) {
	ns.reg.change(func(t *handlers) { t.any = add(t.any, h) })
}

// OnAnyOutgoing has f called for every event sent to a socket of this node,
// once for each of many, on the goroutine that emits. args are those of Emit,
// or, if another node has emitted it, each a [Raw]; they must not be changed. f
// must not block.
func (ns *Namespace) OnAnyOutgoing(f func(s *Socket, event string, args []any)) {
	ns.reg.change(func(h *handlers) { h.outgoing = add(h.outgoing, f) })
}

// all is the broadcast to everybody, where the methods below start from.
func (ns *Namespace) all() Broadcast { return Broadcast{ns: ns} }

// Emit sends an event to every socket of the namespace; see [Broadcast.Emit].
func (ns *Namespace) Emit(event string, args ...any) error { return ns.all().Emit(event, args...) }

// EmitWithAck sends an event to every socket and gathers their answers; see
// [Broadcast.EmitWithAck].
func (ns *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Ack, error] {
	return ns.all().EmitWithAck(ctx, event, args...)
}

// To addresses the sockets in any of these rooms.
func (ns *Namespace) To(rooms ...string) Broadcast { return ns.all().To(rooms...) }

// In is To.
func (ns *Namespace) In(rooms ...string) Broadcast { return ns.all().To(rooms...) }

// Except addresses all sockets but those in any of these rooms.
func (ns *Namespace) Except(rooms ...string) Broadcast { return ns.all().Except(rooms...) }

// Local addresses the sockets of this node only.
func (ns *Namespace) Local() Broadcast { return ns.all().Local() }

// Volatile addresses all; who cannot take the event now does not get it.
func (ns *Namespace) Volatile() Broadcast { return ns.all().Volatile() }

// Compress addresses all, and says whether to compress.
func (ns *Namespace) Compress(on bool) Broadcast { return ns.all().Compress(on) }

// Timeout addresses all, and bounds the wait for acknowledgements.
func (ns *Namespace) Timeout(d time.Duration) Broadcast { return ns.all().Timeout(d) }

// FetchSockets lists all sockets, those of other nodes too; see
// [Broadcast.FetchSockets].
func (ns *Namespace) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	return ns.all().FetchSockets(ctx)
}

// SocketsJoin makes all sockets join rooms; see [Broadcast.SocketsJoin].
func (ns *Namespace) SocketsJoin(rooms ...string) { ns.all().SocketsJoin(rooms...) }

// SocketsLeave makes all sockets leave rooms; see [Broadcast.SocketsLeave].
func (ns *Namespace) SocketsLeave(rooms ...string) { ns.all().SocketsLeave(rooms...) }

// DisconnectSockets disconnects all; see [Socket.Disconnect].
func (ns *Namespace) DisconnectSockets(closeConn bool) { ns.all().DisconnectSockets(closeConn) }

// Sockets iterates over the sockets that are connected to this node when the
// loop begins, in no order. The loop holds no lock.
func (ns *Namespace) Sockets() iter.Seq[*Socket] {
	return func(yield func(*Socket) bool) {
		for _, n := range ns.leaves() {
			for _, s := range n.index.All() {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// Socket finds a socket of this node by its id. To a socket of any node, To(id)
// sends.
func (ns *Namespace) Socket(id string) (*Socket, bool) {
	for _, n := range ns.leaves() {
		if s, ok := n.index.Find(id); ok {
			return s, true
		}
	}
	return nil, false
}

// Len is the number of sockets on this node; [Broadcast.Count] is that on all.
func (ns *Namespace) Len() int {
	total := 0
	for _, n := range ns.leaves() {
		total += n.index.Len()
	}
	return total
}

// leaves are the namespaces that ns stands for: itself, or the children of a
// parent.
func (ns *Namespace) leaves() []*Namespace {
	if ns.children == nil {
		return []*Namespace{ns}
	}
	return ns.children.all()
}
