package face

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"time"
)

// go-socket.io's JSON is encoding/json's: a []byte is base64 text, a time has its
// zone and nanoseconds. Clients of such a server expect that, while Sockeye's own
// encoder speaks JavaScript. So values on which the two differ are encoded here;
// all others are handed on as they are. Binary is what a parser.Buffer holds.

// outgoing prepares arguments for Sockeye's encoder. The result shares nothing with
// args that args does not show, and is args itself if nothing had to be done.
func outgoing(args []any) ([]any, error) {
	var made []any
	for i, a := range args {
		v, err := prepare(a)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		if made == nil {
			if same(v, a) {
				continue
			}
			made = append(make([]any, 0, len(args)), args[:i]...)
		}
		made = append(made, v)
	}
	if made == nil {
		return args, nil
	}
	return made, nil
}

// same reports whether prepare has left a value alone: what it makes is never of
// the type it was made from, except for pieces of JSON.
func same(v, from any) bool { return reflect.TypeOf(v) == reflect.TypeOf(from) }

func prepare(v any) (any, error) {
	k, err := kindOfValue(v, 0)
	if err != nil {
		return nil, err
	}
	switch k {
	case plain:
		return v, nil
	case buffered:
		return buffers(reflect.ValueOf(v))
	}
	b, err := json.Marshal(v)
	return json.RawMessage(b), err
}

// freeze makes prepared arguments independent of what the application still holds.
func freeze(args []any) ([]any, error) {
	made := make([]any, len(args))
	for i, a := range args {
		switch a.(type) {
		case nil, string, bool, int, float64, json.RawMessage, []byte:
			made[i] = a
			continue
		}
		if k, _ := kindOfValue(a, 0); k != plain {
			made[i] = a // a tree with binary: buffers has made it
			continue
		}
		b, err := json.Marshal(a)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		made[i] = json.RawMessage(b)
	}
	return made, nil
}

// failure is what a client is told of an error that a handler returned: nothing,
// unless its type says how it looks in JSON.
func failure(err error) any {
	if _, ok := err.(json.Marshaler); ok {
		return err
	}
	return struct{}{}
}

// kind says how values of a type become JSON.
type kind uint8

const (
	plain    kind = iota + 1 // both encoders agree
	foreign                  // they differ: encoding/json's counts
	mixed                    // it has interfaces, so only the value can tell
	buffered                 // it holds parser.Buffers, or is one
)

// kinds are the types seen so far.
var kinds sync.Map

func kindOf(t reflect.Type) kind {
	if k, ok := kinds.Load(t); ok {
		return k.(kind)
	}
	k := classify(t, make(map[reflect.Type]bool))
	kinds.Store(t, k)
	return k
}

var (
	timeType      = reflect.TypeFor[time.Time]()
	marshalerType = reflect.TypeFor[json.Marshaler]()
)

// classify is the largest kind of t's parts: that is the one that decides.
func classify(t reflect.Type, seen map[reflect.Type]bool) kind {
	if seen[t] {
		return plain // it counts where it was met first
	}
	seen[t] = true
	if t.Kind() == reflect.Pointer {
		return classify(t.Elem(), seen) // whose methods are the pointer's, too
	}
	if isBuffer(t) {
		return buffered
	}
	if t == timeType {
		return foreign
	}
	if t.Implements(marshalerType) || reflect.PointerTo(t).Implements(marshalerType) {
		return plain
	}
	switch t.Kind() {
	case reflect.Interface:
		return mixed
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return foreign
		}
		return classify(t.Elem(), seen)
	case reflect.Array:
		return classify(t.Elem(), seen)
	case reflect.Map:
		return max(classify(t.Key(), seen), classify(t.Elem(), seen))
	case reflect.Struct:
		k := plain
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() && !f.Anonymous || f.Tag.Get("json") == "-" {
				continue
			}
			k = max(k, classify(f.Type, seen))
		}
		return k
	}
	return plain
}

// kindOfValue is the kind of v, with a look into what mixed types hold.
func kindOfValue(v any, depth int) (kind, error) {
	if depth > maxDepth {
		return 0, errDepth
	}
	switch v := v.(type) {
	case nil, string, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, json.RawMessage:
		return plain, nil
	case map[string]any:
		k := plain
		for _, item := range v {
			ki, err := kindOfValue(item, depth+1)
			if err != nil {
				return 0, err
			}
			k = max(k, ki)
		}
		return k, nil
	case []any:
		k := plain
		for _, item := range v {
			ki, err := kindOfValue(item, depth+1)
			if err != nil {
				return 0, err
			}
			k = max(k, ki)
		}
		return k, nil
	}
	k := kindOf(reflect.TypeOf(v))
	if k != mixed && k != buffered {
		return k, nil
	}
	return kindInside(reflect.ValueOf(v), depth)
}

// kindInside is kindOfValue for a value whose type cannot tell.
func kindInside(v reflect.Value, depth int) (kind, error) {
	if depth > maxDepth {
		return 0, errDepth
	}
	if isBuffer(v.Type()) {
		return buffered, nil
	}
	if k := kindOf(v.Type()); k < mixed {
		return k, nil
	}
	k := plain
	look := func(v reflect.Value) error {
		ki, err := kindInside(v, depth+1)
		k = max(k, ki)
		return err
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return plain, nil
		}
		return kindInside(v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); !f.IsExported() && !f.Anonymous {
				continue
			}
			if err := look(v.Field(i)); err != nil {
				return 0, err
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := look(v.Index(i)); err != nil {
				return 0, err
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if err := look(it.Value()); err != nil {
				return 0, err
			}
		}
	}
	return k, nil
}
