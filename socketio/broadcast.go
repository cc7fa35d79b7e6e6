package socketio

import (
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// A Broadcast addresses many sockets of a namespace, on all nodes of a cluster.
// It is a value: its methods return copies, so one can be kept and shared.
// Begin one with a method of a [Server], a [Namespace] or a [Socket].
//
//	srv.To("lobby").Except(muted).Emit("news", item)
//
// Without To it addresses all. Started from a [Socket], it leaves that one out.
// Who is addressed is found out when something is sent.
type Broadcast struct {
	ns      *Namespace
	rooms   []string
	except  []string
	sender  *Socket // left out
	flags   engineio.Flags
	timeout time.Duration
	local   bool
}

// To addresses the sockets in any of these rooms, and of those named before. A
// socket in several of them is addressed once. Without any rooms it changes
// nothing, as in Node: mind lists that may be empty.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.rooms = append(slices.Clip(b.rooms), rooms...)
	return b
}

// In is To.
func (b Broadcast) In(rooms ...string) Broadcast { return b.To(rooms...) }

// Except leaves out the sockets in any of these rooms. A socket's id is the
// name of a room too.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.except = append(slices.Clip(b.except), rooms...)
	return b
}

// Local addresses this node's sockets only. Outside of a cluster these are all.
func (b Broadcast) Local() Broadcast {
	b.local = true
	return b
}

// Volatile drops what a socket cannot take at once, as its connection is busy
// or between two polls; with engineio.DropVolatile it may wait, and is the
// first to go. What was dropped is counted in [Stats], and is not kept for
// [Recovery].
func (b Broadcast) Volatile() Broadcast {
	b.flags |= engineio.Volatile
	return b
}

// Compress says whether to compress, where the transport does that: polling,
// and WebSocket with EngineOptions.PerMessageDeflate. By default it is on.
func (b Broadcast) Compress(on bool) Broadcast {
	b.flags = compressFlag(b.flags, on)
	return b
}

// Timeout bounds the wait of EmitWithAck, FetchSockets and Count, beside the
// deadline of their context if there is one. 0 stands for Options.AckTimeout,
// or ClusterOptions.AnswerTimeout for the latter two, where the context has no
// deadline; a negative d for no bound.
func (b Broadcast) Timeout(d time.Duration) Broadcast {
	b.timeout = d
	return b
}

// To addresses the sockets in any of these rooms but this one.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// In is To.
func (s *Socket) In(rooms ...string) Broadcast { return s.To(rooms...) }

// Except addresses all sockets but this one and those in any of these rooms.
func (s *Socket) Except(rooms ...string) Broadcast { return s.Broadcast().Except(rooms...) }

// Local addresses all sockets of this node but this one.
func (s *Socket) Local() Broadcast { return s.Broadcast().Local() }

// Broadcast addresses all sockets of the namespace but this one.
func (s *Socket) Broadcast() Broadcast { return Broadcast{ns: s.ns, sender: s} }

// Emit sends an event to all that are addressed. It is encoded once, whatever
// their number; see [Emitter]. That nobody is addressed is no error, nor is it
// when other nodes cannot be told: that is logged, and counted in
// [ClusterStats].
func (b Broadcast) Emit(event string, args ...any) error {
	if err := checkEvent(event); err != nil {
		return err
	}
	for _, ns := range b.ns.leaves() {
		if err := b.emit(ns, event, args); err != nil {
			return err
		}
	}
	return nil
}

// receivers is a reusable list of sockets.
type receivers struct{ list []*Socket }

var receiverLists = sync.Pool{New: func() any { return new(receivers) }}

func (r *receivers) free() {
	clear(r.list)
	if r.list = r.list[:0]; cap(r.list) > 1<<16 {
		r.list = nil
	}
	receiverLists.Put(r)
}

func (b *Broadcast) emit(ns *Namespace, event string, args []any) error {
	srv := ns.srv
	e, err := srv.packet(&siowire.Outgoing{Type: siowire.Event, Namespace: ns.name, Event: event, Args: ns.recovery.withOffset(args)}, 4)
	if err != nil {
		return err
	}
	r := receiverLists.Get().(*receivers)
	defer r.free()
	c := srv.cluster
	told := c == nil || b.local
	if !told && ns.recovery != nil && b.flags&engineio.Volatile == 0 {
		b.publish(r, ns, event, args, &e)
		told = true
	} else {
		b.send(r, ns, event, &e, nil)
	}
	if len(ns.reg.load().outgoing) > 0 {
		for _, s := range r.list {
			s.outgoing(event, args)
		}
	}
	if !told {
		c.broadcast(b, ns, event, args, &e)
	}
	return nil
}

// send sends an encoded event, with a place for its offset, to the sockets here,
// and leaves in r who they were. from is another node's message, if it is one.
func (b *Broadcast) send(r *receivers, ns *Namespace, event string, e *siowire.Encoded, from *adapter.Message) {
	srv, rec := ns.srv, ns.recovery
	rec.lock() // the log and the sockets shall see events in the same order
	r.list = b.appendTo(r.list, ns)
	var w *whence
	if rec.roams() {
		w, r.list = rec.roam.whence(from, r.list)
	}
	var m *engineio.Message
	if rec != nil && b.flags&engineio.Volatile == 0 {
		m = rec.keep(event, e, b, r.list, w)
	} else {
		m = rec.mark(e)
	}
	if from != nil {
		srv.engine.FromElsewhere(m)
	}
	failed := srv.deliver(r.list, m, b.flags)
	rec.unlock()
	srv.account(r.list, event, m.Size(), failed)
	srv.traceBroadcast(ns, event, len(r.list)-len(failed))
}

// publish is send for an event that clients of other nodes can miss, too: those
// are told of it at the same moment.
func (b *Broadcast) publish(r *receivers, ns *Namespace, event string, args []any, e *siowire.Encoded) {
	srv, rec := ns.srv, ns.recovery
	m, err := srv.cluster.kept(ns, event, args, e)
	var failed []unsent
	size := 0
	deliver := func(w *whence) {
		r.list = b.appendTo(r.list, ns)
		m := rec.keep(event, e, b, r.list, w)
		size, failed = m.Size(), srv.deliver(r.list, m, b.flags)
	}
	rec.lock()
	if err == nil && rec.roam.waits() {
		b.target(m)
		rec.roam.publish(m, b.whenRead(ns, event, args, e))
	} else if err == nil {
		b.target(m)
		rec.roam.publish(m, deliver)
	} else {
		deliver(rec.roam.untold(event, err))
	}
	rec.unlock()
	srv.account(r.list, event, size, failed)
	srv.traceBroadcast(ns, event, len(r.list)-len(failed))
}

// whenRead delivers an event later, to those who are there then.
func (b Broadcast) whenRead(ns *Namespace, event string, args []any, e *siowire.Encoded) func(w *whence) {
	srv, rec := ns.srv, ns.recovery
	return func(w *whence) {
		list := b.appendTo(nil, ns)
		m := rec.keep(event, e, &b, list, w)
		failed := srv.deliver(list, m, b.flags)
		srv.cluster.later(func() {
			srv.account(list, event, m.Size(), failed)
			if len(ns.reg.load().outgoing) > 0 {
				for _, s := range list {
					s.outgoing(event, args)
				}
			}
		})
	}
}

// excluded are the rooms left out, the sender's own among them.
func (b *Broadcast) excluded() []string {
	if b.sender == nil {
		return b.except
	}
	return append(slices.Clip(b.except), b.sender.id)
}

// appendTo appends the sockets that b addresses in ns.
func (b *Broadcast) appendTo(list []*Socket, ns *Namespace) []*Socket {
	return ns.index.Select(list, b.rooms, b.except, b.sender)
}

// sockets lists who is addressed, over all namespaces that b stands for.
func (b *Broadcast) sockets() []*Socket {
	var list []*Socket
	for _, ns := range b.ns.leaves() {
		list = b.appendTo(list, ns)
	}
	return list
}

// SocketsJoin makes the sockets that are addressed join rooms, as far as
// Limits.MaxRooms lets them. When it returns, those of this node have; other
// nodes are told, and not waited for.
func (b Broadcast) SocketsJoin(rooms ...string) {
	for _, s := range b.sockets() {
		_ = s.Join(rooms...) // past the bound it is counted; a socket that is lost joins nothing
	}
	b.elsewhere(adapter.Message{Kind: adapter.Join, Names: rooms})
}

// SocketsLeave makes the sockets that are addressed leave rooms, as SocketsJoin
// makes them join.
func (b Broadcast) SocketsLeave(rooms ...string) {
	for _, s := range b.sockets() {
		s.Leave(rooms...)
	}
	b.elsewhere(adapter.Message{Kind: adapter.Leave, Names: rooms})
}

// DisconnectSockets disconnects the sockets that are addressed; see
// [Socket.Disconnect]. Other nodes are told, and not waited for.
func (b Broadcast) DisconnectSockets(closeConn bool) {
	for _, s := range b.sockets() {
		s.Disconnect(closeConn)
	}
	b.elsewhere(adapter.Message{Kind: adapter.Disconnect, Close: closeConn})
}
