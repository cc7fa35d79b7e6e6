package nodewire

import (
	"math"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// A Malformed is why a message cannot be understood: one word, for
// [adapter.Inbox]. All errors of a Reader are Malformed.
type Malformed string

// The reasons.
const (
	Parse  Malformed = "parse"  // neither JSON nor MessagePack, or not in the form that it should have
	Size   Malformed = "size"   // larger, or more, than is taken
	Names  Malformed = "names"  // of rooms: no list of names, too many, or too long
	ID     Malformed = "id"     // a node's id or a question's that cannot be one, or is missing
	Type   Malformed = "type"   // a packet that is no event
	Packet Malformed = "packet" // an event that clients could not parse
	Kind   Malformed = "kind"   // no such kind of message
)

func (m Malformed) Error() string { return "nodewire: malformed message: " + string(m) }

// A Reader reads what comes from a cluster's channels. It is not safe for
// concurrent use, and its fields must not change once it is in use.
//
// What its methods return is good until the next call, and refers to what they
// were given, but for strings, which are good for ever. A nil message without an
// error is none of this node's business: its own, another namespace's, or a
// broadcast that is not wanted; if that has a number it is a Skipped one.
type Reader struct {
	Self   string // this node's id
	Prefix string // of the classic adapter's channels

	// Wants is [adapter.Inbox]'s. Nil: all broadcasts are wanted.
	Wants func(ns, room string) bool

	MaxBytes int // of one message; 0: 16 MiB

	// The message at hand.
	data    []byte
	msgpack bool
	json    value.Scanner
	pack    value.MsgpackScanner
	shared  bool // a message of the shared model
	top     object
	inner   object // the shared model's data
	packet  object
	opts    object
	flags   object
	node    object

	// What messages returned refer to, used again.
	msg         adapter.Message
	tells       adapter.Node
	text        []byte
	binary      []byte
	attachments [][]byte
	rooms       []string
	except      []string
	names       []string
	positions   []adapter.Position
	ids         map[string]string // ids that came before, so that each is one string
}

// kept is the largest buffer that is used for the next message too.
const kept = 1 << 20

// begin forgets the last message and takes the next.
func (r *Reader) begin(payload []byte) error {
	most := r.MaxBytes
	if most <= 0 {
		most = maxBytes
	}
	if len(payload) > min(most, math.MaxInt32) {
		return Size
	}
	if cap(r.text) > kept {
		r.text = nil
	}
	if cap(r.binary) > kept {
		r.binary = nil
	}
	if cap(r.positions) > 1024 {
		r.positions = nil
	}
	clear(r.attachments)
	clear(r.rooms)
	clear(r.except)
	clear(r.names)
	r.msg = adapter.Message{}
	r.data = payload
	r.msgpack = len(payload) == 0 || payload[0] != '{'
	r.shared = false
	return nil
}

// whole reads the object that the message is.
func (r *Reader) whole(o *object) error {
	r.top, r.inner, r.packet, r.opts, r.flags, r.node = object{}, object{}, object{}, object{}, object{}, object{}
	if r.msgpack {
		r.pack = value.MsgpackScanner{Data: r.data, MaxDepth: maxDepth + envelope}
		if end, err := r.packObject(o, 0); err != nil || end != len(r.data) {
			return Parse
		}
		return nil
	}
	r.json.Init(r.data, maxDepth+envelope)
	end, err := r.jsonObject(o, 0)
	if err != nil || r.json.End(end) != nil {
		return Parse
	}
	return nil
}

// skipped is a broadcast that is not wanted.
func (r *Reader) skipped(from, ns string, seq uint64, lane uint32) *adapter.Message {
	if seq == 0 {
		return nil
	}
	r.msg = adapter.Message{Kind: adapter.Broadcast, From: from, NS: ns, Seq: seq, Lane: lane, Skipped: true}
	return &r.msg
}

// id returns an id as a string that is kept for the next message from there.
func (r *Reader) id(s string) (string, error) {
	if known, ok := r.ids[s]; ok {
		return known, nil
	}
	if !okID(s) {
		return "", ID
	}
	if r.ids == nil || len(r.ids) >= 1024 {
		r.ids = make(map[string]string)
	}
	s = strings.Clone(s)
	r.ids[s] = s
	return s, nil
}

// sender returns who has sent: nobody that answers if it is an emitter.
func (r *Reader) sender(uid span) (string, error) {
	if r.none(uid) {
		return "", nil
	}
	s, ok := r.str(uid)
	if !ok {
		return "", ID
	}
	if s == "emitter" {
		return "", nil
	}
	return r.id(s)
}

// later is a message of a kind that is not known here. If it is numbered it is one
// of ours, of a later version, and its number counts.
func (r *Reader) later(m *adapter.Message) (*adapter.Message, error) {
	if m.Kind.String() != "unknown" || m.From == "" || m.Seq == 0 {
		return nil, Kind
	}
	return m, nil
}

// request returns a question's id.
func (r *Reader) request(at span, must bool) (string, error) {
	if r.none(at) {
		if must {
			return "", ID
		}
		return "", nil
	}
	s, ok := r.str(at)
	if !ok || !okID(s) {
		return "", ID
	}
	return strings.Clone(s), nil
}

// mine reports whether a message is this node's own.
func (r *Reader) mine(m *adapter.Message) bool { return m.From != "" && m.From == r.Self }

// wantsAny reports whether a broadcast to any of the rooms, to all if there are
// none, is wanted.
func (r *Reader) wantsAny(ns string, rooms []string) bool {
	switch {
	case r.Wants == nil:
		return true
	case len(rooms) == 0:
		return r.Wants(ns, "")
	}
	return slices.ContainsFunc(rooms, func(room string) bool { return r.Wants(ns, room) })
}

// route reads the members of our own that all kinds may have. A sequence number
// that cannot be read is none: it is ours, and others may use the name.
func (r *Reader) route(m *adapter.Message, seq, lane, to span) error {
	m.Seq, _ = r.uint(seq)
	if n, ok := r.uint(lane); ok && n <= 1<<32-1 {
		m.Lane = uint32(n)
	}
	if r.none(to) {
		return nil
	}
	s, ok := r.str(to)
	if !ok {
		return ID
	}
	var err error
	m.To, err = r.id(s)
	return err
}

// target reads the opts of a message, which must have them.
func (r *Reader) target(m *adapter.Message, at span) error {
	if r.kind(at) != value.Object {
		return Parse
	}
	var err error
	if r.rooms, err = r.strings(r.rooms[:0], r.opts[kRooms]); err != nil {
		return err
	}
	if r.except, err = r.strings(r.except[:0], r.opts[kExcept]); err != nil {
		return err
	}
	m.Rooms, m.Except = r.rooms, r.except
	if m.Kind == adapter.Broadcast && r.kind(r.opts[kFlags]) == value.Object {
		m.Flags = r.readFlags()
	}
	return nil
}

// event reads a packet, which must be an event that clients can parse.
func (r *Reader) event(m *adapter.Message) error {
	if t, ok := r.number(r.packet[kType]); !ok || t != 2 && t != 5 {
		return Type
	}
	alike, err := r.list(m, r.packet[kData])
	if err != nil {
		return err
	}
	if alike && len(m.Data.Attachments) > 0 {
		return Packet
	}
	return r.named(m, true)
}

// named checks that the data begins with an event's name.
func (r *Reader) named(m *adapter.Message, clients bool) error {
	text := m.Data.Text
	var s value.Scanner
	s.Init(text, maxDepth+envelope)
	i, err := s.OpenArray(0)
	if err != nil || i < 0 {
		return Packet
	}
	end, err := s.Value(i)
	if err != nil || !isEvent(text[i:end], clients) {
		return Packet
	}
	return nil
}

// answer reads the values of an answer: all of them if they came from a node of
// ours, else the one that Node's has.
func (r *Reader) answer(m *adapter.Message, one, all span) error {
	if r.kind(all) == value.Array {
		_, err := r.list(m, all)
		return err
	}
	return r.single(m, one)
}

// readNode reads what a node tells of itself.
func (r *Reader) readNode(m *adapter.Message, node, positions span) error {
	if r.kind(node) == value.Object {
		name, _ := r.str(r.node[kName])
		address, _ := r.str(r.node[kAddress])
		version, _ := r.uint(r.node[kVersion])
		if len(name) > maxName || len(address) > maxName {
			return Size
		}
		r.tells = adapter.Node{ID: m.From, Name: strings.Clone(name), Address: strings.Clone(address), Version: int(min(version, 1<<30))}
		m.Node = &r.tells
	}
	if r.kind(positions) != value.Array {
		return nil
	}
	r.positions = r.positions[:0]
	err := r.each(positions, func(at span) error {
		if len(r.positions) >= maxPositions {
			return Size
		}
		p, n := adapter.Position{}, 0
		err := r.each(at, func(at span) error {
			ok := true
			switch n++; n {
			case 1:
				var ns string
				if ns, ok = r.str(at); ok {
					ok = okNS(ns)
					p.NS = strings.Clone(ns)
				}
			case 2:
				var lane uint64
				lane, ok = r.uint(at)
				p.Lane = uint32(lane)
				ok = ok && lane <= 1<<32-1
			case 3:
				p.Seq, ok = r.uint(at)
			}
			if !ok {
				return Parse
			}
			return nil
		})
		if err != nil || n < 3 {
			return Parse
		}
		r.positions = append(r.positions, p)
		return nil
	})
	m.Positions = r.positions
	return err
}
