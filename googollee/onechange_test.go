package googollee_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The example in docs/examples/gosocketio, before and after: both compile, and what
// changed is the constructor's package and the one type's name.
func TestOneLineChanges(t *testing.T) {
	dir := filepath.Join("..", "docs", "examples", "gosocketio")
	for _, version := range []string{"before", "after"} {
		cmd := exec.Command("go", "build", "-o", os.DevNull, "./"+filepath.Join(dir, version))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s does not compile: %v\n%s", version, err, out)
		}
	}
	before, after := code(t, filepath.Join(dir, "before", "main.go")), code(t, filepath.Join(dir, "after", "main.go"))
	after = slices.DeleteFunc(after, func(line string) bool {
		return line == `	"github.com/sockeye-io/sockeye/googollee"`
	})
	var changed []string
	if len(before) != len(after) {
		t.Fatalf("%d lines became %d", len(before), len(after))
	}
	for i, line := range before {
		if line != after[i] {
			changed = append(changed, strings.TrimSpace(line)+" → "+strings.TrimSpace(after[i]))
		}
	}
	want := []string{
		"func rooms(server *socketio.Server) { → func rooms(server *googollee.Server) {",
		"server := socketio.NewServer(nil) → server := googollee.NewServer(nil)",
	}
	if !slices.Equal(changed, want) {
		t.Errorf("what changed is\n%s", strings.Join(changed, "\n"))
	}
}

// code is a file's lines from the package clause on, without blank ones.
func code(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(text), "\npackage ")
	if !ok {
		t.Fatalf("%s has no package clause", path)
	}
	return slices.DeleteFunc(strings.Split(body, "\n"), func(line string) bool { return line == "" })
}
