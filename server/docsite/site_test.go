package docsite

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sockeye-io/sockeye/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func repository() fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range map[string]string{
		"README.md":            "# Project\n\nSee [the guide](docs/guide/a.md#two-words) and [Chinese](README.zh-CN.md), [code](main.go), [page](public/chat/).\n",
		"README.zh-CN.md":      "# 项目\n\n见 [甲](docs/README.zh-CN.md)。\n",
		"docs/README.md":       "# Docs\n\nAll.\n\n## First\n\n- [A](guide/a.md): it\n- [Steps](steps/README.md)\n\n## Second\n\n- [Project](../README.md)\n",
		"docs/README.zh-CN.md": "# 文档\n\n## 一\n\n- [甲](guide/a.md)\n",
		"docs/guide/a.md":      "# `A` & <b>\n\nText <script>alert(1)</script> here.\n\n## Two words\n\n| x | y |\n|--:|---|\n| 1 | `<table>` |\n\n```go\nfunc a() {} // <b>\n```\n\n## Two words\n\n![x](../i.svg) [up](../../CHANGES) [self](#two-words-1) [dir](../steps) [js](javascript:alert(1))\n\n## 中文 Über, 2!\n",
		"docs/steps/README.md": "# Steps\n\n[gone](../gone.md) [no](../guide/a.md#nothing) [out](../../../x) [code](main.go)\n",
		"docs/steps/main.go":   "package main\n",
		"docs/i.svg":           "<svg/>",
	} {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func rendered(t *testing.T) *Site {
	t.Helper()
	s, err := New(repository())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(s *Site, path string) (*httptest.ResponseRecorder, bool) {
	w := httptest.NewRecorder()
	ok := s.Serve(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w, ok
}

func TestSite(t *testing.T) {
	s := rendered(t)
	if want := []string{"/docs/", "/docs/guide/a/", "/docs/readme/", "/docs/steps/", "/docs/zh/", "/docs/zh/readme/"}; !slices.Equal(s.URLs(), want) {
		t.Errorf("pages %q", s.URLs())
	}
	for path, want := range map[string][]string{
		"/docs/readme/": {`<a href="/docs/guide/a/#two-words">`, `<a href="/docs/zh/readme/">`, `href="https://github.com/sockeye-io/sockeye/blob/main/main.go"`, `<a href="/chat/">`,
			`<link rel="alternate" hreflang="zh-CN" href="/docs/zh/readme/">`, `<title>Project · Sockeye</title>`, `content="See the guide and Chinese, code, page."`},
		"/docs/guide/a/": {`<title>A &amp; · Sockeye</title>`, `<h2 id="two-words">`, `<h2 id="two-words-1">`, `<h2 id="中文-über-2">`, `<a href="#two-words-1">`, `<code>&lt;table&gt;</code>`, `<td align="right">`,
			`<img src="/docs/i.svg"`, `<a href="/docs/steps/">`, `role="group"`, `tabindex="0"`, `aria-current="page"`, `<a rel="next" href="/docs/steps/">`},
		"/docs/zh/":    {`<html lang="zh-CN">`, `<h2>一</h2>`, `href="/docs/guide/a/"`},
		"/docs/steps/": {`href="/docs/steps/main.go"`, `<a rel="prev" href="/docs/guide/a/">`},
	} {
		w, ok := get(s, path)
		if !ok || w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Fatalf("%s: %d %v", path, w.Code, w.Header())
		}
		for _, text := range want {
			if path == "/docs/guide/a/" && text == `<a href="#two-words-1">` {
				text = `<a href="/docs/guide/a/#two-words-1">`
			}
			if !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s lacks %s", path, text)
			}
		}
		for _, bad := range []string{"alert(1)</script>", "<b>", `href="javascript`} {
			if strings.Contains(w.Body.String(), bad) {
				t.Errorf("%s has %s", path, bad)
			}
		}
	}
}

func TestOtherAddresses(t *testing.T) {
	s := rendered(t)
	for path, want := range map[string]string{"/docs/guide/a.md": "/docs/guide/a/", "/docs/guide/a": "/docs/guide/a/", "/docs/README.md": "/docs/", "/docs/README.zh-CN.md": "/docs/zh/"} {
		if w, ok := get(s, path); !ok || w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != want {
			t.Errorf("%s: %d to %q", path, w.Code, w.Header().Get("Location"))
		}
	}
	for path, want := range map[string]string{"/docs/steps/main.go": "text/plain; charset=utf-8", "/docs/i.svg": "image/svg+xml", "/docs/search.en.json": "application/json"} {
		if w, ok := get(s, path); !ok || w.Code != http.StatusOK || w.Header().Get("Content-Type") != want {
			t.Errorf("%s: %d %q", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
	for _, path := range []string{"/docs/nothing", "/docs/nothing/", "/docs//", "/docs/../main.go", "/docs/guide/", "/"} {
		if w, ok := get(s, path); ok {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// What leads nowhere is told, each with its reason.
func TestBroken(t *testing.T) {
	got := strings.Join(rendered(t).Broken(), "\n")
	for _, want := range []string{"../gone.md: there is no such document", "a.md#nothing: there is no such heading", "../../../x: it leads out"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if strings.Count(got, "\n") != 2 {
		t.Errorf("%q", got)
	}
}

func TestIndex(t *testing.T) {
	for lang, want := range map[string]found{
		"en":    {"A &", "/docs/guide/a/#two-words", "Two words", `x y 1 <table> func a() {} // <b>`},
		"zh-CN": {"项目", "/docs/zh/readme/", "项目", "见 甲。"},
	} {
		w, _ := get(rendered(t), "/docs/search."+lang+".json")
		var all []found
		if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || !slices.Contains(all, want) {
			t.Errorf("%s: %v, %+v", lang, err, all)
		}
	}
}
