package engineio

import (
	"sync/atomic"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// Headroom is the number of bytes that NewMessage needs in front of a text: the
// header of a WebSocket frame and the packet's type.
const Headroom = 11

// Flags modify how a message is sent; they are added with |, and 0 is none.
type Flags uint8

const (
	// Volatile drops the message rather than let it wait for a busy transport, or
	// for the next poll. With Options.SlowPolicy DropVolatile it may wait, and is
	// given up when there is no room.
	Volatile Flags = 1 << iota
	// NoCompress sends it as it is, whatever Options say of compression.
	NoCompress
)

// Message is what is sent to one session or to many: one text or binary
// message, and binary messages that follow it directly. It is immutable. What
// each kind of transport sends is made from it once, by the first that needs it.
type Message struct {
	typ       eiowire.Type
	text      bool
	elsewhere bool     // another node has said it: see FromElsewhere
	data      []byte   // of the packet: text, or the binary message
	after     [][]byte // binary messages that follow
	frame     []byte   // a WebSocket text frame that ends with data; nil if not text
	size      int
	frames    [frameKinds]atomic.Pointer[[]byte]
	http      atomic.Pointer[httpAnswer]
}

// NewMessage makes a message of the text buf[Headroom:], which must be valid
// UTF-8, and of binary messages that follow it. It takes over buf, whose first
// Headroom bytes it overwrites, and attachments.
func NewMessage(buf []byte, attachments ...[]byte) *Message {
	return newMessage(eiowire.Message, buf, attachments)
}

func newMessage(t eiowire.Type, buf []byte, attachments [][]byte) *Message {
	m := &Message{typ: t, text: true, data: buf[Headroom:], after: attachments, size: len(buf) - Headroom}
	for _, a := range attachments {
		m.size += len(a)
	}
	buf[Headroom-1] = t.Char()
	m.frame = ws.FrameInPlace(buf, ws.Text)
	return m
}

// NewBinary makes one binary message. It takes over data.
func NewBinary(data []byte) *Message {
	return &Message{typ: eiowire.Message, data: data, size: len(data)}
}

// control makes a packet of another type than message.
func control(t eiowire.Type, data string) *Message {
	return newMessage(t, append(make([]byte, Headroom, Headroom+len(data)), data...), nil)
}

func (m *Message) isControl() bool { return m.typ != eiowire.Message }

// Packets without data are made once for all.
var (
	pingMessage  = control(eiowire.Ping, "")
	pongMessage  = control(eiowire.Pong, "")
	noopMessage  = control(eiowire.Noop, "")
	closeMessage = control(eiowire.Close, "")
)

// Size is the number of bytes of text and attachments.
func (m *Message) Size() int { return m.size }

// cost is what m counts against the bound of a queue.
func (m *Message) cost() int { return m.size + 32 }

// packets is the number of Engine.IO packets in m.
func (m *Message) packets() int { return 1 + len(m.after) }

// appendTo appends m's packets to a polling payload.
func (m *Message) appendTo(dst []byte, form eiowire.Form) []byte {
	dst = form.Append(dst, eiowire.Packet{Type: m.typ, Binary: !m.text, Data: m.data})
	for _, a := range m.after {
		dst = form.Append(dst, eiowire.Packet{Type: eiowire.Message, Binary: true, Data: a})
	}
	return dst
}

// hasBinary reports whether a polling payload with m has a binary packet.
func (m *Message) hasBinary() bool { return !m.text || len(m.after) > 0 }
