package value

import (
	"bytes"
	"errors"
	"strconv"
)

var errBinaries = errors.New("too many binaries")

// AppendString appends s as a JSON string, see Encoder.String.
func AppendString(dst []byte, s string) []byte { return appendString(dst, s) }

// AppendMsgpackString appends s; bytes that are not UTF-8 become U+FFFD.
func AppendMsgpackString(dst []byte, s string) []byte { return appendMsgpackString(dst, s) }

// AppendMsgpack appends JSON that a Scanner accepted, with Binaries if it has
// attachments, as MessagePack. Whole numbers beyond 64 bits are floats there.
func AppendMsgpack(dst, text []byte, attachments [][]byte) []byte {
	e := encoder{buf: dst, msgpack: true}
	d := decoder{data: text, attachments: attachments}
	_ = e.fromJSON(&d) // fails for what no Scanner has seen
	return e.buf
}

// AppendJSON appends MessagePack that a MsgpackScanner accepted as JSON, and its
// binaries, which are parts of data, to attachments. More than most of them are
// an error. alike reports that there is an object which JavaScript would take
// for a placeholder, if it stood beside binaries; its key is written with an
// escape, so that it is none for this package.
func AppendJSON(dst []byte, attachments [][]byte, most int, data []byte) (text []byte, _ [][]byte, alike bool, err error) {
	e := encoder{buf: dst, attachments: attachments, most: most, escapes: bytes.Contains(data, []byte(placeholderKey))}
	_, err = e.fromMsgpack(data, 0)
	return e.buf, e.attachments, e.alike, err
}

// AppendBuffers appends JSON that a Scanner accepted, each binary in the form
// that JSON.stringify gives to a Buffer in Node: {"type":"Buffer","data":[…]}.
func AppendBuffers(dst, text []byte, attachments [][]byte) []byte {
	last := 0
	for i := 0; i < len(text) && len(attachments) > 0; {
		switch text[i] {
		case '"':
			end, _ := stringEnd(text, i+1)
			i = end
		case '{':
			if num, end := placeholder(text, i); end > 0 && num < len(attachments) {
				dst = appendBuffer(append(dst, text[last:i]...), attachments[num])
				i, last = end, end
				continue
			}
		}
		i++
	}
	return append(dst, text[last:]...)
}

func appendBuffer(dst, b []byte) []byte {
	dst = append(dst, `{"type":"Buffer","data":[`...)
	for i, c := range b {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(c), 10)
	}
	return append(dst, "]}"...)
}

// key writes the key of a map at i, which a MsgpackScanner accepted, and returns
// the offset behind it.
func (e *encoder) key(data []byte, i int) (int, error) {
	s := MsgpackScanner{Data: data}
	name, end, err := s.Key(i)
	switch {
	case err != nil:
		return 0, err
	case e.escapes && name == placeholderKey:
		e.buf = append(e.buf, `"\u005fplaceholder"`...)
		e.alike = e.alike || end < len(data) && data[end] == 0xc3
	default:
		e.buf = appendString(e.buf, name)
	}
	return end, nil
}

// Text returns the text of a JSON string that a Scanner accepted, with its
// quotes: borrowed from raw if it has no escapes. ok is false if raw is no
// string.
func Text(raw []byte) (s string, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	raw = raw[1 : len(raw)-1]
	return name(raw, bytes.IndexByte(raw, '\\') < 0), true
}

// MsgpackKind returns the kind of the value that data, which a MsgpackScanner
// accepted, begins with. A date is a String.
func MsgpackKind(data []byte) Kind { return kindMsgpack(data) }

// MsgpackBool reports whether data is true.
func MsgpackBool(data []byte) bool { return len(data) > 0 && data[0] == 0xc3 }

// MsgpackUint returns the whole number that data is, if it is one that is not
// negative.
func MsgpackUint(data []byte) (uint64, bool) {
	it, err := readItem(data, 0)
	switch {
	case err != nil || it.kind != Number:
		return 0, false
	case it.class == unsigned:
		return it.uint, true
	}
	return uint64(it.int), it.class == signed && it.int >= 0
}

// AppendMsgpackUint appends a whole number.
func AppendMsgpackUint(dst []byte, u uint64) []byte {
	e := encoder{buf: dst, msgpack: true}
	e.uint(u)
	return e.buf
}

// AppendMsgpackArray appends the head of an array of n elements.
func AppendMsgpackArray(dst []byte, n int) []byte {
	e := encoder{buf: dst, msgpack: true}
	e.openArray(n)
	return e.buf
}

// OpenObject enters the object at i and returns the offset of its first key, -1
// if it has none, and then the offset behind the object as end. Use Key, Value
// and NextMember.
func (s *Scanner) OpenObject(i int) (key, end int, err error) {
	if i >= len(s.data) || s.data[i] != '{' {
		return 0, 0, s.syntax(i)
	}
	if !s.enter() {
		return 0, 0, s.err
	}
	if i = s.space(i + 1); i < len(s.data) && s.data[i] == '}' {
		s.depth--
		return -1, i + 1, nil
	}
	return i, 0, nil
}

// Key returns the key at i, with its quotes, and the offset of the value.
func (s *Scanner) Key(i int) (raw []byte, val int, err error) {
	if i >= len(s.data) || s.data[i] != '"' {
		return nil, 0, s.syntax(i)
	}
	end := s.str(i + 1)
	if end < 0 {
		return nil, 0, s.err
	}
	c, at := s.at(end)
	if c != ':' {
		return nil, 0, s.syntax(at)
	}
	return s.data[i:end], s.space(at + 1), nil
}

// NextMember returns the offset of the key that follows the value that ended at
// i, -1 if there is none, and then the offset behind the object as end.
func (s *Scanner) NextMember(i int) (key, end int, err error) {
	c, i := s.at(i)
	switch c {
	case ',':
		return s.space(i + 1), 0, nil
	case '}':
		s.depth--
		return -1, i + 1, nil
	}
	return 0, 0, s.syntax(i)
}
