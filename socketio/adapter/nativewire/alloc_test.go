//go:build !race

package nativewire

import (
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// Writing costs the buffer only, reading nothing.
func TestAllocations(t *testing.T) {
	for form, f := range forms {
		for _, name := range []string{"broadcast", "broadcast to all", "join", "fetch answer", "count"} {
			m := samples[name]
			buf, err := f.Append(nil, channel, m)
			if err != nil {
				t.Fatal(err)
			}
			if n := testing.AllocsPerRun(100, func() { buf, _ = f.Append(buf[:0], channel, m) }); n > 0 {
				t.Errorf("%s, %s: writing allocates %v times", form, name, n)
			}
			var got adapter.Message
			bad := ""
			if n := testing.AllocsPerRun(100, func() { bad = f.Parse(channel, buf, &got) }); n > 0 || bad != "" {
				t.Errorf("%s, %s: reading allocates %v times (%q)", form, name, n, bad)
			}
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for form, f := range forms {
		b.Run(form, func(b *testing.B) {
			b.ReportAllocs()
			m, buf := sample300(), []byte(nil)
			for b.Loop() {
				buf, _ = f.Append(buf[:0], channel, m)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for form, f := range forms {
		b.Run(form, func(b *testing.B) {
			b.ReportAllocs()
			buf, _ := f.Append(nil, channel, sample300())
			var m adapter.Message
			for b.Loop() {
				if f.Parse(channel, buf, &m) != "" {
					b.Fatal("malformed")
				}
			}
		})
	}
}

// sample300 is a broadcast of 300 bytes to one room.
func sample300() *adapter.Message {
	text := []byte(`["chat",{"from":"somebody","text":"`)
	for len(text) < 297 {
		text = append(text, 'x')
	}
	return &adapter.Message{Kind: adapter.Broadcast, From: from, NS: "/chat", Seq: 12345, Lane: 77, Rooms: []string{"room 17"},
		Data: adapter.Data{Text: append(text, `"}]`...)}}
}
