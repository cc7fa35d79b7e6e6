package engineio

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ServeHTTP serves handshakes, polls, posts and upgrades, at whatever path it is
// mounted; clients expect Path.
func (srv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	srv.handler.ServeHTTP(w, r)
}

// strayBody is how long the body of a request may take to come that nobody
// reads. net/http waits for it, so that the connection can be used again.
const strayBody = 300 * time.Millisecond

// serve is behind the middleware.
func (srv *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// Whoever does read it sets another deadline.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(strayBody))
	}
	if c := srv.opts.CORS; c != nil {
		done := false
		ok := srv.guard("CORS", func() { done = c.serve(w, r, srv.opts.Origins) })
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
	upgrade := isUpgrade(r)
	s, no := srv.verify(r, &q, upgrade)
	switch {
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

func isUpgrade(r *http.Request) bool {
	return r.Header.Get("Upgrade") != "" && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// verify checks a request in the order of the reference, whose codes depend on
// it. It returns the session that the request names.
func (srv *Server) verify(r *http.Request, q *query, upgrade bool) (*Session, *refusal) {
	o := &srv.opts
	if !srv.transports[q.transport] {
		return nil, &refusal{code: UnknownTransport, context: map[string]any{"transport": q.transport}}
	}
	if q.j != "" && (!o.JSONP || !digitsOnly(q.j) || q.transport != pollingName) {
		if o.JSONP {
			return nil, &refusal{code: BadRequest, name: "JSONP_INDEX"}
		}
		q.j = "" // as if it had not been asked for
	}
	if no := srv.checkOrigin(r); no != nil {
		return nil, no
	}
	if q.hasSID {
		s, current := srv.find(q.sid)
		if s == nil {
			return nil, &refusal{code: UnknownSID, context: map[string]any{"sid": q.sid}}
		}
		if !upgrade && current != q.transport {
			return nil, &refusal{code: BadRequest, name: "TRANSPORT_MISMATCH", context: map[string]any{"transport": q.transport, "previousTransport": current}}
		} else if upgrade && q.transport != websocketName {
			return nil, &refusal{code: BadRequest, name: "TRANSPORT_MISMATCH"}
		}
		return s, nil
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
	if q.eio != "4" && (q.eio != "3" || !o.AllowEIO3) {
		return nil, &refusal{code: UnsupportedProtocol, context: map[string]any{"protocol": q.eio}}
	}
	return nil, srv.admit(r)
}

func (srv *Server) checkOrigin(r *http.Request) *refusal {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	allowed := false
	srv.guard("Origins", func() { allowed = srv.opts.Origins.AllowOrigin(origin, r) })
	if allowed {
		return nil
	}
	return &refusal{
		code:    Forbidden,
		name:    "ORIGIN",
		text:    "Forbidden: pages of the origin " + quoteCut(origin) + " may not connect to " + quoteCut(r.Host) + " (the server's option Origins says which may)",
		context: map[string]any{"origin": origin},
	}
}

var codeText = [...]string{
	UnknownTransport:    "Transport unknown",
	UnknownSID:          "Session ID unknown",
	BadHandshakeMethod:  "Bad handshake method",
	BadRequest:          "Bad request",
	Forbidden:           "Forbidden",
	UnsupportedProtocol: "Unsupported protocol version",
}

// refusal is why a request is refused.
type refusal struct {
	code    int
	status  int    // 0 is what the code implies
	text    string // the answer's message; "" is that of the code
	name    string // the cause, for hooks and the log
	err     error
	context map[string]any
}

// refuse answers a request that is not served, the same for all transports.
func (srv *Server) refuse(w http.ResponseWriter, r *http.Request, no refusal) {
	body := srv.refusal(&no, r)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	srv.hookHeaders(h, r, nil)
	w.WriteHeader(no.status)
	_, _ = w.Write(body) // whom it would concern is gone
}

// refusal completes no, tells of it, and returns the body that says so.
func (srv *Server) refusal(no *refusal, r *http.Request) []byte {
	if no.text == "" {
		no.text = codeText[no.code]
	}
	if no.status == 0 {
		no.status = http.StatusBadRequest
		if no.code == Forbidden {
			no.status = http.StatusForbidden
		}
	}
	srv.refused(r, *no)
	body := append([]byte(`{"code":`), strconv.Itoa(no.code)...)
	body = append(body, `,"message":`...)
	text, err := json.Marshal(no.text)
	if err != nil {
		text = []byte(`""`) // a string always encodes
	}
	return append(append(body, text...), '}')
}

func isUnsupported(err error) bool { return errors.Is(err, http.ErrNotSupported) }
