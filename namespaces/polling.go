package namespaces

import (
	"context"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// What the page about long polling hears and says.
const (
	PollShout socketio.Event[string] = "shout" // heard
	PollHeard socketio.Event[string] = "heard" // said, to the same
	PollTime  socketio.Event[string] = "time"  // said, to all
)

// Polling has something to say every two seconds, so that polls end.
func Polling(ns *socketio.Namespace) {
	polite(ns, 5, 10)
	every(ns, 2*time.Second, 0, func() {
		_ = PollTime.Emit(ns, time.Now().UTC().Format(time.TimeOnly)) // a string can always be encoded
	})
	PollShout.On(ns, func(_ context.Context, s *socketio.Socket, text string) error {
		return PollHeard.Emit(s, text[:min(len(text), 100)])
	})
}
