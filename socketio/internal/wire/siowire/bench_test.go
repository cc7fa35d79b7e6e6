package siowire

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// The 1 KiB object of the load generator's kind: numbers, strings, a list of
// small objects.
type benchItem struct {
	ID    int      `json:"id"`
	Name  string   `json:"name"`
	Price float64  `json:"price"`
	Tags  []string `json:"tags"`
}

type benchObject struct {
	User  string      `json:"user"`
	Seq   int         `json:"seq"`
	Time  float64     `json:"time"`
	OK    bool        `json:"ok"`
	Note  string      `json:"note"`
	Items []benchItem `json:"items"`
}

func benchValue() (v benchObject) {
	v = benchObject{User: "someone@example.com", Seq: 12345, Time: 1732140000123.5, OK: true, Note: strings.Repeat("some words of text ", 10)}
	for i := range 9 {
		v.Items = append(v.Items, benchItem{i, fmt.Sprintf("item number %d", i), float64(i) * 1.25, []string{"red", "large"}})
	}
	return v
}

func benchPacket(b *testing.B) []byte {
	text, err := json.Marshal(benchValue())
	if err != nil {
		b.Fatal(err)
	}
	return append(append([]byte(`217["echo",`), text...), ']')
}

func BenchmarkDecode(b *testing.B) {
	packet := benchPacket(b)
	d := (&JSONParser{}).NewDecoder(nil)
	for _, c := range []struct {
		name string
		use  func(p *Packet) error
	}{
		{"header", func(p *Packet) error { return nil }},
		{"raw", func(p *Packet) error { p.Detach(); return nil }},
		{"struct", func(p *Packet) error { p.Detach(); var v benchObject; return p.Args.At(0).Decode(&v) }},
		{"any", func(p *Packet) error { p.Detach(); var v any; return p.Args.At(0).Decode(&v) }},
		{"struct, encoding/json", func(p *Packet) error {
			var v benchObject
			text, _ := p.Args.At(0).JSON()
			return json.Unmarshal(text, &v)
		}},
		{"any, encoding/json", func(p *Packet) error {
			var v any
			text, _ := p.Args.At(0).JSON()
			return json.Unmarshal(text, &v)
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(packet)))
			b.ReportAllocs()
			var p Packet
			for b.Loop() {
				if _, err := d.Add(packet, false, &p); err != nil {
					b.Fatal(err)
				}
				if err := c.use(&p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	var p Packet
	if _, err := (&JSONParser{}).NewDecoder(nil).Add(benchPacket(b), false, &p); err != nil {
		b.Fatal(err)
	}
	p.Detach()
	var object benchObject
	var tree any
	if err := p.Args.At(0).Decode(&object); err != nil {
		b.Fatal(err)
	}
	if err := p.Args.At(0).Decode(&tree); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		v    any
	}{{"raw", p.Args.At(0)}, {"struct", object}, {"any", tree}, {"string of 64", strings.Repeat("x", 64)}} {
		for _, parser := range []Parser{&JSONParser{}, &MsgpackParser{}} {
			b.Run(fmt.Sprintf("%s/%T", c.name, parser), func(b *testing.B) {
				b.ReportAllocs()
				args := []any{c.v}
				for b.Loop() {
					if _, err := parser.Encode(Outgoing{Type: Ack, ID: 17, HasID: true, Args: args, Headroom: 11}, 4); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	b.Run("struct, encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(object); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("any, encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(tree); err != nil {
				b.Fatal(err)
			}
		}
	})
}
