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

// snippet is a fence of code in a document that names where it comes from:
//
//	<!-- code: dir/file.go#name -->
//	```go
//	```
//
// Without #name it is the whole file, Go from its package clause on. Two files
// are a fence of what differs between them:
//
//	<!-- code: dir/one.go dir/two.go -->
//	```diff
//	```
var snippet = regexp.MustCompile("(?s)<!-- code: ([^ #]+)((?:#[a-z0-9-]+)?)((?: [^ #]+)?) -->\n```(go|html|js|diff)\n(.*?)```\n")

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
			code, ok := "", true
			if m[3] == "" {
				code, ok = region(t, m[1], strings.TrimPrefix(m[2], "#"))
			} else {
				code = difference(whole(t, m[1]), whole(t, m[3][1:]))
			}
			if !ok {
				t.Errorf("%s: %s has no region %q", doc, m[1], m[2])
				return match
			}
			if code != m[5] && !*update {
				t.Errorf("%s: the code differs from %s%s%s (go test ./internal/house -update mends it)", doc, m[1], m[2], m[3])
			}
			return "<!-- code: " + m[1] + m[2] + m[3] + " -->\n```" + m[4] + "\n" + code + "```\n"
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
	text := whole(t, file)
	if name == "" && filepath.Ext(file) != ".go" {
		return text, true
	}
	if name == "" {
		_, rest, ok := strings.Cut("\n"+text, "\npackage ")
		return "package " + rest, ok
	}
	var out strings.Builder
	in, indent := false, ""
	for line := range strings.Lines(text) {
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

func whole(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(file)))
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// difference is what makes b of a: lines that go with -, lines that come with +,
// each change with two lines around it.
func difference(a, b string) string {
	x, y := strings.SplitAfter(a, "\n"), strings.SplitAfter(b, "\n")
	common := make([][]int, len(x)+1) // lines that x[i:] and y[j:] have in common
	for i := range common {
		common[i] = make([]int, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var all []string
	for i, j := 0, 0; i < len(x) || j < len(y); {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			all = append(all, " "+x[i])
			i, j = i+1, j+1
		case j == len(y) || i < len(x) && common[i+1][j] >= common[i][j+1]:
			all = append(all, "-"+x[i])
			i++
		default:
			all = append(all, "+"+y[j])
			j++
		}
	}
	var out strings.Builder
	const around = 2
	last := -1 // line that was written last
	for i, line := range all {
		near := false
		for _, other := range all[max(0, i-around):min(len(all), i+around+1)] {
			near = near || other[0] != ' '
		}
		if !near || line == " " {
			continue
		}
		if last >= 0 && last < i-1 {
			out.WriteString("@@\n")
		}
		out.WriteString(line)
		last = i
	}
	return out.String()
}
