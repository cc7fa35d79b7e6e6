package face

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sync"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// Conn is one connection in one namespace. All methods are safe from any
// goroutine, and harmless once the client is gone.
type Conn struct {
	socket *socketio.Socket
	link   *link
	space  space
	id     string
	face   reflect.Value // the Conn as the interface that handlers take

	mu      sync.Mutex
	context any
	phase   phase
	held    []held   // emitted before CONNECT was sent
	rooms   []string // of a connection that is entering, that of its id first
	alone   bool     // it has left the room of its id meanwhile
}

// phase says how far a connection has got. It only ever grows.
type phase uint8

const (
	entering phase = iota // OnConnect is running: what it joins and emits is kept
	admitted              // it may join; what it emits waits for the CONNECT packet
	open
)

// held is an event that waits for the CONNECT packet.
type held struct {
	event string
	args  []any
	ack   *callback
}

// space is what a Conn needs to know of its namespace, whatever C is.
type space interface {
	name() string
	report(c *Conn, err error)
}

// ID is the id that the client knows as socket.id. Clients of Engine.IO 3 (1.x and
// 2.x) have the same one here in every namespace, later ones have one in each.
func (c *Conn) ID() string { return c.id }

// Namespace is the namespace's name, "/" for the root.
func (c *Conn) Namespace() string { return c.space.name() }

// Context is what SetContext stored last; at first what ConnInitor stored, in the
// root namespace, and nil in others.
func (c *Conn) Context() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.context
}

// SetContext stores a value for this connection in this namespace.
func (c *Conn) SetContext(v any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.context = v
}

// Emit sends an event to the client. It never blocks. If the last argument is a
// function, it is called with the client's acknowledgement, decoded into its
// parameters; it is forgotten when none comes within the server's AckTimeout. What
// cannot be encoded is told to OnError. What is emitted inside OnConnect arrives
// behind the CONNECT packet.
func (c *Conn) Emit(event string, v ...any) {
	var ack *callback
	if hasCallback(v) {
		ack, v = newCallback(v[len(v)-1]), v[:len(v)-1]
	}
	args, err := outgoing(v)
	if err != nil {
		c.space.report(c, fmt.Errorf("emit of %.80q: %w", event, err))
		return
	}
	c.emit(event, args, ack)
}

// emit sends what outgoing has prepared, now or once the client may have it.
func (c *Conn) emit(event string, args []any, ack *callback) {
	c.mu.Lock()
	if c.phase != open {
		frozen, err := freeze(args)
		if err == nil {
			c.held = append(c.held, held{event, frozen, ack})
		}
		c.mu.Unlock()
		if err != nil {
			c.space.report(c, fmt.Errorf("emit of %.80q: %w", event, err))
		}
		return
	}
	c.mu.Unlock()
	c.failed(c.send(event, args, ack))
}

func (c *Conn) send(event string, args []any, ack *callback) error {
	if ack == nil {
		return c.socket.Emit(event, args...)
	}
	c.socket.EmitFunc(event, 0, func(a socketio.Ack, err error) {
		if err != nil {
			return // expired, or the client left: nobody will answer
		}
		c.link.run(func() {
			if err := ack.call(a); err != nil {
				c.space.report(c, fmt.Errorf("acknowledgement of %.80q: %w", event, err))
			}
		})
	}, args...)
	return nil
}

// failed reports what kept an event from being sent, or a room from being
// joined. No lock may be held: OnError may do anything.
func (c *Conn) failed(err error) {
	if err != nil && !gone(err) {
		c.space.report(c, err)
	}
}

// gone reports whether an emit failed because the client left, which OnDisconnect
// tells already.
func gone(err error) bool {
	return errors.Is(err, socketio.ErrDisconnected) || errors.Is(err, socketio.ErrServerClosed) || errors.Is(err, engineio.ErrClosed)
}

// admit joins the rooms that OnConnect chose: the namespace is about to let the
// connection in.
func (c *Conn) admit() {
	c.mu.Lock()
	own := c.socket.ID() // which it is in without asking
	rooms := slices.DeleteFunc(c.rooms, func(room string) bool { return room == own })
	c.alone = own == c.id && len(rooms) == len(c.rooms)
	c.rooms, c.phase = nil, admitted
	c.mu.Unlock()
	c.join(rooms...)
}

// opened lets out what was emitted before the CONNECT packet. The lock keeps later
// events behind the earlier ones.
func (c *Conn) opened() {
	var errs []error
	c.mu.Lock()
	c.phase = open
	if c.alone {
		c.socket.Leave(c.id)
	}
	for _, h := range c.held {
		errs = append(errs, c.send(h.event, h.args, h.ack))
	}
	c.held = nil
	c.mu.Unlock()
	for _, err := range errs {
		c.failed(err)
	}
}

// Join adds the connection to a room.
func (c *Conn) Join(room string) {
	c.mu.Lock()
	if c.phase == entering {
		if !slices.Contains(c.rooms, room) {
			c.rooms = append(c.rooms, room)
		}
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.join(room)
}

func (c *Conn) join(rooms ...string) { c.failed(c.socket.Join(rooms...)) }

// Leave takes the connection out of a room.
func (c *Conn) Leave(room string) {
	c.mu.Lock()
	if c.phase == entering {
		c.rooms = slices.DeleteFunc(c.rooms, func(r string) bool { return r == room })
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.socket.Leave(room)
}

// LeaveAll takes the connection out of all its rooms, that of its own id too.
func (c *Conn) LeaveAll() {
	for _, room := range c.Rooms() {
		c.Leave(room)
	}
}

// Rooms lists the connection's rooms, that of its own id among them. OnDisconnect
// still sees those it was in.
func (c *Conn) Rooms() []string {
	c.mu.Lock()
	if c.phase == entering {
		defer c.mu.Unlock()
		return slices.Clone(c.rooms)
	}
	c.mu.Unlock()
	rooms := c.socket.Rooms()
	if own := c.socket.ID(); own != c.id {
		rooms = slices.DeleteFunc(rooms, func(room string) bool { return room == own })
	}
	return rooms
}

func (c *Conn) isEntering() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == entering
}

// expects reports whether the connection has asked for the room inside an
// OnConnect that has not returned.
func (c *Conn) expects(room string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == entering && slices.Contains(c.rooms, room)
}

// joinOwn joins the room of the connection's id, where that is not the socket's
// own, which it is in anyway.
func (c *Conn) joinOwn() {
	if c.socket.ID() != c.id {
		c.join(c.id)
	}
}

// MarshalJSON keeps a connection out of what is told of a socket's data.
func (c *Conn) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// Close disconnects the client from all namespaces and closes its connection.
// OnDisconnect runs once the handlers that are under way have returned.
func (c *Conn) Close() error {
	c.socket.Disconnect(true)
	return nil
}

// URL is the handshake's.
func (c *Conn) URL() url.URL { return c.link.URL() }

// LocalAddr is the server's side of the connection that brought the handshake.
func (c *Conn) LocalAddr() net.Addr { return c.link.LocalAddr() }

// RemoteAddr is the client's side of the connection that brought the handshake.
func (c *Conn) RemoteAddr() net.Addr { return c.link.RemoteAddr() }

// RemoteHeader is the handshake's.
func (c *Conn) RemoteHeader() http.Header { return c.link.RemoteHeader() }
