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
