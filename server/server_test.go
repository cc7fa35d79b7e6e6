package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gin-gonic/gin"
)

func program(t *testing.T, config Config) *Server {
	t.Helper()
	s, err := New(config, site(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestRoutes(t *testing.T) {
	s := program(t, DefaultConfig())
	for path, want := range map[string]string{
		"/":                             "<h1>home</h1>",
		"/healthz":                      "ok\n",
		"/readyz":                       "ready\n",
		"/source/namespaces/welcome.go": "package namespaces",
		"/metrics":                      "# TYPE sockeye_sockets gauge\nsockeye_sockets 0\n",
	} {
		if w := fetch(s, path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %.200s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/source/", "/source/namespaces/", "/source/namespaces/../server/run.go", "/source/main.go", "/nothing"} {
		if w := fetch(s, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if got := fetch(s, "/source/namespaces/welcome.go").Header().Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("source is %s", got)
	}
}

func TestOwnFolderHidesOurPages(t *testing.T) {
	dir := t.TempDir()
	config := DefaultConfig()
	config.Public = dir
	s := program(t, config)
	for _, path := range []string{"/", "/welcome/", "/source/namespaces/welcome.go"} {
		if w := fetch(s, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := fetch(s, "/healthz"); w.Code != http.StatusOK {
		t.Errorf("healthz: %d", w.Code)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	config := DefaultConfig()
	config.Public = t.TempDir() + "/missing"
	if _, err := New(config, site(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a missing folder was taken")
	}
}

func TestPanicIsAnswered(t *testing.T) {
	var log bytes.Buffer
	s, err := New(DefaultConfig(), site(), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.engine.GET("/panics", func(*gin.Context) { panic("the secret") })
	if w := fetch(s, "/panics"); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "the secret") || !strings.Contains(log.String(), "server_test.go") {
		t.Errorf("log: %s", log.String())
	}
}

// One option says who may connect: our own pages and those of the sites listed,
// which can read what they are answered.
func TestOrigins(t *testing.T) {
	for list, origins := range map[string]map[string]bool{
		"https://friend.example": {"http://own.example": true, "https://friend.example": true, "https://foe.example": false, "null": false},
		"*":                      {"http://own.example": true, "https://foe.example": true},
	} {
		config := DefaultConfig()
		config.Origins = []string{list}
		s := program(t, config)
		for origin, want := range origins {
			r := httptest.NewRequest(http.MethodGet, "http://own.example/socket.io/?EIO=4&transport=polling", nil)
			r.Header.Set("Origin", origin)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if got := w.Code == 200; got != want || w.Header().Get("Access-Control-Allow-Origin") == "" {
				t.Errorf("%s with %s: %d %v", origin, list, w.Code, w.Header())
			}
		}
	}
}

// DNS rebinding: what is asked under a foreign name is refused, whatever it is.
func TestHosts(t *testing.T) {
	config := DefaultConfig()
	config.Hosts = []string{"app.example", "*.b.example", "c.example:8443"}
	s := program(t, config)
	for host, want := range map[string]bool{
		"app.example": true, "APP.example:3000": true, "x.b.example": true, "c.example:8443": true, "localhost:3000": true, "127.0.0.1:3000": true,
		"[::1]:3000": true, "app.localhost": true, "app.example.": true,
		"evil.example": false, "b.example": false, "c.example": false, "c.example:80": false, "app.example.evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "": false,
	} {
		for _, path := range []string{"/", "/metrics", "/socket.io/?EIO=4&transport=polling"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if got := w.Code == 200; got != want || !want && w.Code != 403 {
				t.Errorf("%s at %q: %d", path, host, w.Code)
			}
		}
	}
}

// A client that asks at another path is told, not left with a bare 404.
func TestLostClients(t *testing.T) {
	s := program(t, DefaultConfig())
	for _, query := range []string{"EIO=4&transport=polling", "transport=polling&b64=1"} {
		w := fetch(s, "/api/socket.io/?"+query)
		if body := w.Body.String(); w.Code != 404 || !strings.Contains(body, `"/socket.io/"`) || !strings.Contains(body, "/api/socket.io/") {
			t.Errorf("%d %s", w.Code, body)
		}
	}
}

func TestAddress(t *testing.T) {
	for host, want := range map[string]string{
		"": "http://localhost:3000/", "0.0.0.0": "http://localhost:3000/", "::": "http://localhost:3000/",
		"127.0.0.1": "http://127.0.0.1:3000/", "::1": "http://[::1]:3000/", "chat.example": "http://chat.example:3000/",
	} {
		if got := address("http", host, "3000"); got != want {
			t.Errorf("%q: %s", host, got)
		}
	}
}

// running starts the program on a free port and returns the address it prints.
func running(t *testing.T, config Config) (s *Server, url string, stop func() error) {
	t.Helper()
	return runningWith(t, config, slog.New(slog.DiscardHandler))
}

func runningWith(t *testing.T, config Config, log *slog.Logger) (s *Server, url string, stop func() error) {
	t.Helper()
	config.Port = 0
	s, err := New(config, site(), log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- s.Run(ctx, w)
		w.Close()
	}()
	line := make([]byte, 500)
	n, err := r.Read(line)
	if err != nil {
		t.Fatalf("it printed nothing: %v, %v", err, <-done)
	}
	go io.Copy(io.Discard, r)
	m := regexp.MustCompile(`open (http://\S+)`).FindSubmatch(line[:n])
	if m == nil {
		t.Fatalf("no address in %q", line[:n])
	}
	return s, string(m[1]), func() error {
		cancel()
		return <-done
	}
}

func TestRunServesAndStops(t *testing.T) {
	s, url, stop := running(t, local())
	client := newClient(t)
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || string(body) != "<h1>home</h1>" {
		t.Errorf("%q, %v", body, err)
	}
	res.Body.Close()

	start := time.Now()
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if s.IO().Ready() {
		t.Error("still ready")
	}
	if w := fetch(s, "/readyz"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("readyz: %d", w.Code)
	}
	if _, err := client.Get(url); err == nil {
		t.Error("still listening")
	}
}

// A request that does not end must not keep the program from stopping.
func TestStopCutsOffWhatDoesNotEnd(t *testing.T) {
	config := local()
	config.Grace = 100 * time.Millisecond
	s, url, stop := running(t, config)
	entered := make(chan struct{})
	s.engine.GET("/hangs", func(c *gin.Context) {
		close(entered)
		<-c.Request.Context().Done()
	})
	client := newClient(t)
	answered := make(chan error, 1)
	go func() {
		res, err := client.Get(url + "hangs")
		if err == nil {
			res.Body.Close()
		}
		answered <- err
	}()
	<-entered
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := <-answered; err == nil {
		t.Error("it was answered")
	}
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	config := local()
	config.Port = l.Addr().(*net.TCPAddr).Port
	s, err := New(config, site(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(t.Context(), io.Discard)
	if err == nil || !strings.Contains(err.Error(), strconv.Itoa(config.Port)+" is taken") || !strings.Contains(err.Error(), "--port") {
		t.Errorf("%v", err)
	}
}

func TestPagesMayBeEmpty(t *testing.T) {
	s, err := New(DefaultConfig(), fstest.MapFS{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if w := fetch(s, "/"); w.Code != http.StatusNotFound {
		t.Errorf("%d", w.Code)
	}
}

// Who serves a folder without index.html is told why the address answers 404.
func TestFolderWithoutIndex(t *testing.T) {
	for file, told := range map[string]bool{"index.html": false, "other.html": true} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := program(t, Config{Public: dir}).announce(&out, "http", &net.TCPAddr{Port: 1}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "no index.html"); got != told {
			t.Errorf("%s: %s", file, &out)
		}
	}
}

// Everything logs where the program does, plain WebSockets too.
func TestOneLog(t *testing.T) {
	var lines bytes.Buffer
	s, err := New(DefaultConfig(), site(), slog.New(slog.NewTextHandler(&lines, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/ws/echo", "/socket.io/?EIO=4&transport=websocket"} {
		lines.Reset()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Origin": {"http://foreign.example"}}
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != http.StatusForbidden || !strings.Contains(lines.String(), "request refused") {
			t.Errorf("%s: %d, the log says %q", path, w.Code, lines.String())
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// The description of the demos' events is for developers: nobody else gets it.
func TestDescriptionIsServedInDevelopmentOnly(t *testing.T) {
	for dev, want := range map[string]int{"on": http.StatusOK, "off": http.StatusBadRequest} {
		config := DefaultConfig()
		config.Dev = dev
		w := fetch(program(t, config), "/socket.io/asyncapi.json")
		if w.Code != want || (want == http.StatusOK) != strings.Contains(w.Body.String(), `"asyncapi": "3.0.0"`) {
			t.Errorf("dev %s: %d %.100s", dev, w.Code, w.Body)
		}
	}
}

// The playground is a page of the program, whoever asks; its description is not.
func TestPlaygroundIsAPage(t *testing.T) {
	for dev, want := range map[string]int{"on": http.StatusOK, "off": http.StatusNotFound} {
		config := DefaultConfig()
		config.Dev = dev
		s := program(t, config)
		if w := fetch(s, "/playground/"); w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Content-Security-Policy"), "connect-src *") {
			t.Errorf("dev %s: %d %v", dev, w.Code, w.Header())
		}
		if w := fetch(s, "/playground/server.json"); !strings.Contains(w.Body.String(), `"frame":"/assets/page.js"`) || !strings.Contains(w.Body.String(), `{"name":"/chat","heard":null}`) {
			t.Errorf("dev %s: %s", dev, w.Body)
		}
		if w := fetch(s, "/playground/asyncapi.json"); w.Code != want {
			t.Errorf("dev %s: the description: %d", dev, w.Code)
		}
		if w := fetch(s, "/playground"); w.Code != http.StatusMovedPermanently && w.Code != http.StatusPermanentRedirect {
			t.Errorf("dev %s: without its slash: %d", dev, w.Code)
		}
	}
}
