package house

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The modules of QUIC come with others. They are not older than the versions
// without their known faults.
func TestQUICVersions(t *testing.T) {
	least := map[string][3]int{"github.com/quic-go/quic-go": {0, 59, 1}, "github.com/quic-go/webtransport-go": {0, 11, 1}}
	seen := 0
	for _, path := range files(t) {
		if _, err := os.Stat(filepath.Join(root(t), path)); filepath.Base(path) != "go.mod" || err != nil {
			continue
		}
		var mod struct {
			Require []struct{ Path, Version string }
		}
		if err := json.Unmarshal([]byte(command(t, "go", "mod", "edit", "-json", path)), &mod); err != nil {
			t.Fatal(err)
		}
		for _, r := range mod.Require {
			if want, ok := least[r.Path]; ok {
				if seen++; older(r.Version, want) {
					t.Errorf("%s: %s %s is older than %v", path, r.Path, r.Version, want)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no module requires them: this test and the row of docs/threats.md may go")
	}
	for version, want := range map[string]bool{"v0.59.0": true, "v0.59.1": false, "v0.60.0": false, "v0.9.9": true, "v1.0.0": false, "v0.59.1-rc.1": true} {
		if older(version, [3]int{0, 59, 1}) != want {
			t.Errorf("%s: older is %v", version, !want)
		}
	}
}

func older(version string, than [3]int) bool {
	release, pre, _ := strings.Cut(strings.TrimPrefix(version, "v"), "-")
	for i, part := range strings.SplitN(release, ".", 3) {
		if n, err := strconv.Atoi(part); err != nil || n != than[i] {
			return err != nil || n < than[i]
		}
	}
	return pre != ""
}

// CVE-2017-16031: nothing in the library is random in a way that can be
// predicted, but for orders and pauses that nobody gains from knowing.
func TestRandomnessIsCrypto(t *testing.T) {
	harmless := []string{
		"socketio/shutdown.go",                                                      // the order in which connections are closed
		"socketio/internal/cluster/beat.go", "socketio/internal/cluster/numbers.go", // pauses; where numbers begin
	}
	weak := regexp.MustCompile(`"math/rand(/v2)?"`)
	each(t, func(path string, content []byte) {
		if !strings.HasPrefix(path, "socketio/") || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || slices.Contains(harmless, path) {
			return
		}
		if weak.Match(content) {
			t.Errorf("%s imports math/rand", path)
		}
	})
}

// Demo pages: text becomes text. What would make markup or code of it, and what
// a Content-Security-Policy without inline scripts forbids, is not written.
func TestPagesMakeNoMarkupOfText(t *testing.T) {
	script := regexp.MustCompile(`\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write(ln)?|createContextualFragment|DOMParser|setHTMLUnsafe|srcdoc|eval|execScript)\b|new Function\b|javascript:|set(Timeout|Interval)\(\s*["'` + "`" + `]`)
	markup := regexp.MustCompile(`(?i)<script(?:\s+type="module")?\s*>|\son[a-z]+\s*=|javascript:|\ssrcdoc\s*=|<base\b`)
	seen := 0
	each(t, func(path string, content []byte) {
		if !strings.HasPrefix(path, "public/") && !strings.Contains(path, "/page/") {
			return
		}
		switch filepath.Ext(path) {
		case ".js":
			seen++
			if m := script.Find(content); m != nil {
				t.Errorf("%s: %s", path, m)
			}
		case ".html", ".svg":
			seen++
			if m := markup.Find(content); m != nil {
				t.Errorf("%s: %s", path, m)
			}
		}
	})
	if seen < 40 {
		t.Errorf("%d files were looked at", seen)
	}
	for _, bad := range []string{"p.innerHTML = text", "eval(text)", "new Function(text)", "setTimeout('x()')", "x.insertAdjacentHTML('a', b)"} {
		if !script.MatchString(bad) {
			t.Errorf("%s would not be found", bad)
		}
	}
	for _, bad := range []string{"<script>alert(1)", `<p onclick="x()">`, `<a href="javascript:x()">`} {
		if !markup.MatchString(bad) {
			t.Errorf("%s would not be found", bad)
		}
	}
}
