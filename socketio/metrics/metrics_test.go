package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

func TestMain(m *testing.M) { leak.Main(m) }

func quiet() *socketio.Options {
	return &socketio.Options{Logger: slog.New(slog.DiscardHandler), Recovery: &socketio.Recovery{}}
}

func want(t *testing.T, m *Metrics, lines ...string) {
	t.Helper()
	synctest.Wait()
	text := exposed(t, m)
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("%s is not told in\n%s", line, regexp.MustCompile(`(?m)^(# .*|.* 0)\n`).ReplaceAllString(text, ""))
		}
	}
}

// What is not counted by the server is told by its hooks: sockets by namespace,
// how long handlers take, how many a broadcast reaches; and
// Prometheus' linter finds nothing.
func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := quiet()
		opts.Engine.AllowEIO3 = true
		io := socketio.New(opts)
		m := New(io, nil)
		io.On("slow", func(context.Context, *socketio.Socket, *socketio.Request) error {
			time.Sleep(2 * time.Second)
			return errors.New("no")
		})
		io.On("ask", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error { return r.Ack(1) })
		io.Of("/chat")
		want(t, m, `sockeye_handler_seconds_count{event="other"} 0`, "sockeye_broadcast_receivers_count 0", `sockeye_recovered_total 0`,
			`sockeye_namespace_sockets{namespace="/chat"} 0`, `sockeye_sessions{revision="3",transport="polling"} 0`)
		srv := socketiotest.Serve(t, io)
		a := srv.Connect(nil)
		srv.Connect(&socketiotest.Options{Transport: socketiotest.Polling})
		b := a.Join("/chat", nil)
		_ = a.Emit("slow")
		_ = a.Ask("ask")
		time.Sleep(3 * time.Second)
		_ = io.Emit("news")
		s, _ := io.Of("/chat").Socket(b.ID())
		b.Handle("question", func(e *socketiotest.Event) { e.Ack("yes") })
		if _, err := s.EmitWithAck(t.Context(), "question"); err != nil {
			t.Error(err)
		}
		want(t, m, `sockeye_namespace_sockets{namespace="/"} 2`, `sockeye_namespace_sockets{namespace="/chat"} 1`,
			`sockeye_sessions{revision="4",transport="websocket"} 1`, `sockeye_sessions{revision="4",transport="polling"} 1`,
			`sockeye_handler_seconds_bucket{event="slow",le="1"} 0`, `sockeye_handler_seconds_bucket{event="slow",le="10"} 1`,
			`sockeye_broadcast_receivers_bucket{le="1"} 0`, `sockeye_broadcast_receivers_sum 2`,
			"sockeye_acks_sent_total 1", "sockeye_acks_received_total 1", "sockeye_events_received_total 2", "sockeye_handler_errors_total 1")
		a.Cut()
		synctest.Wait()
		a.Reconnect()
		want(t, m, `sockeye_recovered_total 1`)
		problems, err := testutil.CollectAndLint(m)
		if err != nil || len(problems) > 0 {
			t.Error(problems, err)
		}
		m.Close()
		_ = io.Emit("news")
		want(t, m, "sockeye_broadcast_receivers_count 1")
	})
}

// What clients choose is bounded, valid, and does not take the place of what is
// the application's.
func TestHostileNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		io := socketio.New(quiet())
		m := New(io, &Options{MaxEvents: 2, MaxNamespaces: 3})
		nothing := func(context.Context, *socketio.Socket, *socketio.Request) error { return nil }
		io.OnAny(nothing)
		io.OfPattern(regexp.MustCompile("^/dyn"))
		for _, event := range []string{"one", "two", "three"} {
			io.On(event, nothing)
		}
		c := socketiotest.Serve(t, io).Connect(nil)
		for i := range 50 {
			_ = c.Emit(fmt.Sprint("\"}\n# HELP ", i, strings.Repeat("x", 200)))
		}
		for _, event := range []string{"one", "two", "three", "one"} {
			_ = c.Emit(event)
		}
		for i := range 9 {
			c.Join(fmt.Sprint("/dyn\x00\n\"{}", i, strings.Repeat("é", 60)), nil)
		}
		want(t, m, `sockeye_handler_seconds_count{event="one"} 2`, `sockeye_handler_seconds_count{event="two"} 1`, `sockeye_handler_seconds_count{event="other"} 51`,
			`sockeye_namespace_sockets{namespace="other"} 7`)
		text := exposed(t, m)
		for of, most := range map[string]int{"sockeye_handler_seconds_count{": 3, "sockeye_namespace_sockets{": 4} {
			if n := strings.Count(text, "\n"+of); n != most {
				t.Errorf("%s has %d values, want %d", of, n, most)
			}
		}
	})
}

// Clients of both revisions are told apart, also once they are gone.
func TestRevisions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := quiet()
		opts.Engine.AllowEIO3 = true
		io := socketio.New(opts)
		defer io.Close()
		m := New(io, nil)
		ask := func(method, query, body string) string {
			w := httptest.NewRecorder()
			io.ServeHTTP(w, httptest.NewRequest(method, "/socket.io/?transport=polling&EIO=3"+query, strings.NewReader(body)))
			return w.Body.String()
		}
		sid := regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(ask(http.MethodGet, "", ""))
		want(t, m, `sockeye_sessions{revision="3",transport="polling"} 1`, `sockeye_sessions{revision="4",transport="polling"} 0`)
		if sid == nil || ask(http.MethodPost, "&sid="+sid[1], "1:1") != "ok" {
			t.Fatal(sid)
		}
		want(t, m, `sockeye_sessions{revision="3",transport="polling"} 0`, `sockeye_sessions{revision="4",transport="polling"} 0`)
	})
}
