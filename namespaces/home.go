package namespaces

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// What the home page hears and says.
const (
	HomePulse socketio.Event[Pulse]         = "pulse"
	HomeLeap  socketio.Event[socketio.None] = "leap" // heard: somebody pressed the button
	HomeFish  socketio.Event[socketio.None] = "fish" // said: everybody sees it leap
)

// Pulse is how busy the whole server is, or all of its cluster together.
type Pulse struct {
	Clients int    `json:"clients"` // browsers and programs connected
	Rate    uint64 `json:"rate"`    // events in the last second, both ways
	Up      uint64 `json:"up"`      // events from clients since the start
	Down    uint64 `json:"down"`    // packets to clients since the start
}

func (p Pulse) with(q Pulse) Pulse {
	return Pulse{Clients: p.Clients + q.Clients, Up: p.Up + q.Up, Down: p.Down + q.Down}
}

// Home counts what the server does, with the other nodes of its cluster, and
// tells it once a second.
func Home(ns *socketio.Namespace) {
	costs := polite(ns, 3, 6)
	own := func() Pulse {
		st := ns.Server().Stats()
		return Pulse{Clients: ns.Server().Engine().Len(), Up: st.EventsIn, Down: st.Sent}
	}
	heard(ns, "pulse", func(r *socketio.Request, _ string) error { return r.Ack(own()) })
	var last Pulse // of every's calls, which do not overlap
	var elsewhere atomic.Pointer[Pulse]
	var asking atomic.Bool
	every(ns, time.Second, 0, func() {
		p := own()
		if e := elsewhere.Load(); e != nil {
			p = p.with(*e)
		}
		if sum := last.Up + last.Down; sum > 0 {
			p.Rate = max(p.Up+p.Down, sum) - sum // another node may have left
		}
		last = p
		_ = HomePulse.Emit(ns.Volatile().Local(), p) // the next one is a second away
		if _, ok := ns.Server().Cluster(); ok && !asking.Swap(true) {
			time.AfterFunc(0, func() { // for the next one: nobody waits for other nodes
				defer asking.Store(false)
				var all Pulse
				for _, said := range others(ns, "pulse", "") {
					var p Pulse
					if said.Decode(&p) == nil { // what makes no sense counts nothing
						all = all.with(p)
					}
				}
				elsewhere.Store(&all)
			})
		}
	})
	HomeLeap.On(ns, func(_ context.Context, s *socketio.Socket, _ socketio.None) error {
		costs.charge(s, overhead*ns.Len())
		return HomeFish.Emit(ns, socketio.None{})
	})
}
