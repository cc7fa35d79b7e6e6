package micro

import (
	"context"
	"testing"

	gosocketio "github.com/googollee/go-socket.io"

	"github.com/sockeye-io/sockeye/googollee"
	"github.com/sockeye-io/sockeye/socketio"
)

// BenchmarkFace is an event and its acknowledgement, in bursts of 64: what a
// handler written for go-socket.io costs beside the same one written for us.
func BenchmarkFace(b *testing.B) {
	for _, pl := range payloads {
		for _, how := range []string{"native", "face"} {
			b.Run(pl.name+"/"+how, func(b *testing.B) {
				srv := socketio.New(nil)
				face := googollee.On(srv)
				switch {
				case how == "face" && pl.name == "object1k":
					face.OnEvent("/", "echo", func(_ gosocketio.Conn, v object) object { return v })
				case how == "face":
					face.OnEvent("/", "echo", func(_ gosocketio.Conn, v string) string { return v })
				case pl.name == "object1k":
					socketio.Call[object, object]("echo").On(srv.Of("/"), same[object])
				default:
					socketio.Call[string, string]("echo").On(srv.Of("/"), same[string])
				}
				const burst = 64
				c := dial(b, start(b, srv))
				frames := repeated(`421["echo",`+pl.text+`]`, burst)
				b.ReportAllocs()
				b.ResetTimer()
				for i := 0; i < b.N; i += burst {
					if _, err := c.Write(frames); err != nil {
						b.Fatal(err)
					}
					for range burst {
						c.expect(b, "431[")
					}
				}
			})
		}
	}
}

func same[T any](_ context.Context, _ *socketio.Socket, v T) (T, error) { return v, nil }
