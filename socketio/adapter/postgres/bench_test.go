//go:build unix

package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// counter is an inbox that counts.
type counter struct {
	n  int
	at chan int // told every thousand
	up chan struct{}
}

func (c *counter) Message(m *adapter.Message) {
	if m.Kind != adapter.Broadcast {
		return
	}
	if c.n++; c.n%1000 == 0 {
		c.at <- c.n
	}
}
func (c *counter) Wants(string, string) bool { return true }
func (c *counter) Malformed(string)          {}
func (c *counter) State(s adapter.State) {
	if s.Connection == adapter.Up {
		close(c.up)
	}
}

// BenchmarkNotify is from Publish to the Inbox of another node, a thousand events
// at a time: "message" is a small event, "row" one with binary.
func BenchmarkNotify(b *testing.B) {
	for name, data := range map[string]adapter.Data{
		"message": {Text: []byte(`["chat",{"from":"Ann","text":"hello","n":12}]`)},
		"row":     {Text: []byte(`["chat",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{make([]byte, 1000)}},
	} {
		b.Run(name, func(b *testing.B) {
			s, prefix := newServer(b)
			var nodes []*Adapter
			in := &counter{at: make(chan int, 100), up: make(chan struct{})}
			for i := range 2 {
				a, err := New(Options{URL: s.url(), Prefix: prefix})
				if err != nil {
					b.Fatal(err)
				}
				a.Interest(adapter.Interest{NS: "/", On: true})
				inbox := in
				if i == 0 {
					inbox = &counter{at: make(chan int, 100), up: make(chan struct{})}
				}
				if err := a.Start(b.Context(), adapter.Node{ID: fmt.Sprintf("%016d", i)}, inbox); err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = a.Close(b.Context()) })
				<-inbox.up
				nodes = append(nodes, a)
			}
			b.ReportAllocs()
			began, sent := time.Now(), 0
			for b.Loop() {
				for range 1000 {
					sent++
					m := adapter.Message{Kind: adapter.Broadcast, NS: "/", From: "0000000000000000", Seq: uint64(sent), Data: data}
					if err := nodes[0].Publish(&m); err != nil {
						b.Fatal(err)
					}
				}
				<-in.at
			}
			b.ReportMetric(float64(sent)/time.Since(began).Seconds(), "msg/s")
		})
	}
}
