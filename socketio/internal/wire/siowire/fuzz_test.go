package siowire

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDecode feeds a connection's decoder with messages: the input is cut at
// each byte 0x1e, and a piece that begins with 'b' is binary.
func FuzzDecode(f *testing.F) {
	recorded, err := os.ReadFile("testdata/node.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(recorded)), "\n") {
		var c nodeCase
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			f.Fatal(err)
		}
		var all []string
		for _, m := range c.Messages {
			if text, ok := m.(string); ok {
				all = append(all, text)
			} else {
				all = append(all, "b\x01\x02")
			}
		}
		f.Add([]byte(strings.Join(all, "\x1e")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := (&JSONParser{}).NewDecoder(nil)
		for _, m := range bytes.Split(data, []byte{0x1e}) {
			binary := len(m) > 0 && m[0] == 'b'
			m = bytes.Clone(m)
			var p Packet
			ok, err := d.Add(m, binary, &p)
			if err != nil {
				if !errors.Is(err, errMalformed) || len(err.Error()) > 400 {
					t.Fatalf("%q", err)
				}
				return
			}
			if !ok {
				if !d.Pending() {
					t.Fatal("neither complete nor pending")
				}
				continue
			}
			p.Detach()
			clear(m)
			checkPacket(t, &p)
			roundTrip(t, &JSONParser{}, &p)
			roundTrip(t, &MsgpackParser{}, &p)
		}
	})
}

// checkPacket checks what callers rely on.
func checkPacket(t *testing.T, p *Packet) {
	t.Helper()
	if p.Type > ConnectError || p.ID > MaxID || !utf8.ValidString(p.Event) || !utf8.ValidString(p.Namespace) || Reserved(p.Event) {
		t.Fatalf("%+v", p)
	}
	if p.Type != Event && p.Event != "" || p.Type != Event && p.Type != Ack && p.Args.Len() > 0 || p.Type != Connect && p.Type != ConnectError && !p.Data.IsZero() {
		t.Fatalf("%+v", p)
	}
}

// roundTrip encodes a packet from its raw arguments, decodes it again and
// compares what its arguments say.
func roundTrip(t *testing.T, parser Parser, p *Packet) {
	t.Helper()
	out := Outgoing{Type: p.Type, Namespace: p.Namespace, Event: p.Event, ID: p.ID, HasID: p.HasID}
	var want []any
	for _, r := range p.Args.All() {
		var v any
		if r.Decode(&v) != nil {
			return // a number beyond float64
		}
		want = append(want, v)
		out.Args = append(out.Args, r)
	}
	if !p.Data.IsZero() {
		out.Data = p.Data
	} else if p.Type == ConnectError {
		return // which MessagePack does not take without a payload
	}
	if strings.Contains(out.Namespace, ",") || out.Namespace != "/" && !strings.HasPrefix(out.Namespace, "/") {
		return // only MessagePack can say that
	}
	e, err := parser.Encode(out, 4)
	if err != nil {
		return // attachments that look like placeholders and the like
	}
	d := parser.NewDecoder(&Limits{MaxAttachments: -1, MaxDepth: -1})
	var again Packet
	ok := false
	if e.Binary != nil {
		ok, err = d.Add(e.Binary, true, &again)
	} else {
		ok, err = d.Add(e.Text, false, &again)
		for _, a := range e.Attachments {
			if err == nil {
				ok, err = d.Add(a, true, &again)
			}
		}
	}
	if err != nil || !ok {
		t.Fatalf("%T: %q %x: complete %v, %v", parser, e.Text, e.Binary, ok, err)
	}
	if again.Type != p.Type || again.Event != p.Event || again.ID != p.ID || again.HasID != p.HasID || again.Namespace != p.Namespace || again.Args.Len() != len(want) {
		t.Fatalf("%T: %+v became %+v", parser, p, again)
	}
	for i, w := range want {
		var v any
		if err := again.Args.At(i).Decode(&v); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(settled(v), settled(w)) {
			t.Fatalf("%T: argument %d: %#v became %#v", parser, i, w, v)
		}
	}
}

// settled makes values comparable that JSON does not keep apart: NaN,
// infinities and null, dates out of range and null, -0 and 0.
func settled(v any) any {
	switch v := v.(type) {
	case float64:
		if v != v || v-v != 0 {
			return nil
		}
		return v + 0
	case string:
		if strings.HasSuffix(v, "Z") {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = settled(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = settled(v[k])
		}
	}
	return v
}
