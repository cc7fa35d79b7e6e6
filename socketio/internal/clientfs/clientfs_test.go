package clientfs

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sockeye-io/sockeye/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

var filler = strings.Repeat("/* io */\n", 100)

func files() fstest.MapFS {
	m := fstest.MapFS{"secret.txt": {Data: []byte("secret")}}
	for _, name := range Names {
		m[name] = &fstest.MapFile{Data: []byte(name + filler)}
	}
	return m
}

func get(h *Handler, name string, header ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, "/socket.io/x", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeFile(w, r, name)
	return w.Result()
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestServesTheEightNames(t *testing.T) {
	h := New(files(), "4.8.4", nil)
	if len(Names) != 8 {
		t.Errorf("%d names", len(Names))
	}
	for _, name := range Names {
		res := get(h, name)
		if res.StatusCode != http.StatusOK || body(t, res) != name+filler {
			t.Errorf("%s: %s", name, res.Status)
		}
		want := "text/javascript; charset=utf-8"
		if strings.HasSuffix(name, ".map") {
			want = "application/json"
		}
		for header, want := range map[string]string{
			"Content-Type": want, "ETag": `"4.8.4"`, "X-Content-Type-Options": "nosniff",
			"Vary": "Accept-Encoding", "Cache-Control": "public, max-age=0, must-revalidate",
		} {
			if got := res.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
	}
}

func TestServesNothingElse(t *testing.T) {
	h := New(files(), "4.8.4", nil)
	for _, name := range []string{"", ".", "..", "secret.txt", "../secret.txt", "SOCKET.IO.JS", "socket.io.js/", "./socket.io.js", "dist/socket.io.js", "socket.io.js\x00", "socket.io.slim.js"} {
		if res := get(h, name); res.StatusCode != http.StatusNotFound || strings.Contains(body(t, res), "secret") {
			t.Errorf("%q: %s", name, res.Status)
		}
	}
}

func TestNotModified(t *testing.T) {
	h := New(files(), "4.8.4", nil)
	for _, tag := range []string{`"4.8.4"`, `W/"4.8.4"`, `"x", "4.8.4"`, `*`} {
		for _, coding := range []string{"gzip", "identity"} {
			res := get(h, "socket.io.js", "If-None-Match", tag, "Accept-Encoding", coding)
			if res.StatusCode != http.StatusNotModified || body(t, res) != "" {
				t.Errorf("%s, %s: %s", tag, coding, res.Status)
			}
		}
	}
	if res := get(h, "socket.io.js", "If-None-Match", `"4.8.3"`); res.StatusCode != http.StatusOK {
		t.Errorf("another version: %s", res.Status)
	}
}

func TestETagFromContent(t *testing.T) {
	for _, version := range []string{"", `4"8`, "4\r\n8", "4 8", "vier\u00b9"} {
		h := New(files(), version, nil)
		a, b := get(h, "socket.io.js").Header.Get("ETag"), get(h, "socket.io.min.js").Header.Get("ETag")
		if a == b || len(a) < 12 || strings.ContainsAny(a, "\r\n ") {
			t.Errorf("version %q: %s and %s", version, a, b)
		}
	}
}

func TestGzip(t *testing.T) {
	h := New(files(), "4.8.4", nil)
	res := get(h, "socket.io.js", "Accept-Encoding", "br, gzip;q=0.8")
	if res.Header.Get("Content-Encoding") != "gzip" || res.Header.Get("ETag") != `W/"4.8.4"` {
		t.Fatalf("headers %v", res.Header)
	}
	raw := body(t, res)
	z, err := gzip.NewReader(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil || string(plain) != "socket.io.js"+filler || len(raw) >= len(plain) {
		t.Errorf("%d bytes became %d (%v)", len(raw), len(plain), err)
	}
	tiny := New(fstest.MapFS{"socket.io.js": {Data: []byte("x")}}, "1", nil)
	if res := get(tiny, "socket.io.js", "Accept-Encoding", "gzip"); res.Header.Get("Content-Encoding") != "" || body(t, res) != "x" {
		t.Error("compressed although that makes it larger")
	}
}

func TestHeadAndOtherMethods(t *testing.T) {
	h := New(files(), "4.8.4", nil)
	for method, want := range map[string]int{http.MethodHead: 200, http.MethodPost: 405, http.MethodDelete: 405} {
		w := httptest.NewRecorder()
		h.ServeFile(w, httptest.NewRequest(method, "/", nil), "socket.io.js")
		if w.Code != want || method == http.MethodHead && w.Body.Len() != 0 {
			t.Errorf("%s: %d, %d bytes", method, w.Code, w.Body.Len())
		}
	}
}

func TestMissingSaysHowToBuild(t *testing.T) {
	for name, fsys := range map[string]fs.FS{"no file system": nil, "empty": fstest.MapFS{}} {
		res := get(New(fsys, "4.8.4", nil), "socket.io.js")
		if text := body(t, res); res.StatusCode != http.StatusNotFound || !strings.Contains(text, "make client") || !strings.Contains(text, "Options.Client") {
			t.Errorf("%s: %s\n%s", name, res.Status, text)
		}
		if got := res.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

type broken struct{ failures int }

func (b *broken) Open(name string) (fs.File, error) {
	if b.failures--; b.failures < 0 {
		return files().Open(name)
	}
	return nil, fs.ErrPermission
}

func TestUnreadableIsLoggedAndTriedAgain(t *testing.T) {
	var log bytes.Buffer
	h := New(&broken{failures: 1}, "", slog.New(slog.NewTextHandler(&log, nil)))
	res := get(h, "socket.io.js")
	if text := body(t, res); res.StatusCode != http.StatusInternalServerError || strings.Contains(text, "permission") {
		t.Errorf("%s: %s", res.Status, text)
	}
	if !strings.Contains(log.String(), "permission") {
		t.Errorf("log: %s", log.String())
	}
	if res := get(h, "socket.io.js"); res.StatusCode != http.StatusOK {
		t.Errorf("second try: %s", res.Status)
	}
}
