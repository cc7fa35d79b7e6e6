package socketio

import (
	"github.com/googollee/go-socket.io/engineio"

	"github.com/sockeye-io/sockeye/googollee/face"
	native "github.com/sockeye-io/sockeye/socketio"
)

// Server serves clients of Socket.IO 1.x to 4.x. See [face.Server] for its methods.
type Server struct {
	*face.Server[Conn]
}

// NewServer makes a server. Nil options are go-socket.io's defaults, except that
// session ids are random, and origins checked on all transports. It panics if opts
// name a transport other than polling and websocket.
func NewServer(opts *engineio.Options) *Server {
	return &Server{face.New[Conn](opts.Face())}
}

// On puts this interface on a Sockeye server that is used natively, too: both see
// the same namespaces, sockets and rooms. A server takes one such face.
func On(server *native.Server) *Server {
	return &Server{face.On[Conn](server)}
}

// ForEach calls f with each connection that is in a room. It is false for an
// unknown namespace.
func (s *Server) ForEach(namespace, room string, f EachFunc) bool {
	return s.Server.ForEach(namespace, room, f)
}

// Adapter makes the server one of several that a Redis server connects; see
// [face.Server.Adapter]. It comes before the first client.
func (s *Server) Adapter(opts *RedisAdapterOptions) (bool, error) {
	return s.Server.Adapter(opts.face())
}

// RedisAdapterOptions say where Redis is.
type RedisAdapterOptions struct {
	// Host and Port are the old way to say Addr.
	Host string
	Port string
	Addr string // host:port; default 127.0.0.1:6379

	Prefix   string // of channels; default "socket.io"
	Network  string // default "tcp"
	Password string
	DB       int // number of the database
}

func (o *RedisAdapterOptions) face() *face.RedisOptions {
	if o == nil {
		return nil
	}
	addr := o.Addr
	if addr == "" && o.Host != "" {
		addr = o.Host + ":" + o.Port
	}
	return &face.RedisOptions{Addr: addr, Prefix: o.Prefix, Network: o.Network, Password: o.Password, DB: o.DB}
}
