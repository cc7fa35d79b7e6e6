package value

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
)

// quotedDecode reads a value that the tag's "string" option wraps in a string.
func quotedDecode(elem *coder) decodeFunc {
	return func(d *decoder, v reflect.Value) error {
		if d.null() {
			if v.Kind() == reflect.Pointer {
				v.SetZero()
			}
			return nil
		}
		at := d.i
		if d.data[at] == '"' {
			raw, _ := d.raw()
			text, _ := unescape(nil, raw)
			if Valid(text, 1) && kindJSON(text, nil) < Array {
				return elem.decode(&decoder{data: text, noShare: true}, v)
			}
		}
		return fmt.Errorf("socketio: value at byte %d is not a string that holds a %s, as its tag says", at, elem.t)
	}
}

// member moves to the next member of the object at d.i and returns its key as
// it is written. It starts behind the opening brace.
func (d *decoder) member() (key []byte, plain, ok bool) {
	if d.space(); d.data[d.i] == ',' {
		d.i++
		d.space()
	}
	if d.data[d.i] == '}' {
		d.i++
		return nil, false, false
	}
	key, plain = d.raw()
	d.space()
	d.i++ // colon
	return key, plain, true
}

// takeKey moves behind the key of the next member, and its colon, if that is
// key as a field has it.
func (d *decoder) takeKey(key string) bool {
	i := d.i
	if d.data[i] == ',' {
		i++
	}
	if end := i + len(key); end <= len(d.data) && string(d.data[i:end]) == key {
		d.i = end
		return true
	}
	return false
}

// name returns a key's text; plain keys are borrowed.
func name(key []byte, plain bool) string {
	if plain {
		return borrow(key)
	}
	text, _ := unescape(nil, key)
	return borrow(text)
}

func structDecode(t reflect.Type) decodeFunc {
	known := fieldsOf(t)
	decodes := make([]decodeFunc, len(known.list))
	for i := range known.list {
		f := &known.list[i]
		decodes[i] = f.coder.decode
		if f.quoted {
			decodes[i] = quotedDecode(f.coder)
		}
	}
	return func(d *decoder, v reflect.Value) error {
		if d.null() {
			return nil
		}
		if d.data[d.i] != '{' {
			return d.mismatch(t)
		}
		if _, end := d.placeholder(); end > 0 {
			return d.mismatch(t)
		}
		d.i++
		for expected := 0; ; {
			// Most senders keep to one order, and write no white space: the field after the
			// last one is tried first.
			i := expected
			if i >= len(known.list) || !d.takeKey(known.list[i].key) {
				key, plain, ok := d.member()
				if !ok {
					return nil
				}
				i = known.find(name(key, plain))
			}
			if i < 0 {
				d.skip()
				continue
			}
			expected = i + 1
			f := &known.list[i]
			member, err := d.settable(v, f)
			if err == nil {
				err = decodes[i](d, member)
			}
			if err != nil {
				return inField(err, t, f.name)
			}
		}
	}
}

// settable returns the field, with the embedded pointers on the way to it
// allocated.
func (d *decoder) settable(v reflect.Value, f *field) (reflect.Value, error) {
	if len(f.index) == 1 {
		return v.Field(f.index[0]), nil
	}
	for n, i := range f.index {
		if n > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return v, fmt.Errorf("socketio: cannot set embedded pointer to unexported struct %s", v.Type().Elem())
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, nil
}

// inField adds a struct's field to the path that a mismatch names.
func inField(err error, t reflect.Type, name string) error {
	if m, ok := err.(*json.UnmarshalTypeError); ok {
		m.Struct = t.Name()
		if m.Field == "" {
			m.Field = name
		} else {
			m.Field = name + "." + m.Field
		}
	}
	return err
}

func mapDecode(t reflect.Type) decodeFunc {
	key := keyDecode(t.Key())
	if key == nil {
		return func(d *decoder, v reflect.Value) error { return d.mismatch(t) }
	}
	elem := coderOf(t.Elem())
	return func(d *decoder, v reflect.Value) error {
		if d.null() {
			v.SetZero()
			return nil
		}
		if d.data[d.i] != '{' {
			return d.mismatch(t)
		}
		if _, end := d.placeholder(); end > 0 {
			return d.mismatch(t)
		}
		if v.IsNil() {
			v.Set(reflect.MakeMap(t))
		}
		d.i++
		val := reflect.New(t.Elem()).Elem()
		k := reflect.New(t.Key()).Elem()
		for {
			raw, plain, ok := d.member()
			if !ok {
				return nil
			}
			val.SetZero()
			k.SetZero()
			if err := key(d, raw, plain, k); err != nil {
				return err
			}
			if err := elem.decode(d, val); err != nil {
				return err
			}
			v.SetMapIndex(k, val)
		}
	}
}

// keyDecode returns how a map's key is read from a member's, nil if the type
// cannot be one.
func keyDecode(t reflect.Type) func(d *decoder, raw []byte, plain bool, k reflect.Value) error {
	text := func(d *decoder, raw []byte, plain bool, k reflect.Value) error {
		k.SetString(d.own(raw, plain))
		return nil
	}
	bad := func(d *decoder, raw []byte) error {
		return &json.UnmarshalTypeError{Value: "object key " + strconv.Quote(string(raw[:min(len(raw), 40)])), Type: t, Offset: int64(d.i)}
	}
	switch {
	case reflect.PointerTo(t).Implements(textUnmarshalerType):
		return func(d *decoder, raw []byte, plain bool, k reflect.Value) error {
			return k.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(name(raw, plain)))
		}
	case t.Kind() == reflect.String:
		return text
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(d *decoder, raw []byte, plain bool, k reflect.Value) error {
			n, err := strconv.ParseInt(name(raw, plain), 10, 64)
			if err != nil || k.OverflowInt(n) {
				return bad(d, raw)
			}
			k.SetInt(n)
			return nil
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(d *decoder, raw []byte, plain bool, k reflect.Value) error {
			n, err := strconv.ParseUint(name(raw, plain), 10, 64)
			if err != nil || k.OverflowUint(n) {
				return bad(d, raw)
			}
			k.SetUint(n)
			return nil
		}
	}
	return nil
}
