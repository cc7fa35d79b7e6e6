package face

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/sockeye-io/sockeye/socketio"
)

// A parser.Buffer is go-socket.io's way to say binary. Its JSON is a placeholder
// when it has been read from one, so both directions go through JSON with
// placeholders; Sockeye's encoder and decoder then deal in []byte.

// isBuffer reports whether t is parser.Buffer. Both modules that may declare it
// have this path.
func isBuffer(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.Name() == "Buffer" && t.PkgPath() == "github.com/googollee/go-socket.io/parser"
}

// maxDepth bounds the nesting of values with Buffers in them.
const maxDepth = 1000

var errDepth = errors.New("value is nested too deeply, or contains itself")

func bufferData(buffer reflect.Value) reflect.Value { return buffer.FieldByName("Data") }

// decodeBuffered decodes raw into *dst, whose type holds Buffers.
func decodeBuffered(raw socketio.Raw, dst reflect.Value) error {
	if b, ok := raw.Bytes(); ok && isBuffer(dst.Type().Elem()) {
		bufferData(dst.Elem()).SetBytes(bytes.Clone(b))
		return nil
	}
	text, ok := raw.JSON()
	var found [][]byte
	if !ok {
		var tree any
		if err := raw.Decode(&tree); err != nil {
			return err
		}
		var err error
		if text, err = json.Marshal(withPlaceholders(tree, &found)); err != nil {
			return err
		}
	}
	if err := json.Unmarshal(text, dst.Interface()); err != nil {
		return err
	}
	return fill(dst.Elem(), found, 0)
}

type placeholder struct {
	Placeholder bool `json:"_placeholder"`
	Num         int  `json:"num"`
}

// withPlaceholders replaces binary in a tree by placeholders, in place, and
// gathers it.
func withPlaceholders(tree any, found *[][]byte) any {
	switch v := tree.(type) {
	case []byte:
		*found = append(*found, bytes.Clone(v))
		return placeholder{true, len(*found) - 1}
	case []any:
		for i := range v {
			v[i] = withPlaceholders(v[i], found)
		}
	case map[string]any:
		for k := range v {
			v[k] = withPlaceholders(v[k], found)
		}
	}
	return tree
}

// fill gives the Buffers in v, which have been decoded from placeholders, their
// data.
func fill(v reflect.Value, found [][]byte, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() && (v.Kind() == reflect.Pointer || v.Elem().Kind() == reflect.Pointer) {
			return fill(v.Elem(), found, depth+1)
		}
	case reflect.Struct:
		if isBuffer(v.Type()) {
			if !v.FieldByName("isBinary").Bool() {
				return nil
			}
			num := v.FieldByName("num").Uint()
			if num >= uint64(len(found)) {
				return fmt.Errorf("placeholder %d of %d attachments", num, len(found))
			}
			v.SetZero()
			bufferData(v).SetBytes(found[num])
			return nil
		}
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				if err := fill(f, found, depth+1); err != nil {
					return err
				}
			}
		}
	case reflect.Slice, reflect.Array:
		if kindOf(v.Type().Elem()) < mixed {
			return nil
		}
		for i := range v.Len() {
			if err := fill(v.Index(i), found, depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		if kindOf(v.Type().Elem()) < mixed {
			return nil
		}
		for it := v.MapRange(); it.Next(); {
			item := reflect.New(v.Type().Elem()).Elem() // a map's own values cannot be set
			item.Set(it.Value())
			if err := fill(item, found, depth+1); err != nil {
				return err
			}
			v.SetMapIndex(it.Key(), item)
		}
	}
	return nil
}

// buffers turns v, which holds Buffers, into what Sockeye encodes alike: []byte for
// each of them. v is not changed, so that it can be emitted by several goroutines.
func buffers(v reflect.Value) (any, error) {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if isBuffer(v.Type()) {
		return bytes.Clone(bufferData(v).Bytes()), nil
	}
	var found [][]byte
	marked, err := mark(v, &found, 0)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(marked.Interface())
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	return withBytes(tree, found), nil
}

// mark copies v so far that each Buffer in it can be one that marshals as a
// placeholder, and gathers their data.
func mark(v reflect.Value, found *[][]byte, depth int) (reflect.Value, error) {
	if depth > maxDepth {
		return v, errDepth
	}
	if k := kindOf(v.Type()); k < mixed {
		return v, nil
	}
	made := reflect.New(v.Type()).Elem()
	put := func(dst, src reflect.Value) error {
		m, err := mark(src, found, depth+1)
		if err == nil {
			dst.Set(m)
		}
		return err
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v, nil
		}
		made.Set(reflect.New(v.Type().Elem()))
		return made, put(made.Elem(), v.Elem())
	case reflect.Interface:
		if v.IsNil() {
			return v, nil
		}
		return made, put(made, v.Elem())
	case reflect.Struct:
		if isBuffer(v.Type()) {
			text, err := json.Marshal(placeholder{true, len(*found)})
			if err != nil {
				return v, err
			}
			*found = append(*found, bytes.Clone(bufferData(v).Bytes()))
			return made, json.Unmarshal(text, made.Addr().Interface())
		}
		made.Set(v)
		for i := range v.NumField() {
			if f := made.Field(i); f.CanSet() {
				if err := put(f, v.Field(i)); err != nil {
					return v, err
				}
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice {
			if v.IsNil() {
				return v, nil
			}
			made.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		}
		for i := range v.Len() {
			if err := put(made.Index(i), v.Index(i)); err != nil {
				return v, err
			}
		}
	case reflect.Map:
		if v.IsNil() {
			return v, nil
		}
		made.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for it := v.MapRange(); it.Next(); {
			m, err := mark(it.Value(), found, depth+1)
			if err != nil {
				return v, err
			}
			made.SetMapIndex(it.Key(), m)
		}
	}
	return made, nil
}

// withBytes is the reverse of withPlaceholders.
func withBytes(tree any, found [][]byte) any {
	switch v := tree.(type) {
	case []any:
		for i := range v {
			v[i] = withBytes(v[i], found)
		}
	case map[string]any:
		if num, ok := v["num"].(json.Number); ok && len(v) == 2 && v["_placeholder"] == true {
			if i, err := num.Int64(); err == nil && i >= 0 && i < int64(len(found)) {
				return found[i]
			}
		}
		for k := range v {
			v[k] = withBytes(v[k], found)
		}
	}
	return tree
}
