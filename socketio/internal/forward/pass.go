package forward

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/host"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
)

// A Failure is why a request was not passed on, and not answered.
type Failure struct {
	Status int    // 0: as if nobody had the session
	Text   string // for the answer; "" is the usual one
}

// A hop is a request that is passed on.
type hop struct {
	f     *Forwarder
	to    *peer
	ctx   context.Context
	end   context.CancelCauseFunc
	stop  []func() bool // what would end it: first, that the client goes
	place peers.Place[ending]

	broken bool // the client has a part of the answer, and gets no more
}

// ending is what can be told that it has to make room.
type ending interface{ evict() }

func (h *hop) evict() { h.end(errEvicted) }

var (
	errGone    = errors.New("forward: the node is gone")
	errBody    = errors.New("forward: the client did not send the body")
	errEvicted = errors.New("forward: too many requests are passed on, and one made room")
)

const stickyText = "Session ID unknown: it is another node's, and requests are not passed on there. " +
	"The balancer should send all requests of a session to the same node, or the nodes need --cluster-advertise and --cluster-secret-file (ClusterOptions.Advertise and Secret)"

var stopped = &Failure{Status: http.StatusServiceUnavailable, Text: "Server is shutting down"}

var full = &Failure{Status: http.StatusServiceUnavailable, Text: "Too many requests of other nodes' sessions (the server's option ClusterOptions.MaxForwards)"}

// Pass passes r on, and answers it. If it could not, nothing has been written. If
// an answer breaks off, it panics with http.ErrAbortHandler, so that the client
// does not take a part for the whole.
// from is the client's address. take, if it is not nil, may take the connection of
// r over, which is no request for a WebSocket, and whose body is handed to it: it
// returns what is to be done then, or nil if it has not.
func (f *Forwarder) Pass(w http.ResponseWriter, r *http.Request, t *Target, from peers.Key, upgrade bool, take func(body []byte) func()) *Failure {
	h := &hop{f: f}
	h.place.Value = h
	h.ctx, h.end = context.WithCancelCause(f.ctx)
	h.stop = append(h.stop, context.AfterFunc(r.Context(), func() { h.end(context.Cause(r.Context())) }))
	old, pushed, ok := f.places.Enter(from, &h.place)
	if pushed {
		old.evict()
	}
	if !ok {
		h.over()
		return f.full(t)
	}
	if h.to = f.choose(h.ctx, r, t); h.to.base == nil {
		h.over()
		f.count("unset", h.to.Node)
		f.complain("a request is for another node's session: the balancer does not send all requests of a session to the same node", h.to.ID,
			"session's", label(h.to.Node), "reached", label(f.cfg.Self), "hint", h.to.why+"; or have the balancer be sticky")
		return &Failure{Text: stickyText}
	}
	h.stop = append(h.stop, context.AfterFunc(h.to.ctx, func() { h.end(errGone) }))
	var failure *Failure
	if upgrade {
		failure = h.splice(w, r)
	} else {
		failure = h.exchange(w, r, take)
	}
	if h.broken {
		abort(w, r)
	}
	return failure
}

// abort ends an answer of which a part was written, as one that is broken.
func abort(w http.ResponseWriter, r *http.Request) {
	_ = host.SetWriteDeadline(w, past()) // for middleware that does not let a panic through
	if r.Context().Value(http.ServerContextKey) != nil {
		panic(http.ErrAbortHandler) // a server of the usual kind waits for that
	}
}

// full is what becomes of a request for which there is no room.
func (f *Forwarder) full(t *Target) *Failure {
	f.count("full", t.peers[0].Node)
	f.complain("too many requests are passed on to other nodes", "", "option", "ClusterOptions.MaxForwards", "is", f.cfg.Max)
	return full
}

// over ends a hop.
func (h *hop) over() {
	for _, stop := range h.stop {
		stop()
	}
	h.end(nil)
	h.f.places.Leave(&h.place)
}

// choose is the node that has the session, where several have the same tag.
func (f *Forwarder) choose(ctx context.Context, r *http.Request, t *Target) *peer {
	if len(t.peers) == 1 {
		return t.peers[0]
	}
	for _, p := range t.peers {
		if p.base == nil {
			continue
		}
		if f.has(ctx, p, r) {
			return p
		}
	}
	return t.peers[0] // who says that there is no such session
}

// has asks a node whether it has the session of r.
func (f *Forwarder) has(ctx context.Context, p *peer, r *http.Request) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*dialTimeout)
	defer cancel()
	l, err := p.links.get(ctx)
	if err != nil {
		return false
	}
	resp, err := l.ask(ctx, f.request(p, r, http.MethodHead))
	if err != nil || resp.Close {
		_ = l.nc.Close()
	} else {
		p.links.put(l)
	}
	return err == nil && resp.StatusCode == http.StatusNoContent
}

// request is r as it goes to a node, without a body.
func (f *Forwarder) request(p *peer, r *http.Request, method string) *http.Request {
	u := *r.URL
	if asked, err := url.ParseRequestURI(target(r)); err == nil {
		u = *asked // whoever is in front may have cut something off r.URL
	}
	u.Scheme, u.Host, u.User, u.Fragment = p.base.Scheme, p.base.Host, nil, ""
	out := &http.Request{Method: method, URL: &u, Host: cmp.Or(r.Host, u.Host), Header: endToEnd(r.Header), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	out.Header[Header] = []string{f.sign(p.ID, method, u.RequestURI(), out.Host, r.RemoteAddr, r.TLS != nil, time.Now())}
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = nil // none, rather than Go's
	}
	return out
}

// exchange passes on a request that is none for a WebSocket.
func (h *hop) exchange(w http.ResponseWriter, r *http.Request, take func(body []byte) func()) *Failure {
	defer h.over()
	_ = host.SetReadDeadline(w, time.Time{}) // not all writers can: then there is none to lift
	_ = host.SetWriteDeadline(w, time.Time{})
	var begin []byte
	if n := r.ContentLength; n > 0 && n <= int64(len(buffer{})) {
		buf := buffers.Get().(*buffer)
		defer buffers.Put(buf)
		begin = buf[:n]
		if err := h.small(w, r, begin); err != nil {
			return h.failed(w, r, err)
		}
	}
	if take != nil && (begin != nil || r.ContentLength == 0) {
		if start := take(begin); start != nil {
			h.over()
			start()
			return nil
		}
	}
	l, err := h.to.links.get(h.ctx)
	if err != nil {
		return h.failed(w, r, err)
	}
	out := h.f.request(h.to, r, r.Method)
	if begin != nil {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(begin)), r.ContentLength
	}
	if begin != nil || r.ContentLength == 0 {
		resp, err := l.ask(h.ctx, out)
		return h.finish(w, r, l, resp, err)
	}
	// Who has no use for the body may answer before it has come.
	h.awaitBody(w)
	body := &clientBody{from: r.Body, w: w}
	out.Body, out.ContentLength = body, r.ContentLength
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if err := l.send(out); err != nil {
			_ = l.nc.SetReadDeadline(time.Now().Add(time.Second)) // there may be an answer that says why
		}
	}()
	stop := context.AfterFunc(h.ctx, func() { _ = l.nc.SetDeadline(past()) })
	resp, err := l.hear(h.ctx, out)
	stop()
	if !body.complete() { // the rest is of no interest
		if resp != nil {
			resp.Close = true
		}
		w.Header().Set("Connection", "close")
		_ = host.SetReadDeadline(w, past())
	}
	<-sent
	if resp == nil && !body.complete() && h.ctx.Err() == nil {
		h.end(errBody)
	}
	return h.finish(w, r, l, resp, err)
}

// awaitBody sets the time that a body has.
func (h *hop) awaitBody(w http.ResponseWriter) {
	if d := h.f.cfg.BodyTimeout; d > 0 {
		_ = host.SetReadDeadline(w, time.Now().Add(d))
	}
}

// small reads a body that has room in a buffer, so that all goes to the node at
// once.
func (h *hop) small(w http.ResponseWriter, r *http.Request, all []byte) error {
	h.awaitBody(w)
	stop := context.AfterFunc(h.ctx, func() { _ = host.SetReadDeadline(w, past()) })
	_, err := io.ReadFull(r.Body, all)
	if inTime := stop(); err == nil && inTime {
		_ = host.SetReadDeadline(w, time.Time{})
		return nil
	}
	h.end(errBody) // if nothing else has ended it
	w.Header().Set("Connection", "close")
	return cmp.Or(err, context.Cause(h.ctx))
}

// finish passes on an answer, or says that there is none, and gives the link back
// if it can be used again.
func (h *hop) finish(w http.ResponseWriter, r *http.Request, l *link, resp *http.Response, err error) *Failure {
	if err != nil {
		_ = l.nc.Close()
		return h.failed(w, r, err)
	}
	whole, failure := h.answer(w, r, l, resp)
	if whole && !resp.Close {
		h.to.links.put(l)
	} else {
		_ = l.nc.Close()
	}
	return failure
}

// failed is what becomes of a request that its node has not answered.
func (h *hop) failed(w http.ResponseWriter, r *http.Request, err error) *Failure {
	switch cause := context.Cause(h.ctx); {
	case errors.Is(cause, errEvicted):
		h.f.count("full", h.to.Node)
		return full
	case r.Context().Err() != nil && !errors.Is(cause, errGone): // net/http takes a body that does not come for that, too
		h.f.count("canceled", h.to.Node)
		return nil // there is nobody to answer
	case h.f.ctx.Err() != nil:
		h.f.count("canceled", h.to.Node)
		return stopped
	case errors.Is(cause, errBody):
		h.f.count("canceled", h.to.Node)
		return new(Failure)
	}
	return h.f.unreached(h.to, err)
}

// unreached is what becomes of a request that cannot be passed on, or is not
// answered.
func (f *Forwarder) unreached(to *peer, err error) *Failure {
	f.count("unreachable", to.Node)
	f.complain("a request for another node's session could not be passed on", to.ID, "node", label(to.Node), "address", to.base.String(), "error", err)
	return new(Failure)
}

// refusedBy is what becomes of a request that a node does not believe.
func (f *Forwarder) refusedBy(to *peer) *Failure {
	f.count("refused", to.Node)
	f.complain("another node does not believe that this one has passed a request on", to.ID, "node", label(to.Node),
		"hint", "the clocks of the two differ, or a proxy between them changes Host or the path: the address should lead to the node itself (--cluster-advertise, ClusterOptions.Advertise)")
	return &Failure{Text: stickyText}
}

// answer passes on what the node has answered. whole: all of it has come.
func (h *hop) answer(w http.ResponseWriter, r *http.Request, l *link, resp *http.Response) (whole bool, _ *Failure) {
	if resp.Header.Get(Header) == refused {
		return false, h.f.refusedBy(h.to)
	}
	header := w.Header()
	for k, values := range endToEnd(resp.Header) {
		header[k] = values
	}
	deadline := func() {
		if d := h.f.cfg.WriteTimeout; d > 0 {
			_ = host.SetWriteDeadline(w, time.Now().Add(d))
		}
	}
	deadline()
	later := host.HoldsBack(w)
	w.WriteHeader(resp.StatusCode)
	buf := buffers.Get().(*buffer)
	defer buffers.Put(buf)
	counted := false
	whole, err := l.watched(h.ctx, resp.Body, buf[:], func(b []byte, last bool) bool {
		deadline()
		if last { // the client may have its next request here before this one is over
			h.f.places.Leave(&h.place)
			h.f.count("passed", h.to.Node)
			counted = true
		}
		if host.Write(w, b) != nil {
			return false
		}
		if !last && !later {
			_ = host.Flush(w) // a writer that cannot holds it back, and the client gets it all the same
		}
		return true
	})
	_ = host.SetWriteDeadline(w, time.Time{}) // what comes next on the connection is none of ours
	switch {
	case counted:
	case err == nil:
		h.f.count("passed", h.to.Node)
	case err == errTaken, r.Context().Err() != nil:
		h.f.count("canceled", h.to.Node)
	default:
		h.f.count("unreachable", h.to.Node)
	}
	h.broken = err != nil
	return whole, nil
}

type buffer [8 << 10]byte

// Release implements netpoll.Owner.
func (b *buffer) Release() { buffers.Put(b) }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// endToEnd are the header fields that are not for the next connection only.
func endToEnd(h http.Header) http.Header {
	var named []string
	for _, v := range h["Connection"] {
		for name := range strings.SplitSeq(v, ",") {
			named = append(named, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	out := make(http.Header, len(h)+1)
	for k, values := range h {
		switch k {
		case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", Header:
			continue
		}
		if !slices.Contains(named, k) {
			out[k] = values
		}
	}
	return out
}

// clientBody is the body of a client's request. It has its time to come; the
// answer may take longer.
type clientBody struct {
	from io.ReadCloser
	w    http.ResponseWriter
	all  atomic.Bool
}

func (b *clientBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if err == io.EOF {
		b.all.Store(true)
		_ = host.SetReadDeadline(b.w, time.Time{})
	}
	return n, err
}

func (b *clientBody) Close() error { return b.from.Close() }

// complete reports whether all of it has come.
func (b *clientBody) complete() bool { return b.all.Load() }
