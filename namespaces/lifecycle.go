package namespaces

import (
	"context"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// What the lifecycle page hears, and the question it is asked.
const (
	LifeHello    socketio.Call[string, string] = "hello"
	LifeAskMe    socketio.Event[socketio.None] = "ask me"
	LifeKick     socketio.Event[socketio.None] = "kick"
	LifeQuestion socketio.Call[string, string] = "question"
)

// Lifecycle does to a connection what its page asks for.
func Lifecycle(ns *socketio.Namespace) {
	polite(ns, 10, 20)
	chaos(ns)

	ns.Use(func(_ context.Context, s *socketio.Socket) error {
		if s.Handshake().Auth()["refuse"] == true {
			return socketio.Errorf("refused", "not this time").With(map[string]any{"retry": true})
		}
		return nil
	})
	LifeHello.On(ns, func(_ context.Context, s *socketio.Socket, text string) (string, error) {
		return "hello over " + s.Transport(), nil
	})
	LifeAskMe.On(ns, func(ctx context.Context, s *socketio.Socket, _ socketio.None) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, err := LifeQuestion.EmitWithAck(ctx, s, "are you there?")
		return err
	})
	LifeKick.On(ns, func(_ context.Context, s *socketio.Socket, _ socketio.None) error {
		s.Disconnect(false)
		return nil
	})
}
