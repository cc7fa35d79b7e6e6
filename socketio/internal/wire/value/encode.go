package value

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// encodeDepth is how deep a value to encode may be nested. What contains itself
// reaches it.
const encodeDepth = 1000

var errDeep = fmt.Errorf("nested more than %d deep, or contains itself", encodeDepth)

// Encoder encodes values one after the other into one buffer. Get one with
// NewEncoder, give it back with Free.
type Encoder struct{ e encoder }

type encoder struct {
	buf         []byte
	attachments [][]byte
	msgpack     bool
	codec       Codec
	depth       int
	members     []member // of maps being encoded
	escapes     bool     // the key of a placeholder, in maps of MessagePack that become JSON
	alike       bool     // there was one whose value is true
	most        int      // attachments of MessagePack that becomes JSON; 0: any number
}

// member is a map's entry.
type member struct {
	key   string
	value any
}

var encoders = sync.Pool{New: func() any { return new(Encoder) }}

// NewEncoder returns an empty encoder: of MessagePack, or of JSON by codec
// (nil: this package) and placeholders.
func NewEncoder(msgpack bool, codec Codec) *Encoder {
	e := encoders.Get().(*Encoder)
	e.e.msgpack, e.e.codec = msgpack, codec
	return e
}

// Free gives the encoder's buffer back. Bytes must not be used afterwards.
func (e *Encoder) Free() {
	if cap(e.e.buf) > 64<<10 {
		e.e.buf = nil
	}
	if cap(e.e.members) > 1024 {
		e.e.members = nil
	}
	clear(e.e.members[:cap(e.e.members)])
	e.e = encoder{buf: e.e.buf[:0], members: e.e.members[:0]}
	encoders.Put(e)
}

// Bytes returns what was encoded so far. It is good until the encoder is used
// again.
func (e *Encoder) Bytes() []byte { return e.e.buf }

// Attachments returns the binaries that placeholders stand for, each aliasing
// the slice that was encoded.
func (e *Encoder) Attachments() [][]byte { return e.e.attachments }

// Literal appends text as it is.
func (e *Encoder) Literal(text string) { e.e.buf = append(e.e.buf, text...) }

// String appends a string.
func (e *Encoder) String(s string) { e.e.str(s) }

// Value appends a value, see siowire.JSONParser.Encode. After an error the
// encoder is good for nothing but Free.
func (e *Encoder) Value(v any) error {
	e.e.depth = 0
	if c := e.e.codec; c != nil && v != nil && !e.e.msgpack && !mayHoldBinary(reflect.TypeOf(v)) {
		text, err := c.Marshal(v)
		if err != nil {
			return err
		}
		return e.e.json(text)
	}
	return e.e.any(v)
}

func (e *encoder) enter() error {
	if e.depth++; e.depth > encodeDepth {
		return errDeep
	}
	return nil
}

func (e *encoder) any(v any) error {
	switch v := v.(type) {
	case nil:
		e.null()
	case string:
		e.str(v)
	case bool:
		e.bool(v)
	case int:
		e.int(int64(v))
	case int64:
		e.int(v)
	case float64:
		e.float(v, 64)
	case []byte:
		e.binary(v)
	case time.Time:
		e.time(v)
	case json.RawMessage:
		return e.rawMessage(v)
	case Raw:
		return e.raw(v)
	case []any:
		return e.slice(v)
	case map[string]any:
		return e.stringMap(v)
	case []string:
		if v == nil {
			e.null()
			return nil
		}
		e.openArray(len(v))
		for i, s := range v {
			e.next(i)
			e.str(s)
		}
		e.closeArray()
	default:
		r := reflect.ValueOf(v)
		return coderOf(r.Type()).encode(e, r)
	}
	return nil
}

func (e *encoder) slice(v []any) error {
	if v == nil {
		e.null()
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	e.openArray(len(v))
	for i, x := range v {
		e.next(i)
		if err := e.any(x); err != nil {
			return err
		}
	}
	e.closeArray()
	e.depth--
	return nil
}

func (e *encoder) stringMap(v map[string]any) error {
	if v == nil {
		e.null()
		return nil
	}
	if err := e.enter(); err != nil {
		return err
	}
	base := len(e.members)
	for k, x := range v {
		e.members = append(e.members, member{k, x})
	}
	end := len(e.members)
	sortMembers(e.members[base:end])
	e.openMap(end - base)
	for i := base; i < end; i++ {
		e.next(i - base)
		m := e.members[i]
		e.str(m.key)
		e.colon()
		if err := e.any(m.value); err != nil {
			return err
		}
	}
	e.members = e.members[:base]
	e.closeMap()
	e.depth--
	return nil
}

// sortMembers sorts by key. Most maps are small.
func sortMembers(list []member) {
	if len(list) > 16 {
		slices.SortFunc(list, func(a, b member) int { return strings.Compare(a.key, b.key) })
		return
	}
	for i := 1; i < len(list); i++ {
		m := list[i]
		k := i
		for ; k > 0 && list[k-1].key > m.key; k-- {
			list[k] = list[k-1]
		}
		list[k] = m
	}
}

func (e *encoder) rawMessage(m json.RawMessage) error {
	if m == nil {
		e.null()
		return nil
	}
	return e.json(m)
}

// json appends a JSON text that comes from elsewhere, once it is checked.
func (e *encoder) json(text []byte) error {
	if !Valid(text, encodeDepth) {
		return fmt.Errorf("%w: %.40q", errSyntax, text)
	}
	if e.msgpack {
		return e.transcode(text, nil)
	}
	e.buf = append(e.buf, text...)
	return nil
}

func (e *encoder) raw(r Raw) error {
	switch {
	case r.src == nil:
		e.null()
	case r.src.unchecked:
		return e.json(r.data)
	case r.src.Msgpack && e.msgpack:
		e.buf = append(e.buf, r.data...)
	case r.src.Msgpack:
		text, attachments, err := msgpackToJSON(r.data)
		if err != nil {
			return err
		}
		return e.renumber(text, attachments)
	case e.msgpack:
		return e.transcode(r.data, r.src.Attachments)
	case r.holdsBinary():
		return e.renumber(r.data, r.src.Attachments)
	default:
		e.buf = append(e.buf, r.data...)
	}
	return nil
}

// renumber appends JSON whose placeholders count from another packet's attachments.
func (e *encoder) renumber(text []byte, attachments [][]byte) error {
	if len(attachments) == 0 {
		e.buf = append(e.buf, text...)
		return nil
	}
	last := 0
	for i := 0; i < len(text); {
		switch text[i] {
		case '"':
			end, _ := stringEnd(text, i+1)
			i = end + 1
		case '{':
			if num, end := placeholder(text, i); end > 0 && num < len(attachments) {
				e.buf = append(e.buf, text[last:i]...)
				e.binary(attachments[num])
				i, last = end, end
				continue
			}
			i++
		default:
			i++
		}
	}
	e.buf = append(e.buf, text[last:]...)
	return nil
}

// OpenArray begins an array of n values in MessagePack; in JSON it appends the
// bracket, and the rest of the syntax is the caller's.
func (e *Encoder) OpenArray(n int) { e.e.openArray(n) }

// OpenMap begins a map of n members in MessagePack: n times a String and a
// Value follow.
func (e *Encoder) OpenMap(n int) { e.e.openMap(n) }

// Int appends a whole number.
func (e *Encoder) Int(i int64) { e.e.int(i) }
