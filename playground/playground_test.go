package playground

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/public/assets"
	"github.com/sockeye-io/sockeye/socketio"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	leak.Main(m)
}

// mounted is somebody's application with the playground under a prefix.
func mounted(t *testing.T, o *Options) (http.Handler, *socketio.Server) {
	t.Helper()
	io := socketio.New(&socketio.Options{Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() {
		if err := io.Close(); err != nil {
			t.Error(err)
		}
	})
	io.Of("/shop").On("order", func(context.Context, *socketio.Socket, *socketio.Request) error { return nil })
	engine := gin.New()
	engine.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "theirs") })
	Mount(engine.Group("/tools"), "playground", io, o)
	return engine, io
}

func get(h http.Handler, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr, r.Host = "127.0.0.1:999", "localhost:3000"
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func stranger(r *http.Request) { r.RemoteAddr, r.Host = "192.0.2.1:9", "example.org" }

// One line mounts all of it, whatever is around it: the page asks for nothing that
// is not below its own folder.
func TestMountedInAnApplication(t *testing.T) {
	h, _ := mounted(t, &Options{AsyncAPI: []byte(`{"asyncapi":"3.0.0"}`)})
	page := get(h, "/tools/playground/")
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "<main") || page.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v %.100s", page.Code, page.Header(), page.Body)
	}
	names := []string{"index.html"}
	for prefix, fsys := range map[string]fs.FS{"": sub(t), "assets/": assets.Files} {
		entries, err := fs.ReadDir(fsys, ".")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, prefix+e.Name())
		}
	}
	if len(names) < 15 {
		t.Fatalf("only %d files", len(names))
	}
	for _, name := range names {
		w := get(h, "/tools/playground/"+name)
		if w.Code != http.StatusOK || w.Body.Len() == 0 || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
		if path.Ext(name) == ".js" && !strings.HasPrefix(name, "assets/") {
			for line := range strings.Lines(w.Body.String()) {
				if strings.HasPrefix(line, "import ") && !strings.Contains(line, `from "./`) {
					t.Errorf("%s reaches out of its folder: %s", name, line)
				}
			}
		}
	}
	if w := get(h, "/tools/playground/asyncapi.json"); w.Code != http.StatusOK || w.Body.String() != `{"asyncapi":"3.0.0"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, path := range []string{"nothing", "page/index.html", "../playground.go", "assets/", ".", "client/"} {
		if w := get(h, "/tools/playground/"+path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := get(h, "/"); w.Body.String() != "theirs" || w.Header().Get("Content-Security-Policy") != "" {
		t.Errorf("the application's own page: %s %v", w.Body, w.Header())
	}
}

func sub(t *testing.T) fs.FS {
	t.Helper()
	fsys, err := fs.Sub(page, "page")
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

// Without being asked it is not there: not in release mode, and to nobody else.
func TestNotThereUnasked(t *testing.T) {
	h, _ := mounted(t, nil)
	for what, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"this machine":    {func(*http.Request) {}, http.StatusOK},
		"another machine": {stranger, http.StatusForbidden},
		"rebound":         {func(r *http.Request) { r.Host = "evil.example" }, http.StatusForbidden},
		"a proxy":         {func(r *http.Request) { r.Header.Set("X-Forwarded-For", "127.0.0.1") }, http.StatusForbidden},
		"a POST":          {func(r *http.Request) { r.Method = http.MethodPost }, http.StatusNotFound},
	} {
		for _, path := range []string{"", "playground.js", "server.json", "assets/dom.js"} {
			if w := get(h, "/tools/playground/"+path, c.change); w.Code != c.want {
				t.Errorf("%s, %s: %d", what, path, w.Code)
			}
		}
	}
	gin.SetMode(gin.ReleaseMode)
	defer gin.SetMode(gin.TestMode)
	h, _ = mounted(t, nil)
	if w := get(h, "/tools/playground/"); w.Code != http.StatusNotFound {
		t.Errorf("in release mode: %d", w.Code)
	}
	h, _ = mounted(t, &Options{Everybody: true})
	if w := get(h, "/tools/playground/", stranger); w.Code != http.StatusOK {
		t.Errorf("asked for, in release mode: %d", w.Code)
	}
}

// The page runs only its own scripts, shows up in no frame, and may connect
// anywhere.
func TestPolicy(t *testing.T) {
	h, _ := mounted(t, nil)
	for _, path := range []string{"", "playground.js", "server.json", "nothing"} {
		w := get(h, "/tools/playground/"+path)
		policy := w.Header().Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'self'", "connect-src *", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "object-src 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%q: no %s in %q", path, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "script-src") || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%q: %v", path, w.Header())
		}
	}
}

// It tells what runs, and the names of events only where it answers to this machine
// alone.
func TestServerIsTold(t *testing.T) {
	for everybody, want := range map[bool]string{false: `["order"]`, true: "null"} {
		h, io := mounted(t, &Options{Everybody: everybody, Frame: "/frame.js"})
		var k known
		w := get(h, "/tools/playground/server.json")
		if err := json.Unmarshal(w.Body.Bytes(), &k); err != nil {
			t.Fatal(err)
		}
		heard, err := json.Marshal(k.Namespaces[1].Heard)
		if err != nil {
			t.Fatal(err)
		}
		if k.Path != io.Path() || k.Frame != "/frame.js" || k.Described || len(k.Namespaces) != 2 || k.Namespaces[1].Name != "/shop" || string(heard) != want {
			t.Errorf("everybody %v: %s", everybody, w.Body)
		}
		if w := get(h, "/tools/playground/asyncapi.json"); w.Code != http.StatusNotFound {
			t.Errorf("a description nobody gave: %d", w.Code)
		}
	}
}

// Where npm has not run, the answer says how to get the client; a program may bring
// its own.
func TestClients(t *testing.T) {
	none := fstest.MapFS{}
	h, _ := mounted(t, &Options{Client: none, OldClient: none})
	for name, option := range map[string]string{"client/4.js": "Client", "client/2.js": "OldClient"} {
		w := get(h, "/tools/playground/"+name)
		for _, part := range []string{"make client", "npm install socket.io-client@", "playground.Options." + option} {
			if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), part) {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
	}
	h, _ = mounted(t, &Options{Client: fstest.MapFS{"socket.io.min.js": {Data: []byte("four")}}, OldClient: fstest.MapFS{"socket.io.js": {Data: []byte("two")}}})
	for name, want := range map[string]string{"client/4.js": "four", "client/2.js": "two"} {
		if w := get(h, "/tools/playground/"+name); w.Body.String() != want || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
