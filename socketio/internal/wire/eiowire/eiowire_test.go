package eiowire

import (
	"bytes"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func text(t Type, s string) Packet { return Packet{Type: t, Data: []byte(s)} }

func blob(b ...byte) Packet { return Packet{Type: Message, Binary: true, Data: b} }

func decode(f Form, body string) ([]Packet, error) {
	var all []Packet
	for d := NewPayload(f, []byte(body)); d.More(); {
		p, err := d.Next()
		if err != nil {
			return all, err
		}
		all = append(all, p)
	}
	return all, nil
}

// The bodies are those that the reference implementation makes.
var golden = []struct {
	form    Form
	body    string
	packets []Packet
}{
	{Text4, "2", []Packet{text(Ping, "")}},
	{Text4, "4hello\x1e4€", []Packet{text(Message, "hello"), text(Message, "€")}},
	{Text4, "4hello\x1ebAQIDBA==", []Packet{text(Message, "hello"), blob(1, 2, 3, 4)}},
	{Text4, "b\x1e4", []Packet{blob(), text(Message, "")}},
	{Text3, "6:4hello10:b4AQIDBA==", []Packet{text(Message, "hello"), blob(1, 2, 3, 4)}},
	{Text3, "2:4€3:4😀1:6", []Packet{text(Message, "€"), text(Message, "😀"), text(Noop, "")}},
	{Binary3, "\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04", []Packet{text(Message, "hello"), blob(1, 2, 3, 4)}},
	{Binary3, "\x00\x01\x01\xff4abcdefghi€"[:len("\x00\x01\x01\xff4abcdefghi€")-3] + "j", []Packet{text(Message, "abcdefghij")}},
}

func TestGolden(t *testing.T) {
	for _, g := range golden {
		var b []byte
		for _, p := range g.packets {
			b = g.form.Append(b, p)
		}
		if string(b) != g.body {
			t.Errorf("encoded %q, want %q", b, g.body)
		}
		got, err := decode(g.form, g.body)
		if err != nil || !equal(got, g.packets) {
			t.Errorf("%q: %v %v", g.body, got, err)
		}
	}
}

func equal(a, b []Packet) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Type != b[i].Type || a[i].Binary != b[i].Binary || !bytes.Equal(a[i].Data, b[i].Data) {
			return false
		}
	}
	return true
}

func TestUnpaddedBase64(t *testing.T) {
	got, err := decode(Text4, "bAQIDBA")
	if err != nil || !equal(got, []Packet{blob(1, 2, 3, 4)}) {
		t.Error(got, err)
	}
}

func TestMalformedPayloads(t *testing.T) {
	tried := 0
	for form, bodies := range map[Form][]string{
		Text4:   {"", "abc", "7", "4a\x1e", "\x1e4a", "b%%%", "bA", "bAQID===="},
		Text3:   {"4hello", ":4a", "1", "1:", "2:4", "x:4", "3:4€€€", "2:4😀", "0:", "01:4", "-1:4", "99999999999:4", "1:9", "2:b9", "1:b", "3:b9AA", "+1:4", "1e1:4"},
		Binary3: {"\x02\x01\xff4", "\x00\x01", "\x00\x01\xff", "\x00\xff4", "\x00\x02\xff4", "\x00\x0a\xff4", "\x01\x01\xff\x07", "\x00\x01\xff9", "\x00\x00\xff", "\x00\x00\x01\xff4", "\x00"},
	} {
		for _, body := range bodies {
			tried++
			if got, err := decode(form, body); !errors.Is(err, errMalformed) {
				t.Errorf("form %d, %q: %v, %v", form, body, got, err)
			}
		}
	}
	t.Logf("hostile inputs: payloads: %d", tried)
	if got, err := decode(Text4, "4a\x1ex"); len(got) != 1 || err == nil {
		t.Errorf("what stands before a malformed packet: %v, %v", got, err)
	}
}

func TestFrames(t *testing.T) {
	for _, c := range []struct {
		protocol int
		data     string
		binary   bool
		want     Packet
	}{
		{4, "4hello", false, text(Message, "hello")},
		{4, "2probe", false, text(Ping, "probe")},
		{4, "\x01\x02", true, blob(1, 2)},
		{4, "", true, blob()},
		{4, "bAQI=", false, blob(1, 2)},
		{3, "4hello", false, text(Message, "hello")},
		{3, "\x04\x01\x02", true, blob(1, 2)},
		{3, "b4AQI=", false, blob(1, 2)},
	} {
		got, err := DecodeFrame(c.protocol, []byte(c.data), c.binary)
		if err != nil || !equal([]Packet{got}, []Packet{c.want}) {
			t.Errorf("%d %q: %v %v", c.protocol, c.data, got, err)
		}
	}
	for _, c := range []struct {
		protocol int
		data     string
		binary   bool
	}{{4, "", false}, {4, "abc", false}, {4, "/", false}, {3, "", true}, {3, "\x07", true}, {3, "b", false}} {
		if got, err := DecodeFrame(c.protocol, []byte(c.data), c.binary); err == nil {
			t.Errorf("%d %q: %v", c.protocol, c.data, got)
		}
	}
}

// CVE-2020-36048, CVE-2020-36049: a large payload must not cost more per byte
// than a small one. What is copied is counted in bytes. For what is only looked
// at no clock is asked: work that grew with the square of millions of packets
// would not end within the time a test run has.
func TestCVE202036048PayloadsAreLinear(t *testing.T) {
	const n = 4 << 20
	tried := 0
	for form, units := range map[Form][]string{
		Text4:   {"4\x1e", "4a", "\x1e", "bAQI=\x1e"},
		Text3:   {"1:4", "9", "2:4€", "1:"},
		Binary3: {"\x00\x01\xff4", "\x00\x09", "\x00"},
	} {
		for _, unit := range units {
			tried++
			body := []byte(strings.Repeat(unit, n/len(unit)))
			packets := 0
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for d := NewPayload(form, body); d.More(); packets++ {
				if _, err := d.Next(); err != nil {
					break
				}
			}
			runtime.ReadMemStats(&after)
			if packets > n {
				t.Errorf("form %d, %q: %d packets", form, unit, packets)
			}
			if copied := after.TotalAlloc - before.TotalAlloc; copied > 8*n {
				t.Errorf("form %d, %q: %d bytes were allocated", form, unit, copied)
			}
		}
	}
	t.Logf("hostile inputs: payloads: %d", tried)
}

func FuzzPayload(f *testing.F) {
	for _, g := range golden {
		f.Add(uint8(g.form), []byte(g.body))
	}
	f.Fuzz(func(t *testing.T, form uint8, body []byte) {
		fm := Form(form % 3)
		var all []Packet
		size := 0
		for d := NewPayload(fm, bytes.Clone(body)); d.More(); {
			p, err := d.Next()
			if err != nil {
				if d.More() {
					t.Fatal("more after an error")
				}
				return
			}
			all = append(all, p)
			size += len(p.Data)
		}
		if size > len(body) {
			t.Fatalf("%d bytes of data from %d", size, len(body))
		}
		// What was decoded encodes to something that decodes to the same.
		var b []byte
		for _, p := range all {
			if fm == Text4 && p.Binary && p.Type != Message {
				t.Fatal("revision 4 has binary messages only")
			}
			b = fm.Append(b, p)
		}
		again, err := decode(fm, string(b))
		if err != nil && len(all) > 0 || !equal(again, all) {
			t.Fatalf("%q: %v, then %v, %v", body, all, again, err)
		}
	})
}

func FuzzFrame(f *testing.F) {
	f.Add(false, true, []byte("4hello"))
	f.Add(true, true, []byte("bAQI="))
	f.Add(true, false, []byte{4, 1})
	f.Fuzz(func(t *testing.T, three, binary bool, data []byte) {
		protocol := 4
		if three {
			protocol = 3
		}
		p, err := DecodeFrame(protocol, bytes.Clone(data), binary)
		if err == nil && (p.Type > Noop || len(p.Data) > len(data)) {
			t.Fatal(p)
		}
		if err != nil && !reflect.DeepEqual(p, Packet{}) {
			t.Fatal(p, err)
		}
	})
}
