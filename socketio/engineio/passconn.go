package engineio

import (
	"net"
	"net/http"
	"net/url"

	"github.com/sockeye-io/sockeye/socketio/internal/forward"
	"github.com/sockeye-io/sockeye/socketio/internal/httpconn"
)

// passConn is a pollConn on which requests for other nodes' sessions have come: it
// passes them on, and answers those for sessions that are here. It is a type of its
// own for its size: most nodes have none.
type passConn struct {
	pollConn
	remote string          // the other end; static
	strict bool            // what is in front says who the client is, for each request; static
	to     *forward.Target // of whoever reads: where the request that has come last is to go

	relay *forward.Relay // the last one; guarded by mu
}

// adoptToPass takes over the connection of a request that is to be passed on, and
// that is not answered yet. It returns what passes it on; nil if nothing has
// happened.
func (srv *Server) adoptToPass(w http.ResponseWriter, r *http.Request, body []byte, t *forward.Target) func() {
	first := httpconn.Again(r, body)
	if first == nil || first.Mark != nil || !srv.forward.Relays(t, len(body)) {
		return nil
	}
	header := w.Header()
	nc, pre, err := httpconn.Hijack(w)
	if err != nil {
		return nil
	}
	p := &passConn{remote: r.RemoteAddr, to: t}
	p.strict = p.remote != remoteOf(nc)
	p.begin(srv, r)
	srv.live.Add(1)
	srv.conns.TakeHijacked(&p.Conn, p, header, r, nc, pre)
	return func() { p.pass(first, t) }
}

// remoteOf is the other end as net/http has it.
func remoteOf(nc net.Conn) string {
	if a := nc.RemoteAddr(); a != nil {
		return a.String()
	}
	return ""
}

// Mine implements httpconn.Handler.
func (p *passConn) Mine(r *httpconn.Request) bool {
	p.to = nil
	q, ok := p.polls(r)
	if !ok {
		return false
	}
	if _, here := p.srv.sessions.get(q.sid); here {
		return !r.Octets && p.has(&q)
	}
	if t := p.srv.forward.Find(q.sid); t != nil && p.srv.forward.Relays(t, r.Length) {
		p.to = t
	}
	return p.to != nil
}

// Serve implements httpconn.Handler.
func (p *passConn) Serve(r *httpconn.Request) {
	if t := p.to; t != nil {
		p.to = nil
		p.pass(r, t)
		return
	}
	p.pollConn.Serve(r)
}

// pass passes on the request that is to be answered.
func (p *passConn) pass(r *httpconn.Request, t *forward.Target) {
	from := p.srv.peers.At(p.remote, r.Values).Key
	x := p.srv.forward.Relay(t, &p.Conn, p, r, p.remote)
	p.mu.Lock()
	gone := p.gone
	if !gone {
		p.relay = x
	}
	p.mu.Unlock()
	if !gone {
		x.Start(from)
	}
}

// Last implements forward.Asker.
func (p *passConn) Last() bool { return p.strict || p.pollConn.Last() || p.srv.closing.Load() }

// Refuse implements forward.Asker.
func (p *passConn) Refuse(f *forward.Failure, head []byte) {
	r := readHead(head)
	if r == nil {
		r = &http.Request{URL: new(url.URL), Header: http.Header{}} // it was read before
	}
	r.RemoteAddr = p.remote
	r.Header.Del(httpconn.Mark)
	no := refusal{code: UnknownSID, status: f.Status, text: f.Text, context: map[string]any{"sid": r.URL.Query().Get("sid")}}
	body := p.srv.refusal(&no, r)
	last := p.Last()
	b := p.Fields().AppendHead(nil, no.status, "application/json", "", len(body), last)
	_ = p.Answer(append(b, body...), last)
}

// Drained implements httpconn.Drainer.
func (p *passConn) Drained() {
	p.mu.Lock()
	x := p.relay
	p.mu.Unlock()
	if x != nil {
		x.Drained()
	}
}

// Closed implements httpconn.Handler.
func (p *passConn) Closed(cause error, half bool) {
	p.pollConn.Closed(cause, half)
	p.mu.Lock()
	x := p.relay
	p.relay = nil
	p.mu.Unlock()
	if x != nil {
		x.Gone()
	}
}
