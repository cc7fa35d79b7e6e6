package namespaces

import (
	"context"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// PlaygroundHello greets whoever connects.
const PlaygroundHello socketio.Event[map[string]any] = "hello"

// Playground has a bit of everything to try out, untyped: it takes whatever
// arguments come.
func Playground(ns *socketio.Namespace) {
	polite(ns, 50, 100)
	chaos(ns)
	ns.Use(func(_ context.Context, s *socketio.Socket) error {
		if s.Handshake().Auth()["refuse"] == true {
			return socketio.Errorf("refused", "you asked to be refused").With(map[string]any{"hint": "remove refuse from auth"})
		}
		return nil
	})
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) {
		_ = PlaygroundHello.Emit(s, map[string]any{"id": s.ID(), "transport": s.Transport(), "try": []string{"echo", "slow", "silence", "fail", "bytes", "ask"}})
	})

	// echo gives back what it gets, as the ack if one is wanted.
	ns.On("echo", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
		var args []any
		for _, arg := range r.Args().All() {
			args = append(args, arg)
		}
		if r.WantsAck() {
			return r.Ack(args...)
		}
		return s.Emit("echo", args...)
	})
	// slow answers after as many milliseconds as asked for, five seconds at most.
	ns.On("slow", func(ctx context.Context, _ *socketio.Socket, r *socketio.Request) error {
		var ms int
		if err := r.Scan(&ms); err != nil {
			return err
		}
		select {
		case <-time.After(time.Duration(min(max(ms, 0), 5000)) * time.Millisecond):
			return r.Ack("done")
		case <-ctx.Done():
			return nil
		}
	})
	// silence never answers: the client's timeout does.
	ns.On("silence", func(context.Context, *socketio.Socket, *socketio.Request) error { return nil })
	// fail answers as a typed Call does that fails.
	socketio.Call[socketio.None, string]("fail").On(ns, func(context.Context, *socketio.Socket, socketio.None) (string, error) {
		return "", socketio.Errorf("no_luck", "this event always fails")
	})
	// bytes answers with binary.
	ns.On("bytes", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
		return r.Ack([]byte{0x53, 0x6f, 0x63, 0x6b, 0x65, 0x79, 0x65, 0x00, 0xff})
	})
	// ask asks back: the ack travels in the other direction.
	ns.On("ask", func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		a, err := s.EmitWithAck(ctx, "question", "are you there?")
		if err != nil {
			return r.Ack(nil) // no answer is an answer too
		}
		return r.Ack(a.Arg(0))
	})
}
