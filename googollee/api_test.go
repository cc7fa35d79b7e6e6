package googollee_test

import (
	"reflect"
	"testing"

	original "github.com/googollee/go-socket.io"

	"github.com/sockeye-io/sockeye/googollee"
)

// Every exported method of the original is here, with the same parameters and
// results, so that code and interfaces written for it go on compiling.
func TestServerHasEveryMethodOfTheOriginal(t *testing.T) {
	theirs, ours := reflect.TypeFor[*original.Server](), reflect.TypeFor[*googollee.Server]()
	if theirs.NumMethod() < 18 {
		t.Fatalf("the original has only %d methods: is this 1.7.0?", theirs.NumMethod())
	}
	for i := range theirs.NumMethod() {
		want := theirs.Method(i)
		got, ok := ours.MethodByName(want.Name)
		if !ok {
			t.Errorf("%s is missing", want.Name)
			continue
		}
		if w, g := signature(want.Type), signature(got.Type); w != g {
			t.Errorf("%s is %s, and was %s", want.Name, g, w)
		}
	}
	if w, g := reflect.TypeOf(original.NewServer).In(0), reflect.TypeOf(googollee.NewServer).In(0); w != g {
		t.Errorf("NewServer takes %v, and took %v", g, w)
	}
}

// signature is a method's type without its receiver, each part with its package.
func signature(m reflect.Type) string {
	var in, out []reflect.Type
	for i := 1; i < m.NumIn(); i++ {
		in = append(in, m.In(i))
	}
	for i := range m.NumOut() {
		out = append(out, m.Out(i))
	}
	return reflect.FuncOf(in, out, m.IsVariadic()).String()
}
