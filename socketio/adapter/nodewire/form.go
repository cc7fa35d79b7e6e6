package nodewire

import (
	"strconv"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// A form is a message being written, in JSON or MessagePack.
type form struct {
	buf     []byte
	msgpack bool
}

// open begins a map, of at most 15 members, and returns where.
func (f *form) open() (at int) {
	at = len(f.buf)
	if f.msgpack {
		f.buf = append(f.buf, 0x80)
	} else {
		f.buf = append(f.buf, '{')
	}
	return at
}

// key begins a member of the map at. name needs no escapes, and is shorter than
// 32 bytes.
func (f *form) key(at int, name string) {
	if f.msgpack {
		f.buf[at]++
		f.buf = append(append(f.buf, 0xa0|byte(len(name))), name...)
		return
	}
	if len(f.buf) > at+1 {
		f.buf = append(f.buf, ',')
	}
	f.buf = append(f.buf, '"')
	f.buf = append(f.buf, name...)
	f.buf = append(f.buf, '"', ':')
}

func (f *form) close() {
	if !f.msgpack {
		f.buf = append(f.buf, '}')
	}
}

// array begins an array of n elements; next stands before each, and end after
// the last.
func (f *form) array(n int) {
	if f.msgpack {
		f.buf = value.AppendMsgpackArray(f.buf, n)
	} else {
		f.buf = append(f.buf, '[')
	}
}

func (f *form) next(i int) {
	if i > 0 && !f.msgpack {
		f.buf = append(f.buf, ',')
	}
}

func (f *form) end() {
	if !f.msgpack {
		f.buf = append(f.buf, ']')
	}
}

func (f *form) str(s string) {
	if f.msgpack {
		f.buf = value.AppendMsgpackString(f.buf, s)
	} else {
		f.buf = value.AppendString(f.buf, s)
	}
}

func (f *form) uint(u uint64) {
	if f.msgpack {
		f.buf = value.AppendMsgpackUint(f.buf, u)
	} else {
		f.buf = strconv.AppendUint(f.buf, u, 10)
	}
}

func (f *form) bool(b bool) {
	switch {
	case !f.msgpack:
		f.buf = strconv.AppendBool(f.buf, b)
	case b:
		f.buf = append(f.buf, 0xc3)
	default:
		f.buf = append(f.buf, 0xc2)
	}
}

func (f *form) null() {
	if f.msgpack {
		f.buf = append(f.buf, 0xc0)
	} else {
		f.buf = append(f.buf, "null"...)
	}
}

func (f *form) strings(list []string) {
	f.array(len(list))
	for i, s := range list {
		f.next(i)
		f.str(s)
	}
	f.end()
}

// value writes JSON that was checked. Binary in JSON is written as Node's
// JSON.stringify writes a Buffer.
func (f *form) value(text []byte, attachments [][]byte) {
	if f.msgpack {
		f.buf = value.AppendMsgpack(f.buf, text, attachments)
	} else {
		f.buf = value.AppendBuffers(f.buf, text, attachments)
	}
}

// number writes a number that JavaScript's cannot hold: in JSON as a string.
func (f *form) number(u uint64) {
	if f.msgpack {
		f.uint(u)
		return
	}
	f.buf = append(f.buf, '"')
	f.uint(u)
	f.buf = append(f.buf, '"')
}
