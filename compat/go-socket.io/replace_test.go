package socketio_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// An application written for go-socket.io, in a module of its own, is built
// without an edit by the two replace directives that the documentation shows.
// Nothing of the original's engine is linked then.
func TestApplicationBuildsUnchangedByReplace(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	app := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(app, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(path ...string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	write("main.go", read("docs", "examples", "gosocketio", "before", "main.go"))
	write("go.sum", read("go.sum"))
	// The application's own requirements, here the same versions as Sockeye's.
	_, requirements, _ := strings.Cut(read("go.mod"), "\nrequire ")
	write("go.mod", fmt.Sprintf(`module board

go 1.26

replace github.com/googollee/go-socket.io => %[1]s/compat/go-socket.io

replace github.com/sockeye-io/sockeye => %[1]s

require github.com/sockeye-io/sockeye v0.0.0

require %[2]s`, root, requirements))
	program := filepath.Join(app, "board")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir = app
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("build", "-o", program, ".")
	linked := run("version", "-m", program)
	for _, never := range []string{"gorilla/websocket", "gomodule/redigo", "gofrs/uuid"} {
		if strings.Contains(linked, never) {
			t.Errorf("%s is linked:\n%s", never, linked)
		}
	}
	if !strings.Contains(linked, "github.com/sockeye-io/sockeye") {
		t.Errorf("Sockeye is not linked:\n%s", linked)
	}
}
