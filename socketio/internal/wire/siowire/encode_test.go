package siowire

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestEncodeGolden writes one packet of every kind, both ways, and compares the
// transcript with testdata/encode.txt. After -update read the difference: every
// line is the wire format.
func TestEncodeGolden(t *testing.T) {
	type user struct {
		Name   string    `json:"name"`
		Avatar []byte    `json:"avatar"`
		Since  time.Time `json:"since"`
		Notes  []string  `json:"notes,omitempty"`
	}
	ann := user{Name: "Ann <a@b>", Avatar: []byte{1, 2, 3}, Since: time.UnixMilli(86_400_000)}
	var out strings.Builder
	for _, c := range []struct {
		note string
		o    Outgoing
	}{
		{"connect", Outgoing{Type: Connect}},
		{"connect with auth", Outgoing{Type: Connect, Namespace: "/chat", Data: map[string]any{"token": "x"}}},
		{"connected", Outgoing{Type: Connect, Namespace: "/", Data: struct {
			SID string `json:"sid"`
			PID string `json:"pid,omitempty"`
		}{SID: "wZX3oN0bSVIhsaknAAAI"}}},
		{"disconnect", Outgoing{Type: Disconnect}},
		{"disconnect of a namespace", Outgoing{Type: Disconnect, Namespace: "/chat"}},
		{"event", Outgoing{Type: Event, Event: "hello"}},
		{"event with everything", Outgoing{Type: Event, Namespace: "/chat", ID: 12, HasID: true, Event: "all", Args: []any{nil, true, -1, 1.5, 1e21, math.NaN(), "x\u2028\"", []any{}, map[string]any{"b": 1, "a": nil}}}},
		{"ack id zero", Outgoing{Type: Event, HasID: true, Event: "ask"}},
		{"largest ack id", Outgoing{Type: Ack, ID: MaxID, HasID: true}},
		{"ack", Outgoing{Type: Ack, Namespace: "/chat", ID: 3, HasID: true, Args: []any{"done", 2}}},
		{"binary", Outgoing{Type: Event, Event: "file", Args: []any{[]byte{9}, []byte{}}}},
		{"nested binary", Outgoing{Type: Event, Namespace: "/chat", ID: 1, HasID: true, Event: "user", Args: []any{ann, map[string]any{"z": []byte("z"), "a": []any{[]byte("a")}}}}},
		{"binary ack", Outgoing{Type: Ack, ID: 5, HasID: true, Args: []any{&ann}}},
		{"raw", Outgoing{Type: Event, Event: "raw", Args: []any{json.RawMessage(`{"kept" : 1.0}`), RawJSON([]byte(`[ ]`)), Raw{}}}},
		{"connect error", Outgoing{Type: ConnectError, Namespace: "/admin", Data: map[string]any{"message": "no", "data": map[string]int{"code": 1}}}},
		{"connect error of old clients", Outgoing{Type: ConnectError, Data: "no"}},
		{"event name with quotes", Outgoing{Type: Event, Event: "a\"b\n"}},
	} {
		for _, headroom := range []int{0, 11} {
			c.o.Headroom = headroom
			e, err := (&JSONParser{}).Encode(c.o, 4)
			if err != nil {
				t.Fatalf("%s: %v", c.note, err)
			}
			if !bytes.Equal(e.Text[:headroom], make([]byte, headroom)) {
				t.Errorf("%s: headroom was written to", c.note)
			}
			if headroom > 0 {
				continue
			}
			fmt.Fprintf(&out, "# %s\n%s\n", c.note, e.Text)
			for _, a := range e.Attachments {
				fmt.Fprintf(&out, "binary %x\n", a)
			}
		}
	}
	const golden = "testdata/encode.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("differs from %s (run with -update and read the difference):\n%s", golden, out.String())
	}
}

func TestEncodeErrors(t *testing.T) {
	for _, c := range []struct {
		o    Outgoing
		says string
	}{
		{Outgoing{Type: Event, Event: "e", Args: []any{1, make(chan int)}}, "argument 2"},
		{Outgoing{Type: Event, Event: "e", Args: []any{strings.NewReader("x")}}, "read it first"},
		{Outgoing{Type: Connect, Data: func() {}}, "payload"},
		{Outgoing{Type: Connect, Data: map[string]any{"b": []byte{1}}}, "binary"},
		{Outgoing{Type: BinaryEvent}, "BINARY_EVENT"},
		{Outgoing{Type: 9}, "Type(9)"},
	} {
		if e, err := (&JSONParser{}).Encode(c.o, 4); err == nil || !strings.Contains(err.Error(), c.says) || e.Text != nil {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
}

// TestForgedPlaceholder: what a client sent must not make other clients'
// parsers fail when it travels beside binary.
func TestForgedPlaceholder(t *testing.T) {
	for _, forged := range []any{
		map[string]any{"_placeholder": true, "num": 99}, map[string]any{"_placeholder": true, "num": 0}, json.RawMessage(`{"_placehold\u0065r":true}`),
		[]any{map[string]any{"_placeholder": true}},
	} {
		if e, err := (&JSONParser{}).Encode(Outgoing{Type: Event, Event: "e", Args: []any{forged, []byte{1}}}, 4); err == nil {
			t.Errorf("%v: sent as %s", forged, e.Text)
		}
		if _, err := (&JSONParser{}).Encode(Outgoing{Type: Event, Event: "e", Args: []any{forged}}, 4); err != nil {
			t.Errorf("%v without binary: %v", forged, err)
		}
	}
}
