package socketio

import (
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// Trace is told of single events, for logs, metrics and tests. All functions
// are optional; one that is nil costs nothing. They run on the goroutine at
// work (never on one that reads a connection), several at once perhaps, and must
// not block. Disconnected is called among the socket's handlers, before
// OnDisconnecting. No lock is held: they may
// use the server, but what they emit they are told of, too. A panic is logged
// and counted, and ends there.
//
// An event, and an acknowledgement, is told of once for each receiver: by Sent
// or by Dropped. What was sent waits in the connection's queue until the client
// takes it. What becomes of it then is known for the whole connection, which
// the sockets of several namespaces may share ([Socket.Conn]): see Delivered
// and Abandoned of [engineio.Trace], in Options.Engine.
type Trace struct {
	// Connected: s was let in; it is told before OnConnect.
	Connected func(s *Socket)
	// Disconnected: s has ended; cause is what lies behind the reason, or nil.
	Disconnected func(s *Socket, reason DisconnectReason, cause error)
	// Panicked: a function of the application's has; where names its kind, such as
	// "handler" or "OnConnect".
	Panicked func(where string, p *PanicError)
	// Changed: Set or Delete have changed what is kept on s.
	Changed func(s *Socket)
	// Bound: a field of Limits, or ConnectTimeout, was reached, and is counted in
	// Stats.Bounds. s is nil where the client had no socket in the namespace yet,
	// or the bound is that of its connection.
	Bound func(b Bound, s *Socket)

	// Cluster: something has happened between the nodes of a cluster. It is called
	// in order, among the functions of OnServerSide.
	Cluster func(e ClusterEvent)

	// Sent: handed to the connection of s, and counted in Stats.Sent. event is ""
	// for an acknowledgement.
	Sent func(s *Socket, event string)
	// Frame: an event or an acknowledgement has come, and its turn is there, or was
	// sent. It is for those who look at single clients: as Sent, it is called for
	// every receiver. While a socket's inbox is full it is not told of what comes.
	Frame func(s *Socket, f Frame)
	// Dropped: it was not, and is counted in Stats.Dropped under why.
	Dropped func(s *Socket, event string, why Drop)

	// Broadcast: an event was handed to the sockets of this node that a broadcast
	// addresses, and so many took it. It is told of once, also if it came from
	// another node of a cluster.
	Broadcast func(ns *Namespace, event string, receivers int)
	// Handled: all that was to be done with an event of the client's has been done,
	// in so much time: packet middleware, and the functions of On, Once and OnAny.
	Handled func(s *Socket, r *Request, took time.Duration)
	// Unheard: an event had nothing that it could be given to; it is counted in
	// Stats.Ignored.
	Unheard func(s *Socket, event string)
}

// A Frame is an event or an acknowledgement on its way, without what it carries.
type Frame struct {
	Out   bool   // to the client
	Event string // "" for an acknowledgement
	Bytes int    // of the packet, attachments included
}

func (srv *Server) traceConnected(s *Socket) {
	if f := srv.trace().Connected; f != nil {
		srv.guard("Trace.Connected", func() { f(s) })
	}
}

func (srv *Server) traceDisconnected(s *Socket, r DisconnectReason, cause error) {
	if f := srv.trace().Disconnected; f != nil {
		srv.guard("Trace.Disconnected", func() { f(s, r, cause) })
	}
}

func (srv *Server) traceChanged(s *Socket) {
	if f := srv.trace().Changed; f != nil {
		srv.guard("Trace.Changed", func() { f(s) })
	}
}

func (srv *Server) tracePanicked(where string, p *PanicError) {
	if f := srv.trace().Panicked; f != nil && where != "Trace.Panicked" {
		srv.guard("Trace.Panicked", func() { f(where, p) })
	}
}

// bound counts that a client has reached a bound, and tells of it. As the hooks of
// a Trace are user code, the caller holds no lock.
func (s *Socket) bound(name Bound) {
	srv := s.conn.srv
	srv.stats.bound(name)
	s.tellBound(name)
	srv.traceBound(name, s)
}

// tellBound has the log say who it is.
func (s *Socket) tellBound(name Bound) {
	s.conn.srv.log.Warn("socketio: limit reached", "option", string(name), "namespace", clip.Quoted(s.name), "client", s.sess.Handshake().RemoteAddr())
}

// bound is the same for a client without a socket. It may be called on the reader,
// or by a timer, where no code of the user's runs: a worker tells of it.
func (srv *Server) bound(name Bound, client string) {
	srv.stats.bound(name)
	srv.engine.Go(runner(func() {
		srv.log.Warn("socketio: limit reached", "option", string(name), "client", client)
		srv.traceBound(name, nil)
	}))
}

// bound is the same for the client of a connection.
func (c *conn) bound(name Bound) { c.srv.bound(name, c.sess.Handshake().RemoteAddr()) }

// traceBound tells of a bound that is counted already.
func (srv *Server) traceBound(name Bound, s *Socket) {
	if f := srv.trace().Bound; f != nil {
		srv.guard("Trace.Bound", func() { f(name, s) })
	}
}

// runner makes a function an engineio.Runner.
type runner func()

func (f runner) Run() { f() }

// traceHandled is to be deferred, after the start was noted.
func (srv *Server) traceHandled(s *Socket, r *Request, start time.Time) {
	if f := srv.trace().Handled; f != nil {
		took := time.Since(start)
		srv.guard("Trace.Handled", func() { f(s, r, took) })
	}
}

func (srv *Server) traceUnheard(s *Socket, event string) {
	if f := srv.trace().Unheard; f != nil {
		srv.guard("Trace.Unheard", func() { f(s, event) })
	}
}

func (srv *Server) traceBroadcast(ns *Namespace, event string, receivers int) {
	if f := srv.trace().Broadcast; f != nil {
		srv.guard("Trace.Broadcast", func() { f(ns, event, receivers) })
	}
}

func (srv *Server) traceSent(s *Socket, event string, size int) {
	t := srv.trace()
	if f := t.Sent; f != nil {
		srv.guard("Trace.Sent", func() { f(s, event) })
	}
	if f := t.Frame; f != nil {
		srv.guard("Trace.Frame", func() { f(s, Frame{Out: true, Event: event, Bytes: size}) })
	}
}

// traceFrame tells of what has come, in the socket's turn.
func (srv *Server) traceFrame(s *Socket, event string, size int) {
	if f := srv.trace().Frame; f != nil {
		srv.guard("Trace.Frame", func() { f(s, Frame{Event: event, Bytes: size}) })
	}
}

// dropped counts what s was not sent because of err, and tells of it. As the
// hooks of a Trace are user code, the caller holds no lock.
func (srv *Server) dropped(s *Socket, event string, err error) {
	why := srv.stats.dropped(err)
	if f := srv.trace().Dropped; f != nil {
		srv.guard("Trace.Dropped", func() { f(s, event, why) })
	}
}

// fate is what Send has said of a packet that is not accounted for yet.
type fate struct {
	event string
	size  int
	err   error
}

// unsent is a socket that a broadcast has not reached.
type unsent struct {
	s   *Socket
	err error
}

// deliver sends m to all in list, and returns in their order those who were not
// sent it. Locks may be held: account follows without them.
func (srv *Server) deliver(list []*Socket, m *engineio.Message, f engineio.Flags) (failed []unsent) {
	for _, s := range list {
		if err := s.sess.Send(m, f); err != nil {
			failed = append(failed, unsent{s, err})
		} else {
			s.told.Add(1)
		}
	}
	return failed
}

// account counts what deliver has done with a message of that size, and tells of
// it.
func (srv *Server) account(list []*Socket, event string, size int, failed []unsent) {
	srv.stats.sent.Add(uint64(len(list) - len(failed)))
	if t := srv.trace(); len(failed) == 0 && t.Sent == nil && t.Frame == nil {
		return
	}
	for _, s := range list {
		if len(failed) > 0 && failed[0].s == s {
			srv.dropped(s, event, failed[0].err)
			failed = failed[1:]
		} else {
			srv.traceSent(s, event, size)
		}
	}
}
