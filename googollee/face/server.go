package face

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/redis"
)

// Server is go-socket.io's server for handlers whose connections are Cs. All
// methods are safe from any goroutine, inside handlers too.
type Server[C any] struct {
	io   *socketio.Server
	log  *slog.Logger
	gate *gate // nil on somebody else's server
	typ  reflect.Type

	mu     sync.RWMutex
	spaces map[string]*namespace[C]
	links  links

	closing sync.Once
	closed  chan struct{}
}

// New makes a server of its own. It panics if C is no interface that *Conn has the
// methods of, or if opts ask for a transport that there is none of.
func New[C any](opts *Options) *Server[C] {
	native := opts.sessionOptions()
	s := On[C](socketio.New(native))
	s.gate = native.Engine.Origins.(*gate)
	return s
}

// On puts the interface on a server that exists: the two share namespaces, sockets
// and rooms. Engine options are then those that the server was made with.
func On[C any](native *socketio.Server) *Server[C] {
	typ := reflect.TypeFor[C]()
	if typ.Kind() != reflect.Interface || !reflect.TypeFor[*Conn]().Implements(typ) {
		panic(fmt.Sprintf("go-socket.io: %v is no interface of a connection", typ))
	}
	return &Server[C]{
		io: native, log: native.Logger(), typ: typ,
		spaces: make(map[string]*namespace[C]), closed: make(chan struct{}),
	}
}

// Native is the server underneath, for what go-socket.io has no method for: typed
// events, acknowledgements with a context, graceful shutdown.
func (s *Server[C]) Native() *socketio.Server { return s.io }

// ServeHTTP serves the requests of clients, at whatever path it is mounted.
func (s *Server[C]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, s.io.Path()) {
		s.io.ServeHTTP(w, r)
		return
	}
	s.io.Engine().ServeHTTP(w, r)
}

// Serve blocks until Close, and then returns io.EOF. Connections are served
// whether or not it is called.
func (s *Server[C]) Serve() error {
	<-s.closed
	return io.EOF
}

// Close closes all connections and ends Serve. To let clients finish first, call
// Shutdown of the native server.
func (s *Server[C]) Close() error {
	s.closing.Do(func() { close(s.closed) })
	return s.io.Close()
}

// OnConnect sets the function that is called for every new connection of the
// namespace, before the client is told that it is connected. Its error refuses the
// connection to this namespace, and goes to OnError.
func (s *Server[C]) OnConnect(namespace string, f func(C) error) {
	store(&s.make(namespace).onConnect, f, f == nil)
}

// OnDisconnect sets the function that is called, once, when a connection is lost or
// has left, with the reason.
func (s *Server[C]) OnDisconnect(namespace string, f func(C, string)) {
	store(&s.make(namespace).onDisconnect, f, f == nil)
}

// OnError sets the function that is told of errors: of arguments that do not fit a
// handler's parameters, of handlers that return one or panic, of values that cannot
// be encoded. The connection stays.
func (s *Server[C]) OnError(namespace string, f func(C, error)) {
	s.make(namespace).setError(f)
}

// OnEvent sets the function for an event; the last one set counts. Its first
// parameter must be a connection, else OnEvent panics; the others take the event's
// arguments. Its results, if it has any, answer a client that asked for an
// acknowledgement. The functions of one connection run one at a time.
func (s *Server[C]) OnEvent(namespace, event string, f any) {
	h := newHandler(event, f, s.typ)
	s.make(namespace).on(event, h)
}

// JoinRoom adds the connection to a room. It is false for an unknown namespace.
func (s *Server[C]) JoinRoom(namespace, room string, connection C) bool {
	return s.with(namespace, connection, func(c *Conn) { c.Join(room) })
}

// LeaveRoom takes the connection out of a room. It is false for an unknown
// namespace.
func (s *Server[C]) LeaveRoom(namespace, room string, connection C) bool {
	return s.with(namespace, connection, func(c *Conn) { c.Leave(room) })
}

// LeaveAllRooms takes the connection out of all its rooms. It is false for an
// unknown namespace.
func (s *Server[C]) LeaveAllRooms(namespace string, connection C) bool {
	return s.with(namespace, connection, (*Conn).LeaveAll)
}

// ClearRoom takes all connections out of a room. It is false for an unknown
// namespace.
func (s *Server[C]) ClearRoom(namespace, room string) bool {
	n := s.known(namespace)
	if n == nil {
		return false
	}
	for _, c := range n.members(room) {
		c.Leave(room)
	}
	return true
}

// BroadcastToRoom sends an event to all connections in a room. It is true also if
// the room is empty, and false for an unknown namespace or for what cannot be
// encoded.
func (s *Server[C]) BroadcastToRoom(namespace, room, event string, args ...any) bool {
	n := s.known(namespace)
	return n != nil && n.broadcast(room, event, args)
}

// BroadcastToNamespace sends an event to all connections of a namespace, once to
// each. It is false for an unknown namespace or for what cannot be encoded.
func (s *Server[C]) BroadcastToNamespace(namespace, event string, args ...any) bool {
	n := s.known(namespace)
	return n != nil && n.broadcastAll(event, args)
}

// RoomLen is the number of connections in a room, −1 for an unknown namespace.
func (s *Server[C]) RoomLen(namespace, room string) int {
	n := s.known(namespace)
	if n == nil {
		return -1
	}
	return n.native.RoomLen(room) + len(n.expecting(room))
}

// Rooms lists the rooms of a namespace that have members, those named by a
// connection's id too; nil for an unknown namespace.
func (s *Server[C]) Rooms(namespace string) []string {
	n := s.known(namespace)
	if n == nil {
		return nil
	}
	return n.rooms()
}

// Count is the number of connections, whatever namespaces they are in.
func (s *Server[C]) Count() int { return s.io.Engine().Len() }

// ForEach calls f with each connection that is in a room. f may do anything, even
// change the room. It is false for an unknown namespace.
func (s *Server[C]) ForEach(namespace, room string, f func(C)) bool {
	n := s.known(namespace)
	if n == nil {
		return false
	}
	for _, c := range n.members(room) {
		f(c.face.Interface().(C))
	}
	return true
}

// Adapter makes the server one of several that a Redis server connects, before it
// serves its first client. They speak as servers of Node with
// @socket.io/redis-adapter do, which may be among them; servers that still run
// go-socket.io hear nothing of it, as its own format cannot be spoken beside. False
// and an error mean options that cannot be: a Redis server that is away is tried
// on.
func (s *Server[C]) Adapter(o *RedisOptions) (bool, error) {
	if o == nil {
		o = new(RedisOptions)
	}
	addr := o.Addr
	switch o.Network {
	case "", "tcp", "tcp4", "tcp6":
		addr = cmp.Or(addr, "127.0.0.1:6379")
	case "unix":
		if !strings.HasPrefix(addr, "/") {
			return false, errors.New("go-socket.io: a unix socket has a path that begins with /: write it to Addr")
		}
	default:
		return false, fmt.Errorf("go-socket.io: network %q: write tcp or unix", o.Network)
	}
	a, err := redis.New(redis.Options{Addrs: []string{addr}, Prefix: o.Prefix, Password: o.Password, DB: o.DB, Logger: s.log})
	if err != nil {
		return false, err
	}
	if err := s.io.JoinCluster(a); err != nil {
		return false, err
	}
	return true, nil
}

// make is the namespace of that name, with its hooks.
func (s *Server[C]) make(name string) *namespace[C] {
	name = canonical(name)
	n := s.adopt(name, s.io.Of(name))
	n.hook()
	return n
}

// known is the namespace of that name if somebody has registered something for it,
// here or by the native interface. nil otherwise.
func (s *Server[C]) known(name string) *namespace[C] {
	name = canonical(name)
	s.mu.RLock()
	n := s.spaces[name]
	s.mu.RUnlock()
	if n != nil && n.hooked.Load() {
		return n
	}
	for native := range s.io.Namespaces() {
		if native.Name() == name && name != "/" {
			return s.adopt(name, native)
		}
	}
	return nil
}

func (s *Server[C]) adopt(name string, native *socketio.Namespace) *namespace[C] {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.spaces[name]
	if n == nil || n.native != native { // a dynamic one may have been made anew
		n = &namespace[C]{srv: s, native: native}
		s.spaces[name] = n
	}
	return n
}

// store makes f what counts from now on, and nothing if there is none.
func store[F any](p *atomic.Pointer[F], f F, none bool) {
	if none {
		p.Store(nil)
		return
	}
	p.Store(&f)
}

// canonical is the name as the native interface has it.
func canonical(name string) string {
	if !strings.HasPrefix(name, "/") {
		return "/" + name
	}
	return name
}

// with calls f with the connection's place in the namespace, if it has one.
func (s *Server[C]) with(name string, connection C, f func(*Conn)) bool {
	n := s.known(name)
	if n == nil {
		return false
	}
	if c := n.find(connection); c != nil {
		f(c)
	}
	return true
}

// find is the Conn in this namespace of what an application calls a connection: a
// Conn of this or another namespace, or a wrapper that has its id. nil if there is
// none, or none any more.
func (n *namespace[C]) find(connection C) *Conn {
	switch c := any(connection).(type) {
	case *Conn:
		if c.space == space(n) {
			return c
		}
		return c.link.in(n.name())
	case interface{ ID() string }:
		if s, ok := n.native.Socket(c.ID()); ok {
			return n.conn(s)
		}
		if session, ok := n.srv.io.Engine().Session(c.ID()); ok {
			if l := n.srv.links.of(socketio.ConnOf(session)); l != nil {
				return l.in(n.name())
			}
		}
	}
	return nil
}
