package nativewire

import (
	"bytes"
	"unsafe"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// maxDepth is how deep values may be nested: as deep as a client's.
const maxDepth = 1000

// Check returns what is wrong with the values of a message, "" if nothing is.
// They are a list in valid JSON, whose placeholders stand for the attachments
// that there are, and that of an event begins with a name that clients take.
func Check(m *adapter.Message) (bad string) {
	event := m.Kind == adapter.Broadcast || m.Kind == adapter.ServerSide
	switch m.Kind {
	case adapter.Broadcast, adapter.ServerSide, adapter.FetchAnswer, adapter.ServerSideAnswer,
		adapter.ClientAck, adapter.IDsAnswer, adapter.RoomsAnswer:
	default:
		return ""
	}
	text := m.Data.Text
	if len(text) == 0 || text[0] != '[' {
		return BadType
	}
	var s value.Scanner
	s.Init(text, maxDepth)
	if n := len(m.Data.Attachments); n > 0 {
		s.Binaries(n)
	}
	i, err := s.OpenArray(0)
	if err == nil && event {
		if i < 0 || text[i] != '"' {
			return BadType
		}
		var end int
		if end, err = s.Value(i); err == nil {
			if reserved(text[i:end]) && m.Kind == adapter.Broadcast {
				return BadPacket
			}
			i, err = s.NextElement(end)
		}
	}
	for err == nil && i >= 0 {
		var end int
		if end, err = s.Value(i); err == nil {
			i, err = s.NextElement(end)
		}
	}
	if err != nil {
		return BadPacket
	}
	return ""
}

// reserved reports whether a name, a JSON string, is one that ends a client's
// connection.
func reserved(quoted []byte) bool {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		var name string
		err := value.DecodeJSON(quoted, nil, &name)
		return err != nil || siowire.Reserved(name)
	}
	b := quoted[1 : len(quoted)-1]
	return siowire.Reserved(unsafe.String(unsafe.SliceData(b), len(b)))
}
