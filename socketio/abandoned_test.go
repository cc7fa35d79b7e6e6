package socketio_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
)

// A client that has gone and is then disconnected, for whatever cause, is gone
// from the books when its heartbeat's time is over: not half a minute later.
func TestAbandonedSessions(t *testing.T) {
	for _, c := range []struct {
		what string
		join bool
		end  func(ctx context.Context, io *socketio.Server, s *socketio.Socket)
	}{
		{"ConnectTimeout", false, nil},
		{"Disconnect", true, func(_ context.Context, _ *socketio.Server, s *socketio.Socket) { s.Disconnect(true) }},
		{"DisconnectSockets", true, func(_ context.Context, io *socketio.Server, _ *socketio.Socket) { io.DisconnectSockets(true) }},
		{"nothing", true, func(context.Context, *socketio.Server, *socketio.Socket) {}},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts := quiet()
				opts.ConnectTimeout = 300 * time.Millisecond
				opts.Engine.PingInterval, opts.Engine.PingTimeout = 400*time.Millisecond, 800*time.Millisecond
				io := socketio.New(opts)
				io.OnConnect(func(ctx context.Context, s *socketio.Socket) { c.end(ctx, io, s) })
				m := serveMemory(t, io)
				defer m.close()
				for range 20 {
					body, _, err := m.do(t.Context(), "GET", "EIO=4&transport=polling", "")
					if err != nil {
						t.Fatal(err)
					}
					_, sid, _ := strings.Cut(string(body), `{"sid":"`)
					sid, _, _ = strings.Cut(sid, `"`)
					if c.join {
						if _, _, err := m.do(t.Context(), "POST", "EIO=4&transport=polling&sid="+sid, "40"); err != nil {
							t.Fatal(err)
						}
					}
				}
				<-time.After(1205 * time.Millisecond)
				synctest.Wait()
				if n := io.Engine().Len(); n != 0 {
					t.Errorf("%d sessions are left", n)
				}
			})
		})
	}
}
