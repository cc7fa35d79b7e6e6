package emitter

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// An Emitter is a connection to a cluster that only sends. It is safe for
// concurrent use. To the namespace "/" it can be used as a [Target] itself.
type Emitter struct {
	Target
	a     adapter.Adapter
	state atomic.Pointer[adapter.State]
}

// New starts an adapter, which is the Emitter's from then on. It fails if the
// adapter refuses its options; a broker that is away is a State, and what is
// emitted waits for it.
func New(a adapter.Adapter) (*Emitter, error) {
	e := &Emitter{a: a}
	e.Target = Target{e: e, ns: "/"}
	e.state.Store(&adapter.State{At: time.Now()})
	digits := a.Traits().IDLen
	if digits == 0 {
		digits = 16
	}
	b := make([]byte, (digits+1)/2)
	_, _ = rand.Read(b) // never fails
	self := adapter.Node{ID: hex.EncodeToString(b)[:digits], Name: "emitter", Deaf: true}
	if err := a.Start(context.Background(), self, (*inbox)(e)); err != nil {
		return nil, err
	}
	return e, nil
}

// Close sends what waits until ctx ends, and ends the connection. It returns
// the error of ctx if that has ended before all was sent. What is emitted
// afterwards is refused with [adapter.ErrClosed].
func (e *Emitter) Close(ctx context.Context) error { return e.a.Close(ctx) }

// State is how the connection to the broker is: [adapter.Up] if it is there.
func (e *Emitter) State() adapter.State { return *e.state.Load() }

// Stats says what has become of what was emitted: how much was handed to the
// broker, waits, or was dropped since the queue was full.
func (e *Emitter) Stats() adapter.Stats { return e.a.Stats() }

// Of addresses the sockets of a namespace; a missing slash is added.
func (e *Emitter) Of(namespace string) Target {
	if !strings.HasPrefix(namespace, "/") {
		namespace = "/" + namespace
	}
	return Target{e: e, ns: namespace}
}

// inbox hears nothing but how the connection is.
type inbox Emitter

func (*inbox) Message(*adapter.Message)  {}
func (*inbox) Wants(string, string) bool { return false }
func (*inbox) Malformed(string)          {}
func (in *inbox) State(s adapter.State)  { in.state.Store(&s) }

// A Target addresses sockets of a namespace, on all servers. It is a value: its
// methods return copies, so one can be kept and shared. It has the methods that
// the library's events want, too: an Event can be emitted to it.
//
// What one goroutine sends arrives in that order, as far as the backend keeps
// order. The error says that something cannot be encoded, or that it was refused:
// [adapter.ErrFull], [adapter.ErrTooLarge], [adapter.ErrClosed]. Nil is no
// promise that anybody heard it: the broker may be away, and the queue is bounded.
type Target struct {
	e      *Emitter
	ns     string
	rooms  []string
	except []string
	flags  adapter.Flags
}

// To addresses the sockets in any of these rooms, and of those named before. A
// socket in several of them is addressed once. A socket's id is the name of a room
// too.
func (t Target) To(rooms ...string) Target {
	t.rooms = append(slices.Clip(t.rooms), rooms...)
	return t
}

// In is To.
func (t Target) In(rooms ...string) Target { return t.To(rooms...) }

// Except leaves out the sockets in any of these rooms.
func (t Target) Except(rooms ...string) Target {
	t.except = append(slices.Clip(t.except), rooms...)
	return t
}

// Volatile drops what a socket cannot take at once, or what the queue to the
// broker cannot.
func (t Target) Volatile() Target {
	t.flags.Volatile = true
	return t
}

// Compress says whether to compress, where the transport does that.
func (t Target) Compress(on bool) Target {
	t.flags.NoCompress = !on
	return t
}

// Emit sends an event. Values are encoded before it returns, as a server encodes
// them: a []byte, however deep, is binary. It does not wait for the broker. A
// name with a meaning of its own in the protocol, such as "disconnect", is an
// error.
func (t Target) Emit(event string, args ...any) error {
	if siowire.Reserved(event) {
		return fmt.Errorf("emitter: %q is no event that can be sent", clip.Text(event))
	}
	return t.send(adapter.Message{Kind: adapter.Broadcast}, event, args)
}

// SocketsJoin has the sockets join rooms.
func (t Target) SocketsJoin(rooms ...string) error {
	return t.publish(&adapter.Message{Kind: adapter.Join, Names: rooms})
}

// SocketsLeave has the sockets leave rooms.
func (t Target) SocketsLeave(rooms ...string) error {
	return t.publish(&adapter.Message{Kind: adapter.Leave, Names: rooms})
}

// DisconnectSockets disconnects the sockets from the namespace, or with closeConn
// ends their connections.
func (t Target) DisconnectSockets(closeConn bool) error {
	return t.publish(&adapter.Message{Kind: adapter.Disconnect, Close: closeConn})
}

// ServerSideEmit sends an event to the servers that have the namespace, and not to
// their clients. Rooms do not matter.
func (t Target) ServerSideEmit(event string, args ...any) error {
	return t.send(adapter.Message{Kind: adapter.ServerSide}, event, args)
}

func (t Target) send(m adapter.Message, event string, args []any) error {
	var p siowire.JSONParser
	e, err := p.Encode(siowire.Outgoing{Type: siowire.Event, Event: event, Args: args}, 4)
	if err != nil {
		return fmt.Errorf("emitter: %w", err)
	}
	m.Data = adapter.Data{Text: e.Text[bytes.IndexByte(e.Text, '['):], Attachments: e.Attachments}
	return t.publish(&m)
}

// sender is what Node's emitters call themselves: no node.
const sender = "emitter"

func (t Target) publish(m *adapter.Message) error {
	if t.e == nil {
		return errors.New("emitter: a Target comes from an Emitter")
	}
	m.From, m.NS = sender, t.ns
	if m.Kind != adapter.ServerSide {
		m.Rooms, m.Except = t.rooms, t.except
	}
	if m.Kind == adapter.Broadcast {
		m.Flags = t.flags
	}
	m.Lane = t.e.a.Lane(m)
	return t.e.a.Publish(m)
}
