package engineio

import (
	"net/http"
	"net/netip"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
)

// admit is the bound on handshakes per second.
func (srv *Server) admit(r *http.Request) *refusal {
	if srv.opts.HandshakeRate <= 0 || srv.peers.Allow(srv.peers.Of(r).Key) {
		return nil
	}
	srv.bound(BoundHandshakeRate, srv.Network(r).Addr().String(), "too many handshakes of one address")
	return &refusal{code: Forbidden, status: http.StatusTooManyRequests, name: "HANDSHAKE_RATE", text: "Too many handshakes (the server's option HandshakeRate)"}
}

// MakeRoom has f called when MaxSessions is reached and one more session is
// wanted: it names one that is no loss, nil if there is none, and that one is
// closed. Without one, an address that has few sessions gets one of an address
// that has more, see Options.MaxSessions. f must not block. MakeRoom is to be
// called before the server serves.
func (srv *Server) MakeRoom(f func() *Session) { srv.spare = f }

// Network is the client's address as the bounds per address count it: an IPv4
// address, or an IPv6 network of 64 bits. Clients whose address is not known
// share the zero value.
func (s *Session) Network() netip.Prefix { return s.addr.Prefix() }

// Network is the client's address of a request as [Session.Network] would tell
// it: behind Options.TrustedProxies what those say.
func (srv *Server) Network(r *http.Request) netip.Prefix { return srv.peers.Of(r).Key.Prefix() }

// reserve counts a new session, if there may be one more.
func (srv *Server) reserve(s *Session) *refusal {
	srv.mu.Lock()
	refusing := srv.refusing
	if !refusing {
		srv.live.Add(1)
	}
	srv.mu.Unlock()
	if refusing {
		return &refusal{code: Forbidden, status: http.StatusServiceUnavailable, name: "SHUTTING_DOWN", text: "Server is shutting down"}
	}
	if !srv.peers.Enter(s.addr) {
		srv.live.Add(-1)
		s.bound(BoundMaxSessionsPerAddr, "too many sessions of one address")
		return &refusal{code: Forbidden, status: http.StatusTooManyRequests, name: "MAX_SESSIONS_PER_ADDR", text: "Too many sessions of your address (the server's option MaxSessionsPerAddr)"}
	}
	if !srv.place(s) {
		srv.peers.Leave(s.addr)
		srv.live.Add(-1)
		s.bound(BoundMaxSessions, "too many sessions")
		return &refusal{code: Forbidden, status: http.StatusServiceUnavailable, name: "MAX_SESSIONS", text: "Too many sessions (the server's option MaxSessions)"}
	}
	return nil
}

// place finds room for s within MaxSessions, at the cost of another session if
// need be.
func (srv *Server) place(s *Session) bool {
	if srv.places == nil {
		return true
	}
	s.place = &peers.Place[*Session]{Value: s}
	for srv.spare != nil && srv.places.Full() {
		old := srv.spare()
		if old == nil {
			break
		}
		srv.evict(old) // which makes no room if it has ended
	}
	old, pushed, ok := srv.places.Enter(s.addr, s.place)
	if pushed {
		srv.evict(old)
	}
	return ok
}

// evict ends a session that makes room for another.
func (srv *Server) evict(s *Session) {
	s.mu.Lock()
	var after aftermath
	if s.state.Load() != stateClosed {
		after = s.boundLocked(BoundMaxSessions, "too many sessions: one made room for another")
	}
	s.mu.Unlock()
	after.run()
}

// release gives back the room that a session has within the bounds.
func (srv *Server) release(s *Session) {
	if srv.places != nil {
		srv.places.Leave(s.place)
	}
	srv.peers.Leave(s.addr)
}

// oddAddress tells of what a trusted proxy has written that is no address.
func (srv *Server) oddAddress(header, value string) {
	srv.log.Warn("a trusted proxy tells no address that can be read: all clients for which it does so count as one",
		"option", "ClientIPHeader", "header", header, "value", clip.Quoted(value))
}
