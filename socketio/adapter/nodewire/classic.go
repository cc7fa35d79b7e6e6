package nodewire

import (
	"encoding/binary"
	"strings"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// Channels are the names of the classic adapter's channels. Prefix is what its
// documentation calls key.
type Channels struct{ Prefix string }

// Broadcast is where a broadcast without Request goes.
func (c Channels) Broadcast(m *adapter.Message) string {
	if len(m.Rooms) == 1 {
		return c.Prefix + "#" + m.NS + "#" + m.Rooms[0] + "#"
	}
	return c.Prefix + "#" + m.NS + "#"
}

// Request is where a namespace's questions and orders go. Nodes are counted by
// its subscribers.
func (c Channels) Request(ns string) string { return c.Prefix + "-request#" + ns + "#" }

// Response is where answers go: to all nodes that have the namespace if to is
// empty, else to that one.
func (c Channels) Response(ns, to string) string {
	if to == "" {
		return c.Prefix + "-response#" + ns + "#"
	}
	return c.Prefix + "-response#" + ns + "#" + to + "#"
}

// BroadcastPattern matches the broadcasts of all namespaces, and no more than
// that.
func (c Channels) BroadcastPattern() string { return globs.Replace(c.Prefix) + "#*" }

// ResponsePattern matches the answers in all namespaces.
func (c Channels) ResponsePattern() string { return globs.Replace(c.Prefix) + "-response#*" }

var globs = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

// The classic adapter's types of requests and responses. Those from own on are
// not Node's, which ignores them: the kind is added.
const (
	reqSockets = iota
	reqRooms
	reqJoin
	reqLeave
	reqDisconnect
	reqFetch
	reqServerSide
	reqBroadcast
	resClientCount
	resAck
	own = 200
)

var classicTypes = map[adapter.Kind]uint64{
	adapter.IDs: reqSockets, adapter.IDsAnswer: reqSockets, adapter.Rooms: reqRooms, adapter.RoomsAnswer: reqRooms,
	adapter.Join: reqJoin, adapter.Leave: reqLeave, adapter.Disconnect: reqDisconnect, adapter.Fetch: reqFetch, adapter.FetchAnswer: reqFetch,
	adapter.ServerSide: reqServerSide, adapter.ServerSideAnswer: reqServerSide, adapter.Broadcast: reqBroadcast,
	adapter.ClientCount: resClientCount, adapter.ClientAck: resAck,
	adapter.Hello: own + 1, adapter.Heartbeat: own + 2, adapter.Goodbye: own + 13, adapter.Has: own + 24, adapter.HasAnswer: own + 25,
}

// AppendClassic appends m for the classic adapter, whatever its kind:
//
//	kinds                              channel
//	Broadcast without Request          Channels.Broadcast
//	all that Answers                   Channels.Response(m.NS, …)
//	others                             Channels.Request(m.NS)
//
// It keeps nothing of m. After an error dst is as it was. An error is
// [adapter.ErrNoSuchKind], or says what of m cannot be sent.
//
// As with Node's adapter, binary in a server-side event, its answers, and
// sockets' data, which travel as JSON, arrives as {"type":"Buffer","data":[…]}.
func AppendClassic(dst []byte, m *adapter.Message) ([]byte, error) {
	t, ok := classicTypes[m.Kind]
	if !ok {
		return dst, adapter.ErrNoSuchKind
	}
	first, values, err := check(m)
	if err != nil {
		return dst, err
	}
	if m.Kind == adapter.Broadcast && m.Request == "" {
		return appendBroadcast(dst, m), nil
	}
	f := form{buf: dst, msgpack: m.Kind == adapter.Broadcast || m.Kind == adapter.ClientAck}
	top := f.open()
	if m.Kind.Answers() {
		// Node does not say who answers.
		f.key(top, "type")
		f.uint(t)
		f.key(top, "requestId")
		f.str(m.Request)
		f.classicAnswer(top, m, first, values)
		f.key(top, "from")
		f.str(m.From)
		f.route(top, m)
	} else {
		f.key(top, "uid")
		f.str(m.From)
		if m.Request != "" {
			f.key(top, "requestId")
			f.str(m.Request)
		}
		f.key(top, "type")
		f.uint(t)
		f.classicRequest(top, m)
		f.route(top, m)
	}
	f.close()
	return f.buf, nil
}

// tail is what a broadcast of ours ends with: a list of its number and its lane,
// always of this size, so that it is found without reading what is before.
const tail = 1 + 9 + 5

// appendBroadcast appends [uid, {nsp, type, data}, {rooms, except, flags}] and
// the numbers.
func appendBroadcast(dst []byte, m *adapter.Message) []byte {
	f := form{buf: dst, msgpack: true}
	numbered := m.Seq != 0
	if numbered {
		f.array(4)
	} else {
		f.array(3)
	}
	f.str(m.From)
	f.packet(m)
	f.opts(m, true)
	if numbered {
		f.buf = binary.BigEndian.AppendUint64(append(f.buf, 0x92, 0xcf), m.Seq)
		f.buf = binary.BigEndian.AppendUint32(append(f.buf, 0xce), m.Lane)
	}
	return f.buf
}

func (f *form) packet(m *adapter.Message) {
	at := f.open()
	f.key(at, "nsp") // first: a reader that wants no more needs to go no further
	f.str(m.NS)
	f.key(at, "type")
	f.uint(2)
	f.key(at, "data")
	f.value(m.Data.Text, m.Data.Attachments)
	f.close()
}

// opts writes the target. Node needs both lists.
func (f *form) opts(m *adapter.Message, flags bool) {
	at := f.open()
	f.key(at, "rooms")
	f.strings(m.Rooms)
	f.key(at, "except")
	f.strings(m.Except)
	if flags {
		f.key(at, "flags")
		f.flags(m)
	}
	f.close()
}

func (f *form) flags(m *adapter.Message) {
	at := f.open()
	if m.Flags.Volatile {
		f.key(at, "volatile")
		f.bool(true)
	}
	if m.Flags.NoCompress {
		f.key(at, "compress")
		f.bool(false)
	}
	if ms := m.Flags.Timeout.Milliseconds(); ms > 0 {
		f.key(at, "timeout")
		f.uint(uint64(ms))
	}
	f.close()
}

// route writes the members that all kinds may have, and Node does not look at.
func (f *form) route(at int, m *adapter.Message) {
	if m.Seq != 0 {
		f.key(at, "seq")
		f.number(m.Seq)
	}
	if m.Lane != 0 {
		f.key(at, "lane")
		f.uint(uint64(m.Lane))
	}
	if m.To != "" {
		f.key(at, "to")
		f.str(m.To)
	}
}

func (f *form) classicRequest(at int, m *adapter.Message) {
	switch m.Kind {
	case adapter.IDs:
		f.key(at, "rooms")
		f.strings(m.Rooms)
		f.key(at, "opts") // ours: Node's has no except
		f.opts(m, false)
	case adapter.Join, adapter.Leave:
		f.key(at, "opts")
		f.opts(m, false)
		f.key(at, "rooms")
		f.strings(m.Names)
	case adapter.Disconnect:
		f.key(at, "opts")
		f.opts(m, false)
		f.key(at, "close")
		f.bool(m.Close)
	case adapter.Fetch:
		f.key(at, "opts")
		f.opts(m, false)
	case adapter.ServerSide:
		f.key(at, "data")
		f.value(m.Data.Text, m.Data.Attachments)
	case adapter.Broadcast:
		f.key(at, "packet")
		f.packet(m)
		f.key(at, "opts")
		f.opts(m, true)
	case adapter.Hello, adapter.Heartbeat:
		f.node(at, m)
	}
}

func (f *form) classicAnswer(at int, m *adapter.Message, first []byte, values int) {
	switch m.Kind {
	case adapter.IDsAnswer, adapter.FetchAnswer:
		f.key(at, "sockets")
		f.value(m.Data.Text, m.Data.Attachments)
	case adapter.RoomsAnswer:
		f.key(at, "rooms")
		f.value(m.Data.Text, m.Data.Attachments)
	case adapter.ServerSideAnswer:
		f.answer(at, "data", m, first, values)
	case adapter.ClientAck:
		f.answer(at, "packet", m, first, values)
	case adapter.ClientCount:
		f.key(at, "clientCount")
		f.uint(uint64(max(m.Count, 0)))
	case adapter.HasAnswer:
		f.key(at, "count")
		f.uint(uint64(max(m.Count, 0)))
	}
}

// answer writes the one value that Node's answers have as name and, if there is
// another number of values, all of them beside it.
func (f *form) answer(at int, name string, m *adapter.Message, first []byte, values int) {
	f.key(at, name)
	if values == 0 {
		f.null()
	} else {
		f.value(first, m.Data.Attachments)
	}
	if values != 1 {
		f.key(at, "args")
		f.value(m.Data.Text, m.Data.Attachments)
	}
}

// node writes what a node tells of itself, in members of our own.
func (f *form) node(at int, m *adapter.Message) {
	if n := m.Node; n != nil {
		f.key(at, "node")
		o := f.open()
		f.key(o, "name")
		f.str(n.Name)
		f.key(o, "version")
		f.uint(uint64(max(n.Version, 0)))
		f.key(o, "address")
		f.str(n.Address)
		f.close()
	}
	if len(m.Positions) > 0 {
		f.key(at, "positions")
		f.array(len(m.Positions))
		for i, p := range m.Positions {
			f.next(i)
			f.array(3)
			f.str(p.NS)
			f.next(1)
			f.uint(uint64(p.Lane))
			f.next(2)
			f.number(p.Seq)
			f.end()
		}
		f.end()
	}
}
