package value

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"
)

// The encoder's writing end: what both formats have in common. Arrays and maps
// are opened with their length, which MessagePack needs; next stands between
// elements, which JSON needs.

func (e *encoder) null() {
	if e.msgpack {
		e.buf = append(e.buf, 0xc0)
	} else {
		e.buf = append(e.buf, "null"...)
	}
}

func (e *encoder) bool(b bool) {
	switch {
	case !e.msgpack:
		e.buf = strconv.AppendBool(e.buf, b)
	case b:
		e.buf = append(e.buf, 0xc3)
	default:
		e.buf = append(e.buf, 0xc2)
	}
}

func (e *encoder) int(i int64) {
	switch {
	case !e.msgpack:
		e.buf = strconv.AppendInt(e.buf, i, 10)
	case i >= 0:
		e.uint(uint64(i))
	case i >= -0x20:
		e.buf = append(e.buf, byte(i))
	case i >= math.MinInt8:
		e.buf = append(e.buf, 0xd0, byte(i))
	case i >= math.MinInt16:
		e.buf = binary.BigEndian.AppendUint16(append(e.buf, 0xd1), uint16(i))
	case i >= math.MinInt32:
		e.buf = binary.BigEndian.AppendUint32(append(e.buf, 0xd2), uint32(i))
	default:
		e.buf = binary.BigEndian.AppendUint64(append(e.buf, 0xd3), uint64(i))
	}
}

func (e *encoder) uint(u uint64) {
	switch {
	case !e.msgpack:
		e.buf = strconv.AppendUint(e.buf, u, 10)
	case u < 0x80:
		e.buf = append(e.buf, byte(u))
	case u <= math.MaxUint8:
		e.buf = append(e.buf, 0xcc, byte(u))
	case u <= math.MaxUint16:
		e.buf = binary.BigEndian.AppendUint16(append(e.buf, 0xcd), uint16(u))
	case u <= math.MaxUint32:
		e.buf = binary.BigEndian.AppendUint32(append(e.buf, 0xce), uint32(u))
	default:
		e.buf = binary.BigEndian.AppendUint64(append(e.buf, 0xcf), u)
	}
}

// float writes whole numbers of at most 2^53 as integers in MessagePack, as
// JavaScript does.
func (e *encoder) float(f float64, bits int) {
	switch {
	case !e.msgpack:
		e.buf = appendFloat(e.buf, f, bits)
	case f == math.Trunc(f) && math.Abs(f) <= 1<<53:
		e.int(int64(f))
	default:
		e.buf = binary.BigEndian.AppendUint64(append(e.buf, 0xcb), math.Float64bits(f))
	}
}

func (e *encoder) str(s string) {
	if !e.msgpack {
		e.buf = appendString(e.buf, s)
		return
	}
	e.buf = appendMsgpackString(e.buf, s)
}

// binary writes a []byte. A nil slice is null, as it is for encoding/json.
func (e *encoder) binary(b []byte) {
	switch n := len(b); {
	case b == nil:
		e.null()
	case !e.msgpack:
		e.buf = append(e.buf, `{"_placeholder":true,"num":`...)
		e.buf = strconv.AppendInt(e.buf, int64(len(e.attachments)), 10)
		e.buf = append(e.buf, '}')
		e.attachments = append(e.attachments, b)
	case n <= math.MaxUint8:
		e.buf = append(append(e.buf, 0xc4, byte(n)), b...)
	case n <= math.MaxUint16:
		e.buf = append(binary.BigEndian.AppendUint16(append(e.buf, 0xc5), uint16(n)), b...)
	default:
		e.buf = append(binary.BigEndian.AppendUint32(append(e.buf, 0xc6), uint32(n)), b...)
	}
}

// maxDate is the last instant a JavaScript Date can hold, in milliseconds since
// 1970; the first is its negative.
const maxDate = 8_640_000_000_000_000

// time writes a time as JavaScript's Date: its ISO form in JSON, the extension
// of the clients' MessagePack parser there. A time that Date cannot hold is
// null.
func (e *encoder) time(t time.Time) {
	ms := t.UnixMilli()
	switch {
	case t.Year() > 280_000 || t.Year() < -280_000 || ms > maxDate || ms < -maxDate:
		e.null()
	case e.msgpack:
		e.buf = binary.BigEndian.AppendUint64(append(e.buf, 0xd7, 0), uint64(ms))
	default:
		e.buf = appendDate(append(e.buf, '"'), t)
		e.buf = append(e.buf, '"')
	}
}

// appendDate appends what Date.prototype.toISOString returns: UTC,
// milliseconds, years outside 0–9999 with a sign and six digits.
func appendDate(dst []byte, t time.Time) []byte {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		sign := byte('+')
		if y < 0 {
			sign, y = '-', -y
		}
		dst = append(dst, sign)
		for div := 100_000; div > 0; div /= 10 {
			dst = append(dst, '0'+byte(y/div%10))
		}
		return t.AppendFormat(dst, "-01-02T15:04:05.000Z")
	}
	return t.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

func (e *encoder) openArray(n int) { e.open('[', 0x90, 0xdc, n) }

func (e *encoder) openMap(n int) { e.open('{', 0x80, 0xde, n) }

// open begins what has n entries: in MessagePack with few and n in one byte, or
// with more, or the code behind it, and n in two bytes, or four.
func (e *encoder) open(bracket, few, more byte, n int) {
	switch {
	case !e.msgpack:
		e.buf = append(e.buf, bracket)
	case n < 0x10:
		e.buf = append(e.buf, few|byte(n))
	case n <= math.MaxUint16:
		e.buf = binary.BigEndian.AppendUint16(append(e.buf, more), uint16(n))
	default:
		e.buf = binary.BigEndian.AppendUint32(append(e.buf, more+1), uint32(n))
	}
}

func (e *encoder) closeArray() {
	if !e.msgpack {
		e.buf = append(e.buf, ']')
	}
}

func (e *encoder) closeMap() {
	if !e.msgpack {
		e.buf = append(e.buf, '}')
	}
}

// next stands before element i of an array or a map.
func (e *encoder) next(i int) {
	if i > 0 && !e.msgpack {
		e.buf = append(e.buf, ',')
	}
}

func (e *encoder) colon() {
	if !e.msgpack {
		e.buf = append(e.buf, ':')
	}
}
