//go:build unix

package redis

import (
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// spent is the processor time of this process.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A counter counts what comes and keeps nothing.
type counter struct {
	n     atomic.Int64
	up    chan struct{}
	wants bool
	quiet bool // malformed messages are nothing special
}

func (c *counter) Message(*adapter.Message)  { c.n.Add(1) }
func (c *counter) Wants(_, room string) bool { return c.wants }
func (c *counter) Malformed(why string) {
	if !c.quiet {
		panic(why)
	}
}
func (c *counter) State(s adapter.State) {
	if s.Connection == adapter.Up {
		close(c.up)
	}
}

func benchNode(b *testing.B, a *Adapter, err error, id string, wants bool) *counter {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	c := &counter{up: make(chan struct{}), wants: wants}
	a.Interest(adapter.Interest{NS: "/", On: true})
	if err := a.Start(b.Context(), adapter.Node{ID: id}, c); err != nil {
		b.Fatal(err)
	}
	<-c.up
	b.Cleanup(func() { _ = a.Close(b.Context()) })
	return c
}

// The cluster's path of a broadcast of about 100 bytes, without sockets: what a
// node spends to publish one, to receive one, and to receive one that nobody
// there wants. ns/op is the time of both ends together; cpu-µs/op is what this
// process has spent, without the server.
func BenchmarkPath(b *testing.B) {
	data := text(`["chat",{"text":"` + strings.Repeat("x", 60) + `","n":123456}]`)
	for _, bench := range []struct {
		name           string
		streams        bool
		receive, wants bool
	}{
		{"classic/publish", false, false, false}, {"classic/publish+receive", false, true, true}, {"classic/publish+skip", false, true, false},
		{"streams/publish", true, false, false}, {"streams/publish+receive", true, true, true},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s := newServer(b)
			o := Options{Addrs: []string{s.addr}}
			build, ids := New, []string{"aaaaaa", "bbbbbb"}
			if bench.streams {
				build, ids = NewStreams, []string{"aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"}
			}
			a, err := build(o)
			benchNode(b, a, err, ids[0], false)
			received := &counter{}
			if bench.receive {
				r, err := build(o)
				received = benchNode(b, r, err, ids[1], bench.wants)
			}
			m := &adapter.Message{Kind: adapter.Broadcast, From: ids[0], NS: "/", Rooms: []string{"room"}, Data: data}
			b.ReportAllocs()
			b.ResetTimer()
			before := spent(b)
			for i := range b.N {
				m.Seq = uint64(i + 1)
				if i%64 == 0 && a.Stats().Queued > 1<<20 {
					until(b, "there is room", func() bool { return a.Stats().Queued < 1<<19 })
				}
				if i%64 == 0 && bench.receive && int64(i)-received.n.Load() > 5000 { // the stream keeps twice that
					until(b, "the other end has taken some", func() bool { return int64(i)-received.n.Load() < 2500 })
				}
				if err := a.Publish(m); err != nil {
					b.Fatal(err)
				}
			}
			until(b, "all has gone", func() bool { return a.Stats().Published >= uint64(b.N) })
			if bench.receive {
				until(b, "all has come", func() bool { return received.n.Load() >= int64(b.N) })
			}
			b.ReportMetric(float64((spent(b)-before).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
		})
	}
}
