package siowire

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// Type is a packet's type: the first digit on the wire.
type Type byte

const (
	Connect      Type = 0 // 0[/nsp,][{"auth":…}]            to the server; 0[/nsp,]{"sid":…} to the client
	Disconnect   Type = 1 // 1[/nsp,]
	Event        Type = 2 // 2[/nsp,][id]["name",args…]
	Ack          Type = 3 // 3[/nsp,]id[args…]
	ConnectError Type = 4 // 4[/nsp,]{"message":…,"data":…}  (Engine.IO 3 clients: also a bare string)
	BinaryEvent  Type = 5 // 5<n>-[/nsp,][id]["name",{"_placeholder":true,"num":0}…] and n binary messages
	BinaryAck    Type = 6 // 6<n>-[/nsp,]id[{"_placeholder":true,"num":0}…]          and n binary messages
)

// String returns the name that the protocol document uses.
func (t Type) String() string {
	switch t {
	case Connect:
		return "CONNECT"
	case Disconnect:
		return "DISCONNECT"
	case Event:
		return "EVENT"
	case Ack:
		return "ACK"
	case ConnectError:
		return "CONNECT_ERROR"
	case BinaryEvent:
		return "BINARY_EVENT"
	case BinaryAck:
		return "BINARY_ACK"
	}
	return fmt.Sprintf("Type(%d)", byte(t))
}

// MaxID is the largest ack id: JavaScript's largest safe integer.
const MaxID = 1<<53 - 1

// errMalformed is in the chain of every error that a Decoder returns for input
// that is not a valid packet or passes a limit.
var errMalformed = errors.New("malformed packet")

func malformed(format string, args ...any) error {
	return fmt.Errorf("siowire: %w: %s", errMalformed, fmt.Sprintf(format, args...))
}

// Packet is one decoded packet.
//
// A packet of type BinaryEvent or BinaryAck is reported as Event or Ack once
// its attachments are there.
//
// While Borrowed is set, Namespace, Event, Args and Data alias the bytes given
// to Decoder.Add and are good only as long as those are; Detach makes them the
// packet's own. After Detach they share one copy: keeping Event or Namespace
// keeps the whole packet's bytes alive (use strings.Clone to keep a name). The
// Namespace of a Connect packet is always a string of its own.
type Packet struct {
	Type      Type
	Namespace string // "/" if the packet names none; as sent, with its query: see SplitNamespace
	Event     string // Event only: the first element of the payload. A number there, which JavaScript clients may send, is its decimal text
	ID        uint64 // ack id, at most MaxID; only if HasID
	HasID     bool
	Args      Args // Event: what follows the name. Ack: everything
	Data      Raw  // Connect, ConnectError: the payload, absent if there was none
	Borrowed  bool

	msg             []byte // while Borrowed: what was given to Add
	dataAt, dataEnd uint32 // where Data lies in msg; dataEnd is 0 if there is none
	source          *value.Source
}

// Detach copies what the packet borrowed, in one allocation. It does nothing
// for a packet that is not Borrowed.
func (p *Packet) Detach() { p.DetachTo(nil) }

// DetachTo is Detach that copies to buf if there is room. It returns the memory
// that the packet refers to now; nil if it borrowed nothing. buf may be used
// for another packet once this one, and all that was decoded from it, is not
// needed any more.
func (p *Packet) DetachTo(buf []byte) []byte {
	if !p.Borrowed {
		return nil
	}
	p.Borrowed = false
	src := p.msg
	p.msg = nil
	if p.Args.n == 0 && p.dataEnd == 0 {
		own := append(buf[:0], p.Namespace...)
		own = append(own, p.Event...)
		p.Namespace, p.Event = borrow(own[:len(p.Namespace)]), borrow(own[len(p.Namespace):])
		p.Args.buf = nil
		return own
	}
	own := buf[:0]
	if cap(own) < len(src) {
		own = make([]byte, 0, len(src))
	}
	own = append(own, src...)
	p.Namespace = moved(p.Namespace, src, own)
	p.Event = moved(p.Event, src, own)
	if p.dataEnd > 0 {
		p.setData(own, int(p.dataAt), int(p.dataEnd), p.source.Own(len(own)))
	}
	if p.Args.n > 0 {
		p.Args.buf, p.Args.src = own, p.Args.src.Own(len(own))
	}
	return own
}

// setData makes buf[from:to] the payload.
func (p *Packet) setData(buf []byte, from, to int, src *value.Source) {
	p.dataAt, p.dataEnd, p.source = uint32(from), uint32(to), src
	p.Data = value.NewRaw(buf[from:to:to], src)
}

// moved returns s as a substring of own if it was one of src, a clone or a
// constant otherwise.
func moved(s string, src, own []byte) string {
	if s == "" {
		return s
	}
	d := uintptr(unsafe.Pointer(unsafe.StringData(s))) - uintptr(unsafe.Pointer(unsafe.SliceData(src)))
	if d >= uintptr(len(src)) {
		return s // "/", or a name with escapes that was decoded into a string of its own
	}
	return unsafe.String(&own[d], len(s))
}

// borrow returns b as a string without copying. The string is only as good as b.
func borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// SplitNamespace splits what a client of Engine.IO 3 calls a namespace,
// "/chat?token=1", into its name and its query. Clients of Engine.IO 4 send no
// query; Node takes a question mark in their namespace as part of the name.
func SplitNamespace(nsp string) (name, query string) {
	name, query, _ = strings.Cut(nsp, "?")
	if name == "" {
		name = "/"
	}
	return name, query
}

// Reserved reports whether event is a name that no EVENT packet may carry, in
// either direction: connect, connect_error, disconnect, disconnecting,
// newListener and removeListener.
func Reserved(event string) bool {
	switch event {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}

// Outgoing is a packet to encode.
type Outgoing struct {
	Type      Type   // Connect to ConnectError; with binary among Args, Event and Ack are sent as BinaryEvent and BinaryAck
	Namespace string // "" is "/"
	Event     string // Event only; the caller has refused Reserved names
	Args      []any
	Data      any // Connect, ConnectError: the payload; nil for none
	ID        uint64
	HasID     bool
	Headroom  int // bytes to leave free in front of Encoded.Text, for a transport's frame header

	// Buffer, if not nil, is memory that Encoded.Text may be made in if there are
	// no attachments. It is replaced if it is too small. A Parser need not use it:
	// whether it did shows in Text and *Buffer being the same memory.
	Buffer *[]byte
}

// Encoded is a packet on its way to a transport: either Text, followed by its
// Attachments as binary messages of their own, or Binary. Attachments alias the
// []byte values that were given to Encode: whoever emits a slice must not
// change it afterwards.
type Encoded struct {
	Text        []byte // Outgoing.Headroom unused bytes, then the text message; nil if Binary is set
	Attachments [][]byte
	Binary      []byte // the whole packet as one binary message (msgpack)
}
