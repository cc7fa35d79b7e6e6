package quieter

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// logged runs f with a limited logger, in fake time, and returns the lines.
func logged(t *testing.T, f func(log *slog.Logger)) (lines []string) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := Logger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})))
		f(log)
		lines = strings.Split(strings.TrimSpace(out.String()), "\n")
	})
	return lines
}

// Every line of a logger is limited, by its message and the server's own words
// in it; what a client says makes no kinds.
func TestLogger(t *testing.T) {
	lines := logged(t, func(log *slog.Logger) {
		if Logger(log) != log {
			t.Error("a limited logger is limited again")
		}
		group := log.With("a", 1).WithGroup("g")
		for i := range 3000 {
			log.Warn("failed", "event", fmt.Sprint("event ", i))
			group.Warn("failed", "event", "x")
			log.Warn("limit", "option", "A")
			log.Error("limit", "option", "B")
			time.Sleep(time.Millisecond)
		}
	})
	if len(lines) != 9 {
		t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	if last := lines[len(lines)-3]; !strings.Contains(last, "level=WARN msg=failed") || !strings.HasSuffix(last, "skipped=1999") {
		t.Errorf("the last one says %s", last)
	}
}

// A client that fills the log does not hide what happens to others, and many
// clients do not fill it either.
func TestLoggerIsFairToClients(t *testing.T) {
	lines := logged(t, func(log *slog.Logger) {
		for i := range 1000 {
			log.Warn("failed", "client", fmt.Sprintf("[2001:db8::%x]:%d", i+1, i+1)) // one subscriber
		}
		log.Warn("failed", "client", "192.0.2.1:1234")
		for i := range 1000 {
			log.Warn("failed", "client", fmt.Sprintf("192.0.2.%d:1", i%250+2))
		}
	})
	if len(lines) != 4 || !strings.Contains(lines[1], "192.0.2.1:1234") || !strings.Contains(lines[1], "skipped=999") {
		t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
}

// Kinds without end share one, and make room again when they are over.
func TestKindsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q Lines
		written := 0
		for range 3 {
			for i := range 10_000 {
				if _, ok := q.Allow(fmt.Sprint(i)); ok {
					written++
				}
			}
			time.Sleep(every)
		}
		if written > 3*(maxKinds+1) || len(q.kinds) > maxKinds+1 {
			t.Errorf("%d lines, %d kinds", written, len(q.kinds))
		}
	})
}

// Whoever asks to see everything does.
func TestDebuggingIsNotLimited(t *testing.T) {
	lines := logged(t, func(log *slog.Logger) {
		for range 100 {
			log.Debug("x")
		}
	})
	if len(lines) != 100 {
		t.Errorf("%d lines", len(lines))
	}
}

// A panic is told by its place, which no client can choose.
func TestSite(t *testing.T) {
	caught := func(f func()) (site string) {
		defer func() {
			_ = recover()
			site = Site()
		}()
		f()
		return ""
	}
	var none []int
	one, two := caught(func() { panic("a") }), caught(func() { _ = none[len(none)] })
	if !strings.HasPrefix(one, "quieter.TestSite.") || !strings.HasPrefix(two, "quieter.TestSite.") || one == two {
		t.Errorf("%q, %q", one, two)
	}
}
