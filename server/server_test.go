package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
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

func TestOrigins(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "http://own.example/socket.io/", nil)
	for origin, want := range map[string]bool{"http://own.example": true, "https://friend.example": true, "https://foe.example": false} {
		if got := origins([]string{"https://friend.example"}).AllowOrigin(origin, r); got != want {
			t.Errorf("%s: %v", origin, got)
		}
	}
	if !origins([]string{"*"}).AllowOrigin("https://foe.example", r) {
		t.Error("* is not every site")
	}
}

func TestAddress(t *testing.T) {
	for host, want := range map[string]string{
		"": "http://localhost:3000/", "0.0.0.0": "http://localhost:3000/", "::": "http://localhost:3000/",
		"127.0.0.1": "http://127.0.0.1:3000/", "::1": "http://[::1]:3000/", "chat.example": "http://chat.example:3000/",
	} {
		if got := address(host, "3000"); got != want {
			t.Errorf("%q: %s", host, got)
		}
	}
}

// running starts the program on a free port and returns the address it prints.
func running(t *testing.T, config Config) (s *Server, url string, stop func() error) {
	t.Helper()
	config.Port = 0
	s, err := New(config, site(), slog.New(slog.DiscardHandler))
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
