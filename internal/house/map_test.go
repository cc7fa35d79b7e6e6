package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The map of docs/ARCHITECTURE.md leads somewhere: each file and test that its
// way of an event and its table of changes name is there.
func TestMapLeadsSomewhere(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root(t), "docs", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(content), "\n## The way of an event\n")
	text, _, _ = strings.Cut(text, "\n## Decisions\n")
	files, tests := 0, 0
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1) {
		name := m[1]
		switch {
		case strings.HasSuffix(name, ".go") || strings.HasSuffix(name, ".md") || strings.HasSuffix(name, ".mjs"):
			files++
			if !found(t, name, "", "socketio", "socketio/engineio") {
				t.Errorf("%s is not there", name)
			}
		case strings.HasPrefix(name, "internal/") && !strings.Contains(name, ".Test"):
			files++
			if !found(t, name, "", "socketio") {
				t.Errorf("%s is not there", name)
			}
		case strings.Contains(name, ".Test"):
			tests++
			dir, test, _ := strings.Cut(name, ".Test")
			if !testIn(t, dir, "Test"+test) {
				t.Errorf("%s is not there", name)
			}
		}
	}
	if files < 20 || tests < 4 {
		t.Errorf("only %d files and %d tests were found", files, tests)
	}
}

// found reports whether one of the folders has name.
func found(t *testing.T, name string, folders ...string) bool {
	t.Helper()
	for _, dir := range folders {
		if _, err := os.Stat(filepath.Join(root(t), dir, name)); err == nil {
			return true
		}
	}
	return false
}

// testIn reports whether a test of the folder has that name.
func testIn(t *testing.T, dir, name string) bool {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root(t), dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), "\nfunc "+name+"(t *testing.T)") {
			return true
		}
	}
	return false
}
