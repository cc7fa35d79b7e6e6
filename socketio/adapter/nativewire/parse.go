package nativewire

import (
	"encoding/binary"
	"math"
	"time"
	"unsafe"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// What is wrong with a message, for [adapter.Inbox.Malformed].
const (
	BadParse   = "parse"   // it ends too early or too late
	BadSize    = "size"    // it, or a number of things in it, is too large
	BadKind    = "kind"    // it has none
	BadNames   = "names"   // a name is missing or too long, or there are too many
	BadID      = "id"      // the sender, receiver or question is no id
	BadVersion = "version" // of the form
	BadMAC     = "mac"     // wrong, missing, or there although this node has no key
)

// Parse reads a message that came over a channel into *m, whose lists are used
// again. It returns what is wrong, "" if nothing is. All that m refers to are
// parts of b. The values are not looked at: whoever delivers them does that.
func (f *Form) Parse(channel string, b []byte, m *adapter.Message) (bad string) {
	r := reader{b: b}
	*m = adapter.Message{
		Rooms: m.Rooms[:0], Except: m.Except[:0], Names: m.Names[:0], Positions: m.Positions[:0],
		Data: adapter.Data{Attachments: m.Data.Attachments[:0]},
	}
	switch {
	case len(b) > f.size:
		return BadSize
	case len(b) < 5 || b[0] != magic:
		return BadParse
	case b[1] != Version:
		return BadVersion
	}
	bits := binary.BigEndian.Uint16(b[3:])
	if signed := bits&hasMAC != 0; signed != (f.mac != nil) {
		return BadMAC
	} else if signed {
		body, ok := f.mac.check(channel, b)
		if !ok {
			return BadMAC
		}
		r.b = body
	}
	// One that nobody here knows may be a later version's: its number counts.
	if m.Kind = adapter.Kind(b[2]); m.Kind == 0 {
		return BadKind
	}
	r.b = r.b[5:]
	m.From = r.id()
	m.NS = r.name()
	if r.bad == "" && m.NS == "" {
		return BadNames
	}
	r.parts(bits, m)
	for r.bad == "" && len(r.b) > 0 {
		r.unknown()
	}
	return r.bad
}

// reader reads b from its beginning. After something bad it reads zeros.
type reader struct {
	b   []byte
	bad string
}

func (r *reader) fail(why string) {
	if r.bad == "" {
		r.bad = why
	}
	r.b = nil
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail(BadParse)
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) uint32() uint32 {
	n := r.uint()
	if n > math.MaxUint32 {
		r.fail(BadParse)
		return 0
	}
	return uint32(n)
}

func (r *reader) number() uint64 {
	if len(r.b) < 8 {
		r.fail(BadParse)
		return 0
	}
	n := binary.BigEndian.Uint64(r.b)
	r.b = r.b[8:]
	return n
}

// take returns the next n bytes.
func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail(BadParse)
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) bytes() []byte { return r.take(r.uint()) }

// short reads a string of at most n bytes, a part of the message.
func (r *reader) short(most uint64, bad string) string {
	n := r.uint()
	if n > most {
		r.fail(bad)
		return ""
	}
	b := r.take(n)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

func (r *reader) name() string { return r.short(MaxName, BadNames) }

// id reads an id: of few harmless characters, since it gets into names of
// channels, logs and metrics.
func (r *reader) id() string {
	s := r.short(maxID, BadID)
	if s == "" {
		r.fail(BadID)
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' && c != '_' {
			r.fail(BadID)
			return ""
		}
	}
	return s
}

// count reads the length of a list, of which there may be most; each element
// takes at least size bytes.
func (r *reader) count(most, size int, bad string) int {
	switch n := r.uint(); {
	case n > uint64(max(most, 0)):
		r.fail(bad)
	case n > uint64(len(r.b)/size):
		r.fail(BadParse)
	default:
		return int(n)
	}
	return 0
}

func (r *reader) list(names []string, most int) []string {
	for range r.count(most, 1, BadNames) {
		names = append(names, r.name())
	}
	return names
}

// parts reads what the bits announce.
func (r *reader) parts(bits uint16, m *adapter.Message) {
	m.Flags.Volatile = bits&isVolatile != 0
	m.Flags.NoCompress = bits&isNotCompressed != 0
	m.Close = bits&isClose != 0
	if bits&hasTo != 0 {
		m.To = r.id()
	}
	if bits&hasRequest != 0 {
		m.Request = r.id()
	}
	if bits&hasSeq != 0 {
		m.Seq = r.number()
		m.Lane = r.uint32()
	}
	if bits&hasRooms != 0 {
		m.Rooms = r.list(m.Rooms, MaxNames)
	}
	if bits&hasExcept != 0 {
		m.Except = r.list(m.Except, MaxNames-len(m.Rooms))
	}
	if bits&hasNames != 0 {
		m.Names = r.list(m.Names, MaxNames)
	}
	if bits&hasCount != 0 {
		m.Count = int(min(r.uint(), math.MaxInt32))
	}
	if bits&hasTimeout != 0 {
		m.Flags.Timeout = time.Duration(min(r.uint(), math.MaxInt64))
	}
	if bits&hasNode != 0 {
		m.Node = &adapter.Node{ID: r.id(), Name: r.short(maxText, BadSize), Address: r.short(maxText, BadSize), Version: int(r.uint32())}
	}
	if bits&hasPositions != 0 {
		r.positions(m)
	}
	if bits&hasText != 0 {
		m.Data.Text = r.bytes()
	}
	if bits&hasAttachments != 0 {
		for range r.count(MaxAttachments, 1, BadSize) {
			m.Data.Attachments = append(m.Data.Attachments, r.bytes())
		}
	}
}

// unknown passes over a member that a later version has added.
func (r *reader) unknown() {
	if r.uint() == 0 {
		r.fail(BadParse)
	}
	r.bytes()
}

func (r *reader) positions(m *adapter.Message) {
	ns := ""
	for range r.count(MaxPositions, 10, BadSize) {
		switch n := r.uint(); {
		case n > MaxName+1:
			r.fail(BadNames)
		case n > 0:
			b := r.take(n - 1)
			ns = unsafe.String(unsafe.SliceData(b), len(b))
		}
		m.Positions = append(m.Positions, adapter.Position{NS: ns, Lane: r.uint32(), Seq: r.number()})
	}
}
