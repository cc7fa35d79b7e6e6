package engineio

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"unicode/utf8"
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
		*h.texts = append(*h.texts, a.Value.String())
		return true
	})
	return nil
}

// Log injection: what a client says is quoted and cut before it is logged,
// whatever the log does with it.
func TestLogInjectionWithoutQuotes(t *testing.T) {
	const evil = "%0d%0aforged%1b[31m"
	tried := 0
	h := plainLog{new(sync.Mutex), new([]string)}
	o := quiet()
	o.Logger = slog.New(h)
	for _, origin := range []string{"http://evil\x80.example", "http://evil\xe2\x80\xae.example", strings.Repeat("http://", 200), ""} {
		inMemory(t, o, func(t *testing.T, r *rig) { // each anew: what repeats is not logged again
			for _, query := range []string{
				"EIO=4&transport=polling", "transport=" + evil, "EIO=" + evil + "&transport=polling", "EIO=4&transport=polling&sid=" + evil, "EIO=4&transport=polling&j=" + evil,
				"EIO=4&transport=websocket&t=" + evil, "EIO=4&transport=polling&t=" + strings.Repeat("x", 5000),
			} {
				tried++
				r.request("GET", query, "", "Origin", origin)
				_, _ = r.tryWebSocket(query, "Origin", origin, "User-Agent", "a\tb", "Sec-WebSocket-Protocol", "a\x80b")
			}
		})
	}
	inMemory(t, o, func(t *testing.T, r *rig) {
		for _, body := range []string{"\r\nforged", "9\r\nforged", "4\xff\r\nforged", "b\r\nforged"} {
			tried++
			q, _ := r.open(4)
			r.post(q, body)
			s, _ := r.openWebSocket(4)
			s.send(body)
			s.read()
		}
		synctest.Wait()
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(*h.texts) < tried {
		t.Errorf("only %d texts in the log", len(*h.texts))
	}
	for _, text := range *h.texts {
		if strings.ContainsAny(text, "\r\n\x1b\u202e") || !utf8.ValidString(text) || len(text) > 500 {
			t.Errorf("in the log: %.300q", text)
		}
	}
	t.Logf("hostile inputs: logs: %d", tried)
}
