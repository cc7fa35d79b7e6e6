package nodewire

import (
	"encoding/binary"
	"strings"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// Classic reads what came on any of the classic adapter's channels. An answer
// without sockets may be one to Fetch or to IDs: it is a FetchAnswer.
func (r *Reader) Classic(channel string, payload []byte) (*adapter.Message, error) {
	rest, ok := strings.CutPrefix(channel, r.Prefix)
	if ok {
		rest, ok = strings.CutSuffix(rest, "#")
	}
	if !ok {
		return nil, nil
	}
	if name, ok := strings.CutPrefix(rest, "#"); ok {
		return r.classicBroadcast(name, payload)
	}
	if ns, ok := strings.CutPrefix(rest, "-request#"); ok {
		return r.classicRequest(ns, payload)
	}
	if ns, ok := strings.CutPrefix(rest, "-response#"); ok {
		return r.classicAnswer(ns, payload)
	}
	return nil, nil
}

// classicBroadcast reads a broadcast. name is the namespace, with the room, if
// there is one, behind a hash.
func (r *Reader) classicBroadcast(name string, payload []byte) (*adapter.Message, error) {
	if !strings.HasPrefix(name, "/") {
		return nil, nil // of a longer prefix
	}
	if err := r.begin(payload); err != nil {
		return nil, err
	}
	r.msgpack = true
	wanted := r.wanted(name)
	if !wanted {
		if m, ok := r.glance(name); ok {
			return m, nil
		}
	}
	r.packet, r.opts, r.flags = object{}, object{}, object{}
	r.pack = value.MsgpackScanner{Data: payload, MaxDepth: maxDepth + envelope}
	s := &r.pack
	n, i, err := s.Open(0, value.Array)
	if err != nil || n < 3 {
		return nil, Parse
	}
	start := i
	if i, err = s.Value(i); err != nil {
		return nil, Parse
	}
	uid := between(start, i)
	m := &r.msg
	m.Kind = adapter.Broadcast
	if m.From, err = r.sender(uid); err != nil {
		return nil, err
	}
	if r.mine(m) {
		return nil, nil
	}
	if i, err = r.packObject(&r.packet, i); err != nil {
		return nil, Parse
	}
	start = i
	if i, err = r.packObject(&r.opts, i); err != nil {
		return nil, Parse
	}
	opts := between(start, i)
	for k := 3; k < n; k++ {
		from := i
		if i, err = s.Value(i); err != nil {
			return nil, Parse
		}
		if k == 3 {
			m.Seq, m.Lane = r.numbers(between(from, i))
		}
	}
	if i != len(payload) {
		return nil, Parse
	}
	var ok bool
	if m.NS, ok = r.place(name); !ok {
		return nil, nil // another namespace's
	}
	if err := r.target(m, opts); err != nil {
		return nil, err
	}
	if !wanted || !r.wantsAny(m.NS, m.Rooms) {
		return r.skipped(m.From, m.NS, m.Seq, m.Lane), nil
	}
	if err := r.event(m); err != nil {
		return nil, err
	}
	return m, nil
}

// wanted reports whether a broadcast may concern somebody here. What is a
// namespace and what a room is not certain where names have hashes in them: all
// are tried, up to a bound.
func (r *Reader) wanted(name string) bool {
	if r.Wants == nil || r.Wants(name, "") {
		return true
	}
	i := 0
	for range 16 {
		k := strings.IndexByte(name[i:], '#')
		if k < 0 {
			return false
		}
		i += k + 1
		if r.Wants(name[:i-1], name[i:]) {
			return true
		}
	}
	return true
}

// glance reads no more than the sender and the numbers of a broadcast, where
// they lie in our own messages.
func (r *Reader) glance(name string) (m *adapter.Message, ok bool) {
	data := r.data
	if len(data) < tail+1 || data[0] != 0x94 {
		return nil, false
	}
	seq, lane, ok := tailOf(data[len(data)-tail:])
	if !ok {
		return nil, false
	}
	s := value.MsgpackScanner{Data: data, MaxDepth: 2}
	uid, i, err := s.Key(1)
	if err != nil {
		return nil, false
	}
	if uid == r.Self {
		return nil, true
	}
	from, err := r.id(uid)
	if err != nil {
		return nil, false
	}
	n, i, err := s.Open(i, value.Object)
	if err != nil || n == 0 {
		return nil, false
	}
	key, i, err := s.Key(i)
	if err != nil || key != "nsp" {
		return nil, false
	}
	ns, _, err := s.Key(i)
	if err != nil {
		return nil, false
	}
	if ns, ok = nsOf(name, ns); !ok {
		return nil, false
	}
	return r.skipped(from, ns, seq, lane), true
}

// tailOf reads the numbers as our own messages have them.
func tailOf(b []byte) (seq uint64, lane uint32, ok bool) {
	if len(b) != tail || b[0] != 0x92 || b[1] != 0xcf || b[10] != 0xce {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(b[2:]), binary.BigEndian.Uint32(b[11:]), true
}

// nsOf returns the namespace of a packet as a part of a channel's name, if it is
// the namespace's.
func nsOf(name, nsp string) (ns string, ok bool) {
	if !okNS(nsp) || !strings.HasPrefix(name, nsp) || len(name) > len(nsp) && name[len(nsp)] != '#' {
		return "", false
	}
	return name[:len(nsp)], true
}

// place is nsOf for the packet that was read.
func (r *Reader) place(name string) (ns string, ok bool) {
	nsp, at := "/", r.packet[kNSP]
	if at.to > 0 && !value.MsgpackUndefined(r.raw(at)) {
		if nsp, ok = r.str(at); !ok {
			return "", false
		}
	}
	return nsOf(name, nsp)
}

// numbers reads [seq, lane]; what is something else is none.
func (r *Reader) numbers(at span) (seq uint64, lane uint32) {
	if seq, lane, ok := tailOf(r.raw(at)); ok {
		return seq, lane
	}
	n := 0
	_ = r.each(at, func(at span) error {
		switch n++; n {
		case 1:
			seq, _ = r.uint(at)
		case 2:
			v, _ := r.uint(at)
			lane = uint32(v)
		}
		return nil
	})
	return seq, lane
}

func (r *Reader) classicRequest(ns string, payload []byte) (*adapter.Message, error) {
	if !okNS(ns) {
		return nil, nil
	}
	if err := r.begin(payload); err != nil {
		return nil, err
	}
	if err := r.whole(&r.top); err != nil {
		return nil, err
	}
	t, ok := r.number(r.top[kType])
	if !ok {
		return nil, Kind
	}
	m := &r.msg
	m.NS = ns
	var err error
	if m.From, err = r.sender(r.top[kUID]); err != nil {
		return nil, err
	}
	if r.mine(m) {
		return nil, nil
	}
	if err = r.route(m, r.top[kSeq], r.top[kLane], r.top[kTo]); err != nil {
		return nil, err
	}
	if m.Kind, ok = requestKind(t); !ok {
		return nil, Kind
	}
	if m.Request, err = r.request(r.top[kRequestID], mustAsk(m.Kind) || m.Kind == adapter.Broadcast); err != nil {
		return nil, err
	}
	if err = r.classicBody(m); err != nil {
		return nil, err
	}
	return m, nil
}

func requestKind(t uint64) (adapter.Kind, bool) {
	switch t {
	case reqSockets:
		return adapter.IDs, true
	case reqRooms:
		return adapter.Rooms, true
	case reqJoin:
		return adapter.Join, true
	case reqLeave:
		return adapter.Leave, true
	case reqDisconnect:
		return adapter.Disconnect, true
	case reqFetch:
		return adapter.Fetch, true
	case reqServerSide:
		return adapter.ServerSide, true
	case reqBroadcast:
		return adapter.Broadcast, true
	case own + uint64(adapter.Hello), own + uint64(adapter.Heartbeat), own + uint64(adapter.Goodbye), own + uint64(adapter.Has):
		return adapter.Kind(t - own), true
	}
	return 0, false
}

// classicBody reads what a request has for its kind.
func (r *Reader) classicBody(m *adapter.Message) (err error) {
	switch m.Kind {
	case adapter.IDs:
		if !r.none(r.top[kOpts]) {
			return r.target(m, r.top[kOpts])
		}
		r.rooms, err = r.strings(r.rooms[:0], r.top[kRooms])
		m.Rooms = r.rooms
	case adapter.Join, adapter.Leave:
		if err = r.target(m, r.top[kOpts]); err == nil {
			r.names, err = r.strings(r.names[:0], r.top[kRooms])
			m.Names = r.names
		}
	case adapter.Disconnect:
		m.Close = r.true(r.top[kClose])
		err = r.target(m, r.top[kOpts])
	case adapter.Fetch:
		err = r.target(m, r.top[kOpts])
	case adapter.ServerSide:
		if _, err = r.list(m, r.top[kData]); err == nil {
			err = r.named(m, false)
		}
	case adapter.Broadcast:
		if r.kind(r.top[kPacket]) != value.Object {
			return Parse
		}
		if err = r.target(m, r.top[kOpts]); err == nil {
			err = r.event(m)
		}
	case adapter.Hello, adapter.Heartbeat, adapter.Goodbye:
		if m.From == "" {
			return ID
		}
		err = r.readNode(m, r.top[kNode], r.top[kPositions])
	}
	return err
}

func (r *Reader) classicAnswer(ns string, payload []byte) (*adapter.Message, error) {
	mine := false
	if r.Self != "" {
		ns, mine = strings.CutSuffix(ns, "#"+r.Self)
	}
	if !okNS(ns) {
		return nil, nil
	}
	if err := r.begin(payload); err != nil {
		return nil, err
	}
	if err := r.whole(&r.top); err != nil {
		return nil, err
	}
	m := &r.msg
	m.NS = ns
	var err error
	if m.From, err = r.sender(r.top[kFrom]); err != nil {
		return nil, err
	}
	if r.mine(m) {
		return nil, nil
	}
	if err = r.route(m, r.top[kSeq], r.top[kLane], r.top[kTo]); err != nil {
		return nil, err
	}
	if mine {
		m.To = r.Self
	}
	if m.Request, err = r.request(r.top[kRequestID], true); err != nil {
		return nil, err
	}
	if err = r.classicValues(m); err != nil {
		return nil, err
	}
	return m, nil
}

// classicValues finds out what an answer is, which Node's do not always say, and
// reads it.
func (r *Reader) classicValues(m *adapter.Message) (err error) {
	t, told := r.number(r.top[kType])
	switch {
	case !told && r.kind(r.top[kRooms]) == value.Array, told && t == reqRooms:
		m.Kind = adapter.RoomsAnswer
		_, err = r.list(m, r.top[kRooms])
	case !told && r.kind(r.top[kSockets]) == value.Array, told && (t == reqSockets || t == reqFetch):
		m.Kind = adapter.FetchAnswer
		if _, err = r.list(m, r.top[kSockets]); err != nil {
			return err
		}
		first := false
		_ = r.each(r.top[kSockets], func(at span) error {
			first = r.kind(at) == value.String
			return Parse // no more than the first
		})
		if first || told && t == reqSockets {
			m.Kind = adapter.IDsAnswer
		}
	case told && t == reqServerSide:
		m.Kind = adapter.ServerSideAnswer
		err = r.answer(m, r.top[kData], r.top[kArgs])
	case told && t == resClientCount:
		m.Kind = adapter.ClientCount
		err = r.count(m, r.top[kClientCount])
	case told && t == resAck:
		m.Kind = adapter.ClientAck
		err = r.answer(m, r.top[kPacket], r.top[kArgs])
	case told && t == own+uint64(adapter.HasAnswer):
		m.Kind = adapter.HasAnswer
		err = r.count(m, r.top[kCount])
	default:
		return Kind
	}
	return err
}

func (r *Reader) count(m *adapter.Message, at span) error {
	n, ok := r.uint(at)
	if !ok || n > 1<<31-1 {
		return Parse
	}
	m.Count = int(n)
	return nil
}
