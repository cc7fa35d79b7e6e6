package namespaces

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// What the page about recovery hears and says.
const (
	RecoveryTick socketio.Event[int64]               = "tick"
	RecoveryHere socketio.Call[socketio.None, int64] = "here" // answers the last number said
)

// Recovery says a number twice a second while anybody is there, and a minute
// longer: there must be something to come back to.
func Recovery(ns *socketio.Namespace) {
	polite(ns, 5, 20)
	chaos(ns)
	var n atomic.Int64
	every(ns, 500*time.Millisecond, time.Minute, func() {
		_ = RecoveryTick.Emit(ns, n.Add(1)) // a number can always be encoded
	})
	RecoveryHere.On(ns, func(context.Context, *socketio.Socket, socketio.None) (int64, error) {
		return n.Load(), nil
	})
}
