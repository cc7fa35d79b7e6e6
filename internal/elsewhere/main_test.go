package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheck: what only another system's build has, each in a module of one file
// or two.
func TestCheck(t *testing.T) {
	for _, row := range []struct {
		name, target string
		files        map[string]string
		want         string // in the fault; "": none
	}{
		{"an int of 64 bits", "linux/amd64", map[string]string{"a.go": "package a\n\nvar N int = 1 << 40\n"}, ""},
		{"an int of 32 bits", "linux/386", map[string]string{"a.go": "package a\n\nvar N int = 1 << 40\n"}, "overflow"},
		{"in a test", "linux/386", map[string]string{"a.go": "package a\n", "a_test.go": "package a\n\nvar n int = 1 << 40\n"}, "overflow"},
		{"a shift that is gone", "linux/386", map[string]string{"a.go": "package a\n\nfunc F(n int) int { return n >> 40 }\n"}, "too small for shift"},
		{"a name of one system", "windows/amd64", map[string]string{"a.go": "package a\n\nvar N = m\n", "m_linux.go": "package a\n\nvar m = 1\n"}, "undefined: m"},
		{"an unused import", "freebsd/amd64", map[string]string{"a_freebsd.go": "package a\n\nimport \"unsafe\"\n", "a.go": "package a\n"}, "imported and not used"},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			row.files["go.mod"] = "module example.test/a\n\ngo 1.26\n"
			for name, text := range row.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var out strings.Builder
			found, err := check(dir, row.target, &out)
			if err != nil {
				t.Fatal(err)
			}
			if (found > 0) != (row.want != "") || !strings.Contains(out.String(), row.want) {
				t.Errorf("%d faults, want one that says %q:\n%s", found, row.want, &out)
			}
		})
	}
	if _, err := check(t.TempDir(), "windows", os.Stderr); err == nil {
		t.Error("a target without an architecture is taken")
	}
}
