package socketio_test

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
)

func TestRegistered(t *testing.T) {
	io := socketio.New(nil)
	defer io.Close()
	ns := io.Of("/x")
	socketio.Event[string]("say").On(ns, func(context.Context, *socketio.Socket, string) error { return nil })
	socketio.Call[int, bool]("ask").On(ns, func(context.Context, *socketio.Socket, int) (bool, error) { return true, nil })
	ns.On("plain", func(context.Context, *socketio.Socket, *socketio.Request) error { return nil })

	var got []string
	for _, r := range ns.Registered() {
		if r.Typed && !strings.Contains(r.Place, "registered_test.go:") {
			t.Errorf("%s was registered at %q", r.Event, r.Place)
		}
		got = append(got, r.Event)
		want := map[string]socketio.Registered{
			"ask":   {Event: "ask", Typed: true, Call: true, Payload: reflect.TypeFor[int](), Answer: reflect.TypeFor[bool](), Place: r.Place},
			"plain": {Event: "plain"},
			"say":   {Event: "say", Typed: true, Payload: reflect.TypeFor[string](), Place: r.Place},
		}[r.Event]
		if r != want {
			t.Errorf("%+v, want %+v", r, want)
		}
	}
	if !reflect.DeepEqual(got, []string{"ask", "plain", "say"}) {
		t.Errorf("%v", got)
	}
	if list := io.Of("/").Registered(); len(list) != 0 {
		t.Errorf("the root has %v", list)
	}
}
