package nodewire

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

func (r *Reader) raw(at span) []byte { return r.data[at.from:at.to:at.to] }

func (r *Reader) kind(at span) value.Kind {
	raw := r.raw(at)
	switch {
	case len(raw) == 0:
		return value.None
	case r.msgpack:
		return value.MsgpackKind(raw)
	}
	switch raw[0] {
	case '{':
		return value.Object
	case '[':
		return value.Array
	case '"':
		return value.String
	case 't', 'f':
		return value.Bool
	case 'n':
		return value.Null
	}
	return value.Number
}

// none reports whether a member is missing, null or undefined.
func (r *Reader) none(at span) bool {
	k := r.kind(at)
	return k == value.None || k == value.Null
}

// str returns a string, which may be part of the message.
func (r *Reader) str(at span) (string, bool) {
	if !r.msgpack {
		return value.Text(r.raw(at))
	}
	s, ok := value.MsgpackString(r.raw(at))
	if ok && !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return s, ok
}

// uint returns a whole number, or one in a string of digits.
func (r *Reader) uint(at span) (uint64, bool) {
	if r.kind(at) != value.String {
		return r.number(at)
	}
	s, _ := r.str(at)
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// number returns a whole number.
func (r *Reader) number(at span) (uint64, bool) {
	switch {
	case r.kind(at) != value.Number:
		return 0, false
	case r.msgpack:
		if n, ok := value.MsgpackUint(r.raw(at)); ok {
			return n, true
		}
	default:
		if n, err := strconv.ParseUint(string(r.raw(at)), 10, 64); err == nil {
			return n, true
		}
	}
	f := r.float(at)
	if f != math.Trunc(f) || !(f >= 0 && f < 1<<53) {
		return 0, false
	}
	return uint64(f), true
}

// float returns a number; NaN if it is none.
func (r *Reader) float(at span) float64 {
	if r.kind(at) != value.Number {
		return math.NaN()
	}
	if r.msgpack {
		f, _ := value.MsgpackNumber(r.raw(at))
		return f
	}
	f, _ := strconv.ParseFloat(string(r.raw(at)), 64) // out of range: an infinity
	return f
}

// true reports whether a value is what JavaScript takes for true.
func (r *Reader) true(at span) bool {
	switch r.kind(at) {
	case value.Bool:
		return r.msgpack && value.MsgpackBool(r.raw(at)) || !r.msgpack && r.data[at.from] == 't'
	case value.Number:
		return !(r.float(at) == 0) && !math.IsNaN(r.float(at))
	case value.String:
		s, _ := r.str(at)
		return s != ""
	case value.None, value.Null:
		return false
	}
	return true
}

func (r *Reader) readFlags() (f adapter.Flags) {
	f.Volatile = r.true(r.flags[kVolatile])
	f.NoCompress = !r.none(r.flags[kCompress]) && !r.true(r.flags[kCompress])
	if ms := r.float(r.flags[kTimeout]); ms >= 1 {
		f.Timeout = time.Duration(min(ms, maxTimeout)) * time.Millisecond
	}
	return f
}

// maxTimeout is the longest that JavaScript's timers know, in milliseconds.
const maxTimeout = 1<<31 - 1

// each calls f for the elements of an array.
func (r *Reader) each(at span, f func(at span) error) error {
	if r.kind(at) != value.Array {
		return Parse
	}
	if r.msgpack {
		s := value.MsgpackScanner{Data: r.data[:at.to], MaxDepth: maxDepth + envelope}
		n, i, err := s.Open(int(at.from), value.Array)
		for range n {
			if err != nil {
				return Parse
			}
			from := i
			if i, err = s.Value(i); err != nil {
				return Parse
			}
			if err := f(between(from, i)); err != nil {
				return err
			}
		}
		return nil
	}
	var s value.Scanner
	s.Init(r.raw(at), maxDepth+envelope)
	i, err := s.OpenArray(0)
	for i >= 0 {
		if err != nil {
			return Parse
		}
		end, err := s.Value(i)
		if err != nil {
			return Parse
		}
		if err := f(between(int(at.from)+i, int(at.from)+end)); err != nil {
			return err
		}
		if i, err = s.NextElement(end); err != nil {
			return Parse
		}
	}
	return nil
}

// strings appends a list of names, which may be missing. Numbers, which
// JavaScript may have for rooms, are names too.
func (r *Reader) strings(dst []string, at span) ([]string, error) {
	if r.none(at) {
		return dst, nil
	}
	if r.kind(at) != value.Array {
		return dst, Names
	}
	own := "" // one copy for all of them
	err := r.each(at, func(el span) error {
		if len(dst) >= maxNames {
			return Names
		}
		s, ok := r.str(el)
		switch {
		case !ok && r.kind(el) == value.Number:
			s = string(value.AppendNumber(nil, r.float(el)))
		case !ok, len(s) > maxName:
			return Names
		default:
			if own == "" {
				own = string(r.raw(at))
			}
			s = part(own, s, r.data, int(at.from), el)
		}
		dst = append(dst, s)
		return nil
	})
	return dst, err
}

// part returns s, which was found at el in data, as a part of own, which is a
// copy of data from base on; if s is other text than what lies there, for it had
// escapes, as it is.
func part(own, s string, data []byte, base int, el span) string {
	n := len(s)
	for _, end := range [...]int{int(el.to), int(el.to) - 1} { // the second in JSON, before the quote
		if from := end - n; from >= int(el.from) && string(data[from:end]) == s {
			return own[from-base : end-base]
		}
	}
	return strings.Clone(s)
}

// list makes a list the message's data. alike: see value.AppendJSON.
func (r *Reader) list(m *adapter.Message, at span) (alike bool, err error) {
	if r.kind(at) != value.Array {
		return false, Parse
	}
	if !r.msgpack {
		m.Data.Text = r.raw(at)
		return false, nil
	}
	if r.text, r.attachments, alike, err = value.AppendJSON(r.text[:0], r.attachments[:0], maxAttachments, r.raw(at)); err != nil {
		return false, Size
	}
	m.Data.Text = r.text
	if len(r.attachments) > 0 {
		m.Data.Attachments = r.attachments
	}
	return alike, nil
}

// single makes a list of one value the message's data: null if it is missing.
func (r *Reader) single(m *adapter.Message, at span) error {
	r.text, r.attachments = append(r.text[:0], '['), r.attachments[:0]
	var err error
	switch {
	case at.from == at.to:
		r.text = append(r.text, "null"...)
	case r.msgpack:
		r.text, r.attachments, _, err = value.AppendJSON(r.text, r.attachments, maxAttachments, r.raw(at))
	default:
		r.text = append(r.text, r.raw(at)...)
	}
	r.text = append(r.text, ']')
	if err != nil {
		return Size
	}
	m.Data.Text = r.text
	if len(r.attachments) > 0 {
		m.Data.Attachments = r.attachments
	}
	return nil
}
