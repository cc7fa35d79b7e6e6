package server

import (
	"bytes"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Who leaves is told of in one line, with why, how long it was there and what it
// had done; whose frames are chosen is logged without a restart, no payload and
// no whole id ever, and what a client has written is quoted and cut.
func TestLogOfSockets(t *testing.T) {
	var log lines
	s, err := New(DefaultConfig(), site(), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	srv := socketiotest.Serve(t, s.IO())
	says := func(want string) {
		t.Helper()
		eventually(t, "the log says "+want, func() bool { return regexp.MustCompile(want).MatchString(log.String()) })
	}
	c := srv.Connect(&socketiotest.Options{Namespace: "/echo"})
	says(`socket connected.* socket=` + regexp.QuoteMeta(clip.ID(c.ID())) + ` `)
	if strings.Contains(log.String(), "frame:") {
		t.Error("frames are logged unasked")
	}
	for _, bad := range []string{"x", "chat", "1.2.3"} {
		if s.frames.choose(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, of := range []string{"/echo", c.ID()[:8]} {
		if err := s.frames.choose(of); err != nil {
			t.Fatal(err)
		}
		_ = c.Emit("evil\nlevel=ERROR "+of+strings.Repeat("x", 500), "top secret")
		says(`frame: in" .*event="\\"evil[^"]*` + regexp.QuoteMeta(of) + `.* type=event bytes=`)
		says(`frame: no handler" .*event="\\"evil[^"]*` + regexp.QuoteMeta(of))
	}
	if err := s.frames.choose(""); err != nil {
		t.Fatal(err)
	}
	before := strings.Count(log.String(), "frame:")
	_ = c.Emit("more")
	c.Disconnect()
	says(`socket disconnected.* reason="client namespace disconnect" .*age=\S+ transport=websocket in=3 out=`)
	text := log.String()
	if strings.Count(text, "frame:") != before {
		t.Error("frames go on")
	}
	if strings.Contains(text, "top secret") || strings.Contains(text, c.ID()) || strings.Contains(text, "\nlevel=ERROR") {
		t.Errorf("the log has what it must not:\n%s", text)
	}
	for line := range strings.Lines(text) {
		if len(line) > 600 {
			t.Errorf("a line of %d bytes: %.200s", len(line), line)
		}
	}
}

// Who sends more than anybody should is named in the log and counted, and the
// others' events go on.
func TestFloodIsNamed(t *testing.T) {
	var log lines
	s, err := New(DefaultConfig(), site(), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	srv := socketiotest.Serve(t, s.IO())
	flooder, other := srv.Connect(&socketiotest.Options{Namespace: "/echo"}), srv.Connect(&socketiotest.Options{Namespace: "/echo"})
	flood := func(n int) {
		for range n {
			_ = flooder.Emit("echo", "x") // it is in memory
		}
	}
	flood(11 * eventRate)
	for _, want := range []string{
		`level=WARN msg="socketio: limit reached" option=EventRate namespace="\\"/echo\\"" client=\S+`,
		`level=WARN msg="a client is too fast for a demo[^"]*" namespace=/echo event="\\"echo\\"" client=\S+`,
	} {
		eventually(t, "the log says "+want, func() bool {
			flood(eventRate / 10) // who is read slowly may send more in all
			return regexp.MustCompile(want).MatchString(log.String())
		})
	}
	if text := fetch(s, "/metrics").Body.String(); !regexp.MustCompile(`sockeye_limits_total\{limit="EventRate"\} [1-9]`).MatchString(text) {
		t.Error("the metrics do not count it")
	}
	other.Ask("echo", "hello")
	if n := strings.Count(log.String(), "limit reached"); n > 5 {
		t.Errorf("%d lines: a flood fills the log", n)
	}
}
