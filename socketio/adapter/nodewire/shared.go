package nodewire

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"unsafe"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// AppendShared appends m in the message model that Node's adapters share: JSON,
// or MessagePack if m holds binary. There are no IDs and no Rooms in it, nor
// their answers: [adapter.ErrNoSuchKind]. Otherwise like AppendClassic.
func AppendShared(dst []byte, m *adapter.Message) ([]byte, error) {
	return appendShared(dst, m, len(m.Data.Attachments) > 0 && hasData(m.Kind))
}

// AppendSharedMsgpack is AppendShared, MessagePack in any case: the form of
// messages beside a stream.
func AppendSharedMsgpack(dst []byte, m *adapter.Message) ([]byte, error) {
	return appendShared(dst, m, true)
}

// inShared reports whether the shared model has the kind, or Node ignores it.
func inShared(k adapter.Kind) bool {
	return k >= adapter.Hello && k <= adapter.Goodbye || k == adapter.Has || k == adapter.HasAnswer
}

func appendShared(dst []byte, m *adapter.Message, msgpack bool) ([]byte, error) {
	if !inShared(m.Kind) {
		return dst, adapter.ErrNoSuchKind
	}
	first, values, err := check(m)
	if err != nil {
		return dst, err
	}
	f := form{buf: dst, msgpack: msgpack}
	top := f.open()
	f.key(top, "uid")
	f.str(m.From)
	f.key(top, "nsp")
	f.str(m.NS)
	f.key(top, "type")
	f.uint(uint64(m.Kind))
	f.key(top, "data")
	f.sharedData(m, first, values)
	f.route(top, m)
	f.close()
	return f.buf, nil
}

// sharedData writes a message's data, which is never missing: Node's sharded
// adapter ends its process over a message without.
func (f *form) sharedData(m *adapter.Message, first []byte, values int) {
	at := f.open()
	if m.Request != "" {
		f.key(at, "requestId")
		f.str(m.Request)
	}
	switch m.Kind {
	case adapter.Hello, adapter.Heartbeat:
		f.node(at, m)
	case adapter.Broadcast:
		f.key(at, "opts")
		f.opts(m, true)
		f.key(at, "packet")
		f.packet(m)
	case adapter.Join, adapter.Leave:
		f.key(at, "opts")
		f.opts(m, true)
		f.key(at, "rooms")
		f.strings(m.Names)
	case adapter.Disconnect:
		f.key(at, "opts")
		f.opts(m, true)
		f.key(at, "close")
		f.bool(m.Close)
	case adapter.Fetch:
		f.key(at, "opts")
		f.opts(m, true)
	case adapter.FetchAnswer:
		f.key(at, "sockets")
		f.value(m.Data.Text, m.Data.Attachments)
	case adapter.ServerSide:
		f.key(at, "packet")
		f.value(m.Data.Text, m.Data.Attachments)
	case adapter.ServerSideAnswer, adapter.ClientAck:
		f.answer(at, "packet", m, first, values)
	case adapter.ClientCount:
		f.key(at, "clientCount")
		f.uint(uint64(max(m.Count, 0)))
	case adapter.HasAnswer:
		f.key(at, "count")
		f.uint(uint64(max(m.Count, 0)))
	}
	f.close()
}

// AppendEntry appends the fields of a stream's entry, packed, for EntryFields.
// Otherwise like AppendShared.
func AppendEntry(dst []byte, m *adapter.Message) ([]byte, error) {
	if !inShared(m.Kind) {
		return dst, adapter.ErrNoSuchKind
	}
	first, values, err := check(m)
	if err != nil {
		return dst, err
	}
	dst = appendField(dst, "uid", m.From)
	dst = appendField(dst, "nsp", m.NS)
	dst = appendNumber(dst, "type", uint64(m.Kind))
	dst = appendField(dst, "data", "")
	f := form{buf: dst, msgpack: len(m.Data.Attachments) > 0 && hasData(m.Kind)}
	at := len(f.buf)
	f.sharedData(m, first, values)
	if dst = f.buf; f.msgpack {
		raw := dst[at:]
		n := base64.StdEncoding.EncodedLen(len(raw))
		text := make([]byte, n)
		base64.StdEncoding.Encode(text, raw)
		dst = append(dst[:at], text...)
	}
	binary.BigEndian.PutUint32(dst[at-4:], uint32(len(dst)-at))
	if m.Seq != 0 {
		dst = appendNumber(dst, "seq", m.Seq)
	}
	if m.Lane != 0 {
		dst = appendNumber(dst, "lane", uint64(m.Lane))
	}
	if m.To != "" {
		dst = appendField(dst, "to", m.To)
	}
	return dst, nil
}

// appendField appends a name and a value, each behind its length.
func appendField(dst []byte, name, val string) []byte {
	dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(name))), name...)
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(val))), val...)
}

func appendNumber(dst []byte, name string, n uint64) []byte {
	var digits [20]byte
	return appendField(dst, name, string(strconv.AppendUint(digits[:0], n, 10)))
}

// EntryFields appends to dst what AppendEntry has packed: names and values by
// turns, as XADD takes them. They are parts of packed, and change with it.
func EntryFields(dst []string, packed []byte) []string {
	for len(packed) >= 4 {
		n := int(binary.BigEndian.Uint32(packed))
		b := packed[4 : 4+n]
		dst = append(dst, unsafe.String(unsafe.SliceData(b), n))
		packed = packed[4+n:]
	}
	return dst
}

// Ephemeral reports whether m goes beside the stream: Node writes broadcasts,
// joins, leaves and disconnects to the stream, and sends questions and
// server-side events beside it. Answers go beside it too, to the asker's own
// channel.
func Ephemeral(m *adapter.Message) bool {
	switch m.Kind {
	case adapter.Broadcast:
		return m.Request != ""
	case adapter.Join, adapter.Leave, adapter.Disconnect:
		return false
	}
	return true
}
