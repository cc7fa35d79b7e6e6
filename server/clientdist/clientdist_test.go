package clientdist

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var names = []string{
	"PLACEHOLDER",
	"socket.io.esm.min.js", "socket.io.esm.min.js.map",
	"socket.io.js", "socket.io.js.map",
	"socket.io.min.js", "socket.io.min.js.map",
	"socket.io.msgpack.min.js", "socket.io.msgpack.min.js.map",
	"v2",
}

func TestVersionIsPinned(t *testing.T) {
	if v := Version(); !regexp.MustCompile(`^4\.8\.\d+$`).MatchString(v) {
		t.Errorf("version %q is not one exact 4.8 version", v)
	}
	var lock struct {
		Packages map[string]struct{ Version, Integrity, Resolved string } `json:"packages"`
	}
	data, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		t.Fatal(err)
	}
	if got := lock.Packages["node_modules/socket.io-client"].Version; got != Version() {
		t.Errorf("package-lock.json has %q, package.json %q", got, Version())
	}
	for name, p := range lock.Packages {
		if name != "" && !strings.HasPrefix(p.Integrity, "sha512-") || p.Resolved != "" {
			t.Errorf("%s: integrity %q, download address %q", name, p.Integrity, p.Resolved)
		}
	}
}

// Either make client has run, then all files are there and of the pinned
// version, or it has not, then only the placeholder is.
func TestAllFilesOrNone(t *testing.T) {
	var got []string
	entries, err := fs.ReadDir(FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !Built() {
		if !slices.Equal(got, names[:1]) {
			t.Errorf("not built, but there are %q", got)
		}
		return
	}
	if !slices.Equal(got, names) {
		t.Fatalf("files %q, want %q: run make client", got, names)
	}
	old, err := fs.ReadFile(Old(), "socket.io.js")
	if err != nil || !strings.Contains(string(old[:min(len(old), 200)]), "Socket.IO v2.5.0") {
		t.Errorf("the old client: %.200s %v", old, err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".js") {
			continue
		}
		f, err := FS().Open(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Scan() // the licence banner starts with the product's name and version
		lines.Scan()
		if want := "Socket.IO v" + Version(); !strings.Contains(lines.Text(), want) {
			t.Errorf("%s: second line is %q, want %q in it", name, lines.Text(), want)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
