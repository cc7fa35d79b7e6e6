package nodewire

import "github.com/sockeye-io/sockeye/socketio/adapter"

// AppendShared appends m in the message model that Node's adapters share: JSON,
// or MessagePack if m holds binary. There are no IDs and no Rooms in it, nor
// their answers: [adapter.ErrNoSuchKind]. Otherwise like AppendClassic.
func AppendShared(dst []byte, m *adapter.Message) ([]byte, error) {
	return dst, adapter.ErrNoSuchKind
}

// AppendSharedMsgpack is AppendShared, MessagePack in any case: the form of
// messages beside a stream.
func AppendSharedMsgpack(dst []byte, m *adapter.Message) ([]byte, error) {
	return dst, adapter.ErrNoSuchKind
}

// AppendEntry appends the fields of a stream's entry, packed, for EntryFields.
// Otherwise like AppendShared.
func AppendEntry(dst []byte, m *adapter.Message) ([]byte, error) {
	return dst, adapter.ErrNoSuchKind
}

// EntryFields appends to dst what AppendEntry has packed: names and values by
// turns, as XADD takes them. They are parts of packed.
func EntryFields(dst []string, packed []byte) []string { return dst }

// Ephemeral reports whether m goes beside the stream: questions, and what is
// said by one server to the others. Answers go to the asker's own channel.
func Ephemeral(m *adapter.Message) bool {
	return m.Request != "" || m.Kind == adapter.ServerSide || m.Kind == adapter.Heartbeat || m.Kind == adapter.Hello
}
