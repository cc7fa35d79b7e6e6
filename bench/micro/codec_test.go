// Package micro holds micro-benchmarks of the library through its public API:
//
//	go test -run '^$' -bench . -count 10 ./micro | tee new.txt; benchstat old.txt new.txt
package micro

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/wire/siowire"
)

// object is the load generator's payload of kind "object".
type object struct {
	Active bool `json:"active"`
	Author struct {
		ID    int      `json:"id"`
		Name  string   `json:"name"`
		Roles []string `json:"roles"`
	} `json:"author"`
	Body    string `json:"body"`
	Created int64  `json:"created"`
	ID      string `json:"id"`
	Meta    struct {
		Lang  string   `json:"lang"`
		Score float64  `json:"score"`
		Tags  []string `json:"tags"`
	} `json:"meta"`
	Room string `json:"room"`
	Seen []int  `json:"seen"`
}

var (
	text64   = `"` + strings.Repeat("the quick brown ", 4)[:62] + `"`
	object1k = func() string {
		const head = `{"active":true,"author":{"id":4211,"name":"Ada Lovelace","roles":["admin","editor"]},"body":"`
		const tail = `","created":1732100000123,"id":"#0000000001#","meta":{"lang":"en","score":12.75,"tags":` +
			`["alpha","beta","gamma","delta"]},"room":"general","seen":[1,2,3,5,8,13,21,34]}`
		return head + strings.Repeat("the quick brown fox jumps over the lazy dog ", 30)[:1024-len(head)-len(tail)] + tail
	}()
	payloads = []struct{ name, text string }{{"string64", text64}, {"object1k", object1k}}
)

func decode(tb testing.TB, dec siowire.Decoder, packet []byte, p *siowire.Packet) {
	ok, err := dec.Add(packet, false, p)
	if err != nil || !ok {
		tb.Fatal(ok, err)
	}
}

// BenchmarkDecode finds the parts of an event; the arguments stay encoded.
func BenchmarkDecode(b *testing.B) {
	for _, pl := range payloads {
		b.Run(pl.name, func(b *testing.B) {
			packet := []byte(`217["echo",` + pl.text + `]`)
			dec := new(siowire.JSONParser).NewDecoder(nil)
			var p siowire.Packet
			b.SetBytes(int64(len(packet)))
			b.ReportAllocs()
			for b.Loop() {
				decode(b, dec, packet, &p)
			}
		})
	}
}

// received is an argument as it comes from a client.
func received(tb testing.TB, text string) siowire.Raw {
	var p siowire.Packet
	decode(tb, new(siowire.JSONParser).NewDecoder(nil), []byte(`2["echo",`+text+`]`), &p)
	p.Detach()
	return p.Args.At(0)
}

// BenchmarkArgument decodes an argument into what a handler wants of it.
func BenchmarkArgument(b *testing.B) {
	run := func(name string, text string, into func() any) {
		b.Run(name, func(b *testing.B) {
			raw := received(b, text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if err := raw.Decode(into()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("string64/string", text64, func() any { return new(string) })
	run("object1k/struct", object1k, func() any { return new(object) })
	run("object1k/any", object1k, func() any { return new(any) })
}

// BenchmarkEncode makes an acknowledgement.
func BenchmarkEncode(b *testing.B) {
	var typed object
	var untyped any
	for _, into := range []any{&typed, &untyped} {
		if err := json.Unmarshal([]byte(object1k), into); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		arg  any
	}{
		{"string64/raw", received(b, text64)}, {"string64/string", text64[1 : len(text64)-1]},
		{"object1k/raw", received(b, object1k)}, {"object1k/struct", typed}, {"object1k/any", untyped},
	} {
		b.Run(c.name, func(b *testing.B) {
			var parser siowire.JSONParser
			args := []any{c.arg}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parser.Encode(siowire.Outgoing{Type: siowire.Ack, ID: 17, HasID: true, Args: args, Headroom: 16}, 5); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
