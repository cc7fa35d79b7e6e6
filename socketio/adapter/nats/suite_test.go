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
	suite(t, server.Options{}, Options{})
}

// The same with a log.
func TestSuiteJetStream(t *testing.T) {
	suite(t, server.Options{JetStream: true}, Options{JetStream: On})
}

func suite(t *testing.T, so server.Options, base Options) {
	adaptertest.Run(t, func(t *testing.T) adaptertest.Cluster {
		const queue, largest = 200_000, 64 << 10
		so := so
		if so.JetStream {
			so.StoreDir = t.TempDir()
		}
		s := broker(t, so)
		at, address := port(s), s.Addr().String()
		proxies := map[adapter.Adapter]*proxy{}
		return adaptertest.Cluster{
			Adapter: func() adapter.Adapter {
				p := newProxy(t, address)
				o := base
				o.Servers = p.options().Servers
				o.QueueBytes, o.MaxMessage, o.Logger = queue, largest, quiet()
				a, err := New(o)
				if err != nil {
					t.Fatal(err)
				}
				proxies[a] = p
				return a
			},
			Stop: func() {
				if so.JetStream { // a server that is ended while it makes a stream leaves something running
					awaitStreams(t, s)
				}
				kill(s)
			},
			Start: func() {
				so.Port = at
				s = broker(t, so)
			},
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
				subjects := newSubjects(DefaultPrefix)
				for _, subject := range []string{subjects.ofNamespace(ns), subjects.log + "cccccccccccccccc", subjects.told + "cccccccccccccccc"} {
					if err := nc.Publish(subject, raw); err != nil {
						t.Fatal(err)
					}
				}
				if err := nc.Flush(); err != nil {
					t.Fatal(err)
				}
			},
			QueueBytes: queue,
		}
	})
}
