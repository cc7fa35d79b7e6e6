package socketio

import (
	"net/netip"

	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// A Conn is the connection below a socket, which sockets of other namespaces may
// share: then their Conns are equal, and it can be the key of a map. It is what
// applications need of the engine's session; reading and writing are the server's.
// See also [Socket.Transport], Protocol and Buffered.
type Conn struct{ sess *engineio.Session }

// Conn returns the connection below.
func (s *Socket) Conn() Conn { return Conn{s.sess} }

// ConnOf is the Conn of a session, as the hooks of [engineio.Trace] get it.
func ConnOf(s *engineio.Session) Conn { return Conn{s} }

// ID is the id of the Engine.IO session: secret, like a password, as long as it
// lives. What may be told is [Socket.ID].
func (c Conn) ID() string { return c.sess.ID() }

// Handshake returns what the request brought along that opened the connection.
func (c Conn) Handshake() *engineio.Handshake { return c.sess.Handshake() }

// Network is the client's network, as far as one client can be told from others:
// its address, or the /64 of an IPv6 address.
func (c Conn) Network() netip.Prefix { return c.sess.Network() }

// Close closes the connection once what is queued has been sent, for
// EngineOptions.WriteTimeout at most. Its sockets are disconnected for that
// reason; one that is no [DisconnectReason] is told as ForcedServerClose.
// Clients take it for a loss, and come back: [Socket.Disconnect] keeps them
// away.
func (c Conn) Close(reason engineio.Reason) { c.sess.Close(reason) }

// CloseNow closes the connection, and drops what is queued. cause is what lies
// behind the reason, for [Socket.Context] and the log; it may be nil.
func (c Conn) CloseNow(reason engineio.Reason, cause error) { c.sess.CloseNow(reason, cause) }
