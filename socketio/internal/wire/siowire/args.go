package siowire

import (
	"iter"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// Raw is one value that is still encoded, with the binaries of its packet; see
// value.Raw.
type Raw = value.Raw

// RawJSON returns a JSON text as a Raw. It keeps data. Using the Raw fails if
// data is not valid JSON.
func RawJSON(data []byte) Raw { return value.RawJSON(data) }

// span is where a value lies in a buffer: [from, to).
type span struct{ from, to uint32 }

// inlineArgs is how many arguments Args holds without an allocation.
const inlineArgs = 4

// Args are the arguments of an event or an ack, still encoded. It is a value: a
// copy is good as long as the packet's bytes are. The zero Args is empty.
type Args struct {
	buf   []byte // the packet's message
	src   *value.Source
	n     int
	first [inlineArgs]span
	more  []span // those after first
}

// Len returns the number of arguments.
func (a *Args) Len() int { return a.n }

// At returns argument i, counted from 0; the zero Raw if there is none.
func (a *Args) At(i int) Raw {
	if i < 0 || i >= a.n {
		return Raw{}
	}
	var s span
	if i < inlineArgs {
		s = a.first[i]
	} else {
		s = a.more[i-inlineArgs]
	}
	return value.NewRaw(a.buf[s.from:s.to:s.to], a.src)
}

// All returns the arguments with their positions.
func (a *Args) All() iter.Seq2[int, Raw] {
	return func(yield func(int, Raw) bool) {
		for i := range a.n {
			if !yield(i, a.At(i)) {
				return
			}
		}
	}
}

// Attachments returns how many binary messages came with the packet; 0 with
// MessagePack, which needs none.
func (a *Args) Attachments() int {
	if a.src == nil {
		return 0
	}
	return len(a.src.Attachments)
}

func (a *Args) push(from, to int) {
	s := span{uint32(from), uint32(to)}
	if a.n < inlineArgs {
		a.first[a.n] = s
	} else {
		a.more = append(a.more, s)
	}
	a.n++
}
