package socketio_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// tale is what a Trace was told, in order.
type tale struct {
	mu    sync.Mutex
	lines []string
}

func (t *tale) tell(line string) {
	t.mu.Lock()
	t.lines = append(t.lines, line)
	t.mu.Unlock()
}

func (t *tale) take() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := t.lines
	t.lines = nil
	return lines
}

// Who watches is told after Options.Trace and until it stops, whatever the
// others' functions do.
func TestWatch(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		var told tale
		opts := quiet()
		opts.Trace = &socketio.Trace{
			Connected: func(*socketio.Socket) { told.tell("options connected"); panic("contained") },
			Sent:      func(_ *socketio.Socket, event string) { told.tell("options sent " + event) },
		}
		io := socketio.New(opts)
		io.On("ask", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
			time.Sleep(3 * time.Second)
			return r.Ack("yes")
		})
		stop := io.Watch(&socketio.Trace{
			Connected: func(*socketio.Socket) { told.tell("connected") },
			Disconnected: func(s *socketio.Socket, r socketio.DisconnectReason, _ error) {
				in, out := s.Traffic()
				told.tell("disconnected during " + s.Handling() + ": " + string(r) + " " + string('0'+rune(in)) + " in " + string('0'+rune(out)) + " out")
			},
			Broadcast: func(ns *socketio.Namespace, event string, receivers int) {
				told.tell("broadcast " + ns.Name() + " " + event + " " + string('0'+rune(receivers)))
			},
			Handled: func(_ *socketio.Socket, r *socketio.Request, took time.Duration) {
				told.tell("handled " + r.Event() + " " + took.String())
			},
			Unheard: func(_ *socketio.Socket, event string) { told.tell("unheard " + event) },
		})
		srv := socketiotest.Serve(t, io)
		c := srv.Connect(o)
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if got := told.take(); !slices.Equal(got, want) {
				t.Errorf("told %q, want %q", got, want)
			}
		}
		expect("options connected", "connected")
		_ = c.Emit("misspelt")
		expect("unheard misspelt")
		if err := io.Emit("news"); err != nil {
			t.Error(err)
		}
		expect("options sent news", "broadcast / news 1")
		_ = c.Emit("ask")
		time.Sleep(4 * time.Second)
		expect("handled ask 3s")
		_ = c.Emit("ask")
		synctest.Wait()
		s, _ := io.Of("/").Socket(c.ID())
		if got := s.Handling(); got != "ask" {
			t.Errorf("at work is %q", got)
		}
		c.Cut()
		time.Sleep(4 * time.Second)
		lost := "transport close"
		if o.Transport == socketiotest.Polling {
			lost = "transport error"
		}
		expect("handled ask 3s", "disconnected during ask: "+lost+" 3 in 1 out")
		if got := s.Handling(); got != "" {
			t.Errorf("at the end at work is %q", got)
		}
		stop()
		srv.Connect(o)
		expect("options connected")
	})
}

// Of frames it is told what they are, in the socket's turn, and of none that a
// full inbox has no room for: who is watched is not stopped for that.
func TestWatchFrames(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		var told tale
		opts := quiet()
		opts.Limits.Inbox = 3
		io := socketio.New(opts)
		io.On("ask", func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
			a, err := s.EmitWithAck(ctx, "sure?")
			if err != nil {
				return err
			}
			told.tell("answered " + a.Arg(0).String())
			return r.Ack("done")
		})
		stop := io.Watch(&socketio.Trace{
			Frame: func(_ *socketio.Socket, f socketio.Frame) {
				told.tell(fmt.Sprintf("out %t %q %d", f.Out, f.Event, f.Bytes))
			},
			Changed: func(*socketio.Socket) { told.tell("changed") },
			Broadcast: func(_ *socketio.Namespace, event string, receivers int) {
				told.tell(fmt.Sprintf("broadcast %q to %d", event, receivers))
			},
		})
		srv := socketiotest.Serve(t, io)
		c := srv.Connect(o)
		c.Handle("sure?", func(e *socketiotest.Event) {
			for range 50 {
				_ = c.SendRaw(`399["nobody waits for this"]`)
			}
			e.Ack("yes")
		})
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if got := told.take(); !slices.Equal(got, want) {
				t.Errorf("told %q, want %q", got, want)
			}
		}
		if e := c.Ask("ask", []byte{1, 2, 3}); e.Arg(0).String() != `"done"` {
			t.Error(e)
		}
		stray := fmt.Sprintf(`out false "" %d`, len(`399["nobody waits for this"]`))
		expect(fmt.Sprintf(`out false "ask" %d`, len(`51-0["ask",{"_placeholder":true,"num":0}]`)+3), `out true "sure?" 11`, `answered "yes"`, `out true "" 10`, stray, stray, stray)
		for range io.EmitWithAck(t.Context(), "sure?") { // one round is enough
			break
		}
		synctest.Wait()
		// The client's answers may be told of before the emit that they are for.
		got := slices.DeleteFunc(told.take(), func(what string) bool { return what == stray })
		if len(got) < 2 || got[0] != `out true "sure?" 11` || got[1] != `broadcast "sure?" to 1` {
			t.Errorf("told %q", got)
		}
		s, _ := io.Of("/").Socket(c.ID())
		s.Set("name", "Ann")
		s.Delete("name")
		expect("changed", "changed")
		stop()
		_ = io.Emit("news")
		s.Set("name", "Ann")
		expect()
	})
}
