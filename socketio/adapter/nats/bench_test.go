package nats

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

func chat(n int) *adapter.Message {
	text := []byte(`["chat",{"from":"somebody","text":"`)
	for len(text) < n-3 {
		text = append(text, 'x')
	}
	return &adapter.Message{Kind: adapter.Broadcast, NS: "/chat", Rooms: []string{"room 17"}, Data: adapter.Data{Text: append(text, `"}]`...)}}
}

// BenchmarkPublish is what publishing costs the one who emits.
func BenchmarkPublish(b *testing.B) {
	for name, key := range map[string]string{"plain": "", "with a key": "secret"} {
		b.Run(name, func(b *testing.B) {
			o := options(broker(b, server.Options{}))
			o.Key, o.QueueBytes = []byte(key), 1<<30
			a := start(b, "a", o)
			a.up(1)
			m := chat(300)
			m.From = a.id
			b.ReportAllocs()
			for b.Loop() {
				m.Lane = a.Lane(m)
				m.Seq++
				if err := a.Publish(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// counter only counts.
type counter struct {
	n    int
	want int
	done chan struct{}
	up   chan struct{}
	no   bool
}

func (c *counter) Message(*adapter.Message) {
	if c.n++; c.n == c.want {
		close(c.done)
	}
}
func (c *counter) Wants(string, string) bool { return !c.no }
func (c *counter) Malformed(why string)      { panic(why) }
func (c *counter) State(adapter.State)       { close(c.up) }

// BenchmarkHandle is what receiving costs, from the bytes on.
func BenchmarkHandle(b *testing.B) {
	for name, c := range map[string]struct {
		key  string
		skip bool
	}{"plain": {}, "with a key": {key: "secret"}, "unwanted": {skip: true}} {
		b.Run(name, func(b *testing.B) {
			a, err := New(Options{Servers: []string{"none:1"}, Key: []byte(c.key)})
			if err != nil {
				b.Fatal(err)
			}
			a.in, a.self.ID = &counter{no: c.skip}, "b"
			m := chat(300)
			m.From = "0123456789abcdef"
			m.Lane, m.Seq = a.Lane(m), 1
			subject := a.subjects.of(m)
			data, err := a.form.Append(nil, subject, m)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				a.handle(subject, data)
			}
		})
	}
}

// BenchmarkThrough is a message's whole way: two nodes and the server between
// them, in one process.
func BenchmarkThrough(b *testing.B) {
	o := options(broker(b, server.Options{}))
	o.QueueBytes = 1 << 30
	a := start(b, "a", o)
	a.up(1)
	to, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	c := &counter{want: b.N, done: make(chan struct{}), up: make(chan struct{})}
	m := chat(300)
	m.From = a.id
	to.Interest(adapter.Interest{NS: m.NS, Room: m.Rooms[0], On: true})
	if err := to.Start(b.Context(), adapter.Node{ID: "b"}, c); err != nil {
		b.Fatal(err)
	}
	defer to.Close(b.Context())
	<-c.up
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		m.Lane = a.Lane(m)
		m.Seq++
		if err := a.Publish(m); err != nil {
			b.Fatal(err)
		}
	}
	<-c.done
}
