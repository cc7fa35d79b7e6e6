package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strings"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/id"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

var (
	errConnectTimeout = errors.New("socketio: no namespace joined within Options.ConnectTimeout")
	errUnjoined       = errors.New("socketio: too many connections that joined no namespace (Limits.MaxUnjoined)")
	errAttachments    = errors.New("socketio: attachments did not arrive in time (Limits.AttachmentTimeout)")
	errManyNamespaces = errors.New("socketio: too many namespaces on one connection (Limits.MaxNamespaces)")
)

// connectPacket takes a client's wish to join a namespace.
func (c *conn) connectPacket(p *siowire.Packet) {
	auth := p.Data
	name := p.Namespace
	if c.sess.Protocol() == 3 {
		var query string
		if name, query = siowire.SplitNamespace(name); query != "" {
			auth = queryAuth(query)
		}
		if name == "/" {
			return // it is there already
		}
	} else if !auth.IsZero() {
		p.Detach()
		auth = p.Data
	}
	c.connect(name, auth, true)
}

// queryAuth is the auth of an old client: its namespace's query.
func queryAuth(query string) siowire.Raw {
	values, err := url.ParseQuery(query)
	if err != nil || len(values) == 0 {
		return siowire.Raw{}
	}
	auth := make(map[string]string, len(values))
	for k, v := range values {
		auth[k] = v[0]
	}
	b, err := json.Marshal(auth)
	if err != nil {
		return siowire.Raw{} // cannot happen: these are strings
	}
	return siowire.RawJSON(b)
}

// connect makes a socket and leaves the rest to its inbox: middleware may
// block. reading says that this is a call inside Receive.
//
// A second CONNECT for a namespace comes from a page that calls connect() twice,
// or leaves and comes back before it was let in: then the client says nothing of
// the leaving. It counts as the same wish if it brings the same auth. There is
// one socket, and one answer, or the same answer again for a client that may not
// have listened to the first. With another auth it is a new wish: the client has
// left the old socket, and gets a new one.
func (c *conn) connect(name string, auth siowire.Raw, reading bool) {
	if ns := c.srv.known(name); ns != nil {
		name = ns.name
	} else {
		name = strings.Clone(name)
	}
	other, _ := c.find(name)
	switch {
	case other == nil:
	case !other.auth.Same(auth):
		other.close(ClientNamespaceDisconnect, nil)
	case other.state.Load() == connecting:
		return // the answer is on its way
	default:
		full, start := other.inbox.Put(&c.srv.inboxes, &task{kind: taskAgain}, 0)
		if full {
			c.stall()
		}
		if start {
			c.serve(other)
		}
		return
	}
	s := &Socket{name: name, conn: c, sess: c.sess, auth: auth}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	many := len(c.sockets) >= c.srv.opts.Limits.MaxNamespaces
	if !many {
		c.sockets = append(c.sockets, s)
		c.left.forget(name)
		c.joins++
		s.crowd = int(c.joins) > c.srv.opts.Limits.MaxNamespaces
	}
	c.mu.Unlock()
	if many {
		c.bound(BoundMaxNamespaces)
		c.dead = true
		c.close(engineio.ForcedServerClose, errManyNamespaces)
		return
	}
	if s.crowd {
		c.stall() // it leaves and comes back faster than its middleware answers
	}
	start, _ := s.inbox.Add(&c.srv.inboxes, &task{kind: taskConnect})
	switch {
	case start && reading:
		c.serve(s)
	case start:
		c.srv.engine.Go(s)
	}
}

// joinOver notes that the middleware of s has finished, one way or the other.
func (c *conn) joinOver(s *Socket) {
	c.mu.Lock()
	c.joins--
	c.mu.Unlock()
	if s.crowd {
		c.unstall()
	}
}

// join lets the client in, or says why not. It runs as the first entry of the
// socket's inbox.
func (s *Socket) join() {
	c, srv := s.conn, s.conn.srv
	if srv.draining.Load() {
		s.refuse(errNamespaceRefused)
		return
	}
	s.id = s.newSocketID()
	ctx := s.handshakeContext()
	ns, err := srv.resolve(ctx, s.name, s.Handshake(), c.from())
	if err != nil {
		if err == error(errNoNamespace) {
			srv.hintNamespace(s.name)
		}
		s.refuse(err)
		return
	}
	s.ns = ns
	defer s.vacate()

	back := ns.recovery.take(s)
	if came := back; came != nil {
		s.id = back.sid
		s.mu.Lock()
		s.data = maps.Clone(back.data)
		s.mu.Unlock()
		defer func() {
			if !s.entered {
				<-s.Context().Done() // somebody else may be ending it just now
				ns.recovery.settle(s, came, c.isClosed() || errors.Is(s.ended(), errSuperseded))
			}
		}()
	}
	if back == nil || srv.opts.Recovery.RunMiddleware {
		if !s.passes() {
			return
		}
	}
	for {
		err := s.enter(back)
		if err == nil {
			break
		}
		anew := back != nil
		if anew {
			// It was about to come back, and is a new one like any other now.
			ns.recovery.settle(s, back, false)
			ns.recovery.refuse(s, lostEvents)
			back = nil
			s.startAnew()
		}
		if err == errRemoved {
			// To make room for another, or as it was empty: its parent makes it again.
			if s.ns, err = srv.resolve(ctx, s.name, s.Handshake(), c.from()); err != nil {
				s.refuse(err)
				return
			}
		}
		if anew && !s.passes() {
			return
		}
	}
	if !s.entered {
		return // the connection was lost meanwhile
	}
	srv.traceConnected(s)
	ctx = s.Context()
	for _, f := range s.ns.reg.load().connect {
		if err := srv.try("OnConnect", func() error { f(ctx, s); return nil }); err != nil {
			s.failed("connect", err)
		}
	}
	s.ns.recovery.settledIn(s)
}

// vacate gives up a namespace that was made for this client alone, if it has not
// come in.
func (s *Socket) vacate() {
	if ns := s.ns; !s.entered && ns != nil && ns.parent != nil {
		s.conn.srv.prune(ns)
	}
}

// passes runs the middleware, and refuses the client if one of it does.
func (s *Socket) passes() bool {
	for _, f := range s.ns.reg.load().use {
		if err := s.middleware(f); err != nil {
			s.refuse(err)
			return false
		}
	}
	return true
}

// startAnew takes from a socket on its way in what its client had before.
func (s *Socket) startAnew() {
	s.id = s.newSocketID()
	s.mu.Lock()
	s.data = nil
	s.mu.Unlock()
	s.ns.index.Forget(s)
}

// Why a socket has to try again to enter.
var (
	errRemoved = errors.New("socketio: the namespace was removed meanwhile")
	errLost    = errors.New("socketio: what the client missed was given up meanwhile")
)

// enter makes the socket a connected one, unless its connection is lost. The
// error is errRemoved or errLost. Under the locks, what is sent here comes
// before everything that others send to the socket.
func (s *Socket) enter(back *absent) error {
	ns := s.ns
	ev := ns.roomEvents()
	defer ev.send()
	var resent []fate
	defer func() {
		for _, r := range resent {
			_ = s.counted(r.event, r.size, r.err) // by which the socket's end has begun
		}
	}()
	ns.recovery.lock()
	defer ns.recovery.unlock()
	switch {
	case s.state.Load() != connecting:
		return nil
	case ns.recovery.lost(back):
		return errLost
	}
	var names []string
	if back != nil {
		names = back.rooms
	}
	open := ns.index.Insert(s, names, ev.changes(), func(joined []string) bool {
		if !s.state.CompareAndSwap(connecting, connected) {
			return false
		}
		s.entered = true
		s.conn.join()
		s.conn.srv.stats.connected.Add(1)
		if back != nil {
			for _, e := range ns.recovery.resume(s, back, joined) {
				resent = append(resent, fate{e.event, e.m.Size(), s.sess.Send(e.m, 0)})
			}
		}
		s.sendConnect()
		return true
	})
	if !open {
		return errRemoved
	}
	if ns.recovery != nil {
		ns.recovery.roam.entered(s)
	}
	ev.route()
	ns.occupy()
	return nil
}

// sendConnect tells the client that it is in.
func (s *Socket) sendConnect() {
	p := siowire.Outgoing{Type: siowire.Connect, Namespace: s.name}
	if s.conn.sess.Protocol() != 3 {
		p.Data = welcome{s.id, s.ns.recovery.enroll(s)}
	}
	s.control(p)
}

// welcome is what a CONNECT tells the client.
type welcome struct {
	SID string `json:"sid"`
	PID string `json:"pid,omitempty"`
}

// answerAgain sends what sendConnect has sent.
func (s *Socket) answerAgain() {
	if s.state.Load() != connected {
		return // the client knows, or will be told
	}
	p := siowire.Outgoing{Type: siowire.Connect, Namespace: s.name}
	if s.conn.sess.Protocol() != 3 {
		pid := ""
		if s.origin != nil {
			pid = s.origin.pid
		}
		p.Data = welcome{s.id, pid}
	}
	s.control(p)
}

// control sends a packet that is no event.
func (s *Socket) control(p siowire.Outgoing) {
	e, b, err := s.encodeOne(&p)
	if err != nil {
		s.conn.srv.log.Error("socketio: cannot encode", "packet", p.Type.String(), "error", err)
		return
	}
	_ = s.queueEncoded(e, b, 0) // it fails only with the connection; the engine counts it
}

// refuse tells the client why it is not let in, as far as it may know.
func (s *Socket) refuse(err error) {
	srv := s.conn.srv
	if !s.state.CompareAndSwap(connecting, disconnected) {
		return
	}
	srv.stats.refused.Add(1)
	s.conn.forget(s)
	s.vacate() // a client that knows may want another one at once
	s.endContext(ForcedServerClose)
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Message: "internal error"}
		srv.log.Warn("socketio: connection refused", "namespace", clip.Quoted(s.name), "error", err, "client", s.sess.Handshake().RemoteAddr())
	}
	if err == error(errNoNamespace) && !srv.opts.Dev { // else there was a line that says more
		srv.log.Warn("socketio: a client asks for a namespace that there is not; Server.Of, OfPattern and OfFunc make them", "namespace", clip.Quoted(s.name), "client", s.sess.Handshake().RemoteAddr())
	}
	var data any
	switch {
	case s.conn.sess.Protocol() == 3 && err == error(errNoNamespace):
		data = map[string]any{"message": e.Message}
	case s.conn.sess.Protocol() == 3:
		if data = e.Data; data == nil {
			data = e.text()
		}
	default:
		body := map[string]any{"message": e.text()}
		switch {
		case e.Data != nil:
			body["data"] = e.Data
		case e.Code != "":
			body["data"] = map[string]any{"code": e.Code}
		}
		data = body
	}
	s.control(siowire.Outgoing{Type: siowire.ConnectError, Namespace: s.name, Data: data})
}

func (s *Socket) newSocketID() string {
	if s.conn.sess.Protocol() != 3 {
		if c := s.conn.srv.cluster; c != nil {
			return id.Tagged(c.forward.Tag())
		}
		return id.New()
	}
	if s.name == "/" {
		return s.conn.sess.ID()
	}
	return s.name + "#" + s.conn.sess.ID()
}

func (s *Socket) middleware(f func(context.Context, *Socket) error) error {
	ctx := s.Context()
	return s.conn.srv.try("Use", func() error { return f(ctx, s) })
}
