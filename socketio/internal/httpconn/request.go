package httpconn

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"strings"
)

// maxHead bounds the head of a request that is read here. Longer ones are for
// net/http.
const maxHead = 8 << 10

// Request is an HTTP request of the simplest kind, the one that a polling client
// sends again and again. Its fields alias the input, and are valid only until
// the Handler returns.
type Request struct {
	Post   bool // it is a GET or a POST
	Path   []byte
	Query  []byte
	Accept []byte // Accept-Encoding
	Octets bool   // Content-Type is application/octet-stream
	Target []byte // of the first line: Path and Query
	Host   []byte
	Mark   []byte // the header field Mark; nil: it is not there
	Length int    // of the body
	Body   []byte
	Head   []byte // all of it, as it came

	askers [len(asks)][]byte
	close  bool // Connection: close
}

// Mark is a header field that says on whose behalf a request is made. What it
// says is for the Handler to judge.
const Mark = "Sockeye-Forward"

// asks are the header fields that may decide whether a request is let in, and
// which header fields its answer has. With other values than those of the
// request with which the connection was taken over, the request is for whoever
// decided then.
var asks = [...]string{"Origin", "Sec-Fetch-Site", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "Forwarded"}

// has reports whether s is what requests on one connection have in common, and
// r has it: see same.
func (r *Request) has(s string) bool {
	s, ok := cutValue(s, r.Path)
	if ok {
		s, ok = cutValue(s, r.Host)
	}
	for i := 0; ok && i < len(r.askers); i++ {
		s, ok = cutValue(s, r.askers[i])
	}
	return ok && s == ""
}

// cutValue cuts v, which has no line break, and the line break off s.
func cutValue(s string, v []byte) (rest string, ok bool) {
	if n := len(v); len(s) > n && s[n] == '\n' && s[:n] == string(v) {
		return s[n+1:], true
	}
	return s, false
}

// asksOnce reports whether r has each of asks once at most: else there is nothing
// that others could have in common with it.
func asksOnce(r *http.Request) bool {
	for _, name := range asks {
		if len(r.Header[name]) > 1 {
			return false
		}
	}
	return true
}

// same is what requests on one connection have in common, of one that net/http
// has read, and that asksOnce.
func same(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	var b strings.Builder
	b.WriteString(path)
	b.WriteByte('\n')
	b.WriteString(r.Host)
	b.WriteByte('\n')
	for _, name := range asks {
		if values := r.Header[name]; len(values) > 0 {
			b.WriteString(values[0])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

type parsed int

const (
	incomplete parsed = iota
	simple
	other // it is for net/http to say what it is
	bareLF
)

// oneHop are the header fields that are for the next connection only.
var oneHop = [...]string{"te", "trailer", "upgrade", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "expect", "sockeye-forward"}

// OneHop reports whether a header field is for the next connection only, as
// Mark is. Those that Connection names are, too.
func OneHop(name []byte) bool {
	for _, s := range oneHop {
		if isName(name, s) {
			return true
		}
	}
	return false
}

// IsToken reports whether b may be the name of a header field.
func IsToken(b []byte) bool { return len(b) > 0 && all(b, inToken) }

// AppendOnward appends the head of r, as it came, as far as it is not for this
// connection only, and without the empty line at its end.
func (r *Request) AppendOnward(dst []byte) []byte {
	for rest := r.Head; len(rest) > 2; {
		i := bytes.IndexByte(rest, '\n') + 1
		name, _, _ := bytes.Cut(rest[:i], []byte(":")) // no method's name is that of a field
		if !OneHop(name) {
			dst = append(dst, rest[:i]...)
		}
		rest = rest[i:]
	}
	return dst
}

// Values are those of the header fields of this name, in whatever case.
func (r *Request) Values(name string) (list []string) {
	name = strings.ToLower(name)
	for line, rest := cutLine(r.Head); len(line) > 0; line, rest = cutLine(rest) {
		if k, v, ok := bytes.Cut(line, []byte(":")); ok && isName(k, name) {
			list = append(list, string(bytes.Trim(v, " \t")))
		}
	}
	return list
}

// Again is r, which net/http has read, with its body, as it is read here. It is
// nil if r would not be read here.
func Again(r *http.Request, body []byte) *Request {
	var b bytes.Buffer
	b.WriteString(r.Method + " " + r.RequestURI + " HTTP/1.1\r\nHost: " + r.Host + "\r\n")
	_ = r.Header.Write(&b) // to memory
	b.WriteString("\r\n")
	q := new(Request)
	size, result := q.parse(b.Bytes())
	if result != simple || size != b.Len() || q.Length != len(body) {
		return nil
	}
	q.Body = body
	return q
}

// blank is the length of the empty lines at the beginning of b: some clients
// send one behind the body of a POST, and servers ignore them (RFC 9112, 2.2).
func blank(b []byte) int {
	n := 0
	for n < len(b) && (b[n] == '\r' || b[n] == '\n') {
		n++
	}
	return n
}

// parse makes r the head at the beginning of b. Whatever is not exactly what it
// expects, malformed or only unusual, is other: it never takes for valid, nor
// reads in another way, what net/http would refuse or read differently. A line
// that ends without CR is told apart: the end of such a head may never come.
func (r *Request) parse(b []byte) (size int, result parsed) {
	*r = Request{}
	size, bare := headSize(b[:min(len(b), maxHead)])
	switch {
	case bare:
		return 0, bareLF
	case size == 0 && len(b) >= maxHead:
		return 0, other
	case size == 0:
		return 0, incomplete
	}
	r.Head = b[:size]
	line, rest := cutLine(r.Head)
	if !r.requestLine(line) {
		return 0, other
	}
	var seen uint // bits of those that may be there once
	for line, rest = cutLine(rest); len(line) > 0; line, rest = cutLine(rest) {
		if !r.field(line, &seen) {
			return 0, other
		}
	}
	if seen&seenHost == 0 || r.Post != (seen&seenLength != 0) && r.Length != 0 || r.Post && seen&seenLength == 0 {
		return 0, other
	}
	return size, simple
}

// headSize is the size of the head at the beginning of b, with the empty line
// behind it; 0 if that has not come. bare says that a line ends without CR.
func headSize(b []byte) (size int, bare bool) {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		switch {
		case i < 0:
			return 0, false
		case at+i == 0 || b[at+i-1] != '\r':
			return 0, true
		}
		at += i + 1
		if i == 1 && at > 2 {
			return at, false
		}
	}
}

// cutLine cuts the first line off b, which ends with CR LF. A CR alone in it
// fails later, as a control character.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	return b[:i-1], b[i+1:]
}

func (r *Request) requestLine(line []byte) bool {
	target, ok := bytes.CutSuffix(line, []byte(" HTTP/1.1"))
	if !ok {
		return false
	}
	if rest, ok := bytes.CutPrefix(target, []byte("GET ")); ok {
		target = rest
	} else if target, ok = bytes.CutPrefix(target, []byte("POST ")); ok {
		r.Post = true
	} else {
		return false
	}
	if len(target) == 0 || target[0] != '/' {
		return false
	}
	r.Target = target
	r.Path, r.Query, _ = bytes.Cut(target, []byte("?"))
	return all(r.Path, inPath) && all(r.Query, inQuery)
}

const (
	seenHost = 1 << iota
	seenLength
	seenAccept
	seenType
	seenConnection
	seenMark
	seenAsk // and one bit for each of asks
)

// once notes a header that may not come twice.
func once(seen *uint, bit uint) bool {
	before := *seen
	*seen |= bit
	return before&bit == 0
}

func (r *Request) ask(i int, value []byte, seen *uint) bool {
	r.askers[i] = value
	return once(seen, seenAsk<<i)
}

func (r *Request) field(line []byte, seen *uint) bool {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || len(name) == 0 {
		return false
	}
	if !all(name, inToken) || !allInValue(value) {
		return false
	}
	value = bytes.Trim(value, " \t")
	switch len(name) {
	case 4:
		if isName(name, "host") {
			r.Host = value
			return once(seen, seenHost) && len(value) > 0
		}
	case 6:
		if isName(name, "origin") {
			return r.ask(0, value, seen)
		}
		return !isName(name, "expect")
	case 7:
		return !isName(name, "upgrade") && !isName(name, "trailer")
	case 9:
		if isName(name, "forwarded") {
			return r.ask(5, value, seen)
		}
	case 10:
		if isName(name, "connection") {
			r.close = isName(value, "close")
			return once(seen, seenConnection) && (r.close || isName(value, "keep-alive"))
		}
	case 12:
		if isName(name, "content-type") {
			r.Octets = isName(value, "application/octet-stream")
			return once(seen, seenType)
		}
	case 14:
		if isName(name, "content-length") {
			return once(seen, seenLength) && r.contentLength(value)
		}
		if isName(name, "sec-fetch-site") {
			return r.ask(1, value, seen)
		}
	case 15:
		if isName(name, "accept-encoding") {
			r.Accept = value
			return once(seen, seenAccept)
		}
		if isName(name, "sockeye-forward") {
			if r.Mark = value; value == nil {
				r.Mark = []byte{}
			}
			return once(seen, seenMark)
		}
	case 16:
		if isName(name, "x-forwarded-host") {
			return r.ask(2, value, seen)
		}
		if isName(name, "x-forwarded-port") {
			return r.ask(3, value, seen)
		}
		return !isName(name, "content-encoding")
	case 17:
		if isName(name, "x-forwarded-proto") {
			return r.ask(4, value, seen)
		}
		return !isName(name, "transfer-encoding")
	}
	return true
}

func (r *Request) contentLength(value []byte) bool {
	if len(value) == 0 || len(value) > 9 {
		return false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
		r.Length = 10*r.Length + int(c-'0')
	}
	return true
}

// isName compares in whatever case; lower is in lower case.
func isName(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// Where a character may stand.
const (
	inToken = 1 << iota // in the name of a field
	inValue
	inPath // an escape in it may be malformed: that is for net/http to say
	inQuery
)

// kinds says it of each: all those of a head are looked at.
var kinds = func() (k [256]uint8) {
	for i := range k {
		c := byte(i)
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0 {
			k[i] |= inToken
		}
		if c >= ' ' && c != 0x7f || c == '\t' {
			k[i] |= inValue
		}
		if c > ' ' && c < 0x7f && c != '#' {
			k[i] |= inQuery
			if c != '%' {
				k[i] |= inPath
			}
		}
	}
	return k
}()

// all reports whether every character of b may stand there.
func all(b []byte, where uint8) bool {
	for _, c := range b {
		if kinds[c]&where == 0 {
			return false
		}
	}
	return true
}

// allInValue is all of inValue, eight at a time: browsers send long values.
func allInValue(b []byte) bool {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		x := binary.LittleEndian.Uint64(b)
		del := x ^ ones*0x7f
		if (x-ones*' ')&^x&high != 0 || (del-ones)&^del&high != 0 {
			break // one of them is less than a space, or is 0x7f
		}
	}
	return all(b, inValue)
}
