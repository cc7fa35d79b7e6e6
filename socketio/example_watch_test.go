package socketio_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// A meter stands for what a library of metrics offers: OpenTelemetry's
// Int64Counter, Float64Histogram and so on.
type meter struct {
	mu     sync.Mutex
	counts map[string]int
}

func (m *meter) Add(name string, n int) {
	m.mu.Lock()
	m.counts[name] += n
	m.mu.Unlock()
}

func (m *meter) Record(name string, _ float64) { m.Add(name, 1) }

// Metrics for a library of your own: the hooks that are nil cost nothing.
func ExampleServer_Watch() {
	io := socketio.New(nil)
	meter := &meter{counts: map[string]int{}}
	// docs:watch
	stop := io.Watch(&socketio.Trace{
		Connected: func(s *socketio.Socket) {
			meter.Add("sockets "+s.Transport(), 1)
			if s.Recovered() {
				meter.Add("recovered", 1)
			}
		},
		Disconnected: func(s *socketio.Socket, reason socketio.DisconnectReason, _ error) {
			meter.Add("disconnected "+string(reason), 1)
		},
		Handled: func(s *socketio.Socket, r *socketio.Request, took time.Duration) {
			if s.Namespace().Handles(r.Event()) { // else the client has chosen the name
				meter.Record("handler "+r.Event(), took.Seconds())
			}
		},
		Broadcast: func(ns *socketio.Namespace, event string, receivers int) {
			meter.Record("receivers", float64(receivers))
		},
		Bound: func(b socketio.Bound, _ *socketio.Socket) { meter.Add("bound "+string(b), 1) },
		Panicked: func(where string, _ *socketio.PanicError) {
			meter.Add("panics", 1)
		},
	})
	defer stop()
	// docs:end
	io.On("hello", func(context.Context, *socketio.Socket, *socketio.Request) error { return nil })
	_ = io.Emit("news")
	fmt.Println(meter.counts["receivers"], "broadcast")
	_ = io.Close()
	// Output: 1 broadcast
}
