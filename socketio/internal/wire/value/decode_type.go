package value

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
)

func newDecode(t reflect.Type) decodeFunc {
	switch t {
	case rawType:
		return decodeRaw
	case rawMessageType:
		return decodeRawMessage
	case numberType:
		return decodeJSONNumber
	}
	if t.Kind() != reflect.Pointer {
		switch p := reflect.PointerTo(t); {
		case p.Implements(unmarshalerType):
			return decodeUnmarshaler
		case p.Implements(textUnmarshalerType):
			return decodeText
		}
	}
	switch t.Kind() {
	case reflect.Bool:
		return decodeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return decodeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return decodeUint
	case reflect.Float32, reflect.Float64:
		return decodeFloat
	case reflect.String:
		return decodeString
	case reflect.Interface:
		return decodeInterface
	case reflect.Pointer:
		return pointerDecode(coderOf(t.Elem()))
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return bytesDecode(sliceDecode(coderOf(t.Elem())))
		}
		return sliceDecode(coderOf(t.Elem()))
	case reflect.Array:
		return arrayDecode(coderOf(t.Elem()))
	case reflect.Map:
		return mapDecode(t)
	case reflect.Struct:
		return structDecode(t)
	}
	return func(d *decoder, v reflect.Value) error {
		if d.null() {
			return nil
		}
		return d.mismatch(v.Type())
	}
}

func decodeRaw(d *decoder, v reflect.Value) error {
	src := plain
	if len(d.attachments) > 0 {
		src = &Source{Attachments: d.attachments}
	}
	*v.Addr().Interface().(*Raw) = Raw{bytes.Clone(d.text()), src}
	return nil
}

func decodeRawMessage(d *decoder, v reflect.Value) error {
	text := d.text()
	if len(d.attachments) > 0 && hasPlaceholder(text) {
		return fmt.Errorf("socketio: value %w", errHeld)
	}
	v.SetBytes(append(v.Bytes()[:0], text...))
	return nil
}

func decodeJSONNumber(d *decoder, v reflect.Value) error {
	if d.null() {
		return nil
	}
	at := d.i
	switch c := d.data[at]; {
	case c == '-' || c-'0' <= 9:
		v.SetString(string(d.number()))
		return nil
	case c == '"':
		d.noShare = true
		s := d.str()
		var scan Scanner
		if scan.Init([]byte(s), 1); s != "" && (s[0] == '-' || s[0]-'0' <= 9) {
			if scan.number(0) == len(s) {
				v.SetString(s)
				return nil
			}
		}
		d.i = at
	}
	return d.mismatch(numberType)
}

func decodeUnmarshaler(d *decoder, v reflect.Value) error {
	return v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(d.text())
}

func decodeText(d *decoder, v reflect.Value) error {
	if d.null() {
		return nil
	}
	if d.data[d.i] != '"' {
		return d.mismatch(v.Type())
	}
	raw, _ := d.raw()
	text, _ := unescape(nil, raw)
	return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(text)
}

func decodeBool(d *decoder, v reflect.Value) error {
	if d.null() {
		return nil
	}
	switch d.data[d.i] {
	case 't':
		d.i += len("true")
		v.SetBool(true)
	case 'f':
		d.i += len("false")
		v.SetBool(false)
	default:
		return d.mismatch(v.Type())
	}
	return nil
}

func decodeInt(d *decoder, v reflect.Value) error {
	if d.null() {
		return nil
	}
	at := d.i
	num := d.number()
	i, err := integer(num)
	if err != nil || v.OverflowInt(i) {
		d.i = at
		return d.mismatch(v.Type())
	}
	v.SetInt(i)
	return nil
}

// integer reads a JSON number without a fraction or an exponent.
func integer(num []byte) (int64, error) {
	if len(num) == 0 || len(num) > 18 {
		return strconv.ParseInt(borrow(num), 10, 64)
	}
	digits := num
	if num[0] == '-' {
		digits = num[1:]
	}
	var n int64
	for _, c := range digits {
		if c-'0' > 9 {
			return 0, strconv.ErrSyntax
		}
		n = n*10 + int64(c-'0')
	}
	if num[0] == '-' {
		n = -n
	}
	return n, nil
}

func decodeUint(d *decoder, v reflect.Value) error {
	if d.null() {
		return nil
	}
	at := d.i
	u, err := strconv.ParseUint(borrow(d.number()), 10, 64)
	if err != nil || v.OverflowUint(u) {
		d.i = at
		return d.mismatch(v.Type())
	}
	v.SetUint(u)
	return nil
}

func decodeFloat(d *decoder, v reflect.Value) error {
	if d.null() {
		return nil
	}
	at := d.i
	if num := d.number(); len(num) > 0 {
		var f float64
		var err error
		if v.Kind() == reflect.Float32 {
			f, err = strconv.ParseFloat(borrow(num), 32)
		} else {
			f, err = float(num)
		}
		if err == nil && !v.OverflowFloat(f) {
			v.SetFloat(f)
			return nil
		}
	}
	d.i = at
	return d.mismatch(v.Type())
}

func decodeString(d *decoder, v reflect.Value) error {
	if d.null() {
		return nil
	}
	if d.data[d.i] != '"' {
		return d.mismatch(v.Type())
	}
	v.SetString(d.str())
	return nil
}

// decodeInterface fills an empty interface; if it holds a pointer, what that
// points to.
func decodeInterface(d *decoder, v reflect.Value) error {
	if !v.IsNil() {
		if p := v.Elem(); p.Kind() == reflect.Pointer && !p.IsNil() {
			if d.space(); d.data[d.i] != 'n' || p.Elem().Kind() == reflect.Pointer {
				return coderOf(p.Type().Elem()).decode(d, p.Elem())
			}
		}
	}
	if d.null() {
		v.SetZero()
		return nil
	}
	if v.NumMethod() != 0 {
		return d.mismatch(v.Type())
	}
	x, err := d.root()
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(x))
	return nil
}

func pointerDecode(elem *coder) decodeFunc {
	return func(d *decoder, v reflect.Value) error {
		if d.null() {
			v.SetZero()
			return nil
		}
		if v.IsNil() {
			v.Set(reflect.New(elem.t))
		}
		return elem.decode(d, v.Elem())
	}
}

// bytesDecode takes binary and base64 strings; other values are decoded element
// by element.
func bytesDecode(elements decodeFunc) decodeFunc {
	return func(d *decoder, v reflect.Value) error {
		if b, ok := d.binary(); ok {
			v.SetBytes(b[:len(b):len(b)])
			return nil
		}
		if d.space(); d.data[d.i] != '"' {
			return elements(d, v)
		}
		at := d.i
		raw, _ := d.raw()
		text, _ := unescape(make([]byte, 0, len(raw)), raw)
		n, err := base64.StdEncoding.Decode(text, text)
		if err != nil {
			return fmt.Errorf("socketio: string at byte %d is neither binary nor base64: %w", at, err)
		}
		v.SetBytes(text[:n])
		return nil
	}
}

// elements calls f for each element of the array at d.i, with its position.
func (d *decoder) elements(t reflect.Type, f func(i int) error) error {
	if d.space(); d.data[d.i] != '[' {
		return d.mismatch(t)
	}
	d.i++
	for n := 0; ; n++ {
		if d.space(); d.data[d.i] == ']' {
			d.i++
			return nil
		}
		if err := f(n); err != nil {
			return err
		}
		if d.space(); d.data[d.i] == ',' {
			d.i++
		}
	}
}

func sliceDecode(elem *coder) decodeFunc {
	return func(d *decoder, v reflect.Value) error {
		if d.null() {
			v.SetZero()
			return nil
		}
		t := v.Type()
		if d.data[d.i] == '[' {
			v.SetLen(0)
		}
		start := d.i
		err := d.elements(t, func(i int) error {
			if i == v.Cap() {
				v.Grow(d.room(i, start, t.Elem().Size()))
			}
			v.SetLen(i + 1)
			e := v.Index(i)
			e.SetZero()
			return elem.decode(d, e)
		})
		if err == nil && v.IsNil() {
			v.Set(reflect.MakeSlice(t, 0, 0))
		}
		return err
	}
}

// room is for how many more elements a slice grows that has n, the first of
// which begins at start. Beyond doubling it guesses: as many as the rest of the
// text can hold if they are like the first ones. The guesses of one value may
// be wrong by four times its text in all.
func (d *decoder) room(n, start int, size uintptr) int {
	if n == 0 {
		if size <= 64 {
			return 4
		}
		return 1
	}
	guess := min((len(d.data)-d.i)*n/(d.i-start)+1, 64)
	if extra := (guess - n) * int(size); extra > 0 && d.guessed+extra <= 4*len(d.data) {
		d.guessed += extra
		return guess
	}
	return n
}

func arrayDecode(elem *coder) decodeFunc {
	return func(d *decoder, v reflect.Value) error {
		if d.null() {
			return nil
		}
		n := 0
		err := d.elements(v.Type(), func(i int) error {
			if i >= v.Len() {
				d.skip()
				return nil
			}
			n = i + 1
			return elem.decode(d, v.Index(i))
		})
		if err == nil {
			for ; n < v.Len(); n++ {
				v.Index(n).SetZero()
			}
		}
		return err
	}
}
