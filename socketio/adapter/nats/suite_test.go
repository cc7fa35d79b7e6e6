package nats

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// What every backend must do.
func TestSuite(t *testing.T) {
	adaptertest.Run(t, func(t *testing.T) adaptertest.Cluster {
		const queue, largest = 200_000, 64 << 10
		s := broker(t, server.Options{})
		at, address := port(s), s.Addr().String()
		proxies := map[adapter.Adapter]*proxy{}
		return adaptertest.Cluster{
			Adapter: func() adapter.Adapter {
				p := newProxy(t, address)
				o := p.options()
				o.QueueBytes, o.MaxMessage, o.Logger = queue, largest, quiet()
				a, err := New(o)
				if err != nil {
					t.Fatal(err)
				}
				proxies[a] = p
				return a
			},
			Stop:  func() { kill(s) },
			Start: func() { s = broker(t, server.Options{Port: at}) },
			Cut: func(a adapter.Adapter) {
				proxies[a].open(false)
				proxies[a].cut()
			},
			Mend: func(a adapter.Adapter) { proxies[a].open(true) },
			Inject: func(ns string, raw []byte) {
				nc, err := nats.Connect(s.ClientURL())
				if err != nil {
					t.Fatal(err)
				}
				defer nc.Close()
				if err := nc.Publish(newSubjects(DefaultPrefix).ofNamespace(ns), raw); err != nil {
					t.Fatal(err)
				}
				if err := nc.Flush(); err != nil {
					t.Fatal(err)
				}
			},
			QueueBytes: queue,
		}
	})
}
