package micro

import (
	"context"
	"io"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
)

// BenchmarkDispatch is an event from the socket to its handler and nothing
// back, in bursts of 64: reading, unmasking, finding the arguments, the inbox,
// the handler.
func BenchmarkDispatch(b *testing.B) {
	for _, pl := range payloads {
		for _, how := range []string{"unheard", "untyped", "typed"} {
			b.Run(pl.name+"/"+how, func(b *testing.B) {
				const burst = 64
				srv := socketio.New(nil)
				var n atomic.Int64
				done := make(chan struct{}, 1)
				count := func() {
					if n.Add(1)%burst == 0 {
						done <- struct{}{}
					}
				}
				event := "event"
				switch {
				case how == "unheard":
					event = "nobody listens to this"
					srv.Of("/").On("last", func(context.Context, *socketio.Socket, *socketio.Request) error {
						done <- struct{}{}
						return nil
					})
				case how == "untyped":
					srv.Of("/").On(event, func(context.Context, *socketio.Socket, *socketio.Request) error {
						count()
						return nil
					})
				case pl.name == "object1k":
					socketio.Event[object](event).On(srv.Of("/"), func(context.Context, *socketio.Socket, object) error {
						count()
						return nil
					})
				default:
					socketio.Event[string](event).On(srv.Of("/"), func(context.Context, *socketio.Socket, string) error {
						count()
						return nil
					})
				}
				c := dial(b, start(b, srv))
				frames := repeated(`42["`+event+`",`+pl.text+`]`, burst)
				if how == "unheard" {
					frames = append(frames, masked(`42["last"]`)...)
				}
				b.ReportAllocs()
				b.ResetTimer()
				for i := 0; i < b.N; i += burst {
					if _, err := c.Write(frames); err != nil {
						b.Fatal(err)
					}
					<-done
				}
			})
		}
	}
}

// BenchmarkEcho is a round trip with an acknowledgement, one at a time.
func BenchmarkEcho(b *testing.B) {
	srv := socketio.New(nil)
	socketio.Call[string, string]("echo").On(srv.Of("/"),
		func(_ context.Context, _ *socketio.Socket, v string) (string, error) { return v, nil })
	c := dial(b, start(b, srv))
	frame := masked(`421["echo",` + text64 + `]`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(frame); err != nil {
			b.Fatal(err)
		}
		c.expect(b, "431[")
	}
}

// BenchmarkBroadcast sends to clients that read and throw away; an iteration
// is one delivery.
func BenchmarkBroadcast(b *testing.B) {
	for _, clients := range []int{10, 100, 1000} {
		b.Run(strconv.Itoa(clients), func(b *testing.B) {
			srv := socketio.New(nil)
			addr := start(b, srv)
			var got atomic.Int64
			size := int64(len(`42["news",`+text64+`]`) + 2)
			for range clients {
				c := dial(b, addr)
				go func() {
					// Until the connection is closed at the end.
					_, _ = io.Copy(counter{&got}, c.r)
				}()
			}
			b.ReportAllocs()
			b.ResetTimer()
			sent := int64(0)
			for i := 0; i < b.N; i += clients {
				if err := srv.Emit("news", text64[1:len(text64)-1]); err != nil {
					b.Fatal(err)
				}
				sent += int64(clients)
				// A few broadcasts may be on their way.
				for got.Load() < (sent-4*int64(clients))*size {
					runtime.Gosched()
				}
			}
			for got.Load() < sent*size {
				runtime.Gosched()
			}
		})
	}
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}
