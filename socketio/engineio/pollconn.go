package engineio

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
)

// A poll that is held by a goroutine of net/http costs tens of kilobytes. So a
// connection on which a session polls or posts is taken over, if it is a plain
// TCP connection and nobody wants to see each request: it costs no goroutine
// while a poll is held, and the requests that usually follow on it are read
// here. Any other request sends the connection back to where it came from: its
// http.Server gets it again, with what was read of it, and serves it as if
// nothing had been.

// pollConn is such a connection. It is the handler of its netpoll.Conn, and
// the waiter of its poll. One request is answered at a time; in the beginning
// it is the one with which the connection was taken over.
type pollConn struct {
	srv    *Server
	host   *http.Server
	c      *netpoll.Conn // set before a request is answered
	fields *answerFields
	path   string // of requests that are ours, as they name it
	name   string // Host
	origin string

	// These belong to whoever reads, or answers while nobody reads requests.
	in     []byte   // input that is not a whole request, or that came too early
	accept string   // Accept-Encoding of the request that is answered
	half   *Session // of which a POST has come in part
	left   bool     // OnReadable has left input for after the answer

	mu     sync.Mutex
	busy   bool     // a request is being answered
	early  bool     // input has come meanwhile
	begun  bool     // a part of a request has come
	end    bool     // the connection ends with the next answer
	gone   bool     // it has ended
	s      *Session // whose poll is open
	served *Session // whose Served is wanted
	timer  wheel.Timer

	answered *Session // whose poll the last answer was, unless that has been taken
	writing  bool     // the timer is that of the last answer

	poll poll // of s; guarded by its mu
}

// adopt takes over the connection of a request that is not answered yet. It
// returns nil if that cannot be, and then nothing has happened.
func (srv *Server) adopt(w http.ResponseWriter, r *http.Request) *pollConn {
	if !srv.adoptable(w.Header(), r) {
		return nil
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	p := &pollConn{
		srv: srv, path: strings.Clone(path), name: strings.Clone(r.Host), busy: true,
		origin: strings.Clone(r.Header.Get("Origin")), accept: strings.Clone(r.Header.Get("Accept-Encoding")),
		fields: srv.answers.get(w.Header()),
	}
	p.host, _ = r.Context().Value(http.ServerContextKey).(*http.Server)
	nc, pre, err := takeOver(w)
	if err != nil {
		return nil
	}
	if !srv.poller.Takes(nc) {
		// It is of a kind of its own, and could not be given back. Its answer is
		// the last one, and others like it are left alone.
		p.end = true
		srv.foreign.Store(true)
	}
	p.start(nc, pre)
	return p
}

// adoptable reports whether a connection may be taken over. Those who want to
// see or change each request or answer prevent it.
func (srv *Server) adoptable(header http.Header, r *http.Request) bool {
	o := &srv.opts
	if o.DisablePoller || o.OnHeaders != nil || len(o.Middleware) > 0 || srv.foreign.Load() || srv.closing.Load() {
		return false
	}
	if r.TLS != nil || r.Close || r.ProtoMajor != 1 || r.ProtoMinor != 1 {
		return false
	}
	if header.Get("Content-Encoding") != "" || header.Get("Set-Cookie") != "" || header.Get("Connection") != "" {
		return false
	}
	switch r.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.TCPAddr, *net.UnixAddr:
	default:
		return false
	}
	host, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	return ok && host != nil && !looksAtConns(host)
}

// looksAtConns reports whether the application has functions that its
// http.Server calls with connections or listeners. A connection that is given
// back is none of those it knows: a function that insists on a *net.TCPConn
// would panic where nobody can recover.
func looksAtConns(host *http.Server) bool {
	return host.BaseContext != nil || host.ConnContext != nil || host.ConnState != nil
}

// start gives the connection to the poller.
func (p *pollConn) start(nc net.Conn, pre []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.srv.conns.add(p) {
		_ = nc.Close()
		p.gone = true
		return
	}
	p.srv.hold()
	c, err := p.srv.poller.Add(nc, pre, p)
	if err != nil {
		p.gone = true
		p.srv.conns.remove(p)
		p.srv.unhold()
		return
	}
	c.SetMaxQueue(-1) // one answer at a time: the session's queue has the bound
	p.c = c
}

// hold makes the request that is answered a poll of s.
func (p *pollConn) hold(s *Session) {
	p.mu.Lock()
	if p.gone {
		p.mu.Unlock()
		return // it was not even begun
	}
	p.s, p.answered = s, nil
	p.poll = poll{task: p}
	p.timer.Stop()
	p.mu.Unlock()
	ready, ok := s.startPoll(&p.poll)
	if !ok {
		p.mu.Lock()
		p.s = nil
		p.mu.Unlock()
		p.refuse(s, refusal{code: BadRequest, name: "OVERLAP"})
		return
	}
	p.mu.Lock()
	gone := p.gone
	p.mu.Unlock()
	switch {
	case gone:
		s.abandon(&p.poll)
	case ready:
		p.Run()
	}
}

// wake implements waiter: the answer is written when the input that is there
// has been handled, with all that has gathered by then.
func (p *pollConn) wake() { p.srv.poller.Go(p) }

// Run answers the poll.
func (p *pollConn) Run() {
	p.mu.Lock()
	s := p.s
	p.s, p.answered = nil, s
	p.mu.Unlock()
	if s == nil {
		return // the client has gone
	}
	batch := s.take(&p.poll)
	end := p.ending(s)
	if p.respond(p.srv.pollAnswer(s, batch, p.fields, p.accept, end), end) != nil {
		s.shut(TransportError, errPollAborted, false)
	}
}

// ending reports whether the answer to come is the connection's last.
func (p *pollConn) ending(s *Session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end || p.srv.closing.Load() && s.state.Load() == stateClosed
}

// post takes the packets of a POST of s.
func (p *pollConn) post(s *Session, body []byte) {
	p.mu.Lock()
	p.answered = nil
	p.mu.Unlock()
	if !s.startPost() {
		p.refuse(s, refusal{code: BadRequest, name: "OVERLAP"})
		return
	}
	serve, err := s.receivePayload(s.textForm(), body)
	s.posted()
	if err != nil {
		p.refuse(s, refusal{code: BadRequest, name: "PARSE_ERROR", err: err})
	} else {
		p.respondPosted(s)
	}
	if serve {
		p.mu.Lock()
		other := p.served
		p.served = s
		p.mu.Unlock()
		if other != nil && other != s {
			p.srv.poller.Go((*serveTask)(other))
		}
		p.c.Serve()
	}
}

func (p *pollConn) respondPosted(s *Session) {
	if !p.ending(s) {
		_ = p.respond(p.fields.posted(), false) // a client that has gone is noticed elsewhere
		return
	}
	b := p.fields.appendHead(nil, http.StatusOK, "text/html", "", len(okBody), true)
	_ = p.respond(append(b, okBody...), true)
}

// refuse answers a request that is not served.
func (p *pollConn) refuse(s *Session, no refusal) {
	body := p.srv.refusal(&no, &http.Request{Method: http.MethodGet, Host: p.name, URL: &url.URL{Path: p.path}, Header: http.Header{"Host": {p.name}}})
	end := p.ending(s)
	b := p.fields.appendHead(nil, no.status, "application/json", "", len(body), end)
	_ = p.respond(append(b, body...), end)
}

// respond writes an answer, after which the next request is read.
func (p *pollConn) respond(b []byte, end bool) error {
	if p.c == nil {
		return net.ErrClosed
	}
	if err := p.c.Write(b); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return nil
	}
	if end {
		p.end = true
		p.c.CloseWrite()
		p.deadline(hangUp)
		return nil
	}
	p.busy = false
	if w, idle := p.srv.opts.WriteTimeout, p.srv.opts.IdleTimeout; w > 0 && (w < idle || idle < 0) {
		p.deadline(w)
		p.writing = true
	} else {
		p.deadline(idle)
	}
	if p.early {
		p.early = false
		p.c.Wake()
	}
	return nil
}

// deadline closes the connection after d. p.mu is held.
func (p *pollConn) deadline(d time.Duration) {
	p.writing = false
	if d < 0 {
		p.timer.Stop()
		return
	}
	p.srv.wheel.After(d, &p.timer, (*pollDeadline)(p))
}

type pollDeadline pollConn

func (d *pollDeadline) Run() {
	p := (*pollConn)(d)
	p.mu.Lock()
	if p.timer.Pending() || p.s != nil {
		p.mu.Unlock()
		return // it is of no interest any more
	}
	why, s := errIdle, p.answered
	switch {
	case !p.writing:
		s = nil
	case p.c.Queued() > 0:
		why = errAnswer
	default: // the answer has been taken, and the rest of the time begins
		idle := p.srv.opts.IdleTimeout
		if idle > 0 {
			idle -= p.srv.opts.WriteTimeout
		}
		p.answered = nil
		p.deadline(idle)
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	p.c.Close(why)
	if s != nil {
		s.shut(TransportError, why, false)
	}
}

var (
	errIdle   = errors.New("engineio: no request came in time")
	errAnswer = errors.New("engineio: the client did not take an answer in time")
)

// closeIdle ends a connection on which nothing is going on. Any other ends with
// the last answer of its session.
func (p *pollConn) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.busy && !p.gone {
		p.busy, p.end = true, true // what comes now comes too late
		p.c.CloseWrite()
		p.deadline(hangUp)
	}
}

// OnServed implements netpoll.Handler.
func (p *pollConn) OnServed(*netpoll.Conn) {
	p.mu.Lock()
	s := p.served
	p.served = nil
	p.mu.Unlock()
	if s != nil {
		(*serveTask)(s).Run()
	}
}

// OnClose implements netpoll.Handler.
func (p *pollConn) OnClose(*netpoll.Conn, error) {
	p.mu.Lock()
	p.gone = true
	s := p.s
	p.s, p.answered = nil, nil
	p.timer.Stop()
	p.mu.Unlock()
	if s != nil {
		s.abandon(&p.poll)
	}
	if p.half != nil {
		p.half.shut(TransportError, errPostAborted, false)
	}
	p.srv.conns.remove(p)
	p.srv.unhold()
}
