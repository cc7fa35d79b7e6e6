package forward

import (
	"bytes"
	"errors"

	"github.com/sockeye-io/sockeye/socketio/internal/httpconn"
)

// reply is what is known of the answer that comes on a wire: where it ends.
type reply struct {
	status  int
	form    form
	left    int64 // bytes of the body, or of its chunk, that are to come
	chunk   chunk // where in a chunked body it is
	aside   int   // bytes of the line of a chunk, or of all that stands behind the last one
	close   bool  // the connection ends with it
	refused bool  // the node does not believe that the request was passed on
}

// form is how the end of a body is known.
type form uint8

const (
	unknown form = iota // the head has not come
	fixed
	chunked
	untilEnd
)

type chunk uint8

const (
	chunkSize  chunk = iota // its first digit
	chunkDigit              // or another one
	chunkLine               // the rest of that line
	chunkLF                 // its last byte
	chunkData
	chunkEnd // the end of the line behind it
	chunkEndLF
	trailerLine
	trailerName
	trailerRest
	trailerLF
	bodyLF // the last byte of all
)

var errReply = errors.New("forward: the node's answer is malformed")

const (
	// maxReplyHead bounds the head of an answer.
	maxReplyHead = 64 << 10
	// maxAside bounds what comes of a chunked body that is no data, at once. It
	// and maxDigits are no more than net/http reads.
	maxAside  = 2 << 10
	maxDigits = 16
	maxLength = 1 << 50
)

// head reads a head at the beginning of b. size is 0 if that has not come.
func (p *reply) head(b []byte) (size int, err error) {
	*p = reply{}
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) > maxReplyHead {
			return 0, errReply
		}
		return 0, nil
	}
	line, rest, ok := nextLine(b[:end+2])
	if !ok || len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[7]|1 != '1' || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return 0, errReply
	}
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return 0, errReply
		}
		p.status = 10*p.status + int(c-'0')
	}
	old := line[7] == '0'
	p.close = old
	length, inChunks := int64(-1), false
	for len(rest) > 0 {
		if line, rest, ok = nextLine(rest); !ok {
			return 0, errReply
		}
		name, value := cutField(line)
		if !httpconn.IsToken(name) || !inField(line) {
			return 0, errReply
		}
		switch {
		case is(name, "Content-Length"):
			n, ok := number(value)
			if !ok || length >= 0 && n != length {
				return 0, errReply
			}
			length = n
		case is(name, "Transfer-Encoding"):
			if !is(value, "chunked") || inChunks || old { // RFC 9112, 6.1
				return 0, errReply
			}
			inChunks = true
		case is(name, "Connection"):
			p.close = p.close || hasToken(value, []byte("close"))
		case is(name, Header):
			p.refused = string(value) == refused
		}
	}
	switch {
	case p.status == 101 || p.status < 100:
		return 0, errReply // nobody has asked for that
	case p.status < 200 || p.status == 204 || p.status == 304:
		p.form = fixed
	case inChunks:
		p.form = chunked
	case length >= 0:
		p.form, p.left = fixed, length
	default:
		p.form, p.close = untilEnd, true
	}
	return end + 4, nil
}

// appendHead appends what goes to the client of a head that was read: what is not
// for the next connection only. fields are those of the node itself, which stand
// where the other has none.
func (p *reply) appendHead(dst, head []byte, fields string, last bool) []byte {
	line, rest := cutLine(head)
	dst = append(append(append(dst, "HTTP/1.1"...), line[8:]...), "\r\n"...)
	named := connection(rest)
	for all := rest; len(all) > 2; {
		line, all = cutLine(all)
		name, _ := cutField(line)
		if httpconn.OneHop(name) || len(named) > 0 && hasToken(named, name) || p.form == chunked && is(name, "Content-Length") {
			continue
		}
		dst = append(append(dst, line...), "\r\n"...)
	}
	for own := []byte(fields); len(own) > 0; {
		line, own = cutLine(own)
		name, _ := cutField(line)
		if !hasField(rest, name) {
			dst = append(append(dst, line...), "\r\n"...)
		}
	}
	if p.form == chunked {
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	if last {
		dst = append(dst, "Connection: close\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// body reads what is at the beginning of b: used bytes of it are the body's, of
// which the first pass go to the client. Behind the last chunk they are without
// the end of the body, for which bodyEnd stands.
func (p *reply) body(b []byte) (used, pass int, done bool, err error) {
	switch p.form {
	case fixed:
		n := int(min(int64(len(b)), p.left))
		p.left -= int64(n)
		return n, n, p.left == 0, nil
	case untilEnd:
		return len(b), len(b), false, nil
	}
	return p.chunks(b)
}

const bodyEnd = "\r\n"

// chunks is body of one that is chunked. What stands behind the last chunk is
// dropped: nobody has announced it.
func (p *reply) chunks(b []byte) (used, pass int, done bool, err error) {
	pass = -1
	if p.chunk >= trailerLine {
		pass = 0
	}
	for i := 0; i < len(b); i++ {
		c := b[i]
		if p.chunk != chunkData {
			if p.aside++; p.aside > maxAside {
				return 0, 0, false, errReply
			}
		}
		switch p.chunk {
		case chunkSize, chunkDigit:
			d, ok := digit(c)
			switch {
			case ok && p.left < maxLength && p.aside <= maxDigits:
				p.left, p.chunk = 16*p.left+d, chunkDigit
			case ok || p.chunk == chunkSize:
				return 0, 0, false, errReply
			case c == '\r':
				p.chunk = chunkLF
			case c == ';' || c == ' ' || c == '\t':
				p.chunk = chunkLine
			default:
				return 0, 0, false, errReply
			}
		case chunkLine, trailerRest:
			switch {
			case c == '\r':
				p.chunk++
			case c < ' ' && c != '\t' || c == 0x7f:
				return 0, 0, false, errReply
			}
		case chunkLF:
			p.aside = 0
			if p.chunk = chunkData; p.left == 0 {
				p.chunk, pass = trailerLine, i+1
			}
			if c != '\n' {
				return 0, 0, false, errReply
			}
		case chunkData:
			n := min(int64(len(b)-i), p.left)
			i += int(n) - 1
			if p.left -= n; p.left == 0 {
				p.chunk = chunkEnd
			}
		case chunkEnd:
			if p.chunk = chunkEndLF; c != '\r' {
				return 0, 0, false, errReply
			}
		case chunkEndLF:
			p.aside = 0
			if p.chunk = chunkSize; c != '\n' {
				return 0, 0, false, errReply
			}
		case trailerLine:
			switch {
			case c == '\r':
				p.chunk = bodyLF
			case !httpconn.IsToken(b[i : i+1]):
				return 0, 0, false, errReply
			default:
				p.chunk = trailerName
			}
		case trailerName:
			switch {
			case c == ':':
				p.chunk = trailerRest
			case !httpconn.IsToken(b[i : i+1]):
				return 0, 0, false, errReply
			}
		case trailerLF:
			if p.chunk = trailerLine; c != '\n' {
				return 0, 0, false, errReply
			}
		case bodyLF:
			if c != '\n' {
				return 0, 0, false, errReply
			}
			return i + 1, pass, true, nil
		}
	}
	if pass < 0 {
		pass = len(b)
	}
	return len(b), pass, false, nil
}

func digit(c byte) (int64, bool) {
	switch {
	case c >= '0' && c <= '9':
		return int64(c - '0'), true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int64(c|0x20-'a') + 10, true
	}
	return 0, false
}

func number(b []byte) (n int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' || n > maxLength {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, len(b) > 0
}

// nextLine cuts the first line off b. ok: it ends with CR LF.
func nextLine(b []byte) (line, rest []byte, ok bool) {
	i := bytes.IndexByte(b, '\n')
	if i < 1 || b[i-1] != '\r' {
		return nil, nil, false
	}
	return b[:i-1], b[i+1:], true
}

// cutLine is nextLine where that is known.
func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = nextLine(b)
	return line, rest
}

// cutField cuts a line at its colon. Without one there is no name.
func cutField(line []byte) (name, value []byte) {
	i := bytes.IndexByte(line, ':')
	if i < 0 {
		return nil, nil
	}
	for value = line[i+1:]; len(value) > 0 && (value[0] == ' ' || value[0] == '\t'); {
		value = value[1:]
	}
	for n := len(value); n > 0 && (value[n-1] == ' ' || value[n-1] == '\t'); n-- {
		value = value[:n-1]
	}
	return line[:i], value
}

// inField reports whether a line has only what may stand in a field.
func inField(line []byte) bool {
	for _, c := range line {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

func is(name []byte, s string) bool { return len(name) == len(s) && bytes.EqualFold(name, []byte(s)) }

// hasToken reports whether a list with commas has a token.
func hasToken(list, token []byte) bool {
	for len(list) > 0 {
		var t []byte
		t, list, _ = bytes.Cut(list, []byte(","))
		if bytes.EqualFold(bytes.Trim(t, " \t"), token) {
			return true
		}
	}
	return false
}

// connection is what the fields in lines say in Connection, if that is more than
// one of the usual words.
func connection(lines []byte) (list []byte) {
	for len(lines) > 2 {
		var line []byte
		line, lines = cutLine(lines)
		if name, value := cutField(line); is(name, "Connection") && !is(value, "close") && !is(value, "keep-alive") {
			list = append(append(list, value...), ',')
		}
	}
	return list
}

func hasField(lines, name []byte) bool {
	for len(lines) > 2 {
		var line []byte
		line, lines = cutLine(lines)
		if k, _ := cutField(line); bytes.EqualFold(k, name) {
			return true
		}
	}
	return false
}
