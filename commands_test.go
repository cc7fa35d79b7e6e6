package main

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server"
)

// run is the program with these arguments, as a shell sees it.
func run(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e strings.Builder
	p := &process{in: strings.NewReader(""), out: &o, err: &e, getenv: func(string) string { return "" }, environ: func() []string { return nil }}
	code = p.main(t.Context(), args)
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
