package postgres

import (
	"strings"
	"unicode/utf8"
)

// longest is how many bytes a channel's name may have.
const longest = 63

// channel is the one that a namespace's messages go to. Node's adapter listens to
// a name that the server cuts, and cannot notify a longer one: it is cut here as
// the server does. A name can hold no NUL.
func channel(prefix, ns string) string {
	name := strings.ToValidUTF8(strings.ReplaceAll(prefix+"#"+ns, "\x00", "\uFFFD"), "\uFFFD")
	if len(name) <= longest {
		return name
	}
	end := longest
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end]
}

// probeChannel is this node's own: no namespace's begins like that.
func (a *Adapter) probeChannel() string { return channel(a.o.Prefix+"-probe", a.self.ID) }

// quoted is a name as SQL has it.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// distinct appends white space to a message that may be like another: of those
// that are alike the server passes on one for each transaction. There are more
// of these than messages in a batch.
func distinct(b []byte, n uint32) []byte {
	const white = " \t\r\n"
	for range 6 {
		b = append(b, white[n&3])
		n >>= 2
	}
	return b
}
