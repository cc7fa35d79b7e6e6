package value

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

var (
	errMsgpack   = errors.New("not valid MessagePack")
	errTruncated = fmt.Errorf("%w: it ends too early", errMsgpack)
)

// item is the head of one encoded value. Its body is data[body : body+size];
// the elements of arrays and maps follow at body.
type item struct {
	kind  Kind
	body  int
	size  int // bytes of a string, a binary or a date; elements of an array, members of a map
	float float64
	int   int64  // of integers up to the largest int64; of booleans 1 for true; of dates the extension type
	uint  uint64 // of larger ones
	class numberClass
	date  bool // a String in JSON
	undef bool // JavaScript's undefined, of kind Null
}

type numberClass byte

const (
	floating numberClass = iota
	signed
	unsigned
)

// readItem reads the head of the value at i and checks that its body is there:
// a length that the data cannot hold is refused before anything is allocated
// for it.
func readItem(data []byte, i int) (it item, err error) {
	if i >= len(data) {
		return it, errTruncated
	}
	c := data[i]
	i++
	it.body = i
	switch {
	case c < 0x80:
		it.integer(int64(c))
	case c < 0x90:
		return it.sized(Object, data, i, int(c&0x0f), 2)
	case c < 0xa0:
		return it.sized(Array, data, i, int(c&0x0f), 1)
	case c < 0xc0:
		return it.sized(String, data, i, int(c&0x1f), 1)
	case c >= 0xe0:
		it.integer(int64(int8(c)))
	case c == 0xc0:
		it.kind = Null
	case c == 0xc2, c == 0xc3:
		it.kind, it.int = Bool, int64(c&1)
	case c >= 0xc4 && c <= 0xc6:
		return it.long(Binary, data, i, 1<<(c-0xc4), 1)
	case c >= 0xc7 && c <= 0xc9:
		if it, err = it.long(Binary, data, i, 1<<(c-0xc7), 1); err != nil {
			return it, err
		}
		return it.extension(data, false)
	case c >= 0xca && c <= 0xd3:
		return it.number(data, c)
	case c >= 0xd4 && c <= 0xd8:
		if it, err = it.sized(Binary, data, i, 1<<(c-0xd4), 1); err != nil {
			return it, err
		}
		return it.extension(data, true)
	case c >= 0xd9 && c <= 0xdb:
		return it.long(String, data, i, 1<<(c-0xd9), 1)
	case c == 0xdc, c == 0xdd:
		return it.long(Array, data, i, 2<<(c-0xdc), 1)
	case c == 0xde, c == 0xdf:
		return it.long(Object, data, i, 2<<(c-0xde), 2)
	default:
		return it, fmt.Errorf("%w (byte %#x)", errMsgpack, c)
	}
	return it, nil
}

func (it *item) integer(n int64) { it.kind, it.class, it.int, it.float = Number, signed, n, float64(n) }

// sized notes a body of n units, each of at least unit bytes.
func (it item) sized(k Kind, data []byte, i, n, unit int) (item, error) {
	it.kind, it.body, it.size = k, i, n
	if n > (len(data)-i)/unit {
		return it, errTruncated
	}
	return it, nil
}

// long reads a length of width bytes.
func (it item) long(k Kind, data []byte, i, width, unit int) (item, error) {
	n, ok := bigEndian(data, i, width)
	if !ok || n > math.MaxInt32 {
		return it, errTruncated
	}
	return it.sized(k, data, i+width, int(n), unit)
}

func bigEndian(data []byte, i, width int) (n uint64, ok bool) {
	if width > len(data)-i {
		return 0, false
	}
	for _, b := range data[i : i+width] {
		n = n<<8 | uint64(b)
	}
	return n, true
}

func (it item) number(data []byte, c byte) (item, error) {
	widths := [...]int{4, 8, 1, 2, 4, 8, 1, 2, 4, 8} // float 32, 64; uint 8–64; int 8–64
	width := widths[c-0xca]
	n, ok := bigEndian(data, it.body, width)
	if !ok {
		return it, errTruncated
	}
	it.body += width
	switch {
	case c == 0xca:
		it.kind, it.float = Number, float64(math.Float32frombits(uint32(n)))
	case c == 0xcb:
		it.kind, it.float = Number, math.Float64frombits(n)
	case c >= 0xd0:
		shift := 64 - 8*width
		it.integer(int64(n<<shift) >> shift)
	case n > math.MaxInt64:
		it.kind, it.class, it.uint, it.float = Number, unsigned, n, float64(n)
	default:
		it.integer(int64(n))
	}
	return it, nil
}

// extension reads the extension type in front of a body. Known are those of the
// clients' parser, which all have type 0: of fixed length undefined (1 byte)
// and a date (8 bytes, milliseconds), of written length an ArrayBuffer; and the
// standard's timestamp, type −1.
func (it item) extension(data []byte, fixed bool) (item, error) {
	if it.size >= len(data)-it.body {
		return it, errTruncated
	}
	kind := int8(data[it.body])
	it.body++
	switch {
	case kind == 0 && !fixed:
		it.kind = Binary
	case kind == 0 && it.size == 1:
		it.kind, it.undef = Null, true
	case kind == 0 && it.size == 8, kind == -1 && (it.size == 4 || it.size == 8 || it.size == 12):
		it.kind, it.date, it.int = String, true, int64(kind)
	default:
		return it, fmt.Errorf("%w: unknown extension %d of %d bytes", errMsgpack, kind, it.size)
	}
	return it, nil
}

// time returns the instant of a date.
func (it item) time(data []byte) time.Time {
	b := data[it.body : it.body+it.size]
	if it.int == 0 {
		return time.UnixMilli(int64(binary.BigEndian.Uint64(b)))
	}
	switch len(b) {
	case 4:
		return time.Unix(int64(binary.BigEndian.Uint32(b)), 0)
	case 8:
		n := binary.BigEndian.Uint64(b)
		return time.Unix(int64(n&(1<<34-1)), int64(n>>34))
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b[4:])), int64(binary.BigEndian.Uint32(b)))
}

// MsgpackScanner finds where values end in MessagePack, checking lengths, types
// and nesting on the way: what it has accepted, the decoders of this package
// read without surprises. Keys of maps must be strings, as JavaScript's are.
type MsgpackScanner struct {
	Data     []byte
	MaxDepth int
	depth    int
}

// container reads the head of an array or a map at i, as readItem does, at less
// cost. k is None for what is neither, and for what cannot be.
func container(data []byte, i int) (k Kind, n, body int) {
	if i >= len(data) {
		return None, 0, 0
	}
	c := data[i]
	body = i + 1
	switch {
	case c&0xf0 == 0x80:
		k, n = Object, int(c&0x0f)
	case c&0xf0 == 0x90:
		k, n = Array, int(c&0x0f)
	case c&0xfc == 0xdc:
		k = Array
		if c&2 != 0 {
			k = Object
		}
		if c&1 == 0 {
			if len(data)-body < 2 {
				return None, 0, 0
			}
			n = int(binary.BigEndian.Uint16(data[body:]))
			body += 2
		} else {
			if len(data)-body < 4 {
				return None, 0, 0
			}
			long := binary.BigEndian.Uint32(data[body:])
			if long > math.MaxInt32 {
				return None, 0, 0
			}
			n = int(long)
			body += 4
		}
	default:
		return None, 0, 0
	}
	if left := len(data) - body; n > left || k == Object && n > left/2 {
		return None, 0, 0
	}
	return k, n, body
}

// Open enters the array or map at i, which want says, and returns how many
// elements or members it has and where they begin.
func (s *MsgpackScanner) Open(i int, want Kind) (n, body int, err error) {
	if k, n, body := container(s.Data, i); k == want && s.depth < s.MaxDepth {
		s.depth++
		return n, body, nil
	}
	it, err := readItem(s.Data, i)
	if err == nil && it.kind != want {
		err = fmt.Errorf("not an %s (at byte %d)", want, i)
	}
	if s.depth++; err == nil && s.depth > s.MaxDepth {
		err = fmt.Errorf("nested more than %d deep", s.MaxDepth)
	}
	return it.size, it.body, err
}

// Close leaves what Open entered.
func (s *MsgpackScanner) Close() { s.depth-- }

// Key returns the string at i, borrowed, and the offset behind it.
func (s *MsgpackScanner) Key(i int) (string, int, error) {
	if i < len(s.Data) && s.Data[i]&0xe0 == 0xa0 {
		if end := i + 1 + int(s.Data[i]&0x1f); end <= len(s.Data) {
			return borrow(s.Data[i+1 : end]), end, nil
		}
	}
	it, err := readItem(s.Data, i)
	if err == nil && (it.kind != String || it.date) {
		err = fmt.Errorf("%w: a key that is not a string (at byte %d)", errMsgpack, i)
	}
	if err != nil {
		return "", 0, err
	}
	end := it.body + it.size
	return borrow(s.Data[it.body:end]), end, nil
}

// fixed is how many bytes a value takes that begins with a byte, where that
// alone says it and any bytes will do; 0 for others.
var fixed = func() (n [256]uint8) {
	for c := range n {
		switch {
		case c < 0x80, c >= 0xe0, c == 0xc0, c == 0xc2, c == 0xc3:
			n[c] = 1
		case c >= 0xa0 && c < 0xc0:
			n[c] = 1 + uint8(c&0x1f)
		case c == 0xcc, c == 0xd0:
			n[c] = 2
		case c == 0xcd, c == 0xd1:
			n[c] = 3
		case c == 0xca, c == 0xce, c == 0xd2:
			n[c] = 5
		case c == 0xcb, c == 0xcf, c == 0xd3:
			n[c] = 9
		}
	}
	return n
}()

// Value checks the value at i and returns the offset behind it.
func (s *MsgpackScanner) Value(i int) (int, error) {
	if i < len(s.Data) {
		if n := int(fixed[s.Data[i]]); n > 0 && n <= len(s.Data)-i {
			return i + n, nil
		}
	}
	k, n, body := container(s.Data, i)
	if k == None {
		it, err := readItem(s.Data, i)
		return it.body + it.size, err // an array or a map is an error here
	}
	if s.depth++; s.depth > s.MaxDepth {
		return 0, fmt.Errorf("nested more than %d deep", s.MaxDepth)
	}
	i = body
	var err error
	for range n {
		if k == Object {
			if _, i, err = s.Key(i); err != nil {
				return 0, err
			}
		}
		if i < len(s.Data) {
			if n := int(fixed[s.Data[i]]); n > 0 && n <= len(s.Data)-i {
				i += n
				continue
			}
		}
		if i, err = s.Value(i); err != nil {
			return 0, err
		}
	}
	s.depth--
	return i, nil
}

// MsgpackNumber returns the number that data, which a scanner accepted, is, if
// it is one.
func MsgpackNumber(data []byte) (float64, bool) {
	it, err := readItem(data, 0)
	return it.float, err == nil && it.kind == Number
}

// MsgpackString returns the string that data is, if it is one: borrowed, and
// not checked to be UTF-8.
func MsgpackString(data []byte) (string, bool) {
	it, err := readItem(data, 0)
	if err != nil || it.kind != String || it.date {
		return "", false
	}
	return borrow(data[it.body : it.body+it.size]), true
}

// MsgpackUndefined reports whether data is JavaScript's undefined.
func MsgpackUndefined(data []byte) bool {
	it, err := readItem(data, 0)
	return err == nil && it.undef
}

func kindMsgpack(data []byte) Kind {
	if k, _, _ := container(data, 0); k != None {
		return k
	}
	it, err := readItem(data, 0)
	if err != nil {
		return None
	}
	return it.kind
}

func binaryMsgpack(data []byte) ([]byte, bool) {
	it, err := readItem(data, 0)
	if err != nil || it.kind != Binary {
		return nil, false
	}
	end := it.body + it.size
	return data[it.body:end:end], true
}

// appendMsgpackString appends s; bytes that are not UTF-8 become U+FFFD.
func appendMsgpackString(dst []byte, s string) []byte {
	s = valid(s)
	switch n := len(s); {
	case n < 0x20:
		dst = append(dst, 0xa0|byte(n))
	case n <= math.MaxUint8:
		dst = append(dst, 0xd9, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0xda), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, 0xdb), uint32(n))
	}
	return append(dst, s...)
}
