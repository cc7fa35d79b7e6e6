package socketio

import (
	"bytes"
	"strconv"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// What travels between nodes is the list of values alone, as JSON with its
// binaries apart: a packet without its header. With recovery it is without the
// offset too, which is each node's own.

// markerLen is what an offset takes as one more value of a list.
func (r *recovery) markerLen() int {
	if r == nil {
		return 0
	}
	return len(`,""`) + len(r.marker)
}

// list encodes values as a list.
func (c *clustered) list(values []any) (adapter.Data, error) {
	e, err := c.json.Encode(siowire.Outgoing{Type: siowire.Ack, Args: values}, 4)
	if err != nil {
		return adapter.Data{}, err
	}
	return adapter.Data{Text: body(e.Text, "/"), Attachments: e.Attachments}, nil
}

// body is a packet's text without its header.
func body(text []byte, ns string) []byte {
	i := 1
	if text[0] >= '0'+byte(siowire.BinaryEvent) {
		i = bytes.IndexByte(text, '-') + 1
	}
	if ns != "/" {
		i += len(ns) + len(",")
	}
	for text[i] != '[' {
		i++ // of an id
	}
	return text[i:]
}

// eventData is what travels of an event that was encoded for clients of ns, with
// a place for its offset at the end or not.
func (c *clustered) eventData(ns *Namespace, event string, args []any, e *siowire.Encoded, offset bool) (adapter.Data, error) {
	if !c.sliced {
		return c.list(append([]any{event}, args...))
	}
	d := adapter.Data{Text: body(e.Text[engineio.Headroom:], ns.name), Attachments: e.Attachments}
	if offset {
		n := len(d.Text) - ns.recovery.markerLen() - len("]")
		d.Text = append(append(make([]byte, 0, n+1), d.Text[:n]...), ']')
	}
	return d, nil
}

// A packetOf is the packet around a list that has travelled, and what clients
// are sent of it.
type packetOf struct {
	siowire.Packet
	siowire.Encoded
}

// packet makes a packet of a list: an event of ns, with an acknowledgement's id
// if there is one, or an answer. It is refused if clients could not parse it.
// It is called by one goroutine at a time with dec. What it returns shares
// nothing with d.
func packet(dec siowire.Decoder, t siowire.Type, ns string, id *uint64, d adapter.Data) (p packetOf, err error) {
	if len(d.Text) < 2 || d.Text[0] != '[' || d.Text[len(d.Text)-1] != ']' {
		return p, errNoList // it could be taken for more of the header
	}
	text := make([]byte, engineio.Headroom, engineio.Headroom+len(ns)+len(d.Text)+100)
	n := len(d.Attachments)
	if n > 0 {
		text = append(text, '0'+byte(t+siowire.BinaryEvent-siowire.Event))
		text = append(strconv.AppendInt(text, int64(n), 10), '-')
	} else {
		text = append(text, '0'+byte(t))
	}
	if ns != "/" {
		text = append(append(text, ns...), ',')
	}
	if id != nil {
		text = strconv.AppendUint(text, *id, 10)
	}
	text = append(text, d.Text...)
	defer dec.Reset()
	complete, err := dec.Add(text[engineio.Headroom:], false, &p.Packet)
	for _, a := range d.Attachments {
		if err != nil {
			return p, err
		}
		a = bytes.Clone(a)
		p.Encoded.Attachments = append(p.Encoded.Attachments, a)
		complete, err = dec.Add(a, true, &p.Packet)
	}
	if err == nil && !complete {
		err = errNoAttachment
	}
	p.Text = text
	return p, err
}

// withOffset appends the marker that an offset replaces to an event's text.
func (p *packetOf) withOffset(marker string) {
	p.Text = append(p.Text[:len(p.Text)-1], ',', '"')
	p.Text = append(append(p.Text, marker...), '"', ']')
}

// values are the packet's arguments, still encoded.
func (p *packetOf) values() []any {
	list := make([]any, 0, p.Args.Len()+1)
	for _, r := range p.Args.All() {
		list = append(list, r)
	}
	return list
}

// acknowledgement makes an answer that has travelled an Ack.
func acknowledgement(d adapter.Data) (Ack, error) {
	var parser siowire.JSONParser
	p, err := packet(parser.NewDecoder(&PacketLimits{MaxAttachments: -1, MaxAttachmentBytes: -1}), siowire.Ack, "/", new(uint64), d)
	return Ack{args: p.Args}, err
}
