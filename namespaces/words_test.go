package namespaces

import (
	"bytes"
	"io/fs"
	"os"
	"regexp"
	"testing"
)

// What the demos refuse, pages tell in Chinese too.
func TestRefusalsHaveWords(t *testing.T) {
	words, err := os.ReadFile("../public/assets/words.js")
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(Source, "*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen, code := 0, regexp.MustCompile(`Errorf\("(\w+)",`)
	for _, name := range names {
		source, err := fs.ReadFile(Source, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range code.FindAllSubmatch(source, -1) {
			seen++
			if !bytes.Contains(words, []byte(`"error.`+string(m[1])+`":`)) {
				t.Errorf("%s: no words for %s", name, m[1])
			}
		}
	}
	if seen < 10 {
		t.Errorf("%d refusals were found", seen)
	}
}
