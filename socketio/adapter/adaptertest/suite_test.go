package adaptertest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// clusterOf is a bus as the suite wants it, whose adapters are changed by wrap.
func clusterOf(o BusOptions, wrap func(a adapter.Adapter) adapter.Adapter) Cluster {
	o.QueueBytes = 64 << 10
	b := NewBusWith(o)
	names := map[adapter.Adapter]string{}
	next := 'a'
	return Cluster{
		Adapter: func() adapter.Adapter {
			name := string(next)
			next++
			a := b.Adapter(name)
			if wrap != nil {
				a = wrap(a)
			}
			names[a] = name
			return a
		},
		Stop: b.Stop, Start: b.Start,
		Cut:        func(a adapter.Adapter) { b.Cut(names[a]) },
		Mend:       func(a adapter.Adapter) { b.Mend(names[a]) },
		Inject:     func(_ string, _ []byte) { b.malformAll() },
		QueueBytes: o.QueueBytes,
	}
}

var busTraits = map[string]BusOptions{
	"AtMostOnce":  {Traits: adapter.Traits{Ordered: true}},
	"AtLeastOnce": {Traits: adapter.Traits{Ordered: true, AtLeastOnce: true, AllRooms: true}},
	"Log":         {Traits: adapter.Traits{Ordered: true, AtLeastOnce: true, Log: true}},
	"Routes":      {Traits: adapter.Traits{Routes: true, MaxMessage: 1 << 20}, Counter: true},
	"Bare":        {Traits: adapter.Traits{Ordered: true}, Without: []adapter.Kind{adapter.Rooms, adapter.IDs, adapter.Has}},
}

func TestBusPassesTheSuite(t *testing.T) {
	for name, o := range busTraits {
		t.Run(name, func(t *testing.T) {
			for _, c := range checks {
				t.Run(c.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { c.run(newSuite(t, clusterOf(o, nil))) })
				})
			}
		})
	}
}

// A broker that stands still again and again, while more is sent than the queue
// holds, fails no test but by what it loses.
func TestSuiteWaitsForSlowBrokers(t *testing.T) {
	for _, c := range checks {
		if c.name != "Order" && c.name != "Close" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := busTraits["AtMostOnce"]
				b := NewBusWith(BusOptions{Traits: o.Traits, QueueBytes: 8 << 10})
				over := make(chan struct{})
				t.Cleanup(func() { close(over) })
				go func() {
					tick := time.NewTicker(5 * time.Millisecond)
					defer tick.Stop()
					for i := 0; ; i++ {
						select {
						case <-tick.C:
						case <-over:
							b.Resume()
							return
						}
						if i%10 == 0 {
							b.Resume()
						} else {
							b.Pause()
						}
					}
				}()
				next := 'a'
				s := newSuite(t, Cluster{QueueBytes: 8 << 10, Adapter: func() adapter.Adapter {
					next++
					return b.Adapter(string(next))
				}})
				c.run(s)
				for _, p := range s.peers {
					if d := p.a.Stats().Dropped; len(d) > 0 {
						t.Errorf("the suite has more given up than it may: %v", d)
					}
				}
			})
		})
	}
}

// It runs in real time as well.
func TestRun(t *testing.T) {
	Run(t, func(t *testing.T) Cluster { return clusterOf(busTraits["Routes"], nil) })
}
