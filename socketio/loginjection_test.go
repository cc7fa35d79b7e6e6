package socketio_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// plainLog is a slog.Handler that quotes nothing, as some do.
type plainLog struct {
	mu    *sync.Mutex
	texts *[]string
}

func (plainLog) Enabled(context.Context, slog.Level) bool { return true }
func (h plainLog) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h plainLog) WithGroup(string) slog.Handler          { return h }
func (h plainLog) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	*h.texts = append(*h.texts, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "stack" {
			*h.texts = append(*h.texts, a.Value.String())
		}
		return true
	})
	return nil
}

// Log injection: what a client says is quoted and cut before it is logged,
// whatever the log does with it.
func TestLogInjectionWithoutQuotes(t *testing.T) {
	const evil = "\r\nforged\x1b[31m"
	tried := 0
	synctest.Test(t, func(t *testing.T) {
		h := plainLog{new(sync.Mutex), new([]string)}
		io := echoServer(&socketio.Options{Logger: slog.New(h)})
		io.OnAny(func(context.Context, *socketio.Socket, *socketio.Request) error { return errors.New("no") })
		io.Of("/closed").Use(func(context.Context, *socketio.Socket) error { return errors.New("no") })
		io.OfFunc(func(_ context.Context, name string, _ *socketio.Handshake) bool {
			if strings.HasPrefix(name, "/boom") {
				panic("no")
			}
			return !strings.HasPrefix(name, "/no")
		}).Use(func(context.Context, *socketio.Socket) error { return errors.New("no") })
		srv := socketiotest.Serve(t, io)
		for _, packet := range []string{
			`2["x` + `\r\nforged\u001b[31m` + `"]`, `2["x` + strings.Repeat("y", 1000) + `"]`, "2/x" + evil + `,["x"]`,
			"1/x" + evil + ",", "3/x" + evil + ",1[]", "4" + evil, "2" + evil, evil, "0" + evil, "51-" + evil, "2[\"x\"," + evil,
		} {
			tried++
			c := srv.Connect(nil)
			if err := c.SendRaw(packet); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			c.Close()
		}
		for _, name := range []string{"/x" + evil, "/no" + evil, "/boom" + evil, "/" + strings.Repeat("z", 4000)} {
			tried++
			if _, err := srv.Dial(&socketiotest.Options{Namespace: name}); err == nil {
				t.Errorf("%.20q let a client in", name)
			}
		}
		synctest.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(*h.texts) < 3*tried {
			t.Errorf("only %d texts in the log: %q", len(*h.texts), *h.texts)
		}
		for _, text := range *h.texts {
			if strings.ContainsAny(text, "\r\n\x1b") || len(text) > 500 {
				t.Errorf("in the log: %.300q", text)
			}
		}
	})
	t.Logf("hostile inputs: logs: %d", tried)
}
