package value

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"reflect"
	"sync"
	"unicode/utf8"
)

// maxDepth bounds the recursion of everything in this package.
const maxDepth = 10_000

// shareText is the size up to which a value's text is copied once and all
// strings decoded from it are parts of that copy. Above it each string is
// copied by itself, so that a short string which outlives its value does not
// keep a large one alive.
const shareText = 4 << 10

// decoder decodes a JSON text that a Scanner accepted: the grammar is not
// checked again.
type decoder struct {
	data        []byte
	i           int
	attachments [][]byte
	copied      []byte // nil, or a copy of data (data itself, if it is nobody else's) that never changes: strings are parts of it
	noShare     bool   // strings are copied one by one
	scratch     *scratch
	guessed     int // bytes of slices that were grown on a guess, see room
}

// scratch is where elements gather until their number is known.
type scratch struct {
	keys   []string
	values []any
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// keep is how many entries a pooled scratch may have: those of a giant are
// given back.
const keep = 1024

func (s *scratch) free() {
	if cap(s.values) > keep {
		return
	}
	scratches.Put(s)
}

func (d *decoder) space() {
	for d.i < len(d.data) && d.data[d.i] <= ' ' {
		d.i++
	}
}

// any decodes the value at d.i.
func (d *decoder) any() (any, error) {
	d.space()
	at := d.i
	switch c := d.data[at]; c {
	case '"':
		return d.str(), nil
	case '{':
		return d.object()
	case '[':
		return d.array()
	case 't':
		d.i += 4
		return true, nil
	case 'f':
		d.i += 5
		return false, nil
	case 'n':
		d.i += 4
		return nil, nil
	default:
		f, err := float(d.number())
		if err != nil {
			d.i = at
			return nil, d.mismatch(reflect.TypeFor[float64]())
		}
		if f >= 0 && f < float64(len(smallNumbers)) && f == float64(int(f)) && (f != 0 || c != '-') {
			return smallNumbers[int(f)], nil
		}
		return f, nil
	}
}

// smallNumbers spares the allocation that a float64 in an interface costs.
var smallNumbers = func() (t [256]any) {
	for i := range t {
		t[i] = float64(i)
	}
	return t
}()

func (d *decoder) number() []byte {
	start := d.i
	for d.i < len(d.data) {
		switch c := d.data[d.i]; {
		case c-'0' <= 9, c == '-', c == '.', c == 'e', c == 'E', c == '+':
			d.i++
		default:
			return d.data[start:d.i]
		}
	}
	return d.data[start:]
}

// raw returns the string at d.i without its quotes, its escapes as they are,
// and whether it is plain: only ASCII, no escapes.
func (d *decoder) raw() (raw []byte, plain bool) {
	start := d.i + 1
	end, plain := stringEnd(d.data, start)
	d.i = end + 1
	return d.data[start:end], plain
}

// str decodes the string at d.i.
func (d *decoder) str() string { return d.own(d.raw()) }

// own returns the text of a string that raw returned: unescaped, and not
// borrowed from the packet.
func (d *decoder) own(raw []byte, plain bool) string {
	if len(raw) == 0 {
		return ""
	}
	if !plain && (bytes.IndexByte(raw, '\\') >= 0 || !utf8.Valid(raw)) {
		text, _ := unescape(make([]byte, 0, len(raw)), raw)
		return borrow(text)
	}
	if d.noShare || len(d.data) > shareText {
		return string(raw)
	}
	if d.copied == nil {
		d.copied = bytes.Clone(d.data)
	}
	at := cap(d.data) - cap(raw) // where raw lies in data
	return borrow(d.copied[at : at+len(raw)])
}

func (d *decoder) gather() *scratch {
	if d.scratch == nil {
		d.scratch = scratches.Get().(*scratch)
	}
	return d.scratch
}

func (d *decoder) array() (any, error) {
	s := d.gather()
	base := len(s.values)
	d.i++
	for d.space(); d.data[d.i] != ']'; d.space() {
		v, err := d.any()
		if err != nil {
			return nil, err
		}
		s.values = append(s.values, v)
		if d.space(); d.data[d.i] == ',' {
			d.i++
		}
	}
	d.i++
	out := make([]any, len(s.values)-base)
	copy(out, s.values[base:])
	clear(s.values[base:])
	s.values = s.values[:base]
	return out, nil
}

func (d *decoder) object() (any, error) {
	if b, ok := d.binary(); ok {
		return b, nil
	}
	s := d.gather()
	base, kbase := len(s.values), len(s.keys)
	d.i++
	for d.space(); d.data[d.i] != '}'; d.space() {
		s.keys = append(s.keys, d.str())
		d.space()
		d.i++ // colon
		v, err := d.any()
		if err != nil {
			return nil, err
		}
		s.values = append(s.values, v)
		if d.space(); d.data[d.i] == ',' {
			d.i++
		}
	}
	d.i++
	out := make(map[string]any, len(s.keys)-kbase)
	for i, k := range s.keys[kbase:] {
		out[k] = s.values[base+i]
	}
	clear(s.values[base:])
	clear(s.keys[kbase:])
	s.values, s.keys = s.values[:base], s.keys[:kbase]
	return out, nil
}

// placeholder reads the placeholder at d.i. end is 0 if there is none.
func (d *decoder) placeholder() (num, end int) {
	if len(d.attachments) == 0 {
		return 0, 0
	}
	if num, end = placeholder(d.data, d.i); num >= len(d.attachments) {
		return 0, 0
	}
	return num, end
}

// binary takes the placeholder at d.i, if there is one, and returns what it
// stands for.
func (d *decoder) binary() ([]byte, bool) {
	num, end := d.placeholder()
	if end == 0 {
		return nil, false
	}
	d.i = end
	b := d.attachments[num]
	return b[:len(b):len(b)], true
}

// stringEnd returns the offset of the quote that ends the string whose text
// begins at i, and whether all of it is ASCII without escapes.
func stringEnd(data []byte, i int) (end int, plain bool) {
	plain = true
	for {
		for i+8 <= len(data) {
			w := binary.LittleEndian.Uint64(data[i:])
			m := stops(w)
			if m != 0 {
				k := bits.TrailingZeros64(m) >> 3
				plain = plain && w&highs&(1<<(8*k)-1) == 0
				i += k
				break
			}
			plain = plain && w&highs == 0
			i += 8
		}
		switch c := data[i]; {
		case c == '"':
			return i, plain
		case c == '\\':
			plain = false
			i += 2
		default:
			plain = plain && c < 0x80
			i++
		}
	}
}
