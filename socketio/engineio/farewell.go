package engineio

import (
	"hash/maphash"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
)

// A client that leaves posts a close packet, and the poll that it has sent just
// before, on another connection, gets a noop. Of two connections either may be
// read first: so the poll of a session that its client has closed without one is
// awaited for a second. It is answered once; any other request finds nothing.

const (
	farewellTime = time.Second
	maxFarewells = 1024 // the oldest go first
)

type farewells struct {
	wheel *wheel.Wheel

	mu    sync.Mutex
	list  map[string]*farewell // nil when there is nothing to remember
	ring  []string
	next  int // in ring
	timer wheel.Timer
}

type farewell struct {
	at    time.Time
	from  uint64 // the connection that the close came on
	proto uint8
	b64   bool
}

func (f *farewells) add(s *Session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.list == nil {
		f.list = make(map[string]*farewell)
	}
	if len(f.ring) < maxFarewells {
		f.ring = append(f.ring, s.id)
	} else {
		delete(f.list, f.ring[f.next])
		f.ring[f.next] = s.id
		f.next = (f.next + 1) % maxFarewells
	}
	f.list[s.id] = &farewell{at: time.Now(), proto: s.proto, b64: s.hs.b64}
	f.wheel.After(farewellTime, &f.timer, f)
}

// on notes the connection on which s was closed, if it was: what comes there
// later was not sent before.
func (f *farewells) on(s *Session, conn uint64) {
	if s.state.Load() != stateClosed {
		return
	}
	f.mu.Lock()
	if e := f.list[s.id]; e != nil {
		e.from = conn
	}
	f.mu.Unlock()
}

// session stands for the one that q names and that is awaiting a last poll from
// elsewhere; nil if there is none.
func (f *farewells) session(srv *Server, q *query, conn uint64) *Session {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.list[q.sid]
	if e == nil || e.over() || conn != 0 && conn == e.from || q.revision() != e.proto {
		return nil
	}
	s := &Session{srv: srv, id: q.sid, proto: e.proto, hs: Handshake{b64: e.b64}}
	s.state.Store(stateClosed)
	return s
}

// take reports whether a session's last poll is awaited, and has now come.
func (f *farewells) take(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.list[id]
	delete(f.list, id)
	return e != nil && !e.over()
}

func (e *farewell) over() bool { return time.Since(e.at) >= farewellTime }

// Run forgets everything: the time of the last one is over.
func (f *farewells) Run() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.timer.Pending() {
		f.list, f.ring, f.next = nil, nil, 0
	}
}

// connOf tells the connections of HTTP/1 apart by their client's address and
// port. It is 0 if that is not known.
func (srv *Server) connOf(r *http.Request) uint64 {
	if r.ProtoMajor != 1 {
		return 0
	}
	return srv.connAt(r.RemoteAddr)
}

func (srv *Server) connAt(remote string) uint64 {
	if !strings.Contains(remote, ":") { // as those of a unix socket
		return 0
	}
	return maphash.String(srv.sessions.seed, remote) | 1
}
