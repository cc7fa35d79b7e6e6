package value

import (
	"encoding/json"
	"reflect"
	"sync"
)

// DecodeJSON decodes data into *dst, see Raw.Decode. A Scanner has accepted
// data, with Binaries if it has attachments.
func DecodeJSON(data []byte, attachments [][]byte, dst any) error {
	return decodeInto(decoder{data: data, attachments: attachments}, dst)
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

func decodeInto(start decoder, dst any) error {
	d := decoders.Get().(*decoder)
	*d = start
	err := d.into(dst)
	*d = decoder{}
	decoders.Put(d)
	return err
}

// into decodes the text into *dst.
func (d *decoder) into(dst any) error {
	d.space()
	if d.i == len(d.data) {
		return errNoValue
	}
	switch p := dst.(type) {
	case *string:
		if p != nil && d.data[d.i] == '"' {
			d.noShare = d.copied == nil
			*p = d.str()
			return nil
		}
	case *any:
		if p != nil && (*p == nil || reflect.TypeOf(*p).Kind() != reflect.Pointer) {
			v, err := d.root()
			if err == nil {
				*p = v
			}
			return err
		}
	case *map[string]any:
		if _, end := d.placeholder(); p != nil && *p == nil && d.data[d.i] == '{' && end == 0 {
			v, err := d.root()
			if err == nil {
				*p = v.(map[string]any)
			}
			return err
		}
	case *[]any:
		if p != nil && *p == nil && d.data[d.i] == '[' {
			v, err := d.root()
			if err == nil {
				*p = v.([]any)
			}
			return err
		}
	case *[]byte:
		if b, ok := d.binary(); ok && p != nil {
			*p = b
			return nil
		}
	}
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return &json.InvalidUnmarshalError{Type: reflect.TypeOf(dst)}
	}
	return coderOf(v.Type().Elem()).decode(d, v.Elem())
}

// root decodes the whole text as an any.
func (d *decoder) root() (any, error) {
	v, err := d.any()
	if d.scratch != nil && err == nil {
		d.scratch.free() // after an error it still holds values: left to the collector
		d.scratch = nil
	}
	return v, err
}

// skip moves behind the value at d.i.
func (d *decoder) skip() {
	d.space()
	depth := 0
	for d.i < len(d.data) {
		switch d.data[d.i] {
		case '"':
			end, _ := stringEnd(d.data, d.i+1)
			d.i = end
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return // the end of what holds the value
			}
			if depth--; depth == 0 {
				d.i++
				return
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return
			}
		}
		d.i++
		if depth == 0 && d.data[d.i-1] == '"' {
			return
		}
	}
}

// text returns the value at d.i and moves behind it.
func (d *decoder) text() []byte {
	d.space()
	start := d.i
	d.skip()
	return d.data[start:d.i:d.i]
}

// null takes a null, if one is at d.i.
func (d *decoder) null() bool {
	if d.space(); d.data[d.i] == 'n' {
		d.i += len("null")
		return true
	}
	return false
}

// mismatch skips the value at d.i and says that it does not fit t.
func (d *decoder) mismatch(t reflect.Type) error {
	at := d.i
	kind := kindJSON(d.data[at:], d.attachments)
	text := d.text()
	what := kind.String()
	if kind == Number {
		what = "number " + string(text[:min(len(text), 40)])
	}
	return &json.UnmarshalTypeError{Value: what, Type: t, Offset: int64(at)}
}
