package nodewire

import (
	"fmt"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// chat is a usual broadcast.
func chat(rooms ...string) *adapter.Message {
	return &adapter.Message{Kind: adapter.Broadcast, From: "0123456789abcdef", NS: "/chat", Rooms: rooms, Seq: 1 << 62, Data: adapter.Data{
		Text: []byte(`["message",{"from":"Ada","text":"The Analytical Engine has no pretensions whatever.","at":1700000000123,"n":[1,2.5,null,true]}]`)}}
}

func withBinary() *adapter.Message {
	m := chat("room")
	m.Data = adapter.Data{Text: []byte(`["frame",{"_placeholder":true,"num":0},{"w":640,"h":480}]`), Attachments: [][]byte{make([]byte, 1024)}}
	return m
}

// costs are what is measured, and what it may allocate.
func costs(tb testing.TB) []struct {
	name   string
	allocs float64
	f      func()
} {
	buf := make([]byte, 0, 8<<10)
	one, all, three, bin := chat("room"), chat(), chat("a", "b", "c"), withBinary()
	r := &Reader{Self: reader, Prefix: "socket.io"}
	none := &Reader{Self: reader, Prefix: "socket.io", Wants: func(string, string) bool { return false }}
	classic := func(m *adapter.Message) func() {
		channel, b := channels.Broadcast(m), written(tb, AppendClassic, m)
		return func() {
			if m, err := r.Classic(channel, b); m == nil || err != nil {
				tb.Fatal(m, err)
			}
		}
	}
	skip := func(m *adapter.Message) func() {
		channel, b := channels.Broadcast(m), written(tb, AppendClassic, m)
		return func() {
			if m, err := none.Classic(channel, b); m == nil || !m.Skipped || err != nil {
				tb.Fatal(m, err)
			}
		}
	}
	write := func(form func([]byte, *adapter.Message) ([]byte, error), m *adapter.Message) func() {
		return func() {
			var err error
			if buf, err = form(buf[:0], m); err != nil {
				tb.Fatal(err)
			}
		}
	}
	shared := func(form func([]byte, *adapter.Message) ([]byte, error), m *adapter.Message) func() {
		b := written(tb, form, m)
		return func() {
			if m, err := r.Shared("/chat", b); m == nil || err != nil {
				tb.Fatal(m, err)
			}
		}
	}
	entry := func(m *adapter.Message) func() {
		e := entryOf(written(tb, AppendEntry, m))
		return func() {
			if m, err := r.Entry(e); m == nil || err != nil {
				tb.Fatal(m, err)
			}
		}
	}
	return []struct {
		name   string
		allocs float64
		f      func()
	}{
		{"classic/append", 0, write(AppendClassic, one)},
		{"classic/append binary", 1, // the set of binaries found
			write(AppendClassic, bin)},
		{"classic/read all", 0, classic(all)},
		{"classic/read room", 1, classic(one)}, // the room's name
		{"classic/read 3 rooms", 1, classic(three)},
		{"classic/read binary", 1, classic(bin)},
		{"classic/skip room", 0, skip(one)},
		{"classic/skip 3 rooms", 1, skip(three)},
		{"shared/append JSON", 0, write(AppendShared, one)},
		{"shared/append msgpack", 1, write(AppendSharedMsgpack, bin)},
		{"shared/read JSON", 1, shared(AppendShared, one)},
		{"shared/read msgpack", 1, shared(AppendSharedMsgpack, bin)},
		{"entry/append", 1, write(AppendEntry, one)}, // its number as text
		{"entry/append binary", 2, write(AppendEntry, bin)},
		{"entry/read", 1, entry(one)},
		{"entry/read binary", 1, entry(bin)},
	}
}

func written(tb testing.TB, form func([]byte, *adapter.Message) ([]byte, error), m *adapter.Message) []byte {
	tb.Helper()
	b, err := form(nil, m)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestAllocations(t *testing.T) {
	for _, c := range costs(t) {
		if n := testing.AllocsPerRun(200, c.f); n > c.allocs {
			t.Errorf("%s: %v allocations, at most %v", c.name, n, c.allocs)
		}
	}
}

func BenchmarkForms(b *testing.B) {
	for _, c := range costs(b) {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.f()
			}
		})
	}
}

func BenchmarkLarge(b *testing.B) {
	m := chat()
	text := []byte(`["rows"`)
	for i := range 1000 {
		text = fmt.Appendf(text, `,{"id":%d,"name":"row %d","value":%d.25,"ok":true}`, i, i, i*7)
	}
	m.Data.Text = append(text, ']')
	payload := written(b, AppendClassic, m)
	b.Run("append", func(b *testing.B) {
		b.SetBytes(int64(len(m.Data.Text)))
		buf := []byte{}
		for b.Loop() {
			buf, _ = AppendClassic(buf[:0], m)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(m.Data.Text)))
		r := Reader{Self: reader, Prefix: "socket.io"}
		for b.Loop() {
			_, _ = r.Classic("socket.io#/chat#", payload)
		}
	})
}
