package main

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server"
	"github.com/sockeye-io/sockeye/server/docsite"
)

func site(t *testing.T) *docsite.Site {
	t.Helper()
	s, err := docsite.New(documents)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every link of every document leads to a page, a heading or a file that is
// there, on the site as on GitHub.
func TestDocumentsLinks(t *testing.T) {
	s := site(t)
	for _, broken := range s.Broken() {
		t.Error(broken)
	}
	link := regexp.MustCompile(`(?:href|src)="(/docs/[^"#]*)(?:#([^"]*))?"`)
	seen := 0
	for _, url := range s.URLs() {
		body := s.Page(url)
		for _, m := range link.FindAllSubmatch(body, -1) {
			seen++
			to := s.Page(string(m[1]))
			if to == nil {
				t.Errorf("%s links to %s, which is not there", url, m[1])
			} else if len(m[2]) > 0 && !bytes.Contains(to, []byte(`id="`+string(m[2])+`"`)) {
				t.Errorf("%s links to %s#%s: no such heading", url, m[1], m[2])
			}
		}
		for _, bad := range []string{" style=", "<script>", "](", "javascript:"} {
			if bytes.Contains(stripped(body), []byte(bad)) {
				t.Errorf("%s has %q in it", url, bad)
			}
		}
	}
	if seen < 500 {
		t.Errorf("only %d links were found", seen)
	}
}

// stripped is a page without its code.
func stripped(page []byte) []byte {
	return regexp.MustCompile(`(?s)<(pre|code)[ >].*?</(pre|code)>`).ReplaceAll(page, nil)
}

// The index has what is written, and is small enough to be fetched for a search.
func TestDocumentsIndex(t *testing.T) {
	s := site(t)
	for _, lang := range []string{"en", "zh-CN"} {
		body := s.Page("/docs/search." + lang + ".json")
		var parts []struct{ Page, URL, Head, Text string }
		if err := json.Unmarshal(body, &parts); err != nil || len(parts) < 100 || len(body) > 600_000 {
			t.Errorf("%s: %v, %d parts in %d bytes", lang, err, len(parts), len(body))
		}
		found := false
		for _, p := range parts {
			page, _, _ := strings.Cut(p.URL, "#")
			if s.Page(page) == nil {
				t.Errorf("%s: %s is not there", lang, p.URL)
			}
			found = found || p.Page == "Behind a proxy" && strings.Contains(p.Text, "proxy_set_header")
		}
		if !found {
			t.Errorf("%s: the recipe for nginx cannot be found", lang)
		}
	}
}

// Each line that the documents have one type starts the program, as far as its
// options go, or names one of its commands.
func TestDocumentsCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, secret := range []string{"secret", "api-tokens"} {
		if err := os.WriteFile(secret, []byte(strings.Repeat("0", 64)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	line := regexp.MustCompile(`(?m)^(?:bin/)?sockeye (\S.*)$`)
	fence := regexp.MustCompile("(?s)\n```sh\n.*?\n```\n")
	word := regexp.MustCompile(`'[^']*'|[^\s']+`)
	clusters := map[string]int{}
	err := fs.WalkDir(documents, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".md") || path == "CHANGELOG.md" {
			return err
		}
		text, err := fs.ReadFile(documents, path)
		for _, typed := range line.FindAllStringSubmatch(strings.Join(fence.FindAllString(string(text), -1), ""), -1) {
			command, _, _ := strings.Cut(typed[1], " #")
			args := word.FindAllString(command, -1)
			for i := range args {
				args[i] = strings.Trim(args[i], "'")
			}
			if find(args[0]) != nil || strings.Contains(command, "…") {
				continue
			}
			c, err := server.Parse(args, func(string) string { return "" }, io.Discard)
			if err != nil {
				t.Errorf("%s: %s: %v", path, typed[0], err)
			}
			scheme, _, _ := strings.Cut(c.Cluster.URL, "://")
			clusters[scheme]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"mesh", "redis", "redis+streams", "redis+sharded", "postgres", "nats"} {
		if clusters[scheme] < 2 {
			t.Errorf("%s://: %d nodes are started, want two", scheme, clusters[scheme])
		}
	}
}
