package socketio

import (
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/sockeye-io/sockeye/googollee/face"
)

// Conn is a client's connection in one namespace. Its methods are safe from any
// goroutine, and harmless once the client is gone.
type Conn interface {
	// Close disconnects the client from all namespaces.
	io.Closer
	Namespace

	// ID is the id that the client knows as socket.id, and the name of a room that
	// the connection is in.
	ID() string
	// URL, LocalAddr, RemoteAddr and RemoteHeader are those of the handshake.
	URL() url.URL
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
	RemoteHeader() http.Header
}

// Namespace is the part of a connection that each of its namespaces has for itself.
type Namespace interface {
	// Context is what SetContext stored.
	Context() interface{}
	// SetContext stores a value for the handlers to come.
	SetContext(ctx interface{})

	// Namespace is the name, "/" for the root.
	Namespace() string
	// Emit sends an event. A function as the last argument is called with the
	// client's acknowledgement. It never blocks.
	Emit(eventName string, v ...interface{})

	// Join adds the connection to a room.
	Join(room string)
	// Leave takes it out of a room.
	Leave(room string)
	// LeaveAll takes it out of all rooms.
	LeaveAll()
	// Rooms lists the rooms it is in.
	Rooms() []string
}

var _ Conn = (*face.Conn)(nil)

// EachFunc is what ForEach calls.
type EachFunc func(Conn)

// Broadcast is what go-socket.io's rooms were behind. Nothing takes one or returns
// one; it is here for code that names the type.
type Broadcast interface {
	Join(room string, connection Conn)
	Leave(room string, connection Conn)
	LeaveAll(connection Conn)
	Clear(room string)
	Send(room, event string, args ...interface{})
	SendAll(event string, args ...interface{})
	ForEach(room string, f EachFunc)
	Len(room string) int
	Rooms(connection Conn) []string
	AllRooms() []string
}
