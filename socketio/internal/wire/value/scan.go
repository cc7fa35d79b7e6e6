package value

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

var (
	errSyntax = errors.New("not valid JSON")
	errUTF8   = errors.New("not valid UTF-8")
)

// Scanner finds where values end in a JSON text, checking the grammar (RFC
// 8259), the encoding and the nesting on the way: what it has accepted, the
// decoders of this package read without surprises. It reads each byte once and
// allocates nothing. Use Init, then Value or OpenArray, NextElement…, and End
// last.
type Scanner struct {
	data     []byte
	maxDepth int
	depth    int
	high     uint64 // has bits of 0x80… if any string held a byte outside ASCII
	err      error
	binaries *claims // nil: the text belongs to no attachments, placeholders are objects like others
}

// Init makes s read data. Nesting deeper than maxDepth is an error.
func (s *Scanner) Init(data []byte, maxDepth int) {
	*s = Scanner{data: data, maxDepth: maxDepth}
}

// Binaries makes s check placeholders against n attachments, n > 0: each must
// name one of them and none may be named twice. Attachments that nothing names
// are fine. What JavaScript would take for a placeholder and is not exactly
// one, in the form that every encoder writes, is an error.
func (s *Scanner) Binaries(n int) { s.binaries = &claims{n: n} }

// Escaped is Binaries for values that no client gets: an object whose key is
// written with an escape is none of theirs, as AppendJSON writes it.
func (s *Scanner) Escaped(n int) { s.binaries = &claims{n: n, escape: true} }

// Valid reports whether data is one JSON value, nested at most maxDepth deep.
func Valid(data []byte, maxDepth int) bool {
	var s Scanner
	s.Init(data, maxDepth)
	end, err := s.Value(s.space(0))
	return err == nil && s.End(end) == nil
}

func (s *Scanner) syntax(at int) error { return fmt.Errorf("%w (at byte %d)", errSyntax, at) }

// fail notes an error, unless there is one, and returns the offset that says so.
func (s *Scanner) fail(at int) int {
	if s.err == nil {
		s.err = s.syntax(at)
	}
	return -1
}

func (s *Scanner) space(i int) int {
	for i < len(s.data) {
		switch s.data[i] {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// End checks that nothing but white space follows at i, and that what was
// scanned is UTF-8.
func (s *Scanner) End(i int) error {
	if i = s.space(i); i != len(s.data) {
		return s.syntax(i)
	}
	if s.high&highs != 0 && !utf8.Valid(s.data) {
		return errUTF8
	}
	return nil
}

// OpenArray enters the array at i and returns the offset of its first element,
// -1 if it has none. Once the array is over (-1), End has been called too: the
// array must be the whole text.
func (s *Scanner) OpenArray(i int) (int, error) {
	if i >= len(s.data) || s.data[i] != '[' {
		return 0, fmt.Errorf("not an array (at byte %d)", i)
	}
	s.depth = 1
	if i = s.space(i + 1); i < len(s.data) && s.data[i] == ']' {
		return -1, s.End(i + 1)
	}
	return i, nil
}

// NextElement returns the offset of the element that follows the one that ended
// at i, -1 if there is none.
func (s *Scanner) NextElement(i int) (int, error) {
	if i = s.space(i); i < len(s.data) {
		switch s.data[i] {
		case ',':
			return s.space(i + 1), nil
		case ']':
			return -1, s.End(i + 1)
		}
	}
	return 0, s.syntax(i)
}

// Value checks the value that begins at i and returns the offset behind it.
func (s *Scanner) Value(i int) (int, error) {
	if i = s.value(i); i < 0 {
		return 0, s.err
	}
	return i, nil
}

// value and what it calls return the offset behind what they have checked; if
// that is negative, s.err says what is wrong.
func (s *Scanner) value(i int) int {
	if i >= len(s.data) {
		return s.fail(i)
	}
	switch c := s.data[i]; c {
	case '"':
		return s.str(i + 1)
	case '{':
		return s.object(i)
	case '[':
		return s.array(i)
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	default:
		if c == '-' || c-'0' <= 9 {
			return s.number(i)
		}
	}
	return s.fail(i)
}

func (s *Scanner) enter() bool {
	if s.depth++; s.depth > s.maxDepth {
		s.err = fmt.Errorf("nested more than %d deep", s.maxDepth)
		return false
	}
	return true
}

// at returns the byte at i, past any white space before it, and its offset; 0
// at the end. Most senders write none.
func (s *Scanner) at(i int) (byte, int) {
	if i < len(s.data) && s.data[i] > ' ' {
		return s.data[i], i
	}
	if i = s.space(i); i < len(s.data) {
		return s.data[i], i
	}
	return 0, i
}

func (s *Scanner) array(i int) int {
	if !s.enter() {
		return -1
	}
	c, i := s.at(i + 1)
	if c == ']' {
		s.depth--
		return i + 1
	}
	for {
		if i = s.value(i); i < 0 {
			return i
		}
		switch c, i = s.at(i); c {
		case ',':
			_, i = s.at(i + 1)
		case ']':
			s.depth--
			return i + 1
		default:
			return s.fail(i)
		}
	}
}

func (s *Scanner) object(i int) int {
	if !s.enter() {
		return -1
	}
	c, i := s.at(i + 1)
	if c == '}' {
		s.depth--
		return i + 1
	}
	var seen members
	for {
		if c != '"' {
			return s.fail(i)
		}
		key := i + 1
		if i = s.str(key); i < 0 {
			return i
		}
		keyEnd := i - 1
		if c, i = s.at(i); c != ':' {
			return s.fail(i)
		}
		_, val := s.at(i + 1)
		if i = s.value(val); i < 0 {
			return i
		}
		if s.binaries != nil {
			seen.add(s.data[key:keyEnd], s.data[val:i])
		}
		switch c, i = s.at(i); c {
		case ',':
			c, i = s.at(i + 1)
		case '}':
			if s.binaries != nil {
				if s.err = s.binaries.object(seen); s.err != nil {
					return -1
				}
			}
			s.depth--
			return i + 1
		default:
			return s.fail(i)
		}
	}
}

func (s *Scanner) literal(i int, word string) int {
	if end := i + len(word); end <= len(s.data) && string(s.data[i:end]) == word {
		return end
	}
	return s.fail(i)
}

func (s *Scanner) number(i int) int {
	data := s.data
	if data[i] == '-' {
		i++
	}
	switch {
	case i < len(data) && data[i] == '0':
		i++
	case i < len(data) && data[i]-'1' <= 8:
		i = digits(data, i)
	default:
		return s.fail(i)
	}
	if i >= len(data) || data[i] != '.' && data[i]|0x20 != 'e' {
		return i
	}
	if data[i] == '.' {
		start := i + 1
		if i = digits(data, start); i == start {
			return s.fail(i)
		}
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		start := i
		if i = digits(data, start); i == start {
			return s.fail(i)
		}
	}
	return i
}

func digits(data []byte, i int) int {
	for i < len(data) && data[i]-'0' <= 9 {
		i++
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stops returns a word with the high bit set in the first byte of w (in memory
// order) that is a quote, a backslash or a control character. Bits above the
// first may be wrong.
func stops(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & highs
}

// str checks the string whose opening quote is before i.
func (s *Scanner) str(i int) int {
	data := s.data
	for {
		for i+8 <= len(data) {
			w := binary.LittleEndian.Uint64(data[i:])
			m := stops(w)
			s.high |= w
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				if data[i] == '"' {
					return i + 1
				}
				break
			}
			i += 8
		}
		if i >= len(data) {
			return s.fail(i)
		}
		switch c := data[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = s.escape(i + 1); i < 0 {
				return i
			}
		case c < 0x20:
			return s.fail(i)
		default:
			s.high |= uint64(c)
			i++
		}
	}
}

// escape checks what follows a backslash.
func (s *Scanner) escape(i int) int {
	if i < len(s.data) {
		switch s.data[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			return i + 1
		case 'u':
			if i+5 <= len(s.data) && hex4(s.data[i+1:i+5]) >= 0 {
				return i + 5
			}
		}
	}
	return s.fail(i)
}

// hex4 returns the value of four hexadecimal digits, -1 if b has others.
func hex4(b []byte) rune {
	var r rune
	for _, c := range b[:4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
