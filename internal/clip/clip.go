package clip

import (
	"strconv"
	"strings"
)

// most is how many bytes of a client's text are told.
const most = 100

const (
	shown     = 8  // bytes of an id
	idLen     = 20 // of an id that a server has made
	idLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

// Text is the beginning of s, as valid UTF-8. It may have control characters in
// it, which a logger escapes.
func Text(s string) string {
	s, more := cut(s)
	return strings.ToValidUTF8(s, "\uFFFD") + more
}

// Quoted is the beginning of s in quotes and in ASCII, on one line.
func Quoted(s string) string {
	s, more := cut(s)
	return strconv.QuoteToASCII(s) + more
}

// ID is the beginning of a socket's id: enough to find its lines in a log, and
// not to be taken for it.
func ID(id string) string {
	if len(id) > shown {
		id = id[:shown]
	}
	return id + "…"
}

// Whom is Quoted, but for what may be a socket's id, of which it is the beginning.
func Whom(s string) string {
	if len(s) != idLen || strings.Trim(s, idLetters) != "" {
		return Quoted(s)
	}
	return strconv.Quote(s[:shown]) + "…"
}

func cut(s string) (begin, more string) {
	if len(s) > most {
		return s[:most], "…"
	}
	return s, ""
}
