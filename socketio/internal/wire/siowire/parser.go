package siowire

import "github.com/sockeye-io/sockeye/socketio/internal/wire/value"

// Parser turns packets into Engine.IO messages and back. Its methods are safe
// for concurrent use.
//
// Both ends must use the same: JSONParser, the default of every client, or
// MsgpackParser.
type Parser interface {
	// Encode encodes a packet for a client of the given Engine.IO protocol (3 or
	// 4). An error says which argument cannot be encoded.
	Encode(p Outgoing, protocol int) (Encoded, error)
	// NewDecoder returns a decoder for one connection. It keeps lim, which must not
	// change afterwards; nil means the defaults.
	NewDecoder(lim *Limits) Decoder
}

// Decoder decodes the packets of one connection. It holds no buffer between
// packets. It is not safe for concurrent use.
type Decoder interface {
	// Add takes one Engine.IO message. It reports whether *p is complete now; if
	// not, binary messages are still to come. It overwrites *p in any case. p may
	// borrow data, see Packet. After an error, which has errMalformed in its chain,
	// only Reset makes the decoder usable again: the connection is to be closed.
	Add(data []byte, binary bool, p *Packet) (complete bool, err error)
	// Pending reports whether attachments are still to come. How long to wait for
	// them is the caller's to decide.
	Pending() bool
	// Reset forgets a packet that waits for its attachments.
	Reset()
}

// Codec is a replacement for the JSON codec of this package, such as sonic's
// ConfigStd.
type Codec = value.Codec

// Limits bound what a client may make a decoder hold or do. In each field zero
// means the default and a negative value no limit.
type Limits struct {
	MaxAttachments     int // binary messages in one packet; default 10, as in Node
	MaxAttachmentBytes int // their total size in bytes; default 10 MiB. To be raised along with a server's MaxPayload
	MaxDepth           int // nesting of arrays and objects, the payload's own array included; default 1000
	MaxArgs            int // arguments of an event or an ack, an event's name included; default 65536
	MaxNameLen         int // an event's name in bytes; default 1024
	MaxNamespaceLen    int // a namespace in bytes, its query included; default 4096
}

const unlimited = int(^uint(0) >> 1)

func limit(v, def int) int {
	switch {
	case v == 0:
		return def
	case v < 0:
		return unlimited
	}
	return v
}

// What no setting lifts: the deepest nesting, which bounds the stack, and the
// number of attachments that a packet may announce.
const (
	hardMaxDepth       = 10_000
	hardMaxAttachments = 1 << 20
)

func (l *Limits) attachments() int {
	return min(limit(l.MaxAttachments, 10), hardMaxAttachments)
}
func (l *Limits) attachmentBytes() int { return limit(l.MaxAttachmentBytes, 10<<20) }
func (l *Limits) depth() int           { return min(limit(l.MaxDepth, 1000), hardMaxDepth) }
func (l *Limits) args() int            { return limit(l.MaxArgs, 1<<16) }
func (l *Limits) nameLen() int         { return limit(l.MaxNameLen, 1024) }
func (l *Limits) namespaceLen() int    { return limit(l.MaxNamespaceLen, 4096) }
