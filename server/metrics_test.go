package server

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/websocket"
)

// Whatever the library counts can be looked at: each counter gets a number of
// its own, which must turn up.
func TestEveryCounterIsExposed(t *testing.T) {
	var st socketio.Stats
	var plain websocket.Stats
	want := map[string]string{} // number → field
	next := uint64(1000)
	var fill func(v reflect.Value, path string)
	fill = func(v reflect.Value, path string) {
		next++
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				fill(v.Field(i), path+"."+v.Type().Field(i).Name)
			}
			return
		case reflect.Map:
			v.Set(reflect.MakeMap(v.Type()))
			key := reflect.New(v.Type().Key()).Elem()
			value := reflect.New(v.Type().Elem()).Elem()
			value.SetUint(next)
			v.SetMapIndex(key, value)
		case reflect.Int:
			v.SetInt(int64(next))
		case reflect.Uint64:
			v.SetUint(next)
		default:
			t.Fatalf("%s is a %s: teach this test", path, v.Kind())
		}
		want[fmt.Sprint(next)] = path
	}
	fill(reflect.ValueOf(&st).Elem(), "socketio.Stats")
	fill(reflect.ValueOf(&plain).Elem(), "websocket.Stats")
	st.Panics, st.Engine.Panics = 7000, 0 // one number for both
	text := expose(st, plain, 0)
	for number, path := range want {
		switch path {
		case "socketio.Stats.Panics", "socketio.Stats.Engine.Panics":
			number = "7000"
		case "socketio.Stats.Engine.Sessions": // the sum of those by transport
			continue
		}
		if !strings.Contains(text, " "+number+"\n") {
			t.Errorf("%s is not exposed", path)
		}
	}
}
