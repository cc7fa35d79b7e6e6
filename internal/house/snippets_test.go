package house

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the code in the documents from the files it comes from")

// snippet is a fence of Go code in a document that names where it comes from:
//
//	<!-- code: dir/file.go#name -->
//	```go
//	```
//
// Without #name it is the whole file from its package clause on.
var snippet = regexp.MustCompile("(?s)<!-- code: ([^ #]+)((?:#[a-z0-9-]+)?) -->\n```go\n(.*?)```\n")

// Code in the documents is code that compiles: each fence that names a region
// of a file is equal to it.
func TestDocumentsShowCompiledCode(t *testing.T) {
	for _, doc := range files(t) {
		if filepath.Ext(doc) != ".md" {
			continue
		}
		path := filepath.Join(root(t), doc)
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue // deleted, and not committed as such yet
		}
		if err != nil {
			t.Fatal(err)
		}
		mended := snippet.ReplaceAllStringFunc(string(text), func(match string) string {
			m := snippet.FindStringSubmatch(match)
			code, ok := region(t, m[1], strings.TrimPrefix(m[2], "#"))
			if !ok {
				t.Errorf("%s: %s has no region %q", doc, m[1], m[2])
				return match
			}
			if code != m[3] && !*update {
				t.Errorf("%s: the code differs from %s%s (go test ./internal/house -update mends it)", doc, m[1], m[2])
			}
			return "<!-- code: " + m[1] + m[2] + " -->\n```go\n" + code + "```\n"
		})
		if *update && mended != string(text) {
			if err := os.WriteFile(path, []byte(mended), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// region is what stands between "// docs:name" and the next "// docs:end",
// with the indentation of its first line taken away.
func region(t *testing.T, file, name string) (string, bool) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(file)))
	if err != nil {
		t.Error(err)
		return "", false
	}
	if name == "" {
		_, rest, ok := strings.Cut("\n"+string(text), "\npackage ")
		return "package " + rest, ok
	}
	var out strings.Builder
	in, indent := false, ""
	for line := range strings.Lines(string(text)) {
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "// docs:"+name:
			in = true
			indent = line[:strings.Index(line, "//")]
		case in && trimmed == "// docs:end":
			return strings.TrimRight(out.String(), "\n") + "\n", true
		case in:
			out.WriteString(strings.TrimPrefix(line, indent))
		}
	}
	return "", false
}
