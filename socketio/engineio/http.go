package engineio

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/forward"
	"github.com/sockeye-io/sockeye/socketio/internal/host"
)

// ServeHTTP serves handshakes, polls, posts and upgrades, at whatever path it is
// mounted; clients expect Path.
func (srv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if srv.forward != nil && r.Header[forward.Header] != nil {
		if r = srv.forward.Arrived(w, r); r == nil {
			return
		}
	}
	srv.handler.ServeHTTP(w, r)
}

// strayBody is how long the body of a request may take to come that nobody
// reads. net/http waits for it, so that the connection can be used again.
const strayBody = 300 * time.Millisecond

// serve is behind the middleware.
func (srv *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// Whoever does read it sets another deadline.
		_ = host.SetReadDeadline(w, time.Now().Add(strayBody))
	}
	if n := srv.opts.MaxHeaderBytes; n > 0 && headSize(r) > n {
		srv.bound(BoundMaxHeaderBytes, srv.Network(r).Addr().String(), "the head of a request has more than "+strconv.Itoa(n)+" bytes")
		w.Header().Set("Connection", "close") // the next one will have it too
		srv.refuse(w, r, refusal{code: BadRequest, status: http.StatusRequestHeaderFieldsTooLarge, name: "HEADERS", text: "The request's head is too large (the server's option MaxHeaderBytes)"})
		return
	}
	upgrade := isUpgrade(r)
	passed := srv.forward != nil && forward.Passed(r)
	adopt := !upgrade && srv.mayAdopt(w, forward.Beneath(r))
	if c := srv.opts.CORS; c != nil {
		done := false
		ok := srv.guard("CORS", func() { done = c.serve(w, r, srv) })
		if done || !ok {
			return
		}
	}
	if r.ContentLength != 0 && r.Method == http.MethodGet {
		// Whether those bytes are a body or another request must not depend on
		// who reads the connection next.
		srv.refuse(w, r, refusal{code: BadRequest, name: "BODY"})
		return
	}
	q := parseQuery(r.URL.RawQuery)
	q.adopt = adopt
	if passed && srv.servePassed(w, r, &q) {
		return
	}
	s, no := srv.verify(r, &q, upgrade)
	switch {
	case no != nil && no.elsewhere != nil:
		srv.pass(w, r, &q, *no, upgrade)
	case no != nil:
		srv.refuse(w, r, *no)
	case q.transport == websocketName:
		srv.serveWebSocket(w, r, &q, s)
	case s == nil:
		srv.servePollingHandshake(w, r, &q)
	case r.Method == http.MethodGet:
		srv.servePoll(w, r, &q, s)
	case r.Method == http.MethodPost:
		srv.servePost(w, r, &q, s)
	default:
		srv.refuse(w, r, refusal{code: BadRequest, name: "METHOD"})
	}
}

// headSize is about how many bytes the head of r had.
func headSize(r *http.Request) int {
	n := len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

// isUpgrade reports whether r asks for a websocket. A proxy that does not pass
// Connection on may leave Upgrade as it was, which then means nothing (RFC 9110,
// section 7.8).
func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket") && slices.ContainsFunc(r.Header["Connection"], func(v string) bool {
		return v == "Upgrade" || strings.Contains(strings.ToLower(v), "upgrade")
	})
}

// verify checks a request in the order of the reference, whose codes depend on
// it. It returns the session that the request names.
func (srv *Server) verify(r *http.Request, q *query, upgrade bool) (*Session, *refusal) {
	o := &srv.opts
	if no := srv.checkHost(r); no != nil {
		return nil, no
	}
	if !srv.transports[q.transport] {
		return nil, &refusal{code: UnknownTransport, context: map[string]any{"transport": q.transport}}
	}
	if q.j != "" && (!o.JSONP || !digitsOnly(q.j) || q.transport != pollingName) {
		if o.JSONP {
			return nil, &refusal{code: BadRequest, name: "JSONP_INDEX"}
		}
		q.j = "" // as if it had not been asked for
	}
	var s *Session
	var wrong *refusal
	if q.hasSID {
		if s, wrong = srv.find(q, upgrade); s == nil && srv.forward != nil {
			if wrong.elsewhere = srv.elsewhere(r, q); wrong.elsewhere != nil {
				return nil, wrong
			}
		}
	}
	if no := srv.checkOrigin(r, s); no != nil {
		return nil, no
	}
	switch {
	case q.hasSID && s == nil && !upgrade && q.transport == pollingName && r.Method == http.MethodGet:
		if s = srv.farewells.session(srv, q, srv.connOf(r)); s != nil {
			return s, nil
		}
		return nil, wrong
	case q.hasSID:
		return s, wrong
	}
	if r.Method != http.MethodGet {
		return nil, &refusal{code: BadHandshakeMethod, context: map[string]any{"method": r.Method}}
	}
	if upgrade != (q.transport == websocketName) {
		return nil, &refusal{code: BadRequest, name: "TRANSPORT_HANDSHAKE_ERROR"}
	}
	if o.AllowRequest != nil {
		var err error
		if !srv.guard("AllowRequest", func() { err = o.AllowRequest(r) }) {
			err = errPanicked
		}
		if err != nil {
			return nil, &refusal{code: Forbidden, err: err, context: map[string]any{"message": err.Error()}}
		}
	}
	if v := q.revision(); v != 4 && (v != 3 || !o.AllowEIO3) {
		return nil, &refusal{code: UnsupportedProtocol, context: map[string]any{"protocol": q.eio}}
	}
	return nil, srv.admit(r)
}
