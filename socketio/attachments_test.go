package socketio_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// More attachments than official clients take are sent to nobody, whoever is
// addressed and however: Emit says so, the connection lives on, and an answer
// can still be given.
func TestTooManyAttachments(t *testing.T) {
	type payload struct{ Parts [][]byte }
	parts := func(n int) payload {
		p := payload{}
		for i := range n {
			p.Parts = append(p.Parts, []byte{byte(i)})
		}
		return p
	}
	const shout socketio.Event[payload] = "shout"
	for name, c := range map[string]struct {
		limit, most int
		parser      socketio.Parser
	}{
		"default":     {0, 10, nil},
		"three":       {3, 3, nil},
		"none":        {-1, 1000, nil},
		"MessagePack": {0, 1000, &socketio.MsgpackParser{}},
	} {
		for _, recovery := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T, o *socketiotest.Options) {
					opts := quiet()
					opts.MaxSentAttachments, opts.Parser, o.Parser = c.limit, c.parser, c.parser
					if recovery {
						opts.Recovery = &socketio.Recovery{}
					}
					io := echoServer(opts)
					var acked [2]error
					io.On("answer", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
						acked[0] = r.Ack(parts(c.most + 1))
						acked[1] = r.Ack(parts(c.most))
						return nil
					})
					socketio.Call[int, payload]("call").On(io, func(context.Context, *socketio.Socket, int) (payload, error) {
						return parts(c.most + 1), nil
					})
					srv := socketiotest.Serve(t, io)
					o.Handle = map[string]func(*socketiotest.Event){"question": func(e *socketiotest.Event) { e.Ack() }}
					client := srv.Connect(o)
					s, _ := io.Of("/").Socket(client.ID())
					if err := s.Join("room"); err != nil {
						t.Fatal(err)
					}
					ctx := context.Background()
					first := func(answers func(func(socketio.Ack, error) bool)) (err error) {
						for _, err = range answers {
							break
						}
						return err
					}
					emits := map[string]func(p payload) error{
						"socket":    func(p payload) error { return s.Emit("shout", p) },
						"volatile":  func(p payload) error { return s.Volatile().Emit("shout", p) },
						"typed":     func(p payload) error { return shout.Emit(s, p) },
						"room":      func(p payload) error { return io.To("room").Emit("shout", p) },
						"all":       func(p payload) error { return io.Emit("shout", p) },
						"with ack":  func(p payload) error { _, err := s.EmitWithAck(ctx, "question", p); return err },
						"with func": func(p payload) error { return s.EmitFunc("question", 0, func(socketio.Ack, error) {}, p) },
						"gather":    func(p payload) error { return first(io.To("room").EmitWithAck(ctx, "question", p)) },
					}
					unbounded := c.most == 1000
					for how, emit := range emits {
						synctest.Wait() // or what is volatile does not leave
						if err := emit(parts(c.most)); err != nil {
							t.Errorf("%s, as many as clients take: %v", how, err)
						}
						if err := emit(parts(c.most + 1)); errors.Is(err, socketio.ErrTooManyAttachments) == unbounded {
							t.Errorf("%s, one more: %v", how, err)
						}
					}
					var got payload
					client.Ask("answer").Scan(&got)
					if want := c.most; !unbounded && len(got.Parts) != want {
						t.Errorf("the answer has %d parts, want %d", len(got.Parts), want)
					}
					synctest.Wait()
					if errors.Is(acked[0], socketio.ErrTooManyAttachments) == unbounded || errors.Is(acked[1], socketio.ErrAckedTwice) != unbounded {
						t.Errorf("acknowledged: %v", acked)
					}
					answer := client.Ask("call", 1)
					if !unbounded && answer.Arg(0).String() != `{"error":{"code":"internal","message":"internal error"}}` {
						t.Errorf("the call was answered with %v", answer)
					}
					alive(t, client)
					synctest.Wait()
					for _, e := range client.Events() {
						var got payload
						if e.Arg(0).Decode(&got) != nil || !unbounded && len(got.Parts) != c.most {
							t.Errorf("%s arrived with %d parts", e.Name, len(got.Parts))
						}
					}
				})
			})
		}
	}
}
