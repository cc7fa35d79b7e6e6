package value

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"
)

func newEncode(t reflect.Type) encodeFunc {
	switch t {
	case rawType:
		return func(e *encoder, v reflect.Value) error { return e.raw(v.Interface().(Raw)) }
	case rawMessageType:
		return func(e *encoder, v reflect.Value) error { return e.rawMessage(v.Bytes()) }
	case timeType:
		return func(e *encoder, v reflect.Value) error { e.time(v.Interface().(time.Time)); return nil }
	case numberType:
		return encodeNumber
	case reflect.PointerTo(timeType), reflect.PointerTo(rawType):
		return pointerEncode(coderOf(t.Elem()))
	}
	switch p := reflect.PointerTo(t); {
	case t.Implements(marshalerType):
		return encodeMarshaler
	case t.Kind() != reflect.Pointer && p.Implements(marshalerType):
		return ifAddressable(encodeMarshaler, baseEncode(t))
	case t.Implements(textMarshalerType):
		return encodeText
	case t.Kind() != reflect.Pointer && p.Implements(textMarshalerType):
		return ifAddressable(encodeText, baseEncode(t))
	}
	return baseEncode(t)
}

// ifAddressable uses the methods of the pointer type where a pointer can be
// had, as encoding/json does.
func ifAddressable(byPointer, byValue encodeFunc) encodeFunc {
	return func(e *encoder, v reflect.Value) error {
		if v.CanAddr() {
			return byPointer(e, v.Addr())
		}
		return byValue(e, v)
	}
}

// baseEncode encodes by kind, whatever methods the type has.
func baseEncode(t reflect.Type) encodeFunc {
	if t.Implements(readerType) || t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(readerType) {
		return func(e *encoder, v reflect.Value) error {
			if (t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer) && v.IsNil() {
				e.null()
				return nil
			}
			return fmt.Errorf("%s is an io.Reader: read it first, then send the bytes", t)
		}
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(e *encoder, v reflect.Value) error { e.bool(v.Bool()); return nil }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(e *encoder, v reflect.Value) error { e.int(v.Int()); return nil }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(e *encoder, v reflect.Value) error { e.uint(v.Uint()); return nil }
	case reflect.Float32:
		return func(e *encoder, v reflect.Value) error { e.float(v.Float(), 32); return nil }
	case reflect.Float64:
		return func(e *encoder, v reflect.Value) error { e.float(v.Float(), 64); return nil }
	case reflect.String:
		return func(e *encoder, v reflect.Value) error { e.str(v.String()); return nil }
	case reflect.Interface:
		return func(e *encoder, v reflect.Value) error {
			if v.IsNil() {
				e.null()
				return nil
			}
			return e.any(v.Elem().Interface())
		}
	case reflect.Pointer:
		return pointerEncode(coderOf(t.Elem()))
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 && !reflect.PointerTo(t.Elem()).Implements(marshalerType) &&
			!reflect.PointerTo(t.Elem()).Implements(textMarshalerType) {
			return func(e *encoder, v reflect.Value) error { e.binary(v.Bytes()); return nil }
		}
		return listEncode(coderOf(t.Elem()))
	case reflect.Array:
		return listEncode(coderOf(t.Elem()))
	case reflect.Map:
		return mapEncode(t)
	case reflect.Struct:
		return structEncode(t)
	}
	return func(*encoder, reflect.Value) error { return &json.UnsupportedTypeError{Type: t} }
}

func encodeNumber(e *encoder, v reflect.Value) error {
	s := v.String()
	if s == "" {
		s = "0" // as encoding/json
	}
	if s[0] != '-' && s[0]-'0' > 9 {
		return fmt.Errorf("json.Number %.40q is not a number", s)
	}
	return e.json([]byte(s))
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return v.IsNil()
	}
	return false
}

func encodeMarshaler(e *encoder, v reflect.Value) error {
	if isNil(v) {
		e.null()
		return nil
	}
	text, err := v.Interface().(json.Marshaler).MarshalJSON()
	if err == nil {
		err = e.json(text)
	}
	if err != nil {
		return fmt.Errorf("MarshalJSON of %s: %w", v.Type(), err)
	}
	return nil
}

func encodeText(e *encoder, v reflect.Value) error {
	if isNil(v) {
		e.null()
		return nil
	}
	text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return fmt.Errorf("MarshalText of %s: %w", v.Type(), err)
	}
	e.str(string(text))
	return nil
}

func pointerEncode(elem *coder) encodeFunc {
	return func(e *encoder, v reflect.Value) error {
		if v.IsNil() {
			e.null()
			return nil
		}
		if err := e.enter(); err != nil { // a pointer to itself is no deeper in the text
			return err
		}
		err := elem.encode(e, v.Elem())
		e.depth--
		return err
	}
}

func listEncode(elem *coder) encodeFunc {
	return func(e *encoder, v reflect.Value) error {
		if v.Kind() == reflect.Slice && v.IsNil() {
			e.null()
			return nil
		}
		if err := e.enter(); err != nil {
			return err
		}
		n := v.Len()
		e.openArray(n)
		for i := range n {
			e.next(i)
			if err := elem.encode(e, v.Index(i)); err != nil {
				return err
			}
		}
		e.closeArray()
		e.depth--
		return nil
	}
}

func mapEncode(t reflect.Type) encodeFunc {
	key := keyEncode(t.Key())
	if key == nil {
		return func(*encoder, reflect.Value) error { return &json.UnsupportedTypeError{Type: t} }
	}
	elem := coderOf(t.Elem())
	type entry struct {
		key   string
		value reflect.Value
	}
	return func(e *encoder, v reflect.Value) error {
		if v.IsNil() {
			e.null()
			return nil
		}
		if err := e.enter(); err != nil {
			return err
		}
		entries := make([]entry, 0, v.Len())
		for it := v.MapRange(); it.Next(); {
			k, err := key(it.Key())
			if err != nil {
				return err
			}
			entries = append(entries, entry{k, it.Value()})
		}
		slices.SortFunc(entries, func(a, b entry) int {
			if a.key < b.key {
				return -1
			}
			return 1
		})
		e.openMap(len(entries))
		for i := range entries {
			e.next(i)
			e.str(entries[i].key)
			e.colon()
			if err := elem.encode(e, entries[i].value); err != nil {
				return err
			}
		}
		e.closeMap()
		e.depth--
		return nil
	}
}

// keyEncode returns how a map's key becomes a member's, nil if the type cannot.
func keyEncode(t reflect.Type) func(reflect.Value) (string, error) {
	if t.Kind() == reflect.String {
		return func(v reflect.Value) (string, error) { return v.String(), nil }
	}
	if t.Implements(textMarshalerType) {
		return func(v reflect.Value) (string, error) {
			if isNil(v) {
				return "", nil
			}
			text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
			return string(text), err
		}
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(v reflect.Value) (string, error) { return strconv.FormatInt(v.Int(), 10), nil }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(v reflect.Value) (string, error) { return strconv.FormatUint(v.Uint(), 10), nil }
	}
	return nil
}

func structEncode(t reflect.Type) encodeFunc {
	known := fieldsOf(t)
	return func(e *encoder, v reflect.Value) error {
		if err := e.enter(); err != nil {
			return err
		}
		n := len(known.list)
		if e.msgpack {
			n = 0
			for i := range known.list {
				if _, ok := present(v, &known.list[i]); ok {
					n++
				}
			}
		}
		e.openMap(n)
		n = 0
		for i := range known.list {
			f := &known.list[i]
			member, ok := present(v, f)
			if !ok {
				continue
			}
			e.next(n)
			n++
			if e.msgpack {
				e.str(f.name)
			} else {
				e.buf = append(e.buf, f.key...)
			}
			var err error
			if f.quoted {
				err = e.quoted(f, member)
			} else {
				err = f.coder.encode(e, member)
			}
			if err != nil {
				return fmt.Errorf("%s.%s: %w", t, f.name, err)
			}
		}
		e.closeMap()
		e.depth--
		return nil
	}
}

// present returns a field's value, unless it is to be left out.
func present(v reflect.Value, f *field) (reflect.Value, bool) {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	if f.omitEmpty && empty(v) || f.omitZero != nil && f.omitZero(v) {
		return v, false
	}
	return v, true
}

// quoted writes a field's JSON into a string, as the tag's "string" option
// asks; a nil pointer is null.
func (e *encoder) quoted(f *field, v reflect.Value) error {
	inner := encoder{}
	if err := f.coder.encode(&inner, v); err != nil {
		return err
	}
	if isNil(v) {
		e.null()
		return nil
	}
	e.str(string(inner.buf))
	return nil
}
