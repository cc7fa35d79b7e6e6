package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Links between documents lead somewhere.
func TestLinksInDocuments(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	each(t, func(path string, content []byte) {
		if filepath.Ext(path) != ".md" {
			return
		}
		for _, m := range link.FindAllSubmatch(content, -1) {
			to, _, _ := strings.Cut(string(m[1]), "#")
			if to == "" || strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root(t), filepath.Dir(path), to)); err != nil {
				t.Errorf("%s links to %s, which is not there", path, to)
			}
		}
	})
}

// Every document in docs/ is in the list of docs/README.md, which is the
// navigation of the site, and each in Chinese in that of docs/README.zh-CN.md.
func TestDocumentsAreListed(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root(t), "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	english, chinese := read("README.md"), read("README.zh-CN.md")
	each(t, func(path string, _ []byte) {
		name, ok := strings.CutPrefix(path, "docs/")
		if !ok || filepath.Ext(name) != ".md" || name == "README.md" || name == "README.zh-CN.md" {
			return
		}
		list, where := english, "docs/README.md"
		if strings.HasSuffix(name, ".zh-CN.md") {
			list, where = chinese, "docs/README.zh-CN.md"
		}
		if !strings.Contains(list, "]("+name+")") {
			t.Errorf("%s is not in a list of %s", path, where)
		}
	})
}
