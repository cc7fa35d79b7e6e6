package engineio

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"unique"

	"github.com/sockeye-io/sockeye/socketio/internal/forward"
	"github.com/sockeye-io/sockeye/socketio/internal/httpconn"
)

// A poll that is held by a goroutine of net/http costs tens of kilobytes. So a
// connection on which a session polls or posts is taken over, if nobody wants to
// see each request, and what usually follows on it is read by httpconn.

// pollConn is such a connection, and the waiter of its poll. In the beginning
// the request that is answered is the one with which it was taken over.
type pollConn struct {
	httpconn.Conn
	srv *Server

	// These belong to whoever reads, or answers while nobody reads requests.
	from   uint64                // see connOf; with passed that of the request that has come last
	next   *Session              // that the request that has come last is of
	accept unique.Handle[string] // Accept-Encoding of the request that is answered; few differ

	passed bool // another node passes requests on over it; static
	secure bool // then: clients have come by TLS; static

	mu       sync.Mutex
	gone     bool
	s        *Session // whose poll is open
	served   *Session // whose Served is wanted
	answered *Session // whose poll the last answer was
	poll     poll     // of s; guarded by its mu
	flight   *flight  // the last one; nil if there was none
}

// mayAdopt reports whether the connection of a request may be taken over, as
// far as that can be said before header fields of ours are set: those who want
// to see or change each request or answer prevent it.
func (srv *Server) mayAdopt(w http.ResponseWriter, r *http.Request) bool {
	o := &srv.opts
	if o.DisablePoller || o.OnHeaders != nil || len(o.Middleware) > 0 || srv.closing.Load() {
		return false
	}
	return srv.conns.Takes(w, r) && (r.Header.Get("Origin") == "" || isFixed(o.Origins) && (o.CORS == nil || isFixed(o.CORS.Origins)))
}

// adopt takes over the connection of a request that is not answered yet. It
// returns nil if that cannot be, and then nothing has happened.
func (srv *Server) adopt(w http.ResponseWriter, r *http.Request, q *query) *pollConn {
	if q.j != "" || !q.adopt {
		return nil
	}
	p := new(pollConn)
	p.begin(srv, r)
	if srv.forward != nil && forward.Passed(r) {
		p.passed, p.secure = true, r.TLS != nil
	}
	srv.live.Add(1)
	if !srv.conns.Take(&p.Conn, p, w, r) {
		srv.live.Add(-1)
		return nil
	}
	return p
}

// begin makes p a connection on which r was asked.
func (p *pollConn) begin(srv *Server, r *http.Request) {
	p.srv, p.accept, p.from = srv, keepAccept(r.Header.Get("Accept-Encoding")), srv.connOf(r)
}

// keepAccept is an Accept-Encoding to be kept with a connection.
func keepAccept[T string | []byte](accept T) unique.Handle[string] {
	if len(accept) > 100 {
		return unique.Make("") // no client's
	}
	return unique.Make(string(accept))
}

// Mine implements httpconn.Handler.
func (p *pollConn) Mine(r *httpconn.Request) bool {
	q, ok := p.polls(r)
	return ok && !r.Octets && p.has(&q)
}

// polls reports whether r is a poll or a POST as they are read here, of whatever
// session.
func (p *pollConn) polls(r *httpconn.Request) (q query, ok bool) {
	p.next = nil
	if p.passed != (r.Mark != nil) || p.passed && !p.arrived(r) {
		return q, false
	}
	if limit := p.srv.opts.MaxPayload; limit >= 0 && int64(r.Length) > limit {
		return q, false
	}
	q = parseQuery(string(r.Query))
	return q, q.transport == pollingName && q.hasSID && q.j == ""
}

// has reports whether there is the session that q names.
func (p *pollConn) has(q *query) bool {
	if s, no := p.srv.find(q, false); no == nil {
		p.next = s
	}
	return p.next != nil
}

// arrived looks whether another node has passed r on, for a client as those
// before it. If not, net/http asks for it again, and it is refused there.
func (p *pollConn) arrived(r *httpconn.Request) bool {
	remote, secure, ok := p.srv.forward.Judge(r)
	p.from = p.srv.connAt(remote)
	return ok && secure == p.secure
}

// Serve implements httpconn.Handler.
func (p *pollConn) Serve(r *httpconn.Request) {
	if p.passed {
		p.srv.forward.Served(r)
	}
	if string(r.Accept) != p.accept.Value() {
		p.accept = keepAccept(r.Accept)
	}
	s := p.next
	p.next = nil
	if r.Post {
		p.post(s, r)
	} else {
		p.hold(s, r)
	}
}

// hold makes the request that is answered a poll of s. r is nil if it is the one
// with which the connection was taken over.
func (p *pollConn) hold(s *Session, r *httpconn.Request) {
	p.mu.Lock()
	if p.gone {
		p.mu.Unlock()
		return // it was not even begun
	}
	p.s, p.answered = s, nil
	p.poll = poll{task: p}
	p.mu.Unlock()
	ready, ok := s.startPoll(&p.poll)
	if !ok {
		p.mu.Lock()
		p.s = nil
		p.mu.Unlock()
		p.refuse(s, r, refusal{code: BadRequest, name: "OVERLAP"})
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
	if batch == nil {
		p.refuse(s, nil, overtaken)
		return
	}
	last := p.last(s)
	b := p.srv.pollAnswer(s, batch, p.Fields(), p.accept.Value(), last)
	var err error
	if len(b) <= smallAnswer {
		err = p.Answer(b, last)
	} else if f := p.fly(s, len(b)); f != nil {
		err = p.AnswerOwned(b, last, f)
	} else {
		err = net.ErrClosed
	}
	if err != nil {
		s.shut(TransportError, errPollAborted, false)
	}
}

// last reports whether the answer to come is the connection's last.
func (p *pollConn) last(s *Session) bool {
	return p.Last() || p.srv.closing.Load() && s.state.Load() == stateClosed
}

// post takes the packets of a POST of s.
func (p *pollConn) post(s *Session, r *httpconn.Request) {
	p.mu.Lock()
	p.answered = nil
	p.mu.Unlock()
	if !s.startPost() {
		p.refuse(s, r, refusal{code: BadRequest, name: "OVERLAP"})
		return
	}
	serve, err := s.receivePayload(s.textForm(), r.Body)
	p.srv.farewells.on(s, p.from)
	s.posted()
	if err != nil {
		p.refuse(s, r, refusal{code: BadRequest, name: "PARSE_ERROR", err: err})
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
		p.Conn.Serve()
	}
}

func (p *pollConn) respondPosted(s *Session) {
	if !p.last(s) {
		_ = p.Answer(p.Fields().Brief("text/html", okBody), false) // a client that has gone is noticed elsewhere
		return
	}
	b := p.Fields().AppendHead(nil, http.StatusOK, "text/html", "", len(okBody), true)
	_ = p.Answer(append(b, okBody...), true)
}

// refuse answers a request that is not served. s is its session.
func (p *pollConn) refuse(s *Session, r *httpconn.Request, no refusal) {
	body := p.srv.refusal(&no, asked(s, r))
	last := p.last(s)
	b := p.Fields().AppendHead(nil, no.status, "application/json", "", len(body), last)
	_ = p.Answer(append(b, body...), last)
}

// asked is r, a request of s, as hooks and the log know it. Without r it is the
// request that opened s, as far as that is the same.
func asked(s *Session, r *httpconn.Request) *http.Request {
	var h *http.Request
	if r != nil {
		h = readHead(r.Head)
	}
	if h == nil {
		path, _, _ := strings.Cut(s.hs.URL(), "?")
		h = &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, Host: s.hs.HeaderValue("Host"), Header: http.Header{}}
	}
	h.RemoteAddr = s.hs.RemoteAddr()
	h.Header.Del(httpconn.Mark)
	return h
}

// readHead is a request, as net/http reads it, by its head; nil if that is not
// whole.
func readHead(head []byte) *http.Request {
	h, _ := http.ReadRequest(bufio.NewReader(bytes.NewReader(head))) // nil with an error
	return h
}

// Served implements httpconn.Handler.
func (p *pollConn) Served() {
	p.mu.Lock()
	s := p.served
	p.served = nil
	p.mu.Unlock()
	if s != nil {
		(*serveTask)(s).Run()
	}
}

// Closed implements httpconn.Handler.
func (p *pollConn) Closed(cause error, half bool) {
	p.mu.Lock()
	p.gone = true
	s, answered := p.s, p.answered
	p.s, p.answered = nil, nil
	for f := p.flight; f != nil; f = f.before {
		f.s.flying.Add(-f.left.Swap(0))
	}
	p.mu.Unlock()
	if s != nil {
		s.abandon(&p.poll)
	}
	if errors.Is(cause, httpconn.ErrAnswer) && answered != nil {
		answered.shut(TransportError, cause, false)
	}
	if half && p.next != nil {
		p.next.shut(TransportError, errPostAborted, false)
	}
	p.srv.live.Add(-1)
}

// smallAnswer is up to which size an answer to a poll does not count against
// MaxQueue while it is on its way: a connection has few of them.
const smallAnswer = 16 << 10

// flight is the part of an answer to a poll that the client has not taken, and
// that counts against the bound of its session.
type flight struct {
	s      *Session
	left   atomic.Int32
	before *flight // the one before, while its last bytes are on their way too; guarded by the connection's mu
}

// fly counts an answer of n bytes, unless the connection has ended: then it
// returns nil.
func (p *pollConn) fly(s *Session, n int) *flight {
	f := &flight{s: s}
	f.left.Store(int32(n))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return nil
	}
	if b := p.flight; b != nil && b.left.Load() > 0 {
		f.before, b.before = b, nil
	}
	p.flight = f
	s.flying.Add(int32(n))
	return f
}

// Release implements netpoll.Owner: one more piece has left.
func (f *flight) Release() {
	n := min(f.left.Load(), httpconn.Piece)
	f.left.Add(-n)
	f.s.flying.Add(-n)
}
