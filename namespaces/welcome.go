package namespaces

import (
	"context"

	"github.com/sockeye-io/sockeye/socketio"
)

// Greeting is said to everybody who connects.
const Greeting socketio.Event[string] = "welcome"

// Welcome greets on the namespace ns.
func Welcome(ns *socketio.Namespace) {
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) {
		// An error means that the client has gone again, which is no news.
		_ = Greeting.Emit(s, "web Socket Works")
	})
}
