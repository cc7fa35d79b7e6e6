package metrics

import (
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// What the hooks cost where it matters most: a broadcast to a thousand sockets,
// with metrics and without, in one run.
func BenchmarkBroadcast(b *testing.B) {
	opts := quiet()
	opts.Recovery, opts.Engine.PingInterval = nil, -1
	opts.Engine.MaxQueue = 1 << 30
	io := socketio.New(opts)
	srv := socketiotest.Serve(b, io)
	for range 1000 {
		srv.Connect(nil)
	}
	emit := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = io.Volatile().Emit("news", "text")
		}
	}
	for range 3 {
		b.Run("without", emit)
		m := New(io, nil)
		b.Run("with", emit)
		m.Close()
	}
}
