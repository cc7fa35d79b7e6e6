package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Codec is a replacement for this package's own JSON codec, such as sonic's
// ConfigStd. *encoding/json* has functions of the same shape.
type Codec interface {
	Marshal(v any) ([]byte, error)
	Unmarshal(data []byte, v any) error
}

// Source is what all values of one packet share: how they are encoded, and
// their binaries. It must not change once a Raw refers to it.
type Source struct {
	Codec       Codec    // decodes JSON without attachments; nil: this package
	Msgpack     bool     // MessagePack, not JSON
	Attachments [][]byte // what the placeholders of a JSON packet stand for
	unchecked   bool     // no Scanner has seen the data
	own         bool     // the data never changes: what is decoded from it may refer to it
}

var (
	plain     = &Source{}
	plainOwn  = &Source{own: true}
	unchecked = &Source{unchecked: true}
)

// Own returns a source like s for values that lie in a packet of size bytes
// which is the values' own and never changes. Strings that are decoded from
// such values are parts of it, unless it is so large that a short one should
// not keep it alive.
func (s *Source) Own(size int) *Source {
	switch {
	case s.own || size > shareText:
		return s
	case s.Codec == nil && !s.Msgpack && s.Attachments == nil && !s.unchecked:
		return plainOwn
	}
	return s
}

// Raw is one value that is still encoded, with the binaries of its packet. It
// is small, meant to be copied, and safe for concurrent use as long as the
// packet it came from is detached. Encoding a Raw copies it as it is, unless it
// holds binary. As a field of a struct, or an element of a slice or a map, it
// keeps that part of a larger value undecoded. The zero Raw is no value at all,
// see IsZero, and encodes as null.
type Raw struct {
	data []byte
	src  *Source
}

// NewRaw returns data as a Raw. A Scanner (or ScanMsgpack) has accepted it, and
// Scanner.Binaries if src has attachments.
func NewRaw(data []byte, src *Source) Raw { return Raw{data, src} }

// RawJSON returns a JSON text as a Raw. It keeps data. Using the Raw fails if
// data is not valid JSON.
func RawJSON(data []byte) Raw { return Raw{data, unchecked} }

var (
	errNoValue = errors.New("no value")
	errHeld    = errors.New("holds binary, which plain JSON cannot carry: decode it into a socketio.Raw or a type with []byte")
)

// Decode decodes the value into *dst as encoding/json does, with these
// differences: a []byte takes binary, however deep it is nested, as well as a
// base64 string; an `any` takes map[string]any, []any, float64, string, bool,
// nil and []byte; a Raw takes the value as it is; the first mismatch ends the
// decoding. Mismatches are reported as *json.UnmarshalTypeError. Binary is not
// copied: who changes it changes it for everybody who decodes the same packet.
// The zero Raw is an error.
func (r Raw) Decode(dst any) error {
	if r.src == nil {
		return fmt.Errorf("socketio: %w", errNoValue)
	}
	if p, ok := dst.(*Raw); ok {
		*p = r
		return nil
	}
	if r.src.Msgpack {
		return decodeMsgpack(r, dst)
	}
	if err := r.check(); err != nil {
		return err
	}
	if r.src.Codec != nil && len(r.src.Attachments) == 0 {
		return r.src.Codec.Unmarshal(r.data, dst)
	}
	if r.src.own {
		return decodeInto(decoder{data: r.data, copied: r.data}, dst)
	}
	return DecodeJSON(r.data, r.src.Attachments, dst)
}

func (r Raw) check() error {
	if r.src.unchecked && !Valid(r.data, maxDepth) {
		return fmt.Errorf("socketio: raw value: %w", errSyntax)
	}
	return nil
}

// IsZero reports whether there is no value, as for a CONNECT packet without a
// payload.
func (r Raw) IsZero() bool { return r.src == nil }

// Same reports whether both are the same bytes, in the same format; what
// binaries they hold is not compared.
func (r Raw) Same(other Raw) bool {
	if r.src == nil || other.src == nil {
		return r.src == other.src
	}
	return r.src.Msgpack == other.src.Msgpack && bytes.Equal(r.data, other.data)
}

// IsNull reports whether the value is null (JavaScript's undefined arrives as
// null). It is false for the zero Raw.
func (r Raw) IsNull() bool { return r.Kind() == Null }

// Kind returns the kind of the value; None for the zero Raw.
func (r Raw) Kind() Kind {
	switch {
	case r.src == nil:
		return None
	case r.src.Msgpack:
		return kindMsgpack(r.data)
	}
	return kindJSON(r.data, r.src.Attachments)
}

// JSON returns the value's text, to be read only, if it is encoded as JSON and
// holds no binary.
func (r Raw) JSON() ([]byte, bool) {
	if r.src == nil || r.src.Msgpack || r.holdsBinary() {
		return nil, false
	}
	return r.data, true
}

func (r Raw) holdsBinary() bool { return len(r.src.Attachments) > 0 && hasPlaceholder(r.data) }

// Bytes returns the value, to be read only, if it is exactly one binary.
func (r Raw) Bytes() ([]byte, bool) {
	switch {
	case r.src == nil:
		return nil, false
	case r.src.Msgpack:
		return binaryMsgpack(r.data)
	case len(r.src.Attachments) == 0:
		return nil, false
	}
	num, ok := parsePlaceholder(r.data)
	if !ok || num >= len(r.src.Attachments) {
		return nil, false
	}
	return r.src.Attachments[num], true
}

// MarshalJSON returns the value as JSON. It is an error if there is binary in
// it. It makes Raw work with other JSON encoders.
func (r Raw) MarshalJSON() ([]byte, error) {
	switch {
	case r.src == nil:
		return []byte("null"), nil
	case r.src.Msgpack:
		text, attachments, err := msgpackToJSON(r.data)
		if err == nil && len(attachments) > 0 {
			err = errHeld
		}
		return text, err
	case r.holdsBinary():
		return nil, errHeld
	}
	return r.data, r.check()
}

// UnmarshalJSON keeps a copy of data. It makes Raw work with other JSON decoders.
func (r *Raw) UnmarshalJSON(data []byte) error {
	*r = Raw{bytes.Clone(data), plain}
	return nil
}

// String returns the value for logs: its JSON cut to 200 bytes, with the
// placeholders of binary as they are.
func (r Raw) String() string {
	const most = 200
	text := r.data
	switch {
	case r.src == nil:
		return "(none)"
	case r.src.Msgpack:
		var err error
		if text, _, err = msgpackToJSON(r.data); err != nil {
			return "(invalid)"
		}
	}
	if len(text) > most {
		return string(bytes.ToValidUTF8(text[:most], nil)) + "…"
	}
	return string(text)
}

var (
	_ json.Marshaler   = Raw{}
	_ json.Unmarshaler = (*Raw)(nil)
)
