package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/server"
)

// run is the program with these arguments, as a shell sees it.
func run(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), slow.Stretch(time.Minute)) // it may serve
	defer cancel()
	var o, e strings.Builder
	p := &process{in: strings.NewReader(""), out: &o, err: &e, getenv: func(string) string { return "" }, environ: func() []string { return nil }}
	code = p.main(ctx, args)
	return code, o.String(), e.String()
}

// A name leads to its command, --help to a line about it, and what is neither
// says so in one line with exit code 2.
func TestCommands(t *testing.T) {
	_, help, _ := run(t, "--help")
	for _, c := range commands {
		if c.help == "" || strings.Contains(c.help, "\n") || !strings.Contains(help, "\n  "+c.name) {
			t.Errorf("%s: help %q", c.name, c.help)
		}
		code, out, errs := run(t, c.name, "--help")
		if code != 0 || !strings.Contains(out, "sockeye "+c.name) || errs != "" {
			t.Errorf("%s --help: %d %q %q", c.name, code, out, errs)
		}
		code, out, errs = run(t, c.name, "--nonsense")
		if code != 2 || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "sockeye "+c.name+": ") {
			t.Errorf("%s --nonsense: %d %q %q", c.name, code, out, errs)
		}
	}
	for _, args := range [][]string{{"serf"}, {"--nonsense"}, {"--port", "x"}} {
		if code, out, errs := run(t, args...); code != 2 || out != "" || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: %d %q %q", args, code, out, errs)
		}
	}
}

// A start ends with 2 for what is written wrong, and with 1 for what only shows
// when it is tried: another may succeed with the same settings.
func TestStartFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken, bare := l.Addr().String(), withoutJetStream(t)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--cluster", "nats://" + bare + "?jetstream=maybe"}, 2, "on or off"},
		{[]string{"--cluster", "nats://" + bare + "?jetstream=on"}, 1, "write jetstream=off"},
		{[]string{"--cluster", "mesh://" + taken, "--cluster-listen", "nowhere"}, 2, "HOST:PORT"},
		{[]string{"--cluster", "mesh://" + taken, "--cluster-listen", taken}, 1, "address already in use"},
	} {
		code, out, errs := run(t, append(c.args, "--port", "0")...)
		if code != c.code || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "sockeye: ") || !strings.Contains(errs, c.says) {
			t.Errorf("%v: %d %q %q", c.args, code, out, errs)
		}
	}
}

// withoutJetStream is the address of a NATS server that answers no question.
func withoutJetStream(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			_, _ = io.WriteString(c, `INFO {"server_id":"x","version":"2.12.0","proto":1,"headers":true,"max_payload":1048576}`+"\r\n")
			id := ""
			for lines := bufio.NewScanner(c); lines.Scan(); {
				switch words := strings.Fields(lines.Text()); {
				case len(words) == 0:
				case words[0] == "PING":
					_, _ = io.WriteString(c, "PONG\r\n")
				case words[0] == "SUB":
					id = words[len(words)-1]
				case words[0] == "PUB" && len(words) == 4:
					_, _ = io.WriteString(c, "HMSG "+words[2]+" "+id+" 16 16\r\nNATS/1.0 503\r\n\r\n\r\n")
				}
			}
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

func TestVersion(t *testing.T) {
	code, out, errs := run(t, "version")
	if code != 0 || errs != "" || !strings.HasPrefix(out, "sockeye ") || !strings.Contains(out, runtime.Version()+" "+runtime.GOOS) {
		t.Errorf("%d %q %q", code, out, errs)
	}
	_, out, _ = run(t, "version", "--json")
	var f facts
	if err := json.Unmarshal([]byte(out), &f); err != nil || f.Version == "" || f.Go != runtime.Version() {
		t.Errorf("%v: %s", err, out)
	}
	givenVersion, givenCommit = "v9.8.7", "abc"
	defer func() { givenVersion, givenCommit = "", "" }()
	if _, out, _ = run(t, "version"); !strings.HasPrefix(out, "sockeye v9.8.7\ncommit    abc") {
		t.Errorf("given: %s", out)
	}
	if _, out, _ = run(t, "--version"); out != "sockeye v9.8.7\n" {
		t.Errorf("--version: %s", out)
	}
}

// A password becomes a hash that --admin takes, and nothing of it is told.
func TestHash(t *testing.T) {
	var o, e strings.Builder
	p := &process{in: strings.NewReader("secret\n"), out: &o, err: &e, getenv: func(string) string { return "" }}
	if code := p.main(t.Context(), []string{"hash"}); code != 0 || e.Len() > 0 {
		t.Fatal(code, e.String())
	}
	if _, err := server.Parse([]string{"--admin", "ann:" + strings.TrimSpace(o.String())}, p.getenv, &e); err != nil || strings.Contains(o.String(), "secret") {
		t.Error(o.String(), err)
	}
	if code, out, errs := run(t, "hash"); code != 1 || out != "" || !strings.Contains(errs, "empty") {
		t.Errorf("an empty password: %d %q %q", code, out, errs)
	}
	if code, _, errs := run(t, "hash", "secret"); code != 2 || !strings.Contains(errs, "standard input") {
		t.Errorf("on the command line: %d %q", code, errs)
	}
}
