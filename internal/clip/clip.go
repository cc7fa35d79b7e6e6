package clip

import (
	"strconv"
	"strings"
)

// most is how many bytes of a client's text are told.
const most = 100

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

func cut(s string) (begin, more string) {
	if len(s) > most {
		return s[:most], "…"
	}
	return s, ""
}
