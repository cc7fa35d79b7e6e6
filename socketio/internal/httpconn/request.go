package httpconn

import (
	"bytes"
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
	Length int    // of the body
	Body   []byte
	Head   []byte // all of it, as it came

	host   []byte
	askers [len(asks)][]byte
	close  bool // Connection: close
}

// asks are the header fields that may decide whether a request is let in, and
// which header fields its answer has. With other values than those of the
// request with which the connection was taken over, the request is for whoever
// decided then.
var asks = [...]string{"Origin", "Sec-Fetch-Site", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "Forwarded"}

// appendSame appends what requests on one connection have in common.
func (r *Request) appendSame(dst []byte) []byte {
	dst = append(append(dst, r.Path...), '\n')
	dst = append(dst, r.host...)
	for _, v := range r.askers {
		dst = append(append(dst, '\n'), v...)
	}
	return dst
}

// same is appendSame of a request that net/http has read. It is "" if the
// request has nothing that others could have in common with it.
func same(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	var b strings.Builder
	b.WriteString(path)
	b.WriteByte('\n')
	b.WriteString(r.Host)
	for _, name := range asks {
		values := r.Header[name]
		if len(values) > 1 {
			return ""
		}
		b.WriteByte('\n')
		if len(values) == 1 {
			b.WriteString(values[0])
		}
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

// blank is the length of the empty lines at the beginning of b: some clients
// send one behind the body of a POST, and servers ignore them (RFC 9112, 2.2).
func blank(b []byte) int {
	n := 0
	for n < len(b) && (b[n] == '\r' || b[n] == '\n') {
		n++
	}
	return n
}

// parse parses the head at the beginning of b. Whatever is not exactly what it
// expects, malformed or only unusual, is other: it never takes for valid, nor
// reads in another way, what net/http would refuse or read differently. A line
// that ends without CR is told apart: the end of such a head may never come.
func parse(b []byte) (r Request, size int, result parsed) {
	within := b[:min(len(b), maxHead)]
	end := bytes.Index(within, []byte("\r\n\r\n"))
	if end >= 0 {
		within = within[:end+4]
	}
	if hasBareLF(within) {
		return r, 0, bareLF
	}
	if end < 0 {
		if len(b) >= maxHead {
			return r, 0, other
		}
		return r, 0, incomplete
	}
	r.Head = within
	line, rest := cutLine(within[:end+2])
	if !r.requestLine(line) {
		return r, 0, other
	}
	var seen uint // bits of those that may be there once
	for len(rest) > 0 {
		line, rest = cutLine(rest)
		if !r.field(line, &seen) {
			return r, 0, other
		}
	}
	if seen&seenHost == 0 || r.Post != (seen&seenLength != 0) && r.Length != 0 || r.Post && seen&seenLength == 0 {
		return r, 0, other
	}
	return r, len(within), simple
}

func hasBareLF(b []byte) bool {
	for i := bytes.IndexByte(b, '\n'); i >= 0; {
		if i == 0 || b[i-1] != '\r' {
			return true
		}
		next := bytes.IndexByte(b[i+1:], '\n')
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// cutLine cuts the first line off b, which ends with CR LF. A CR alone in it
// fails later, as a control character.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.Index(b, []byte("\r\n"))
	return b[:i], b[i+2:]
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
	inQuery := false
	for _, c := range target {
		// An escape in a path may be malformed: that is for net/http to say.
		if c <= ' ' || c >= 0x7f || c == '#' || c == '%' && !inQuery {
			return false
		}
		inQuery = inQuery || c == '?'
	}
	r.Path, r.Query, _ = bytes.Cut(target, []byte("?"))
	return true
}

const (
	seenHost = 1 << iota
	seenLength
	seenAccept
	seenType
	seenConnection
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
	for _, c := range name {
		if !isTokenChar(c) {
			return false
		}
	}
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	value = bytes.Trim(value, " \t")
	switch len(name) {
	case 4:
		if isName(name, "host") {
			r.host = value
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

func isTokenChar(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0
}
