package nodewire

import (
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
	if mine, err := r.origin(m, ns, r.top[kUID]); mine || err != nil {
		return nil, err
	}
	var err error
	if m.Kind, ok = requestKind(t); !ok {
		return r.later(m)
	}
	if m.Request, err = r.request(r.top[kRequestID], mustAsk(m.Kind) || m.Kind == adapter.Broadcast); err != nil {
		return nil, err
	}
	if err = r.classicBody(m); err != nil {
		return nil, err
	}
	return m, nil
}

// requestKind is the kind of a request. ok is false if it is none that is known
// here.
func requestKind(t uint64) (k adapter.Kind, ok bool) {
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
	if t > own && t <= own+255 {
		return adapter.Kind(t - own), false
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
		if m.Kind != adapter.Goodbye { // which says no more
			err = r.readNode(m, r.top[kNode], r.top[kPositions])
		}
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
	if mine, err := r.origin(m, ns, r.top[kFrom]); mine || err != nil {
		return nil, err
	}
	var err error
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

// origin fills in whence a request or answer of ns is and where it leads. mine:
// it is this node's own, and nothing else of it matters.
func (r *Reader) origin(m *adapter.Message, ns string, from span) (mine bool, err error) {
	m.NS = ns
	if m.From, err = r.sender(from); err != nil {
		return false, err
	}
	if r.mine(m) {
		return true, nil
	}
	return false, r.route(m, r.top[kSeq], r.top[kLane], r.top[kTo])
}
