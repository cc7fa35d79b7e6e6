package siowire

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unsafe"
)

// decodeText decodes one text message and the binaries that follow it.
func decodeText(lim *Limits, text string, bins ...string) (Packet, error) {
	d := (&JSONParser{}).NewDecoder(lim)
	var p Packet
	ok, err := d.Add([]byte(text), false, &p)
	for _, b := range bins {
		if err != nil {
			return p, err
		}
		if ok || !d.Pending() {
			return p, fmt.Errorf("complete before %q", b)
		}
		ok, err = d.Add([]byte(b), true, &p)
	}
	if err == nil && (!ok || d.Pending()) {
		err = errors.New("not complete")
	}
	return p, err
}

func TestDecodeBinaryEvent(t *testing.T) {
	p, err := decodeText(nil, `52-/chat,7["hi",{"a":[{"_placeholder":true,"num":1}]},{"_placeholder":true,"num":0}]`, "zero", "one")
	if err != nil {
		t.Fatal(err)
	}
	if p.Type != Event || p.Namespace != "/chat" || p.ID != 7 || !p.HasID || p.Event != "hi" || p.Args.Len() != 2 || p.Borrowed || p.Args.Attachments() != 2 {
		t.Fatalf("%+v", p)
	}
	var v struct{ A [][]byte }
	if err := p.Args.At(0).Decode(&v); err != nil || string(v.A[0]) != "one" {
		t.Error(v, err)
	}
	if b, ok := p.Args.At(1).Bytes(); !ok || string(b) != "zero" {
		t.Errorf("%q", b)
	}
	if r := p.Args.At(2); !r.IsZero() || r.Decode(&v) == nil || r.IsNull() {
		t.Error("a third argument")
	}
	if r := p.Args.At(-1); !r.IsZero() {
		t.Error("an argument before the first")
	}
}

// TestDetach: what a packet borrowed is its own afterwards, in one piece.
func TestDetach(t *testing.T) {
	for _, text := range []string{
		`2/nsp,12["name",1,"two",[3],{"four":4},5,6]`, `2["name"]`, `2/nsp,["name"]`, `3/nsp,1["x"]`, `3/nsp,1[]`, `31`, `0/nsp,{"token":"x"}`, `0/nsp`, `1/nsp`, `4/nsp,{"message":"m"}`,
		`2/nsp,["with \"escapes\"",1]`, `2["",""]`, `0{}`,
	} {
		want, err := decodeText(nil, text)
		if err != nil {
			t.Fatal(text, err)
		}
		data := []byte(text)
		d := (&JSONParser{}).NewDecoder(nil)
		var p Packet
		if _, err := d.Add(data, false, &p); err != nil || !p.Borrowed {
			t.Fatal(text, err, p.Borrowed)
		}
		p.Detach()
		p.Detach()
		for i := range data {
			data[i] = '#'
		}
		if p.Borrowed || p.Namespace != want.Namespace || p.Event != want.Event || !reflect.DeepEqual(payload(t, &p), payload(t, &want)) {
			t.Errorf("%s: %+v", text, p)
		}
		if p.msg != nil {
			t.Errorf("%s: keeps the message", text)
		}
	}
}

// TestConnectNamespace: a connection keeps the name, which must not keep the
// packet's bytes.
func TestConnectNamespace(t *testing.T) {
	data := []byte(`0/chat,{"token":"x"}`)
	var p Packet
	if _, err := (&JSONParser{}).NewDecoder(nil).Add(data, false, &p); err != nil {
		t.Fatal(err)
	}
	if at := uintptr(unsafe.Pointer(unsafe.StringData(p.Namespace))) - uintptr(unsafe.Pointer(&data[0])); at < uintptr(len(data)) {
		t.Error("the name is part of the message")
	}
}

func TestSplitNamespace(t *testing.T) {
	for in, want := range map[string][2]string{"/": {"/", ""}, "/chat?token=1&x=?": {"/chat", "token=1&x=?"}, "/chat?": {"/chat", ""}, "?a=b": {"/", "a=b"}} {
		if name, query := SplitNamespace(in); name != want[0] || query != want[1] {
			t.Errorf("%s: %s %s", in, name, query)
		}
	}
}

// TestLimits: each is named in its error, and lifted by a negative value.
func TestLimits(t *testing.T) {
	ph := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,{"_placeholder":true,"num":%d}`, i)
		}
		return fmt.Sprintf(`5%d-["x"%s]`, n, b.String())
	}
	bins := func(n, size int) (all []string) {
		for range n {
			all = append(all, strings.Repeat("b", size))
		}
		return all
	}
	for _, c := range []struct {
		name string
		lim  Limits
		text string
		bins []string
		says string
	}{
		{"10 attachments", Limits{}, ph(10), bins(10, 1), ""},
		{"11 attachments", Limits{}, ph(11), nil, "Limits.MaxAttachments"},
		{"CVE-2026-33151: 5999 attachments", Limits{}, `5999-["x"]`, nil, "at most 10"},
		{"100 attachments, unlimited", Limits{MaxAttachments: -1}, ph(100), bins(100, 1), ""},
		{"too many even so", Limits{MaxAttachments: -1}, `59999999-["x"]`, nil, "MaxAttachments"},
		{"59999999999999999-", Limits{MaxAttachments: -1}, `559999999999999999999-["x"]`, nil, "attachments"},
		{"CVE-2026-48804: bytes in all", Limits{MaxAttachmentBytes: 10}, ph(3), bins(3, 4), "Limits.MaxAttachmentBytes"},
		{"bytes at the limit", Limits{MaxAttachmentBytes: 12}, ph(3), bins(3, 4), ""},
		{"1 MB of brackets", Limits{}, `2["x",` + strings.Repeat("[", 1<<20), nil, "deep"},
		{"1 MB of brackets, unlimited", Limits{MaxDepth: -1}, `2["x",` + strings.Repeat("[", 1<<20), nil, "deep"},
		{"1 MB of objects", Limits{}, `2["x",` + strings.Repeat(`{"":`, 1<<18), nil, "deep"},
		{"nested 999 deep", Limits{}, `2["x",` + strings.Repeat("[", 999) + strings.Repeat("]", 999) + "]", nil, ""},
		{"nested 1000 deep", Limits{}, `2["x",` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "]", nil, "1000 deep"},
		{"nested 9000 deep, unlimited", Limits{MaxDepth: -1}, `2["x",` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "]", nil, ""},
		{"auth nested too deep", Limits{MaxDepth: 2}, `0{"a":{"b":{}}}`, nil, "deep"},
		{"200,000 arguments", Limits{}, `2["x"` + strings.Repeat(",1", 200_000) + "]", nil, "Limits.MaxArgs"},
		{"200,000 arguments, unlimited", Limits{MaxArgs: -1}, `2["x"` + strings.Repeat(",1", 200_000) + "]", nil, ""},
		{"arguments of an ack", Limits{MaxArgs: 2}, `31[1,2,3]`, nil, "MaxArgs"},
		{"an ack at the limit", Limits{MaxArgs: 2}, `31[1,2]`, nil, ""},
		{"an event at the limit", Limits{MaxArgs: 2}, `2["x",2]`, nil, ""},
		{"event name", Limits{}, `2["` + strings.Repeat("x", 1025) + `"]`, nil, "Limits.MaxNameLen"},
		{"event name at the limit", Limits{}, `2["` + strings.Repeat("x", 1024) + `"]`, nil, ""},
		{"namespace", Limits{}, `0/` + strings.Repeat("x", 4096) + `,{}`, nil, "Limits.MaxNamespaceLen"},
		{"namespace at the limit", Limits{}, `0/` + strings.Repeat("x", 4095) + `,{}`, nil, ""},
		{"largest id", Limits{}, `29007199254740991["x"]`, nil, ""},
		{"id over 2^53", Limits{}, `29007199254740992["x"]`, nil, "ack id"},
		{"overlong id", Limits{}, `2` + strings.Repeat("0", 16) + `1["x"]`, nil, "ack id"},
		{"not UTF-8 in a string", Limits{}, "2[\"x\",\"\xff\"]", nil, "UTF-8"},
		{"surrogate as bytes", Limits{}, "2[\"x\",\"\xed\xa0\x80\"]", nil, "UTF-8"},
		{"not UTF-8 in a name", Limits{}, "2[\"\xc3\"]", nil, "UTF-8"},
		{"not UTF-8 in a namespace", Limits{}, "0/\xff,", nil, "UTF-8"},
		{"NUL in a string", Limits{}, "2[\"x\",\"\x00\"]", nil, "not valid JSON"},
	} {
		_, err := decodeText(&c.lim, c.text, c.bins...)
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.says != "" && (!errors.Is(err, errMalformed) || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v, want one that says %q", c.name, err, c.says)
		case len(fmt.Sprint(err)) > 300:
			t.Errorf("%s: an error of %d bytes", c.name, len(err.Error()))
		}
	}
}

// CVE-2026-69185: what announces no attachments leaves nothing armed, and after
// Reset nothing is left either.
func TestCVE202669185Reassembly(t *testing.T) {
	d := (&JSONParser{}).NewDecoder(nil)
	var p Packet
	if _, err := d.Add([]byte(`50-["x"]`), false, &p); err == nil || d.Pending() {
		t.Error("zero attachments:", err, d.Pending())
	}
	if _, err := d.Add([]byte(`2["x"]`), false, &p); err != nil || p.Event != "x" {
		t.Error("a text after it:", err)
	}
	if _, err := d.Add([]byte{1}, true, &p); !errors.Is(err, errMalformed) {
		t.Error("a binary after it:", err)
	}
	if ok, err := d.Add([]byte(`51-["x",{"_placeholder":true,"num":0}]`), false, &p); ok || err != nil || !d.Pending() || p.Event != "" {
		t.Error("one attachment:", ok, err, p)
	}
	if _, err := d.Add([]byte(`2["x"]`), false, &p); !errors.Is(err, errMalformed) {
		t.Error("text instead of the attachment:", err)
	}
	d.Reset()
	if _, err := d.Add([]byte{1}, true, &p); !errors.Is(err, errMalformed) || d.Pending() {
		t.Error("binary after Reset:", err)
	}
	b := []byte{1}
	if _, err := d.Add([]byte(`51-["x",{"_placeholder":true,"num":0}]`), false, &p); err != nil {
		t.Fatal(err)
	}
	if ok, err := d.Add(b, true, &p); !ok || err != nil {
		t.Fatal(ok, err)
	}
	b[0] = 9
	if got, _ := p.Args.At(0).Bytes(); !bytes.Equal(got, []byte{1}) {
		t.Error("the attachment is borrowed")
	}
}

// CVE-2020-36049 and its like: the work grows as the input does. What is copied
// is counted in bytes. For what is only looked at no clock is asked: work that
// grew with the square of 4 MiB would not end within the time a test run has.
func TestCVE202036049ParseIsLinear(t *testing.T) {
	const n = 4 << 20
	for name, shape := range map[string]func(n int) string{
		"string":    func(n int) string { return `2["x","` + strings.Repeat("y", n) + `"]` },
		"escapes":   func(n int) string { return `2["x","` + strings.Repeat(`\n`, n/2) + `"]` },
		"arguments": func(n int) string { return `2["x"` + strings.Repeat(",1", n/2) + `]` },
		"members":   func(n int) string { return `2["x",{` + strings.Repeat(`"k":1,`, n/6) + `"k":1}]` },
		"nesting": func(n int) string {
			return `2["x"` + strings.Repeat(","+strings.Repeat("[", 900)+strings.Repeat("]", 900), n/1800) + `]`
		},
		"not ASCII": func(n int) string { return `2["x","` + strings.Repeat("é", n/2) + `"]` },
		"junk":      func(n int) string { return `2` + strings.Repeat(" ", n) },
		"id":        func(n int) string { return `2` + strings.Repeat("1", n) },
		"namespace": func(n int) string { return `0/` + strings.Repeat("n", n) },
	} {
		var p Packet
		data := []byte(shape(n))
		d := (&JSONParser{}).NewDecoder(&Limits{MaxArgs: -1, MaxNamespaceLen: -1})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := d.Add(data, false, &p)
		runtime.ReadMemStats(&after)
		if refused := name == "junk" || name == "id"; refused != (err != nil) {
			t.Errorf("%s: %v", name, err)
		}
		if copied := after.TotalAlloc - before.TotalAlloc; copied > 32*n {
			t.Errorf("%s: %d bytes were allocated for %d", name, copied, len(data))
		}
	}
	t.Log("hostile inputs: costly packets: 9")
}

// Deep JSON is refused where it gets too deep: what stands behind is not looked at.
func TestDeepJSONIsNotReadToItsEnd(t *testing.T) {
	for _, open := range []string{"[", `{"a":`, `[{"b":[`} {
		for _, rest := range []string{"", "!", strings.Repeat("[", 1<<20), strings.Repeat("[", 1<<20) + "!", strings.Repeat("]", 1<<20), "\xff"} {
			for _, head := range []string{`2["x",`, `0{"a":`, `31[`} {
				if _, err := decodeText(nil, head+strings.Repeat(open, 1000)+rest); !errors.Is(err, errMalformed) || !strings.Contains(err.Error(), "1000 deep") {
					t.Errorf("%s and %.5q behind: %v", head, rest, err)
				}
			}
		}
	}
	t.Log("hostile inputs: deep JSON: 54")
}

// TestDecodeAllocations is a limit of the hot path: an event that no handler
// wants costs no allocation at all.
func TestDecodeAllocations(t *testing.T) {
	d := (&JSONParser{}).NewDecoder(nil)
	data := []byte(`2/chat,17["some event",{"a":[1,2,3],"b":"é"},"x",null,4]`)
	var p Packet
	if n := testing.AllocsPerRun(100, func() {
		if ok, err := d.Add(data, false, &p); !ok || err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("an event that is ignored: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		_, _ = d.Add(data, false, &p)
		p.Detach()
	}); n != 1 {
		t.Errorf("an event that is kept: %v allocations", n)
	}
	ack := []byte(`3/chat,17[{"a":1}]`)
	if n := testing.AllocsPerRun(100, func() { _, _ = d.Add(ack, false, &p) }); n != 0 {
		t.Errorf("an ack: %v allocations", n)
	}
	m := &MsgpackParser{}
	e, err := m.Encode(Outgoing{Type: Event, Namespace: "/chat", Event: "some event", Args: []any{1, "x"}, ID: 1, HasID: true}, 4)
	if err != nil {
		t.Fatal(err)
	}
	md := m.NewDecoder(nil)
	if n := testing.AllocsPerRun(100, func() { _, _ = md.Add(e.Binary, true, &p) }); n != 0 {
		t.Errorf("an event in MessagePack: %v allocations", n)
	}
}

func TestEncodeIntoBuffer(t *testing.T) {
	var parser JSONParser
	memory := make([]byte, 0, 300)
	o := Outgoing{Type: Ack, ID: 7, HasID: true, Args: []any{"x"}, Headroom: 5, Buffer: &memory}
	e, err := parser.Encode(o, 5)
	if err != nil || string(e.Text[5:]) != `37["x"]` || &e.Text[0] != &memory[0] || cap(memory) != 300 {
		t.Errorf("%q %v: made in other memory than it was given", e.Text, err)
	}
	o.Args = []any{strings.Repeat("x", 1000)}
	if e, err = parser.Encode(o, 5); err != nil || len(e.Text) != 5+2+4+1000 || &e.Text[0] != &memory[0] || cap(memory) < 1000 {
		t.Errorf("%d bytes, %v: the memory was not replaced by a larger one", len(e.Text), err)
	}
	before := string(memory)
	o.Args = []any{[]byte("binary")}
	if e, err = parser.Encode(o, 5); err != nil || len(e.Attachments) != 1 || &e.Text[0] == &memory[0] || string(memory) != before {
		t.Errorf("%q %v: what has attachments is not for the buffer", e.Text, err)
	}
}

// Strings may be parts of the packet's own copy, but never of what it borrowed.
func TestDecodedStringsLast(t *testing.T) {
	type object struct {
		A string
		B []string
		C any
	}
	for _, pad := range []int{0, 100, 10_000} { // small packets share their text, large ones do not
		for _, detach := range []bool{false, true} {
			long := strings.Repeat("x", pad)
			msg := []byte(`2["e","plain",{"A":"text","B":["one","two"],"C":{"k":"v"}},"` + long + `"]`)
			var p Packet
			if ok, err := (&JSONParser{}).NewDecoder(nil).Add(msg, false, &p); !ok || err != nil {
				t.Fatal(ok, err)
			}
			if detach {
				p.Detach()
			}
			var s, filler string
			var o object
			for i, dst := range []any{&s, &o, &filler} {
				if err := p.Args.At(i).Decode(dst); err != nil {
					t.Fatal(err)
				}
			}
			for i := range msg {
				msg[i] = '#'
			}
			want := object{"text", []string{"one", "two"}, map[string]any{"k": "v"}}
			if s != "plain" || filler != long || !reflect.DeepEqual(o, want) {
				t.Errorf("pad %d, detached %v: %q %+v", pad, detach, s, o)
			}
		}
	}
}
