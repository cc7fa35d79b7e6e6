package value

import (
	"reflect"
	"sync"
)

var holds sync.Map // reflect.Type → bool

// mayHoldBinary reports whether a value of type t can have binary in it, as far
// as the type tells (an interface can), or something else that another JSON
// codec would write differently: a Raw, a time, a reader.
func mayHoldBinary(t reflect.Type) bool {
	if may, ok := holds.Load(t); ok {
		return may.(bool)
	}
	may := findBinary(t, map[reflect.Type]bool{})
	holds.Store(t, may)
	return may
}

func findBinary(t reflect.Type, visited map[reflect.Type]bool) bool {
	if visited[t] {
		return false
	}
	visited[t] = true
	switch {
	case t == rawType, t == rawMessageType, t == timeType:
		return true
	case t.Implements(marshalerType), t.Implements(textMarshalerType):
		return false
	case t.Implements(readerType):
		return true
	}
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Array, reflect.Map:
		return findBinary(t.Elem(), visited)
	case reflect.Slice:
		return t.Elem().Kind() == reflect.Uint8 || findBinary(t.Elem(), visited)
	case reflect.Struct:
		known := fieldsOf(t)
		for i := range known.list {
			if findBinary(known.list[i].t, visited) {
				return true
			}
		}
	}
	return false
}
