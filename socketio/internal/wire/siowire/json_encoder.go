package siowire

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// JSONParser is the default parser: JSON in text messages, binary beside it in
// messages of its own. The zero value is ready. It must not be changed once it
// is in use.
type JSONParser struct {
	// Codec replaces this package's JSON codec: for encoding arguments whose type
	// cannot hold binary, and for decoding the arguments of packets without binary.
	// nil is faster than encoding/json and honours what Encode and Raw.Decode say,
	// which a Codec may not.
	Codec Codec
}

// Encode encodes a packet as text and attachments.
//
// Values become what JSON.stringify makes of them: floats as JavaScript prints
// them, NaN and infinities as null, time.Time as Date.prototype.toJSON does
// (UTC, milliseconds), nothing escaped for HTML. Keys of maps are sorted. A
// []byte, however deep, becomes an attachment. Raw and json.RawMessage are
// copied as they are. Struct tags, json.Marshaler and encoding.TextMarshaler
// count as they do for encoding/json. Not encodable are channels, functions,
// io.Readers (read them first), and values that contain themselves.
func (p *JSONParser) Encode(o Outgoing, _ int) (Encoded, error) {
	e := value.NewEncoder(false, p.Codec)
	defer e.Free()
	if err := encodePayload(e, &o); err != nil {
		return Encoded{}, err
	}
	body, attachments := e.Bytes(), e.Attachments()
	t := o.Type
	if n := len(attachments); n > 0 {
		if t != Event && t != Ack {
			return Encoded{}, fmt.Errorf("siowire: binary in the payload of a packet of type %s", t)
		}
		// What an application passes on may hold an object that looks like a
		// placeholder. A client would close its connection over it.
		if err := value.CheckPlaceholders(body, n); err != nil {
			return Encoded{}, fmt.Errorf("siowire: beside binary: %w", err)
		}
		t += BinaryEvent - Event
	}
	var text []byte
	if o.Buffer != nil && len(attachments) == 0 {
		text = (*o.Buffer)[:0]
	}
	text = slices.Grow(text, o.Headroom+headerRoom+len(o.Namespace)+len(body))[:o.Headroom]
	text = append(text, '0'+byte(t))
	if n := len(attachments); n > 0 {
		text = append(strconv.AppendInt(text, int64(n), 10), '-')
	}
	if o.Namespace != "" && o.Namespace != "/" {
		text = append(append(text, o.Namespace...), ',')
	}
	if o.HasID {
		text = strconv.AppendUint(text, o.ID, 10)
	}
	text = append(text, body...)
	if o.Buffer != nil && len(attachments) == 0 {
		*o.Buffer = text
	}
	return Encoded{Text: text, Attachments: attachments}, nil
}

// headerRoom is more than a packet's header takes beside the namespace: type,
// attachments, comma, id.
const headerRoom = 1 + 8 + 1 + 16

// encodePayload encodes what follows a packet's header.
func encodePayload(e *value.Encoder, o *Outgoing) error {
	switch o.Type {
	case Event, Ack:
		e.Literal("[")
		if o.Type == Event {
			e.String(o.Event)
		}
		for i, a := range o.Args {
			if i > 0 || o.Type == Event {
				e.Literal(",")
			}
			if err := e.Value(a); err != nil {
				return fmt.Errorf("siowire: argument %d: %w", i+1, err)
			}
		}
		e.Literal("]")
	case Connect, ConnectError:
		if o.Data == nil {
			return nil
		}
		if err := e.Value(o.Data); err != nil {
			return fmt.Errorf("siowire: payload: %w", err)
		}
	case Disconnect:
	default:
		return fmt.Errorf("siowire: cannot encode a packet of type %s", o.Type)
	}
	return nil
}
