package server

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sockeye-io/sockeye/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func site() fstest.MapFS {
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	m := fstest.MapFS{}
	for name, content := range map[string]string{
		"index.html": "<h1>home</h1>", "welcome/index.html": "<h1>welcome</h1>", "welcome/welcome.js": "let x;",
		"assets/style.css": "h1 {}", "assets/fish.svg": "<svg/>", "with space/index.html": "space",
		".secret": "secret", ".git/config": "secret", "assets/.env": "secret", "data.xyzzy": "?", "doctor/index.html": "doctor",
	} {
		m[name] = &fstest.MapFile{Data: []byte(content), ModTime: when}
	}
	return m
}

func own(t *testing.T, fsys fs.FS) *pages {
	t.Helper()
	p, err := embedded(fsys, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func theirs(fsys fs.FS, policy string) *pages {
	return folder(fsys, policy, slog.New(slog.DiscardHandler))
}

// fetch asks for a path as it stands in the request line.
func fetch(h http.Handler, rawPath string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if u, err := url.ParseRequestURI(rawPath); err == nil {
		r.URL = u
	} else {
		r.URL = &url.URL{Path: rawPath}
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	for name, p := range map[string]*pages{"embedded": own(t, site()), "folder": theirs(site(), "")} {
		for path, want := range map[string][2]string{
			"/":                   {"<h1>home</h1>", "text/html; charset=utf-8"},
			"/index.html":         {"<h1>home</h1>", "text/html; charset=utf-8"},
			"/welcome/":           {"<h1>welcome</h1>", "text/html; charset=utf-8"},
			"/welcome/welcome.js": {"let x;", "text/javascript; charset=utf-8"},
			"/assets/style.css":   {"h1 {}", "text/css; charset=utf-8"},
			"/assets/fish.svg":    {"<svg/>", "image/svg+xml"},
			"/with%20space/":      {"space", "text/html; charset=utf-8"},
			"/data.xyzzy":         {"?", "application/octet-stream"},
		} {
			w := fetch(p, path)
			if w.Code != 200 || w.Body.String() != want[0] || w.Header().Get("Content-Type") != want[1] {
				t.Errorf("%s %s: %d %q %q", name, path, w.Code, w.Body, w.Header().Get("Content-Type"))
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") != "no-cache" {
				t.Errorf("%s %s: headers %v", name, path, w.Header())
			}
		}
	}
}

func TestNoSuchPage(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	fsys := site()
	for name, p := range map[string]*pages{"embedded": own(t, fsys), "folder": theirs(fsys, "")} {
		for _, path := range []string{
			"/nothing", "/welcome/nothing.js", "/assets", "/assets/", "/index.html/", "/welcome//", "//", "//welcome/", "/./", "/../secret",
			"/welcome/../index.html", "/%2e%2e/secret", "/..%2fsecret", "/welcome/..%5c..%5csecret", "/welcome%2f..%2f..%2fsecret", "/.secret", "/.git/config",
			"/.git/", "/assets/.env", "/index.html%00", "/INDEX.HTML%00.js", "/c:/index.html", "", "welcome/",
		} {
			if w := fetch(p, path); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "secret") || w.Header().Get("Location") != "" {
				t.Errorf("%s %q: %d %q %q", name, path, w.Code, w.Body, w.Header().Get("Location"))
			}
		}
	}
}

func TestFolderGetsItsSlash(t *testing.T) {
	p := own(t, site())
	for path, want := range map[string]string{
		"/welcome": "/welcome/", "/welcome?a=1&b=2": "/welcome/?a=1&b=2", "/with%20space": "/with%20space/",
	} {
		if w := fetch(p, path); w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", path, w.Code, w.Header().Get("Location"), want)
		}
	}
}

func TestNotModified(t *testing.T) {
	tag := fetch(own(t, site()), "/").Header().Get("ETag")
	if len(tag) < 12 || tag == fetch(own(t, site()), "/welcome/").Header().Get("ETag") {
		t.Errorf("ETag %q", tag)
	}
	if w := fetch(own(t, site()), "/", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("embedded: %d", w.Code)
	}
	p := theirs(site(), "")
	when := fetch(p, "/").Header().Get("Last-Modified")
	if when != "Fri, 02 Jan 2026 03:04:05 GMT" {
		t.Errorf("Last-Modified %q", when)
	}
	if w := fetch(p, "/", "If-Modified-Since", when); w.Code != http.StatusNotModified {
		t.Errorf("folder: %d", w.Code)
	}
}

// Our own pages are compressed for those who take it; what that makes no smaller,
// and pages that may change, are not.
func TestCompressedPages(t *testing.T) {
	files := fstest.MapFS{
		"index.html": {Data: []byte("<p>" + strings.Repeat("Hello, hello. ", 100))},
		"tiny.txt":   {Data: []byte("x")},
	}
	const coding = "gzip, br"
	packed := fetch(own(t, files), "/", "Accept-Encoding", coding)
	z, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil || string(text) != string(files["index.html"].Data) {
		t.Errorf("%q (%v)", text, err)
	}
	tag := packed.Header().Get("ETag")
	if packed.Header().Get("Content-Encoding") != "gzip" || !strings.HasPrefix(tag, "W/") || packed.Header().Get("Vary") != "Accept-Encoding" || packed.Header().Get("Content-Security-Policy") == "" {
		t.Errorf("%v", packed.Header())
	}
	if again := fetch(own(t, files), "/", "If-None-Match", tag); again.Code != http.StatusNotModified {
		t.Errorf("asked again: %d", again.Code)
	}
	for what, w := range map[string]*httptest.ResponseRecorder{
		"tiny": fetch(own(t, files), "/tiny.txt", "Accept-Encoding", coding), "not asked for": fetch(own(t, files), "/"),
		"a folder": fetch(theirs(files, ""), "/", "Accept-Encoding", coding),
	} {
		if w.Code != http.StatusOK || w.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: %d, %v", what, w.Code, w.Header())
		}
	}
}

func TestOnlyOurPagesHaveAPolicy(t *testing.T) {
	const header = "Content-Security-Policy"
	ours := fetch(own(t, site()), "/").Header().Get(header)
	if !strings.HasPrefix(ours, "default-src 'self';") || strings.Contains(ours, "unsafe") || strings.Contains(ours, "connect-src") {
		t.Errorf("ours: %q", ours)
	}
	if got := fetch(own(t, site()), "/doctor/").Header().Get(header); !strings.HasSuffix(got, "; connect-src *") {
		t.Errorf("the doctor's: %q", got)
	}
	if got := fetch(theirs(site(), ""), "/").Header().Get(header); got != "" {
		t.Errorf("theirs: %q", got)
	}
	if got := fetch(theirs(site(), "img-src *"), "/").Header().Get(header); got != "img-src *" {
		t.Errorf("theirs with --csp: %q", got)
	}
}

func TestMethods(t *testing.T) {
	p := own(t, site())
	for method, want := range map[string]int{"HEAD": 200, "POST": 405, "PUT": 405, "OPTIONS": 405} {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != want || method == "HEAD" && w.Body.Len() > 0 {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestOwn404Page(t *testing.T) {
	fsys := site()
	fsys["404.html"] = &fstest.MapFile{Data: []byte("lost?")}
	for _, p := range []*pages{own(t, fsys), theirs(fsys, "")} {
		w := fetch(p, "/nothing", "Accept", "text/html,*/*")
		if w.Code != http.StatusNotFound || w.Body.String() != "lost?" || w.Header().Get("ETag") != "" {
			t.Errorf("%d %q", w.Code, w.Body)
		}
		if w := fetch(p, "/nothing.js"); w.Code != http.StatusNotFound || w.Body.String() == "lost?" {
			t.Errorf("for a script: %d %q", w.Code, w.Body)
		}
	}
}

func TestOpenFolderSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, file + "-missing"} {
		if _, _, err := openFolder(dir); err == nil || !strings.Contains(err.Error(), "--public") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

type unreadable struct{ fs.FS }

func (u unreadable) Open(name string) (fs.File, error) {
	if name == "index.html" {
		return nil, syscall.EIO
	}
	return u.FS.Open(name)
}

func (u unreadable) Stat(name string) (fs.FileInfo, error) { return fs.Stat(u.FS, name) }

func TestUnreadablePageIsLogged(t *testing.T) {
	var log bytes.Buffer
	p := folder(unreadable{site()}, "", slog.New(slog.NewTextHandler(&log, nil)))
	if w := fetch(p, "/index.html"); w.Code != 500 || strings.Contains(w.Body.String(), syscall.EIO.Error()) {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), syscall.EIO.Error()) {
		t.Errorf("log: %s", log.String())
	}
}

// The pages are told which namespaces there are, and each of them can be joined.
func TestNamespacesAreListed(t *testing.T) {
	s, err := New(Config{}, site(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var names []string
	w := fetch(s, "/namespaces.json")
	if err := json.Unmarshal(w.Body.Bytes(), &names); err != nil || !slices.IsSorted(names) || len(names) < 10 || names[0] != "/" {
		t.Fatalf("%v: %s", err, w.Body)
	}
	for ns := range s.IO().Namespaces() {
		if !slices.Contains(names, ns.Name()) {
			t.Errorf("%s is missing", ns.Name())
		}
	}
}
