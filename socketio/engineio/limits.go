package engineio

import "net/http"

// admit is the bound on handshakes per second.
func (srv *Server) admit(r *http.Request) *refusal {
	if srv.opts.HandshakeRate <= 0 || srv.peers.Allow(srv.peers.Of(r).Key) {
		return nil
	}
	srv.bound("HandshakeRate", "too many handshakes of one address")
	return &refusal{code: Forbidden, status: http.StatusTooManyRequests, name: "HANDSHAKE_RATE", text: "Too many handshakes (the server's option HandshakeRate)"}
}
