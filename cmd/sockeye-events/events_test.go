package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// ran runs the command and returns its exit status and output.
func ran(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return code, out.String(), errs.String()
}

func golden(t *testing.T, name, have string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if have != string(want) {
		t.Errorf("%s differs (go test -update writes it anew); it now is\n%s", path, have)
	}
}

// Every kind of payload, as TypeScript and as AsyncAPI.
func TestGolden(t *testing.T) {
	for format, name := range map[string]string{"ts": "shop.d.ts", "asyncapi": "shop.json"} {
		code, out, errs := ran("-format", format, "./testdata/shop")
		if code != 0 || errs != "" {
			t.Fatalf("exit %d: %s", code, errs)
		}
		golden(t, name, out)
		if _, again, _ := ran("-format", format, "./testdata/shop"); again != out {
			t.Errorf("%s: a second run says something else", format)
		}
	}
}

// Events behind interfaces are those of the types that may be in them.
func TestInterfacesAreFollowed(t *testing.T) {
	code, out, errs := ran("./testdata/plug")
	if code != 0 || errs != "" {
		t.Fatalf("exit %d: %s", code, errs)
	}
	golden(t, "plug.d.ts", out)
}

// What cannot be told is said with file and line, and with the comment that
// settles it.
func TestWhatCannotBeTold(t *testing.T) {
	code, _, errs := ran("./testdata/odd")
	if code != 1 {
		t.Errorf("exit %d, want 1", code)
	}
	golden(t, "odd.txt", errs)
}

func TestWrongUse(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"--check", "needs -o DIR"},
		{"-format xml", "there are ts and asyncapi"},
		{"./nowhere", "do not compile"},
		{"-C testdata ./shop/none", "do not compile"},
		{"--colour", "not defined"},
	} {
		if code, _, errs := ran(strings.Fields(c.args)...); code != 2 || !strings.Contains(errs, c.says) {
			t.Errorf("%s: exit %d, %q; want 2 and %q", c.args, code, errs, c.says)
		}
	}
	if code, _, errs := ran("-h"); code != 0 || !strings.Contains(errs, "Exit status") {
		t.Errorf("-h: exit %d, %s", code, errs)
	}
}

// The committed descriptions of the demos and of the tutorial are what their
// source says. It fails after a change of namespaces/ until go generate
// ./namespaces has run.
func TestNamespacesAreDescribed(t *testing.T) {
	for folder, title := range map[string]string{"namespaces": "Sockeye", "docs/examples/tutorial/types": "Chat"} {
		dir := filepath.Join("..", "..", filepath.FromSlash(folder))
		code, _, errs := ran("-C", dir, "-title", title, "--check", "-o", filepath.Join(dir, "api"))
		if code != 0 {
			t.Errorf("%s: exit %d: %s", folder, code, errs)
		}
	}
}

// A page that relies on a written file is told where the source has left it.
func TestCheckNamesWhatHasDrifted(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := ran("-o", dir, "./testdata/shop"); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if code, _, errs := ran("--check", "-o", dir, "./testdata/shop"); code != 0 {
		t.Fatalf("what was just written is stale: %s", errs)
	}
	path := filepath.Join(dir, "asyncapi.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The page knows a thing without ratio, and no bell.
	old := strings.ReplaceAll(string(text), `"ratio": {`, `"proportion": {`)
	old = strings.ReplaceAll(old, `"send.bell": {`, `"send.gong": {`)
	old = strings.ReplaceAll(old, `"receive.free.ack": {`, `"receive.free.back": {`)
	if err := os.WriteFile(path, []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, errs := ran("--check", "-o", dir, "./testdata/shop")
	if code != 1 {
		t.Errorf("exit %d, want 1", code)
	}
	for _, says := range []string{
		"asyncapi.json is stale",
		`"bell" is said in /a, which `,
		`"said" is said in /shop with a payload that `,
		`"many" is said in /shop with a payload that `, // holds one
		`"free" is heard in /shop with an acknowledgement that `,
	} {
		if !strings.Contains(errs, says) {
			t.Errorf("nothing says %q:\n%s", says, errs)
		}
	}
	for line := range strings.Lines(errs) {
		if strings.Contains(line, "with a payload that") && !regexp.MustCompile(`^testdata/shop/shop\.go:\d+: "`).MatchString(line) {
			t.Errorf("no place: %s", line)
		}
	}
	if strings.Contains(errs, `"few"`) {
		t.Errorf("an event that is as it was is named:\n%s", errs)
	}
	if err := os.Remove(filepath.Join(dir, "events.d.ts")); err != nil {
		t.Fatal(err)
	}
	if _, _, errs := ran("--check", "-o", dir, "./testdata/shop"); !strings.Contains(errs, "events.d.ts is missing") {
		t.Errorf("a missing file is not named: %s", errs)
	}
}
