//go:build !race

package siowire

import "testing"

// TestEncodeAllocations: a message costs its own bytes and nothing else, for
// arguments that are no trouble. Not under the race detector, where sync.Pool
// forgets at random.
func TestEncodeAllocations(t *testing.T) {
	p, err := decodeText(nil, `2["e",{"a":[1,2,3],"b":"é"}]`)
	if err != nil {
		t.Fatal(err)
	}
	args := []any{"text", 1, 1.5, true, nil, p.Args.At(0), []string{"a"}, map[string]any{"b": 1, "a": "x"}}
	for _, parser := range []Parser{&JSONParser{}, &MsgpackParser{}} {
		if e, err := parser.Encode(Outgoing{Type: Event, Event: "e", Args: []any{[]int{1}}}, 4); err != nil {
			t.Fatal(err)
		} else if e.Binary != nil { // a raw value is of the parser's own format
			p, err := decodeBinary(e.Binary)
			if err != nil {
				t.Fatal(err)
			}
			args[5] = p.Args.At(0)
		}
		if n := testing.AllocsPerRun(100, func() {
			if _, err := parser.Encode(Outgoing{Type: Event, Event: "e", Args: args, Headroom: 11}, 4); err != nil {
				t.Fatal(err)
			}
		}); n > 1 {
			t.Errorf("%T: %v allocations", parser, n)
		}
	}
}

// TestDecodeOwnedAllocations: strings of a small detached packet are parts of it.
func TestDecodeOwnedAllocations(t *testing.T) {
	p, err := decodeText(nil, `2["e","some text of a few words",{"A":"one","B":"two","C":[1,2,3,4]}]`)
	if err != nil {
		t.Fatal(err)
	}
	p.Detach()
	var s string
	if n := testing.AllocsPerRun(100, func() { err = p.Args.At(0).Decode(&s) }); err != nil || n > 0 {
		t.Errorf("a string of a detached packet: %v allocations, %v", n, err)
	}
	var o struct {
		A, B string
		C    []int
	}
	if n := testing.AllocsPerRun(100, func() { o.C = nil; err = p.Args.At(1).Decode(&o) }); err != nil || n > 1 {
		t.Errorf("a struct of a detached packet: %v allocations, %v", n, err)
	}
}
