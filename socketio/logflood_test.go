package socketio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// One budget for all: whatever a client does, the log gets a few lines a second,
// says how many it did not get, and what happens to another client stands in it.
func TestClientsCannotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		opts := &socketio.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}
		opts.Engine.PingInterval = -1
		opts.Engine.ClientIPHeader, opts.Engine.TrustedProxies = "X-Real-Ip", []string{"127.0.0.1"}
		opts.Limits.MaxDynamicNamespaces, opts.Limits.MaxRooms = 1, 1
		io := echoServer(opts)
		io.On("fail", func(context.Context, *socketio.Socket, *socketio.Request) error { return errors.New("no") })
		io.On("panic", func(context.Context, *socketio.Socket, *socketio.Request) error { panic("no") })
		io.On("rooms", func(_ context.Context, s *socketio.Socket, _ *socketio.Request) error { return s.Join("a", "b", "c") })
		io.On("late", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
			s.Disconnect(false)
			return s.Emit("x")
		})
		io.Of("/refused").Use(func(context.Context, *socketio.Socket) error { return errors.New("no") })
		io.OfPattern(regexp.MustCompile("^/dyn"))
		srv := socketiotest.Serve(t, io)
		from := func(addr string) *socketiotest.Client {
			return srv.Connect(&socketiotest.Options{Header: http.Header{"X-Real-Ip": {addr}}})
		}
		for round := range 2 {
			c := from("192.0.2.1")
			for range 300 {
				for _, event := range []string{"fail", "panic", "rooms"} {
					_ = c.Emit(event)
				}
			}
			for i := range 40 {
				_, _ = c.TryJoin("/refused", nil)
				_, _ = c.TryJoin(fmt.Sprint("/dyn", i), nil)
				_ = from("192.0.2.1").Emit("late")
			}
			synctest.Wait()
			if round == 0 {
				_ = from("192.0.2.2").Emit("fail")
				synctest.Wait()
				time.Sleep(time.Second)
			}
		}
		lines := strings.Count(log.String(), "\n")
		if lines < 6 || lines > 40 {
			t.Errorf("%d lines:\n%.5000s", lines, log.String())
		}
		for _, want := range []string{"client=192.0.2.2", "skipped="} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("there is no %s in it:\n%.5000s", want, log.String())
			}
		}
	})
}
