package nodewire

import "github.com/sockeye-io/sockeye/socketio/adapter"

// A Malformed is why a message cannot be understood, in one word: what
// [adapter.Inbox] is told. All errors of a Reader are Malformed.
type Malformed string

// The reasons.
const (
	Parse Malformed = "parse" // neither JSON nor MessagePack, or not in the form it should have
	Size  Malformed = "size"  // larger, deeper or more than is taken
	Names Malformed = "names" // rooms or a namespace that cannot be
	ID    Malformed = "id"    // a node's id, a question's, or a number that cannot be
	Type  Malformed = "type"  // a packet that is no event, or that clients could not take
	Kind  Malformed = "kind"  // no such kind of message
)

func (m Malformed) Error() string { return "nodewire: malformed message: " + string(m) }

// A Reader reads what comes from a cluster's channels. The zero value is of no
// use: Self and Prefix are to be set. It is not safe for concurrent use.
//
// What its methods return is good until the next call, and refers to what they
// were given. A nil message without an error is none of this node's business: its
// own, another namespace's, for a room without members here.
type Reader struct {
	Self   string // this node's id
	Prefix string // of channels

	// Has reports whether this node has members of a room, of the namespace with
	// an empty one. Nil: it may have any.
	Has func(ns, room string) bool

	MaxBytes int // of one message; 0: 16 MiB
}

// Classic reads what came on any of the classic adapter's channels.
func (r *Reader) Classic(channel string, payload []byte) (*adapter.Message, error) {
	return nil, Kind
}

// Shared reads a message of the shared model, JSON or MessagePack, that came on a
// channel of namespace ns. Where ns is empty, the message tells.
func (r *Reader) Shared(ns string, payload []byte) (*adapter.Message, error) {
	return nil, Kind
}

// An Entry is what a stream's entry has in the fields that concern us.
type Entry struct{ UID, NSP, Type, Data, Seq, Lane, To string }

// Set sets a field by its name; others are ignored.
func (e *Entry) Set(name, value string) {
	switch name {
	case "uid":
		e.UID = value
	case "nsp":
		e.NSP = value
	case "type":
		e.Type = value
	case "data":
		e.Data = value
	case "seq":
		e.Seq = value
	case "lane":
		e.Lane = value
	case "to":
		e.To = value
	}
}

// Entry reads an entry of a stream.
func (r *Reader) Entry(e *Entry) (*adapter.Message, error) {
	return nil, Kind
}
