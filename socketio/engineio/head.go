package engineio

import "bytes"

// maxHead bounds the head of a request that is read here. Longer ones are for
// net/http.
const maxHead = 8 << 10

// requestHead is the head of an HTTP request of the simplest kind, the one that
// a polling client sends again and again. Its fields alias the input.
type requestHead struct {
	post   bool
	target []byte
	host   []byte
	origin []byte
	accept []byte // Accept-Encoding
	binary bool   // Content-Type is application/octet-stream
	length int    // Content-Length
	close  bool   // Connection: close
	size   int    // of the head, in bytes
}

type headResult int

const (
	headIncomplete headResult = iota
	headSimple
	headOther // it is for net/http to say what it is
)

// parseHead parses the head at the beginning of b. Whatever is not exactly what
// it expects, malformed or only unusual, is headOther: it never takes for valid,
// nor reads in another way, what net/http would refuse or read differently.
func parseHead(b []byte) (h requestHead, result headResult) {
	end := bytes.Index(b[:min(len(b), maxHead)], []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) >= maxHead {
			return h, headOther
		}
		return h, headIncomplete
	}
	h.size = end + 4
	line, rest := cutLine(b[:end+2])
	if !h.requestLine(line) {
		return h, headOther
	}
	var seen uint // bits of those that may be there once
	for len(rest) > 0 {
		line, rest = cutLine(rest)
		if !h.field(line, &seen) {
			return h, headOther
		}
	}
	if seen&seenHost == 0 || h.post != (seen&seenLength != 0) && h.length != 0 || h.post && seen&seenLength == 0 {
		return h, headOther
	}
	return h, headSimple
}

// cutLine cuts the first line off b, which ends with CR LF. A line with one of
// the two alone in it fails later, as it has a control character.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.Index(b, []byte("\r\n"))
	return b[:i], b[i+2:]
}

func (h *requestHead) requestLine(line []byte) bool {
	target, ok := bytes.CutSuffix(line, []byte(" HTTP/1.1"))
	if !ok {
		return false
	}
	if rest, ok := bytes.CutPrefix(target, []byte("GET ")); ok {
		target = rest
	} else if target, ok = bytes.CutPrefix(target, []byte("POST ")); ok {
		h.post = true
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
	h.target = target
	return true
}

const (
	seenHost = 1 << iota
	seenLength
	seenOrigin
	seenAccept
	seenType
	seenConnection
)

// once notes a header that may not come twice.
func once(seen *uint, bit uint) bool {
	before := *seen
	*seen |= bit
	return before&bit == 0
}

func (h *requestHead) field(line []byte, seen *uint) bool {
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
			h.host = value
			return once(seen, seenHost) && len(value) > 0
		}
	case 6:
		if isName(name, "origin") {
			h.origin = value
			return once(seen, seenOrigin)
		}
		return !isName(name, "expect")
	case 7:
		return !isName(name, "upgrade") && !isName(name, "trailer")
	case 10:
		if isName(name, "connection") {
			h.close = isName(value, "close")
			return once(seen, seenConnection) && (h.close || isName(value, "keep-alive"))
		}
	case 12:
		if isName(name, "content-type") {
			h.binary = isName(value, "application/octet-stream")
			return once(seen, seenType)
		}
	case 14:
		if isName(name, "content-length") {
			return once(seen, seenLength) && h.contentLength(value)
		}
	case 15:
		if isName(name, "accept-encoding") {
			h.accept = value
			return once(seen, seenAccept)
		}
	case 16:
		return !isName(name, "content-encoding")
	case 17:
		return !isName(name, "transfer-encoding")
	}
	return true
}

func (h *requestHead) contentLength(value []byte) bool {
	if len(value) == 0 || len(value) > 9 {
		return false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
		h.length = 10*h.length + int(c-'0')
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
