package namespaces

import (
	"context"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// What the home page hears and says.
const (
	HomePulse socketio.Event[Pulse]         = "pulse"
	HomeLeap  socketio.Event[socketio.None] = "leap" // heard: somebody pressed the button
	HomeFish  socketio.Event[socketio.None] = "fish" // said: everybody sees it leap
)

// Pulse is how busy the whole server is.
type Pulse struct {
	Clients int    `json:"clients"` // browsers and programs connected
	Rate    uint64 `json:"rate"`    // events in the last second, both ways
	Up      uint64 `json:"up"`      // events from clients since the start
	Down    uint64 `json:"down"`    // packets to clients since the start
}

// Home counts what the server does and tells it once a second.
func Home(ns *socketio.Namespace) {
	costs := polite(ns, 3, 6)
	var last Pulse // of every's calls, which do not overlap
	every(ns, time.Second, 0, func() {
		st := ns.Server().Stats()
		p := Pulse{Clients: ns.Server().Engine().Len(), Up: st.EventsIn, Down: st.Sent}
		if last.Up+last.Down > 0 {
			p.Rate = p.Up + p.Down - last.Up - last.Down
		}
		last = p
		_ = HomePulse.Emit(ns.Volatile(), p) // the next one is a second away
	})
	HomeLeap.On(ns, func(_ context.Context, s *socketio.Socket, _ socketio.None) error {
		costs.charge(s, overhead*ns.Len())
		return HomeFish.Emit(ns, socketio.None{})
	})
}
