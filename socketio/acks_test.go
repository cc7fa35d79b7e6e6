package socketio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// TestAckInsideHandler: a handler waits for its own client's answer, also when
// that has filled the inbox meanwhile, also in OnConnect.
func TestAckInsideHandler(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		opts := quiet()
		opts.Limits.Inbox = 8
		io := socketio.New(opts)
		var log []string
		ask := func(ctx context.Context, s *socketio.Socket, question string) {
			a, err := s.EmitWithAck(ctx, "question", question)
			var answer string
			if err == nil {
				err = a.Scan(&answer)
			}
			log = append(log, fmt.Sprint(answer, err))
		}
		io.OnConnect(func(ctx context.Context, s *socketio.Socket) { ask(ctx, s, "connect") })
		io.On("go", func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
			ask(ctx, s, "go")
			return r.Ack("gone")
		})
		io.On("n", func(context.Context, *socketio.Socket, *socketio.Request) error { log = append(log, "n"); return nil })
		own := *o
		own.Handle = map[string]func(*socketiotest.Event){"question": func(e *socketiotest.Event) {
			var q string
			e.Scan(&q)
			e.Ack("re " + q)
		}}
		c := socketiotest.Serve(t, io).Connect(&own)
		synctest.Wait() // OnConnect has its answer
		c.Handle("question", func(e *socketiotest.Event) {
			for range 6 {
				if err := c.Emit("n"); err != nil {
					t.Error(err)
				}
			}
			e.Ack("re go")
		})
		c.Ask("go")
		synctest.Wait()
		if want := []string{"re connect<nil>", "re go<nil>", "n", "n", "n", "n", "n", "n"}; !slices.Equal(log, want) {
			t.Errorf("%q", log)
		}
	})
}

// TestAckOnce: an acknowledgement is sent once, from anywhere, at any time; and
// not at all when nobody wants it.
func TestAckOnce(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		keep := make(chan *socketio.Request, 2)
		var results []error
		io.On("twice", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
			results = []error{r.Ack(1), r.Ack(2)}
			return nil
		})
		io.On("later", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error { keep <- r; return nil })
		c := socketiotest.Serve(t, io).Connect(o)
		got := c.Ask("twice").String()
		synctest.Wait()
		if got != "ack(1)" || results[0] != nil || !errors.Is(results[1], socketio.ErrAckedTwice) {
			t.Error(got, results)
		}
		if err := c.Emit("twice"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if results[0] != nil || results[1] != nil || len(c.Events()) != 0 {
			t.Error("nobody wanted it:", results)
		}
		go func() {
			kept := <-keep
			time.Sleep(3 * time.Second)
			if !kept.WantsAck() || kept.Acked() || kept.Len() != 2 {
				t.Error("the request has changed")
			}
			var s string
			var b []byte
			if err := kept.Scan(&s, &b); err != nil || s != "kept" || !bytes.Equal(b, []byte{7}) {
				t.Error(s, b, err)
			}
			if err := kept.Ack(s, b); err != nil {
				t.Error(err)
			}
		}()
		if got := c.Ask("later", "kept", []byte{7}); got.Len() != 2 {
			t.Error(got)
		}
		if err := c.SendRaw(`25["later",1]`); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		c.Disconnect()
		synctest.Wait()
		if err := (<-keep).Ack(); !errors.Is(err, socketio.ClientNamespaceDisconnect) {
			t.Error("after the disconnect:", err)
		}
	})
}

// TestAckOfALostClient: every wait ends, with the reason of the loss.
func TestAckOfALostClient(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		s := socketiotest.Serve(t, io)
		c := s.Connect(o)
		sock, _ := io.Of("/").Socket(c.ID())
		var waits [3]error
		var log []string
		go func() { _, waits[0] = sock.EmitWithAck(context.Background(), "q") }()
		go func() {
			for _, err := range io.EmitWithAck(context.Background(), "q") {
				waits[1] = err
			}
		}()
		if err := sock.EmitFunc("q", -1, func(_ socketio.Ack, err error) { waits[2] = err; log = append(log, "callback") }); err != nil {
			t.Fatal(err)
		}
		io.OnDisconnect(func(context.Context, *socketio.Socket, socketio.DisconnectReason) { log = append(log, "disconnect") })
		synctest.Wait()
		sock.Disconnect(false)
		synctest.Wait()
		time.Sleep(31 * time.Second) // the broadcast does not take a loss for an answer
		synctest.Wait()
		var missing *socketio.MissingAcksError
		if !errors.Is(waits[0], socketio.ServerNamespaceDisconnect) || !errors.As(waits[1], &missing) || missing.Missing != 1 || !errors.Is(waits[2], socketio.ServerNamespaceDisconnect) {
			t.Errorf("%v", waits)
		}
		if !slices.Equal(log, []string{"callback", "disconnect"}) {
			t.Error(log)
		}
		if _, err := sock.EmitWithAck(context.Background(), "q"); !errors.Is(err, socketio.ServerNamespaceDisconnect) && !errors.Is(err, socketio.ErrDisconnected) {
			t.Error(err)
		}
	})
}

// TestAckLimits: outstanding acknowledgements are bounded; answers nobody waits
// for are ignored.
func TestAckLimits(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		opts := quiet()
		opts.Limits.MaxAcks = 3
		opts.AckTimeout = 10 * time.Second
		io := socketio.New(opts)
		c := socketiotest.Serve(t, io).Connect(o)
		sock, _ := io.Of("/").Socket(c.ID())
		expired := 0
		for range 3 {
			if err := sock.EmitFunc("q", 0, func(_ socketio.Ack, err error) {
				if errors.Is(err, socketio.ErrAckTimeout) {
					expired++
				}
			}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := sock.EmitWithAck(t.Context(), "q"); !errors.Is(err, socketio.ErrTooManyAcks) {
			t.Error(err)
		}
		late := c.Next("q")
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if expired != 3 {
			t.Errorf("%d expired", expired)
		}
		late.Ack("late")
		for _, raw := range []string{`3123456["x"]`, `30[]`, `30["again"]`} {
			if err := c.SendRaw(raw); err != nil {
				t.Fatal(err)
			}
		}
		c.Handle("q", func(e *socketiotest.Event) { e.Ack("in time") })
		a, err := sock.EmitWithAck(t.Context(), "q")
		if err != nil || a.Len() != 1 || a.Arg(0).String() != `"in time"` {
			t.Error(a, err)
		}
		if !c.Connected() {
			t.Error("answers that nobody waits for have ended the connection")
		}
	})
}

// TestBroadcastAcks: answers come as they arrive, in any order; the loop may
// start late or end early.
func TestBroadcastAcks(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		io := socketio.New(quiet())
		s := socketiotest.Serve(t, io)
		var all []*socketiotest.Client
		for i := range 4 {
			c := s.Connect(o)
			all = append(all, c)
			c.Handle("vote", func(e *socketiotest.Event) {
				if i < 3 {
					go func() { time.Sleep(time.Duration(4-i) * time.Second); e.Ack(i) }()
				}
			})
		}
		io.SocketsJoin("jury")
		answers := io.To("jury").Timeout(20*time.Second).EmitWithAck(t.Context(), "vote")
		time.Sleep(10 * time.Second) // the loop comes when the answers are there
		var got []int
		var missing *socketio.MissingAcksError
		start := time.Now()
		for a, err := range answers {
			var n int
			if err == nil {
				err = a.Scan(&n)
			}
			if errors.As(err, &missing) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		if !slices.Equal(got, []int{2, 1, 0}) || missing == nil || missing.Missing != 1 || !errors.Is(missing, socketio.ErrAckTimeout) || time.Since(start) != 10*time.Second {
			t.Errorf("%v %v after %s", got, missing, time.Since(start))
		}
		for range io.To("jury").EmitWithAck(t.Context(), "vote") {
			break // who has seen enough leaves the loop
		}
		if n := 0; true {
			for range io.To("nobody").EmitWithAck(t.Context(), "vote") {
				n++
			}
			if n != 0 {
				t.Errorf("%d answers of nobody", n)
			}
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("changed my mind"))
		for _, err := range io.EmitWithAck(ctx, "vote") {
			if err == nil || !errors.As(err, &missing) || missing.Cause.Error() != "changed my mind" {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute)
		for _, c := range all {
			if !c.Connected() {
				t.Error("late answers have ended a connection")
			}
		}
	})
}
