package socketio

import (
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// conn is one client's connection: an Engine.IO session and the sockets that
// share it, one for each namespace that the client has joined. The engine
// hands it messages; it takes them apart and hands each event to its socket's
// inbox. Nothing that the engine calls, but Served, runs user code.
type conn struct {
	srv   *Server
	sess  *engineio.Session
	dec   siowire.Decoder // of the reader
	timer engineio.Timer  // ends a connection that does not join a namespace, later one that does not send its attachments

	size     uint32      // of the reader: bytes of the packet so far
	dead     bool        // of the reader: no packet is looked at any more
	draining atomic.Bool // its turn in a Shutdown has come: no new events are taken

	// Guarded by mu.
	waiting bool // for attachments; changed by the reader alone
	joined  bool // it has been in a namespace
	closed  bool
	stalls  int32 // full inboxes; reading is paused while there are any
	joins   int32 // sockets whose middleware has not finished
	mu      sync.Mutex
	place   *peers.Place[*conn] // among those that have joined no namespace; nil once it has
	sockets []*Socket           // connected, or on their way
	left    *leftNames          // nil before it has left one
	ready   *Socket             // sockets with work since the last Served, linked by nextReady
	cause   error               // why we have asked for the close
}

// leftNames are namespaces that a connection has left, for what its client has
// still said to them. Of their names, which can be long, there are hashes: who
// finds another of the same is ignored where else he would be cut off.
type leftNames struct{ list []uint64 }

const keptNames = 64 // the last ones

var nameSeed = maphash.MakeSeed()

func (l *leftNames) add(name string) *leftNames {
	if l == nil {
		l = new(leftNames)
	}
	if len(l.list) == keptNames {
		l.list = slices.Delete(l.list, 0, 1)
	}
	l.list = append(l.list, maphash.String(nameSeed, name))
	return l
}

// find is the place of a name; -1 if it is not there.
func (l *leftNames) find(name string) int {
	if l == nil {
		return -1
	}
	return slices.Index(l.list, maphash.String(nameSeed, name))
}

// forget takes a name out, to which the client has come back.
func (l *leftNames) forget(name string) {
	if i := l.find(name); i >= 0 {
		l.list = slices.Delete(l.list, i, i+1)
	}
}

// accept is the engine's call for a new session.
func (srv *Server) accept(sess *engineio.Session) engineio.Receiver {
	c := &conn{srv: srv, sess: sess, dec: srv.opts.Parser.NewDecoder(&srv.opts.Limits.Packets)}
	if sess.Protocol() == 3 {
		// These clients are in the root namespace without asking.
		c.connect("/", siowire.Raw{}, false)
		return c
	}
	c.place = &peers.Place[*conn]{Value: c}
	if old, pushed := srv.unjoined.Push(c.from(), c.place); pushed {
		if !old.sess.Closed() { // else it is about to leave by itself
			old.bound(BoundMaxUnjoined)
		}
		old.evict(engineio.ForcedClose, errUnjoined)
	}
	if d := srv.opts.ConnectTimeout; d > 0 {
		srv.engine.AfterFunc(d, &c.timer, (*connectTimeout)(c))
	}
	return c
}

// join notes that a socket was let in, before its client is told: from then on
// the connection may not be taken for one that is in no namespace.
func (c *conn) join() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.joined || c.closed {
		return
	}
	c.joined = true
	if c.sess.Protocol() != 3 {
		c.srv.unjoined.Leave(c.place)
		c.place = nil
		c.timer.Stop()
	}
	c.limitWaitLocked()
}

// connectTimeout is the Runner of conn.timer.
type connectTimeout conn

func (t *connectTimeout) Run() {
	c := (*conn)(t)
	c.mu.Lock()
	joined := c.joined
	c.mu.Unlock()
	if !joined && !c.sess.Closed() {
		c.bound(BoundConnectTimeout)
		c.close(engineio.ForcedClose, errConnectTimeout)
	}
}

var packets = sync.Pool{New: func() any { return new(siowire.Packet) }}

// Receive implements engineio.Receiver.
func (c *conn) Receive(data []byte, binary bool) {
	if c.dead {
		return
	}
	p := packets.Get().(*siowire.Packet)
	complete, err := c.dec.Add(data, binary, p)
	c.size += uint32(len(data))
	switch {
	case err != nil:
		c.dead = true
		c.srv.stats.malformed.Add(1)
		c.srv.log.Debug("socketio: malformed packet", "client", c.sess.Handshake().RemoteAddr(), "error", err)
		c.close(engineio.ForcedClose, err)
	case complete:
		if c.waiting {
			c.attached()
		}
		c.packet(p)
		c.size = 0
	case !binary:
		c.awaitAttachments()
	}
	*p = siowire.Packet{}
	packets.Put(p)
}

// awaitAttachments bounds the time that a packet may wait for its attachments.
// Before a namespace is joined, the connect timeout does.
func (c *conn) awaitAttachments() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = true
	c.limitWaitLocked()
}

func (c *conn) limitWaitLocked() {
	if d := c.srv.opts.Limits.AttachmentTimeout; d > 0 && c.joined && c.waiting {
		c.srv.engine.AfterFunc(d, &c.timer, (*attachmentTimeout)(c))
	}
}

// attached ends the wait. The connect timeout, if it still runs, goes on.
func (c *conn) attached() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = false
	if c.joined {
		c.timer.Stop()
	}
}

// attachmentTimeout is the Runner of conn.timer while attachments are awaited.
type attachmentTimeout conn

func (t *attachmentTimeout) Run() {
	c := (*conn)(t)
	c.mu.Lock()
	waiting := c.waiting
	c.mu.Unlock()
	if waiting && !c.sess.Closed() {
		c.bound(BoundAttachmentTimeout)
		c.close(engineio.ForcedClose, errAttachments)
	}
}

func (c *conn) packet(p *siowire.Packet) {
	name := p.Namespace
	if p.Type == siowire.Connect {
		c.connectPacket(p)
		return
	}
	if c.sess.Protocol() == 3 {
		name, _ = siowire.SplitNamespace(name)
	}
	if p.Type != siowire.Event && p.Type != siowire.Ack && p.Type != siowire.Disconnect {
		c.invalid(p)
		return
	}
	s, left := c.find(name)
	switch {
	case s == nil && left:
		// One side has just left, or the client was refused: this was on its way
		// already, or the client does not know yet.
		c.srv.stats.ignored(IgnoreLeft)
	case s == nil:
		c.invalid(p)
	case p.Type == siowire.Event:
		if c.srv.trace().Frame != nil {
			s.frame(p.Event, int(c.size))
		}
		s.event(p, int(c.size))
	case p.Type == siowire.Ack:
		if c.srv.trace().Frame != nil {
			s.frame("", int(c.size))
		}
		s.acked(p)
	default:
		s.close(ClientNamespaceDisconnect, nil)
	}
}

// invalid ends a connection whose client and we disagree about where we are.
func (c *conn) invalid(p *siowire.Packet) {
	c.dead = true
	c.srv.stats.malformed.Add(1)
	err := fmt.Errorf("socketio: unexpected %v for namespace %s", p.Type, clip.Quoted(p.Namespace))
	c.srv.log.Debug("socketio: unexpected packet", "client", c.sess.Handshake().RemoteAddr(), "error", err)
	c.close(engineio.ForcedServerClose, err)
}

// close ends the connection after what is queued has been sent.
func (c *conn) close(reason engineio.Reason, cause error) {
	c.because(cause)
	c.sess.Close(reason)
}

// because notes why we close it. The first cause stands.
func (c *conn) because(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == nil {
		c.cause = cause
	}
}

// evict ends the connection at once, because it makes room for another. Clients
// come back by themselves.
func (c *conn) evict(reason engineio.Reason, cause error) {
	c.because(cause)
	c.sess.CloseNow(reason, cause)
}

// from is the client's address, as bounds count it.
func (c *conn) from() peers.Key { return peers.KeyOf(c.sess.Network()) }

// spare is the engine's question for a session that is no loss.
func (srv *Server) spare() *engineio.Session {
	c, ok := srv.unjoined.Pop()
	if !ok {
		return nil
	}
	return c.sess
}

func (c *conn) find(name string) (s *Socket, left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sockets {
		switch {
		case s.name != name:
		case s.state.Load() == disconnected:
			left = true // somebody is about to forget it
		default:
			return s, false
		}
	}
	return nil, left || c.left.find(name) >= 0
}

// forget takes a socket away that was disconnected or refused.
func (c *conn) forget(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.sockets, s); i >= 0 {
		c.sockets = slices.Delete(c.sockets, i, i+1)
	}
	if !c.closed {
		c.left = c.left.add(s.name)
	}
}

// Served implements engineio.Receiver: it has the inboxes worked off that got
// something, one of them right here.
func (c *conn) Served() {
	c.mu.Lock()
	s := c.ready
	c.ready = nil
	c.mu.Unlock()
	for s != nil {
		next := s.nextReady
		s.nextReady = nil
		if next == nil {
			s.Run()
			return
		}
		c.srv.engine.Go(s)
		s = next
	}
}

// serve has s worked off once this burst of input has been read. Only inside
// Receive.
func (c *conn) serve(s *Socket) {
	c.mu.Lock()
	s.nextReady = c.ready
	c.ready = s
	c.mu.Unlock()
	c.sess.Serve()
}

// stall pauses reading while an inbox is full.
func (c *conn) stall() {
	c.mu.Lock()
	if c.stalls++; c.stalls == 1 {
		c.sess.Pause()
	}
	c.mu.Unlock()
}

func (c *conn) unstall() {
	c.mu.Lock()
	if c.stalls--; c.stalls == 0 {
		c.sess.Resume()
	}
	c.mu.Unlock()
}

// Closed implements engineio.Receiver.
func (c *conn) Closed(reason engineio.Reason, cause error) {
	c.timer.Stop()
	c.mu.Lock()
	c.closed = true
	if c.cause != nil {
		cause = c.cause
	}
	sockets := slices.Clone(c.sockets)
	c.srv.unjoined.Leave(c.place)
	c.place = nil
	c.mu.Unlock()
	var stalled *engineio.BoundError
	if errors.As(cause, &stalled) && stalled.Bound == engineio.BoundStallTimeout {
		for _, s := range sockets {
			if event, held := s.holding(); held {
				cause = fmt.Errorf("event %s holds the inbox of %s: %w", clip.Quoted(event), clip.Quoted(s.name), cause)
				c.srv.log.Warn("socketio: connection closed: its handler did not return in time", "namespace", clip.Quoted(s.name), "event", clip.Quoted(event), "client", c.sess.Handshake().RemoteAddr())
			}
		}
	}
	for _, s := range sockets {
		s.close(reasonOf(reason), cause)
	}
	// Nobody calls Receive any more; what the decoder holds can go.
	c.dec.Reset()
}

func (c *conn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// disconnect disconnects all sockets and closes the connection.
func (c *conn) disconnect(tell func(*roomEvents)) {
	c.mu.Lock()
	sockets := slices.Clone(c.sockets)
	c.mu.Unlock()
	for _, s := range sockets {
		s.disconnect(false, tell)
	}
	c.sess.Close(engineio.ForcedServerClose)
}
