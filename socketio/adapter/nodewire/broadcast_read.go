package nodewire

import (
	"encoding/binary"
	"strings"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// classicBroadcast reads a broadcast. name is the namespace, with the room, if
// there is one, behind a hash.
func (r *Reader) classicBroadcast(name string, payload []byte) (*adapter.Message, error) {
	if !strings.HasPrefix(name, "/") {
		return nil, nil // of a longer prefix
	}
	if err := r.begin(payload); err != nil {
		return nil, err
	}
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
