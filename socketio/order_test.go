package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// TestOrder sends thousands of events both ways at once, through the upgrade
// too, over a slow network: each side sees all of the other's, in order, one at
// a time.
func TestOrder(t *testing.T) {
	const n = 1500
	for _, transport := range []string{socketiotest.WebSocket, socketiotest.Polling, socketiotest.Upgrade} {
		for _, delay := range []time.Duration{0, 7 * time.Millisecond} {
			t.Run(fmt.Sprint(transport, delay), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var heard []int
					inside := 0
					io := socketio.New(quiet())
					io.On("up", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
						if inside++; inside != 1 {
							t.Error("two handlers of one socket at once")
						}
						var i int
						if err := r.Scan(&i, nil); err != nil {
							return err
						}
						heard = append(heard, i)
						inside--
						return nil
					})
					c := socketiotest.Serve(t, io).Connect(&socketiotest.Options{Transport: transport, Timeout: time.Hour})
					c.Delay(delay)
					var wg sync.WaitGroup
					wg.Go(func() {
						for i := range n {
							if err := io.Emit("down", i, []byte{byte(i)}); err != nil {
								t.Error(err)
							}
							if i%100 == 0 {
								time.Sleep(time.Millisecond)
							}
						}
					})
					wg.Go(func() {
						for i := range n {
							var err error
							if i%3 == 0 {
								err = c.Emit("up", i, []byte{1})
							} else {
								err = c.Emit("up", i, "x")
							}
							if err != nil {
								t.Error(err)
								return
							}
						}
					})
					wg.Wait()
					for i := range n {
						var got int
						var b []byte
						if c.Next("down").Scan(&got, &b); got != i || b[0] != byte(i) {
							t.Fatalf("event %d is %d with %v", i, got, b)
						}
					}
					time.Sleep(time.Second)
					synctest.Wait()
					if len(heard) != n || !slices.IsSorted(heard) {
						t.Errorf("the server heard %d events, sorted: %v", len(heard), slices.IsSorted(heard))
					}
					if more := c.Events(); len(more) > 0 {
						t.Errorf("%d more", len(more))
					}
				})
			})
		}
	}
}

// TestHookOrder: what runs when, for one event and for one socket's life.
func TestHookOrder(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		var log []string
		note := func(s string) { log = append(log, s) }
		io := socketio.New(quiet())
		io.Use(func(_ context.Context, s *socketio.Socket) error {
			note(fmt.Sprint("use 1 ", s.Connected()))
			time.Sleep(time.Second)
			return s.Join("early")
		})
		io.Use(func(context.Context, *socketio.Socket) error { note("use 2"); return nil })
		io.OnConnect(func(_ context.Context, s *socketio.Socket) {
			note(fmt.Sprint("connect ", s.Connected(), s.InRoom("early")))
			time.Sleep(time.Second)
			s.On("e", func(context.Context, *socketio.Socket, *socketio.Request) error { note("own e"); return nil })
			note("connect returns")
		})
		io.Of("/").UsePacket(func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
			note("packet " + r.Event())
			if r.Event() == "no" {
				return socketio.Errorf("no", "not this one")
			}
			return nil
		})
		io.OnAny(func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
			note("any " + r.Event())
			return nil
		})
		io.On("e", func(context.Context, *socketio.Socket, *socketio.Request) error {
			note("e 1")
			return fmt.Errorf("fails")
		})
		io.Once("e", func(context.Context, *socketio.Socket, *socketio.Request) error { note("e once"); return nil })
		io.On("e", func(context.Context, *socketio.Socket, *socketio.Request) error { note("e 2"); panic("too") })
		io.OnError(func(_ context.Context, _ *socketio.Socket, event string, err error) { note("error of " + event) })
		io.OnDisconnecting(func(_ context.Context, s *socketio.Socket, r socketio.DisconnectReason) {
			note(fmt.Sprint("disconnecting ", len(s.Rooms()), s.Connected()))
		})
		io.OnDisconnect(func(ctx context.Context, s *socketio.Socket, r socketio.DisconnectReason) {
			note(fmt.Sprintf("disconnect %s %v", string(r), errors.Is(context.Cause(ctx), socketio.ClientNamespaceDisconnect)))
		})
		c := socketiotest.Serve(t, io).Connect(o)
		synctest.Wait() // who leaves before OnConnect begins is not connected any more when it does
		for _, event := range []string{"e", "no", "e", "unknown"} {
			if err := c.Emit(event); err != nil {
				t.Fatal(err)
			}
		}
		c.Disconnect()
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []string{
			"use 1 false", "use 2", "connect true true", "connect returns",
			"packet e", "any e", "e 1", "error of e", "e once", "e 2", "error of e", "own e",
			"packet no", "error of no",
			"packet e", "any e", "e 1", "error of e", "e 2", "error of e", "own e",
			"packet unknown", "any unknown",
			"disconnecting 2 false", "disconnect client namespace disconnect true",
		}
		if !slices.Equal(log, want) {
			t.Errorf("got  %q\nwant %q", log, want)
		}
	})
}

// TestBlockedHandler: a handler that does not return holds up its own
// connection at most, and that not for ever.
func TestBlockedHandler(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		opts := quiet()
		opts.Limits.Inbox = 4
		io := socketio.New(opts)
		release := make(chan struct{})
		handled := 0
		io.On("block", func(ctx context.Context, _ *socketio.Socket, _ *socketio.Request) error { <-release; return nil })
		io.On("n", func(context.Context, *socketio.Socket, *socketio.Request) error { handled++; return nil })
		io.On("well", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error { return r.Ack() })
		s := socketiotest.Serve(t, io)
		blocked, well := s.Connect(o), s.Connect(o)
		if err := blocked.Emit("block"); err != nil {
			t.Fatal(err)
		}
		go func() {
			for range 50 {
				if blocked.Emit("n") != nil {
					t.Error("the flood ended early")
					return
				}
			}
		}()
		time.Sleep(30 * time.Second)
		well.Ask("well")
		close(release)
		time.Sleep(time.Second)
		synctest.Wait()
		if handled != 50 {
			t.Errorf("%d of 50 events were handled", handled)
		}
		if !blocked.Connected() {
			t.Error("closed after 30 s")
		}
	})
}

// TestStallTimeout: past StallTimeout the connection ends, and the cause names
// the event.
func TestStallTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		opts := quiet()
		opts.Limits.Inbox = 4
		io := socketio.New(opts)
		release := make(chan struct{})
		var cause string
		io.On("block", func(ctx context.Context, _ *socketio.Socket, _ *socketio.Request) error {
			select {
			case <-ctx.Done():
				cause = context.Cause(ctx).Error()
			case <-release:
			}
			return nil
		})
		c := socketiotest.Serve(t, io).Connect(o)
		go func() {
			for range 50 {
				if c.Emit("block") != nil {
					return
				}
			}
		}()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if io.SocketCount() != 0 || cause == "" {
			t.Errorf("%d sockets after two minutes; cause %q", io.SocketCount(), cause)
		}
		if !strings.Contains(cause, `"block"`) || !strings.Contains(cause, "StallTimeout") {
			t.Errorf("the cause does not name the event and the option: %s", cause)
		}
		close(release)
		c.Close()
	})
}
