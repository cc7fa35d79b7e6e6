//go:build !race

package outbox

import (
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

func round(tb testing.TB, q *Queue, data []byte) {
	for range 64 {
		it := Get()
		it.Class, it.Dest = adapter.ClassBroadcast, "channel"
		it.Data = append(it.Data, data...)
		if err := q.Add(it); err != nil {
			tb.Fatal(err)
		}
	}
	batch, err := q.Take(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	q.Sent(batch)
}

func TestAllocations(t *testing.T) {
	q, data := New(0), make([]byte, 300)
	if n := testing.AllocsPerRun(100, func() { round(t, q, data) }) / 64; n > 1 {
		t.Errorf("%.2f allocations a message", n)
	}
}

func BenchmarkQueue(b *testing.B) {
	q, data := New(0), make([]byte, 300)
	b.ReportAllocs()
	for range b.N/64 + 1 {
		round(b, q, data)
	}
}
