package engineio

import (
	"net/http"

	"github.com/sockeye-io/sockeye/socketio/internal/forward"
)

// elsewhere is whose session q names, which is not here; nil if it is nobody's.
func (srv *Server) elsewhere(r *http.Request, q *query) *forward.Target {
	t := srv.forward.Find(q.sid)
	if t != nil && forward.Passed(r) {
		if !srv.forward.Mine(q.sid) {
			srv.forward.Lost(r)
		}
		return nil // a second time it is not passed on
	}
	return t
}

// pass answers a request for a session that is elsewhere.
func (srv *Server) pass(w http.ResponseWriter, r *http.Request, q *query, no refusal, upgrade bool) {
	var take func([]byte) func()
	if q.adopt && q.j == "" {
		take = func(body []byte) func() { return srv.adoptToPass(w, r, body, no.elsewhere) }
	}
	if f := srv.forward.Pass(w, r, no.elsewhere, srv.peers.Of(r).Key, upgrade, take); f != nil {
		no.status, no.text = f.Status, f.Text
		srv.refuse(w, r, no)
	}
}

// servePassed answers what only other nodes ask: whether a session is here. And
// they never pass on a request for a new one.
func (srv *Server) servePassed(w http.ResponseWriter, r *http.Request, q *query) bool {
	switch {
	case !q.hasSID:
		srv.refuse(w, r, refusal{code: BadRequest, name: "FORWARDED_HANDSHAKE"})
		return true
	case r.Method != http.MethodHead:
		return false
	}
	status := http.StatusNotFound
	if _, ok := srv.sessions.get(q.sid); ok {
		status = http.StatusNoContent
	}
	w.WriteHeader(status)
	return true
}
