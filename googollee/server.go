package googollee

import (
	original "github.com/googollee/go-socket.io"
	"github.com/googollee/go-socket.io/engineio"

	"github.com/sockeye-io/sockeye/googollee/face"
	"github.com/sockeye-io/sockeye/socketio"
)

// Server has the methods of go-socket.io's Server, see [face.Server] for what each
// does. All of them are safe from any goroutine, and inside handlers. It is made by
// [NewServer] or [On].
type Server struct {
	*face.Server[original.Conn]
}

// NewServer makes a server. Nil options are go-socket.io's defaults, except that
// session ids are random, and origins checked on all transports. It panics if opts
// name a transport other than polling and websocket.
func NewServer(opts *engineio.Options) *Server {
	return &Server{face.New[original.Conn](options(opts))}
}

// On puts go-socket.io's interface on a server that is used natively, too: both see
// the same namespaces, sockets and rooms. A server takes one such face.
func On(native *socketio.Server) *Server {
	return &Server{face.On[original.Conn](native)}
}

// ForEach calls f with each connection that is in a room. It is false for an
// unknown namespace.
func (s *Server) ForEach(namespace, room string, f original.EachFunc) bool {
	return s.Server.ForEach(namespace, room, f)
}

// Adapter makes the server one of several that a Redis server connects; see
// [face.Server.Adapter]. It comes before the first client.
func (s *Server) Adapter(opts *original.RedisAdapterOptions) (bool, error) {
	if opts == nil {
		return s.Server.Adapter(nil)
	}
	addr := opts.Addr
	if addr == "" && opts.Host != "" {
		addr = opts.Host + ":" + opts.Port
	}
	return s.Server.Adapter(&face.RedisOptions{
		Addr: addr, Prefix: opts.Prefix, Network: opts.Network, Password: opts.Password, DB: opts.DB,
	})
}
