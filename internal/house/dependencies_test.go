package house

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each direct requirement stands with its reason in docs/ARCHITECTURE.md, and
// nothing stands there that is not required.
func TestDependenciesHaveReasons(t *testing.T) {
	required := map[string]string{} // by whom
	for _, path := range files(t) {
		full := filepath.Join(root(t), path)
		content, err := os.ReadFile(full)
		switch {
		case os.IsNotExist(err): // deleted, and not committed as such yet
			continue
		case filepath.Base(path) == "go.mod":
			for _, name := range goRequirements(t, path) {
				required[name] = path
			}
		case filepath.Base(path) == "package.json":
			for _, name := range npmRequirements(t, content) {
				required[name] = path
			}
		case path == "scripts/setup":
			for _, m := range regexp.MustCompile(`missing\+=\(([^)]+)\)`).FindAllSubmatch(content, -1) {
				for _, name := range strings.Fields(string(m[1])) {
					required[name] = path
				}
			}
		}
	}
	if len(required) < 15 {
		t.Fatalf("found %d requirements only: %v", len(required), slices.Sorted(maps.Keys(required)))
	}
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Dependencies\n")
	section, _, _ = strings.Cut(section, "\n## ")
	reasons := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|[^|]+\\| (\\S[^|]+) \\|$").FindAllStringSubmatch(section, -1) {
		reasons[m[1]] = true
	}
	for name, path := range required {
		if !reasons[name] {
			t.Errorf("%s requires %s: docs/ARCHITECTURE.md does not say why", path, name)
		}
	}
	for name := range reasons {
		if required[name] == "" {
			t.Errorf("docs/ARCHITECTURE.md gives a reason for %s, which nothing requires", name)
		}
	}
}

// goRequirements lists the modules that a go.mod requires directly, and those
// that its tools come from.
func goRequirements(t *testing.T, path string) (names []string) {
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Tool []struct{ Path string }
	}
	if err := json.Unmarshal([]byte(command(t, "go", "mod", "edit", "-json", path)), &mod); err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Require {
		tool := slices.ContainsFunc(mod.Tool, func(p struct{ Path string }) bool { return strings.HasPrefix(p.Path, r.Path+"/") })
		if !r.Indirect || tool {
			names = append(names, r.Path)
		}
	}
	return names
}

func npmRequirements(t *testing.T, content []byte) (names []string) {
	var pkg struct{ Dependencies, DevDependencies, OptionalDependencies map[string]string }
	if err := json.Unmarshal(content, &pkg); err != nil {
		t.Fatal(err)
	}
	for _, list := range []map[string]string{pkg.Dependencies, pkg.DevDependencies, pkg.OptionalDependencies} {
		for name, version := range list {
			if other, ok := strings.CutPrefix(version, "npm:"); ok { // under another name
				name = other[:strings.LastIndex(other, "@")]
			}
			names = append(names, name)
		}
	}
	return names
}
