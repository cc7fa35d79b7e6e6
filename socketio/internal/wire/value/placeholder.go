package value

import (
	"bytes"
	"errors"
)

// A binary value stands in a JSON text as {"_placeholder":true,"num":<n>}, n
// being its position among the attachments.
const placeholderKey = "_placeholder"

var errPlaceholder = errors.New("illegal attachments: a placeholder must name one of them, and each at most once")

// members is what a scanner remembers of an object's members to tell whether it
// is a placeholder.
type members struct {
	count int
	mark  bool // a member _placeholder that is true
	odd   bool // … whose key is written with escapes
	num   int  // value of the member num + 1, if it is decimal digits; 0 otherwise
}

func (m *members) add(key, val []byte) {
	m.count++
	switch {
	case string(key) == placeholderKey:
		m.mark = m.mark || string(val) == "true"
	case string(key) == "num":
		if n, ok := index(val); ok {
			m.num = n + 1
		}
	case string(val) == "true" && bytes.IndexByte(key, '\\') >= 0:
		if unescaped, _ := unescape(nil, key); string(unescaped) == placeholderKey {
			m.mark, m.odd = true, true
		}
	}
}

// index reads a number as encoders write it: decimal digits without a leading zero.
func index(val []byte) (int, bool) {
	if len(val) == 0 || len(val) > 7 || val[0] == '0' && len(val) > 1 {
		return 0, false
	}
	n := 0
	for _, c := range val {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// claims are the attachments that placeholders have named.
type claims struct {
	n      int
	first  uint64
	more   []uint64
	escape bool // a key with escapes makes no placeholder
}

func (c *claims) object(m members) error {
	if !m.mark || m.odd && c.escape {
		return nil
	}
	num := m.num - 1
	if m.odd || m.count != 2 || num < 0 || num >= c.n {
		return errPlaceholder
	}
	word := &c.first
	if num >= 64 {
		if c.more == nil {
			c.more = make([]uint64, (c.n+63)/64)
		}
		word = &c.more[num/64]
	}
	if *word>>(num%64)&1 != 0 {
		return errPlaceholder
	}
	*word |= 1 << (num % 64)
	return nil
}

// CheckPlaceholders checks the placeholders in a JSON text against n
// attachments, as Scanner.Binaries says.
func CheckPlaceholders(data []byte, n int) error {
	var s Scanner
	s.Init(data, maxDepth)
	s.Binaries(n)
	end, err := s.Value(s.space(0))
	if err != nil {
		return err
	}
	return s.End(end)
}

// hasPlaceholder reports whether a JSON text that a Scanner accepted may hold a
// placeholder. It never misses one.
func hasPlaceholder(data []byte) bool { return bytes.Contains(data, []byte(placeholderKey)) }

// parsePlaceholder reports whether data, which a Scanner accepted, is a
// placeholder, and for which attachment.
func parsePlaceholder(data []byte) (num int, ok bool) {
	num, end := placeholder(data, 0)
	return num, end > 0
}

// placeholder reads the placeholder at data[i:], which is valid JSON. end is 0
// if there is none.
func placeholder(data []byte, i int) (num, end int) {
	w := cursor{data: data, i: i}
	if !w.take("{") {
		return 0, 0
	}
	switch {
	case w.take(`"_placeholder"`):
		if w.take(":") && w.take("true") && w.take(",") && w.take(`"num"`) && w.take(":") {
			num = w.index()
		} else {
			return 0, 0
		}
	case w.take(`"num"`):
		if !w.take(":") {
			return 0, 0
		}
		num = w.index()
		if !(w.take(",") && w.take(`"_placeholder"`) && w.take(":") && w.take("true")) {
			return 0, 0
		}
	default:
		return 0, 0
	}
	if num < 0 || !w.take("}") {
		return 0, 0
	}
	return num, w.i
}

// cursor matches tokens, skipping the white space before each.
type cursor struct {
	data []byte
	i    int
}

func (c *cursor) space() {
	for c.i < len(c.data) && (c.data[c.i] == ' ' || c.data[c.i] == '\n' || c.data[c.i] == '\t' || c.data[c.i] == '\r') {
		c.i++
	}
}

func (c *cursor) take(token string) bool {
	c.space()
	if end := c.i + len(token); end <= len(c.data) && string(c.data[c.i:end]) == token {
		c.i = end
		return true
	}
	return false
}

func (c *cursor) index() int {
	c.space()
	start := c.i
	for c.i < len(c.data) && c.data[c.i]-'0' <= 9 {
		c.i++
	}
	if n, ok := index(c.data[start:c.i]); ok {
		return n
	}
	return -1
}
