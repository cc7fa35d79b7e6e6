//go:build unix

package server

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// Whose frames are logged is read again at a signal, without a restart and at any
// level of logging; what makes no sense changes nothing, and a signal without the
// option ends nothing.
func TestFramesBySignal(t *testing.T) {
	var log lines
	file := filepath.Join(t.TempDir(), "frames")
	config := local()
	config.LogFrames = file
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	says := func(want string, n int) {
		t.Helper()
		eventually(t, "the log says "+want, func() bool { return strings.Count(log.String(), want) >= n })
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
	}
	s, _, stop := runningWith(t, config, logger) // there is no file yet
	c := socketiotest.Serve(t, s.IO()).Connect(&socketiotest.Options{Namespace: "/echo"})
	write(" /echo\n")
	eventually(t, "frames are logged", func() bool {
		_ = c.Emit("hello\x1b[2J\n", "top secret")
		return strings.Contains(log.String(), "frame: in")
	})
	c.Ask("echo", "top secret")
	says("frame: out", 1)
	text := log.String()
	for _, want := range []string{"level=DEBUG", `event="\"hello\\x1b[2J\\n\""`, "type=event bytes=", "type=ack"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "top secret") || strings.Contains(text, c.ID()) {
		t.Errorf("the log has what it must not:\n%s", text)
	}
	for i, bad := range []string{"short", "/a\n/b\n", strings.Repeat("x", 5000)} {
		write(bad)
		says("stays as it was", i+1)
	}
	before := strings.Count(log.String(), "frame: in")
	_ = c.Emit("still")
	says("frame: in", before+1)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	says("is no plain file", 1)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	write("")
	eventually(t, "nothing is logged any more", func() bool {
		n := strings.Count(log.String(), "frame: in")
		c.Ask("echo", 1)
		return strings.Count(log.String(), "frame: in") == n
	})
	if err := stop(); err != nil {
		t.Error(err)
	}

	config.LogFrames = ""
	_, _, stop = runningWith(t, config, logger)
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	says("start with --log-frames FILE", 1)
	if err := stop(); err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(log.String()) {
		if len(line) > 600 {
			t.Errorf("a line of %d bytes: %.200s", len(line), line)
		}
	}
}
