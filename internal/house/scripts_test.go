package house

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Who lacks something is told in one line what to do.
func TestScriptsSayWhatIsMissing(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Fatal("these scripts are for bash")
	}
	const ok, user = "#!/bin/sh\n", "#!/bin/sh\necho 1000\n"
	old := "#!/bin/sh\n[ -e go.mod ] && { echo 'go: go.mod requires go >= 1.26' >&2; exit 1; }\necho go version go1.19 linux/amd64\n"
	for name, c := range map[string]struct {
		script []string
		fakes  map[string]string
		want   []string
	}{
		"make run without Go":        {[]string{"scripts/build", ".cache/nothing", "."}, nil, []string{"go is missing", "Go 1.26", "https://go.dev/dl/"}},
		"make run with an old Go":    {[]string{"scripts/build", ".cache/nothing", "."}, map[string]string{"go": old}, []string{"go1.19", "too old", "https://go.dev/dl/"}},
		"make client without Node":   {[]string{"scripts/client"}, map[string]string{"go": ok}, []string{"npm is missing", "Node.js 20", "https://nodejs.org"}},
		"make test without Go":       {[]string{"scripts/test"}, nil, []string{"go is missing", "https://go.dev/dl/"}},
		"make setup without Node":    {[]string{"scripts/setup"}, map[string]string{"go": ok}, []string{"npm is missing", "https://nodejs.org"}},
		"make test without Chromium": {[]string{"scripts/setup"}, map[string]string{"go": ok, "npm": ok, "id": user, "apt-get": ok}, []string{"chromium", "sudo apt-get install", "make unit"}},
	} {
		bin := t.TempDir()
		for _, tool := range []string{"bash", "dirname", "basename", "sed", "grep", "git", "xargs", "sort"} {
			path, err := exec.LookPath(tool)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
				t.Fatal(err)
			}
		}
		for tool, text := range c.fakes {
			if err := os.WriteFile(filepath.Join(bin, tool), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(t.Context(), c.script[0], c.script[1:]...)
		cmd.Dir = root(t)
		cmd.Path = filepath.Join(cmd.Dir, c.script[0])
		cmd.Env = []string{"PATH=" + bin, "HOME=" + t.TempDir()}
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%s: %v, %q: want one line", name, err, out)
		}
		for _, word := range c.want {
			if !strings.Contains(string(out), word) {
				t.Errorf("%s: %q: want %q in it", name, out, word)
			}
		}
	}
}
