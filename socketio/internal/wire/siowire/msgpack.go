package siowire

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// MsgpackParser is the parser of the npm package socket.io-msgpack-parser 3: a
// packet is one binary message, the map {type, nsp, data, id?} in MessagePack.
// The zero value is ready. It must not be changed once it is in use.
//
// Values mean the same as with JSONParser, and decode into the same Go values.
// What differs is on the wire: binary has its place among the values, and a
// time.Time arrives at a JavaScript client as a Date (a Date from there decodes
// into time.Time, or the string that JSON would have). NaN and infinities stay
// what they are.
type MsgpackParser struct {
	Codec Codec // as in JSONParser, for decoding only
}

// Encode encodes a packet as one binary message. Outgoing.Headroom is not used.
func (p *MsgpackParser) Encode(o Outgoing, _ int) (Encoded, error) {
	if o.Type > ConnectError {
		return Encoded{}, fmt.Errorf("siowire: cannot encode a packet of type %s", o.Type)
	}
	e := value.NewEncoder(true, nil)
	defer e.Free()
	nsp := o.Namespace
	if nsp == "" {
		nsp = "/"
	}
	members := 2
	hasData := o.Type == Event || o.Type == Ack || (o.Type != Disconnect && o.Data != nil)
	if hasData {
		members++
	}
	if o.HasID {
		members++
	}
	e.OpenMap(members)
	e.String("type")
	e.Int(int64(o.Type))
	e.String("nsp")
	e.String(nsp)
	if hasData {
		e.String("data")
		if err := encodeMsgpackData(e, &o); err != nil {
			return Encoded{}, err
		}
	}
	if o.HasID {
		e.String("id")
		e.Int(int64(o.ID))
	}
	return Encoded{Binary: append(make([]byte, 0, len(e.Bytes())), e.Bytes()...)}, nil
}

func encodeMsgpackData(e *value.Encoder, o *Outgoing) error {
	switch o.Type {
	case Event, Ack:
		n := len(o.Args)
		if o.Type == Event {
			n++
		}
		e.OpenArray(n)
		if o.Type == Event {
			e.String(o.Event)
		}
		for i, a := range o.Args {
			if err := e.Value(a); err != nil {
				return fmt.Errorf("siowire: argument %d: %w", i+1, err)
			}
		}
	default:
		if err := e.Value(o.Data); err != nil {
			return fmt.Errorf("siowire: payload: %w", err)
		}
	}
	return nil
}

// NewDecoder returns a decoder of MessagePack packets.
func (p *MsgpackParser) NewDecoder(lim *Limits) Decoder {
	if lim == nil {
		lim = &defaultLimits
	}
	src := &plainMsgpack
	if p.Codec != nil {
		src = &value.Source{Msgpack: true, Codec: p.Codec}
	}
	return &msgpackDecoder{lim, src}
}

var plainMsgpack = value.Source{Msgpack: true}

type msgpackDecoder struct {
	lim *Limits
	src *value.Source
}

func (d *msgpackDecoder) Pending() bool { return false }
func (d *msgpackDecoder) Reset()        {}

func (d *msgpackDecoder) Add(data []byte, binary bool, p *Packet) (bool, error) {
	*p = Packet{}
	if !binary {
		return false, malformed("text for a MessagePack parser")
	}
	if len(data) > math.MaxInt32 {
		return false, malformed("%d bytes", len(data))
	}
	m, err := d.members(data)
	if err != nil {
		return false, malformed("%v", err)
	}
	if err := d.packet(data, m, p); err != nil {
		return false, err
	}
	p.Borrowed, p.msg = true, data
	return true, nil
}

// packetMembers is where a packet's members are; those that are not there are
// empty.
type packetMembers struct{ kind, nsp, data, id span }

func (s span) of(data []byte) []byte { return data[s.from:s.to] }

// members checks the whole message and finds the packet's members. Of doubled
// keys the last one counts, as in JavaScript.
func (d *msgpackDecoder) members(data []byte) (m packetMembers, err error) {
	s := value.MsgpackScanner{Data: data, MaxDepth: d.lim.depth() + 1} // the packet itself is not part of the payload
	n, i, err := s.Open(0, value.Object)
	if err != nil {
		return m, err
	}
	for range n {
		key, at, err := s.Key(i)
		if err != nil {
			return m, err
		}
		if i, err = s.Value(at); err != nil {
			return m, err
		}
		here := span{uint32(at), uint32(i)}
		if value.MsgpackUndefined(data[at:i]) {
			here = span{}
		}
		switch key {
		case "type":
			m.kind = here
		case "nsp":
			m.nsp = here
		case "data":
			m.data = here
		case "id":
			m.id = here
		}
	}
	if i != len(data) {
		return m, fmt.Errorf("%d bytes after the packet", len(data)-i)
	}
	return m, nil
}

func (d *msgpackDecoder) packet(data []byte, m packetMembers, p *Packet) error {
	t, ok := whole(m.kind.of(data), float64(ConnectError))
	if !ok {
		return malformed("unknown packet type")
	}
	p.Type = Type(t)
	if p.Namespace, ok = value.MsgpackString(m.nsp.of(data)); !ok || !utf8.ValidString(p.Namespace) {
		return malformed("namespace is not a string")
	}
	if most := d.lim.namespaceLen(); len(p.Namespace) > most {
		return malformed("namespace of %d bytes, at most %d are allowed (Limits.MaxNamespaceLen)", len(p.Namespace), most)
	}
	if p.Type == Connect {
		p.Namespace = strings.Clone(p.Namespace)
	}
	if m.id.to > 0 {
		id, ok := whole(m.id.of(data), MaxID)
		if !ok {
			return malformed("illegal ack id")
		}
		p.ID, p.HasID = id, true
	}
	return d.payload(data, m.data, p)
}

// whole reads a whole number from 0 to most.
func whole(data []byte, most float64) (uint64, bool) {
	f, ok := value.MsgpackNumber(data)
	if !ok || f != math.Trunc(f) || !(f >= 0 && f <= most) {
		return 0, false
	}
	return uint64(f), true
}

func (d *msgpackDecoder) payload(data []byte, at span, p *Packet) error {
	absent := at.to == 0
	raw := value.NewRaw(at.of(data), d.src)
	switch p.Type {
	case Disconnect:
		if !absent {
			return malformed("a disconnect with a payload")
		}
		return nil
	case Connect, ConnectError:
		if absent && p.Type == Connect {
			return nil
		}
		if k := raw.Kind(); absent || k != value.Object && (k != value.String || p.Type == Connect) {
			return malformed("payload of %s is not an object", p.Type)
		}
		p.setData(data, int(at.from), int(at.to), d.src)
		return nil
	}
	if absent {
		return malformed("%s without a payload", p.Type)
	}
	return d.elements(data, int(at.from), p)
}

func (d *msgpackDecoder) elements(data []byte, at int, p *Packet) error {
	s := value.MsgpackScanner{Data: data, MaxDepth: d.lim.depth()}
	n, i, err := s.Open(at, value.Array)
	if err != nil {
		return malformed("%v", err)
	}
	if n > d.lim.args() {
		return malformed("more than %d arguments (Limits.MaxArgs)", d.lim.args())
	}
	a := &p.Args
	a.buf, a.src = data, d.src
	for k := range n {
		end, err := s.Value(i)
		if err != nil {
			return malformed("%v", err)
		}
		if k == 0 && p.Type == Event {
			if err := d.name(data[i:end], p); err != nil {
				return err
			}
		} else {
			a.push(i, end)
		}
		i = end
	}
	if n == 0 && p.Type == Event {
		return malformed("an event without a name")
	}
	return nil
}

func (d *msgpackDecoder) name(data []byte, p *Packet) error {
	if f, ok := value.MsgpackNumber(data); ok {
		p.Event = string(value.AppendNumber(nil, f))
		return nil
	}
	name, ok := value.MsgpackString(data)
	if !ok || !utf8.ValidString(name) {
		return malformed("event name is not a string")
	}
	if most := d.lim.nameLen(); len(name) > most {
		return malformed("event name of %d bytes, at most %d are allowed (Limits.MaxNameLen)", len(name), most)
	}
	if Reserved(name) {
		return malformed("event name %q is reserved", name)
	}
	p.Event = name
	return nil
}
