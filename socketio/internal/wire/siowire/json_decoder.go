package siowire

import (
	"bytes"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

var (
	defaultLimits Limits
	plainJSON     value.Source
)

// NewDecoder returns a decoder of JSON packets.
func (p *JSONParser) NewDecoder(lim *Limits) Decoder {
	if lim == nil {
		lim = &defaultLimits
	}
	src := &plainJSON
	if p.Codec != nil {
		src = &value.Source{Codec: p.Codec}
	}
	return &jsonDecoder{lim: lim, src: src}
}

type jsonDecoder struct {
	lim  *Limits
	src  *value.Source // of packets without attachments
	wait *pending      // nil unless attachments are still to come
}

// pending is a binary packet whose attachments have not all arrived.
type pending struct {
	packet Packet
	src    *value.Source
	want   int // attachments announced
	size   int // bytes of those that are there
}

func (d *jsonDecoder) Pending() bool { return d.wait != nil }
func (d *jsonDecoder) Reset()        { d.wait = nil }

func (d *jsonDecoder) Add(data []byte, binary bool, p *Packet) (bool, error) {
	*p = Packet{}
	if binary {
		return d.attach(data, p)
	}
	if d.wait != nil {
		return false, malformed("text while %d attachments are awaited", d.wait.want-len(d.wait.src.Attachments))
	}
	return d.text(data, p)
}

func (d *jsonDecoder) attach(data []byte, p *Packet) (bool, error) {
	w := d.wait
	if w == nil {
		return false, malformed("binary without a packet that announced it")
	}
	if most := d.lim.attachmentBytes(); len(data) > most-w.size {
		return false, malformed("attachments of more than %d bytes in all (Limits.MaxAttachmentBytes)", most)
	}
	w.size += len(data)
	w.src.Attachments = append(w.src.Attachments, append(make([]byte, 0, len(data)), data...))
	if len(w.src.Attachments) < w.want {
		return false, nil
	}
	*p = w.packet
	d.wait = nil
	return true, nil
}

func (d *jsonDecoder) text(data []byte, p *Packet) (bool, error) {
	if uint64(len(data)) > math.MaxUint32 {
		return false, malformed("%d bytes", len(data))
	}
	h, err := d.header(data, p)
	if err != nil {
		return false, err
	}
	if err := d.payload(data, h, p); err != nil {
		return false, err
	}
	if h.attachments == 0 {
		p.Borrowed, p.msg = true, data
		return true, nil
	}
	p.Borrowed, p.msg = true, data
	p.Detach()
	src := &value.Source{Codec: d.src.Codec}
	p.Args.src = src
	d.wait = &pending{packet: *p, src: src, want: h.attachments}
	*p = Packet{}
	return false, nil
}

// header is where the parts before the payload led to.
type header struct {
	attachments int
	payload     int // offset
}

// header reads everything before the payload:
// <type>[<attachments>-][/namespace,][id].
func (d *jsonDecoder) header(data []byte, p *Packet) (header, error) {
	var h header
	if len(data) == 0 || data[0] < '0' || data[0] > '6' {
		return h, malformed("unknown packet type")
	}
	p.Type = Type(data[0] - '0')
	i := 1
	if p.Type == BinaryEvent || p.Type == BinaryAck {
		n, end, ok := digits(data, i, 7)
		if !ok || end == len(data) || data[end] != '-' || n == 0 {
			return h, malformed("illegal number of attachments")
		}
		if most := d.lim.attachments(); n > uint64(most) {
			return h, malformed("%d attachments, at most %d are allowed (Limits.MaxAttachments)", n, most)
		}
		h.attachments, i = int(n), end+1
		p.Type -= BinaryEvent - Event
	}
	p.Namespace = "/"
	if i < len(data) && data[i] == '/' {
		end := bytes.IndexByte(data[i:], ',')
		rest := i + end + 1
		if end < 0 {
			end, rest = len(data)-i, len(data)
		}
		if most := d.lim.namespaceLen(); end > most {
			return h, malformed("namespace of %d bytes, at most %d are allowed (Limits.MaxNamespaceLen)", end, most)
		}
		name := data[i : i+end]
		if !utf8.Valid(name) {
			return h, malformed("namespace is not UTF-8")
		}
		if p.Namespace = borrow(name); p.Type == Connect {
			p.Namespace = strings.Clone(p.Namespace)
		}
		i = rest
	}
	if i < len(data) && (data[i] >= '0' && data[i] <= '9' || blank(data[i])) {
		var err error
		if p.ID, i, err = ackID(data, i); err != nil {
			return h, err
		}
		p.HasID = true
	}
	h.payload = i
	return h, nil
}

// ackID reads an id with the blanks around it. Blanks alone are the id 0, as
// JavaScript's Number has it.
func ackID(data []byte, i int) (id uint64, end int, err error) {
	for i < len(data) && blank(data[i]) {
		i++
	}
	if i < len(data) && data[i] >= '0' && data[i] <= '9' {
		ok := false
		if id, i, ok = digits(data, i, 16); !ok || id > MaxID {
			return 0, i, malformed("ack id too large")
		}
	}
	for i < len(data) && blank(data[i]) {
		if i++; i < len(data) && data[i] >= '0' && data[i] <= '9' {
			return 0, i, malformed("two ack ids")
		}
	}
	return id, i, nil
}

func blank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// digits reads a decimal number of at most most digits.
func digits(data []byte, i, most int) (n uint64, end int, ok bool) {
	start := i
	for i < len(data) && data[i] >= '0' && data[i] <= '9' {
		if i-start == most {
			return 0, i, false
		}
		n = n*10 + uint64(data[i]-'0')
		i++
	}
	return n, i, i > start
}

// payload checks the payload, in one pass, and notes where its parts are.
func (d *jsonDecoder) payload(data []byte, h header, p *Packet) error {
	at := h.payload
	if at == len(data) {
		if p.Type == Event {
			return malformed("an event without a name")
		}
		return nil
	}
	var s value.Scanner
	s.Init(data, d.lim.depth())
	if h.attachments > 0 {
		s.Binaries(h.attachments)
	}
	switch p.Type {
	case Disconnect:
		return malformed("a disconnect with a payload")
	case Connect, ConnectError:
		c := data[at]
		if c != '{' && (c != '"' || p.Type == Connect) {
			return malformed("payload of %s is not an object", p.Type)
		}
		end, err := s.Value(at)
		if err != nil {
			return malformed("%v", err)
		}
		if err := s.End(end); err != nil {
			return malformed("%v", err)
		}
		p.setData(data, at, end, d.src)
		return nil
	}
	return d.elements(&s, data, at, p)
}

// elements reads the array that is the payload of an event or an ack.
func (d *jsonDecoder) elements(s *value.Scanner, data []byte, at int, p *Packet) error {
	a := &p.Args
	a.buf, a.src = data, d.src
	most := d.lim.args()
	named := p.Type != Event
	next, err := s.OpenArray(at)
	for err == nil && next >= 0 {
		var end int
		if end, err = s.Value(next); err != nil {
			break
		}
		if !named {
			named = true
			if err := d.name(data[next:end], p); err != nil {
				return err
			}
			most--
		} else {
			if a.n >= most {
				return malformed("more than %d arguments (Limits.MaxArgs)", d.lim.args())
			}
			a.push(next, end)
		}
		next, err = s.NextElement(end)
	}
	if err != nil {
		return malformed("%v", err)
	}
	if !named {
		return malformed("an event without a name")
	}
	return nil
}

// name takes an event's name from its JSON value, which has been checked.
func (d *jsonDecoder) name(data []byte, p *Packet) error {
	switch c := data[0]; {
	case c == '"':
		if most := d.lim.nameLen(); len(data)-2 > most {
			return malformed("event name of %d bytes, at most %d are allowed (Limits.MaxNameLen)", len(data)-2, most)
		}
		inner := data[1 : len(data)-1]
		if bytes.IndexByte(inner, '\\') < 0 {
			p.Event = borrow(inner)
		} else if err := value.DecodeJSON(data, nil, &p.Event); err != nil {
			return malformed("%v", err)
		}
		if Reserved(p.Event) {
			return malformed("event name %q is reserved", p.Event)
		}
		return nil
	case c == '-' || c >= '0' && c <= '9':
		var f float64
		if err := value.DecodeJSON(data, nil, &f); err != nil {
			return malformed("%v", err)
		}
		p.Event = string(value.AppendNumber(nil, f))
		return nil
	}
	return malformed("event name is not a string")
}
