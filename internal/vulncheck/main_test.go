package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool builds the pinned govulncheck.
func tool(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "govulncheck")
	cmd := exec.Command("go", "build", "-modfile=tools/go.mod", "-o", path, "golang.org/x/vuln/cmd/govulncheck")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building govulncheck: %v\n%s", err, out)
	}
	return path
}

// write makes files below a new folder.
func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	index = `[{"path":"stdlib","vulns":[{"id":"GO-1999-0001","modified":"1999-01-01T00:00:00Z"}]}]`
	entry = `{"schema_version":"1.3.1","id":"GO-1999-0001","modified":"1999-01-01T00:00:00Z","published":"1999-01-01T00:00:00Z",
		"details":"Made up for a test.","database_specific":{"url":"https://db.example/"},"affected":[{"package":{"name":"stdlib","ecosystem":"Go"},
		"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
		"ecosystem_specific":{"imports":[{"path":"path","symbols":["Clean"]}]}}]}`
)

func TestFindingsFailAndSilenceWarns(t *testing.T) {
	govulncheck := tool(t)
	calls := write(t, map[string]string{
		"go.mod":  "module example.com/calls\n\ngo 1.26\n",
		"main.go": "package main\n\nimport \"path\"\n\nfunc main() { println(path.Clean(\"a/../b\")) }\n",
	})
	spares := write(t, map[string]string{
		"go.mod":  "module example.com/spares\n\ngo 1.26\n",
		"main.go": "package main\n\nimport \"path\"\n\nfunc main() { println(path.Base(\"a/b\")) }\n",
	})
	broken := write(t, map[string]string{"go.mod": "module example.com/broken\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() { nothing() }\n"})
	finding := "file://" + write(t, map[string]string{
		"index/modules.json": index, "index/db.json": `{"modified":"1999-01-01T00:00:00Z"}`, "ID/GO-1999-0001.json": entry,
	})
	empty := "file://" + write(t, map[string]string{"index/modules.json": `[]`, "index/db.json": `{"modified":"1999-01-01T00:00:00Z"}`})
	overloaded := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer overloaded.Close()
	noDatabase := httptest.NewServer(http.NotFoundHandler())
	defer noDatabase.Close()

	for _, c := range []struct {
		name, tool, database string
		dirs                 []string
		status               int
		says                 []string // all of them; nothing is said if there are none
	}{
		{"a finding", govulncheck, finding, []string{calls}, 1, []string{calls + ": known vulnerabilities", "GO-1999-0001"}},
		{"a symbol that is not called", govulncheck, finding, []string{spares}, 0, nil},
		{"no findings", govulncheck, empty, []string{calls}, 0, nil},
		{"nobody answers", govulncheck, "http://127.0.0.1:9", []string{calls, spares}, 0, []string{"warning", "cannot be reached"}},
		{"out of service", govulncheck, overloaded.URL, []string{calls}, 0, []string{"warning", "cannot be reached", "503"}},
		{"not a database", govulncheck, noDatabase.URL, []string{calls}, 1, []string{"govulncheck failed", "format"}},
		{"no such folder", govulncheck, "file://" + filepath.Join(calls, "none"), []string{calls}, 1, []string{"govulncheck failed"}},
		{"code that does not compile", govulncheck, empty, []string{broken}, 1, []string{broken, "nothing"}},
		{"no tool", filepath.Join(calls, "govulncheck"), empty, []string{calls}, 1, []string{"no such file"}},
		{"nothing to check", govulncheck, empty, nil, 2, []string{"no folder"}},
	} {
		var out bytes.Buffer
		status := run(c.tool, c.database, c.dirs, &out)
		if status != c.status || len(c.says) == 0 && out.Len() > 0 {
			t.Errorf("%s: status %d, want %d\n%s", c.name, status, c.status, &out)
		}
		for _, words := range c.says {
			if !strings.Contains(out.String(), words) {
				t.Errorf("%s does not say %q: %s", c.name, words, &out)
			}
		}
		if n := strings.Count(out.String(), "\n"); status == 0 && len(c.says) > 0 && n != 1 {
			t.Errorf("%s: a warning of %d lines: %s", c.name, n, &out)
		}
	}
}

// A database that goes away between two modules is no failure, and no excuse
// for what was found before.
func TestDatabaseGoesAway(t *testing.T) {
	dir := write(t, map[string]string{
		"lost": "#!/bin/sh\necho 'govulncheck: fetching vulnerabilities: Get \"https://db.example/\": connection reset' >&2\nexit 1\n",
		"odd":  "#!/bin/sh\necho 'govulncheck: connection reset' >&2\nexit 1\n",
		"both": "#!/bin/sh\n[ -e seen ] && { echo 'fetching vulnerabilities: Get \"https://db.example/\": reset'; exit 1; }\n: >seen\necho GO-1\nexit 3\n",
	})
	for name, want := range map[string]int{"lost": 0, "odd": 1, "both": 1} {
		path := filepath.Join(dir, name)
		if err := os.Chmod(path, 0o700); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if got := run(path, "file://"+dir, []string{dir, dir}, &out); got != want || strings.Contains(out.String(), "warning") == (name == "odd") {
			t.Errorf("%s: status %d, %s", name, got, &out)
		}
	}
}
