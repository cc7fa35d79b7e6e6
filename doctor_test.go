package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/sockeye-io/sockeye/internal/doctor"
	"github.com/sockeye-io/sockeye/server"
)

// The doctor finds nothing at a healthy server, and names what is wrong with
// each that is ill, with an exit code for scripts.
func TestDoctor(t *testing.T) {
	config := server.DefaultConfig()
	s, err := server.New(config, fstest.MapFS{"index.html": {}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	healthy := httptest.NewServer(s)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		healthy.Close()
	})
	target, err := url.Parse(healthy.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := func(change func(r *httputil.ProxyRequest)) string {
		p := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			change(r)
		}, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)})
		t.Cleanup(p.Close)
		return p.URL
	}
	// beside is the healthy server, with another answer at one path.
	beside := func(path string, status int, text string) string {
		a := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != path {
				s.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text)) // a client that left early is no fault of ours
		}))
		t.Cleanup(a.Close)
		return a.URL
	}
	inCluster := func(change func(*server.ClusterConfig)) string {
		config := server.DefaultConfig()
		change(&config.Cluster)
		s, err := server.New(config, fstest.MapFS{"index.html": {}}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		h := httptest.NewServer(s)
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			h.Close()
		})
		return h.URL
	}
	answers := func(status int, text string) string {
		a := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text)) // a client that left early is no fault of ours
		}))
		t.Cleanup(a.Close)
		return a.URL
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"healthy":           {[]string{healthy.URL}, 0, "ok    websocket    it opens"},
		"its path":          {[]string{healthy.URL + "/socket.io/"}, 0, "ok    ready"},
		"through a proxy":   {[]string{proxy(func(*httputil.ProxyRequest) {})}, 0, "ok    origin"},
		"a namespace":       {[]string{"--namespace", "/chat", healthy.URL}, 0, "/chat can be joined"},
		"no such namespace": {[]string{"--namespace", "chta", healthy.URL}, 1, "FAIL  namespace    /chta: Invalid namespace"},
		"another page":      {[]string{"--origin", "https://evil.example", healthy.URL}, 1, "--origins https://evil.example"},
		"the proxy's Host":  {[]string{proxy(func(r *httputil.ProxyRequest) { r.Out.Host = "backend" })}, 1, "proxy_set_header Host"},
		"no Upgrade":        {[]string{proxy(func(r *httputil.ProxyRequest) { r.Out.Header.Del("Upgrade"); r.Out.Header.Del("Connection") })}, 1, "FAIL  websocket"},
		"not sticky": {[]string{proxy(func(r *httputil.ProxyRequest) {
			if q := r.Out.URL.Query(); q.Has("sid") {
				q.Set("sid", "ofanotherserver00000")
				r.Out.URL.RawQuery = q.Encode()
			}
		})}, 1, "not sticky"},
		"another path":  {[]string{healthy.URL + "/nothing/"}, 1, "FAIL  path"},
		"nobody":        {[]string{"http://127.0.0.1:1"}, 1, "FAIL  reach"},
		"an old server": {[]string{answers(200, `97:0{"sid":"x"}`)}, 1, "Engine.IO 3"},
		"a page":        {[]string{answers(200, "<h1>hello")}, 1, "is not Socket.IO"},
		"hostile":       {[]string{answers(403, `{"code":4,"message":"\u001b[31m\nred"}`)}, 1, `\x1b[31m\nred`},
		"its broker": {[]string{inCluster(func(c *server.ClusterConfig) {
			c.URL, c.Listen = "mesh://127.0.0.1:1", "127.0.0.1:0"
		})}, 0, "warn  cluster      connected by mesh"},
		"two nodes":    {[]string{beside("/readyz", 200, "ready\ncluster: connected by redis for 3m0s, 2 nodes\n")}, 0, "ok    cluster      connected by redis"},
		"a node alone": {[]string{beside("/readyz", 200, "ready\ncluster: connected by redis for 3m0s, this node alone\n")}, 0, "warn  cluster      connected by redis for 3m0s, this node alone\n                   → start the others"},
		"no broker": {[]string{inCluster(func(c *server.ClusterConfig) { c.URL = "redis://127.0.0.1:1" })}, 1,
			"FAIL  cluster      not connected by redis yet; tries on\n                   → is the broker running"},
		"a lost broker":       {[]string{beside("/readyz", 200, "ready\ncluster: not connected by redis for 3m0s; tries on\n")}, 1, "FAIL  cluster      not connected by redis for 3m0s"},
		"it stops":            {[]string{beside("/readyz", 503, "stopping\n")}, 1, "FAIL  ready        stopping"},
		"readyz is another's": {[]string{beside("/readyz", 200, "<h1>cluster: not connected")}, 0, "ok    websocket"},
		"few descriptors":     {[]string{beside("/metrics", 200, "process_open_fds 12\nprocess_max_fds 1024\n")}, 0, "warn  descriptors  1024 at most"},
		"no descriptors left": {[]string{beside("/metrics", 200, "process_open_fds 950\nprocess_max_fds 1024\n")}, 1, "LimitNOFILE="},
		"metrics are kept":    {[]string{beside("/metrics", 401, "who are you?")}, 0, "ok    websocket"},
		"metrics of nonsense": {[]string{beside("/metrics", 200, "process_open_fds NaN\nprocess_max_fds x\n\x00")}, 0, "ok    websocket"},
		"no address":          {[]string{"chat.example"}, 1, "is not an address"},
		"nothing":             {nil, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := run(t, append([]string{"doctor"}, c.args...)...)
			if code != c.code || !strings.Contains(out, c.want) || c.code == 2 && errs == "" {
				t.Errorf("%d, want %d and %q:\n%s%s", code, c.code, c.want, out, errs)
			}
		})
	}
}

// What the doctor has opened it closes, whatever it has found, and whether or
// not it could look at all: no session waits for its time to be over.
func TestDoctorLeaves(t *testing.T) {
	s, err := server.New(server.DefaultConfig(), fstest.MapFS{"index.html": {}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var noUpgrade, calledOff atomic.Bool
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if noUpgrade.Load() {
			r.Header.Del("Upgrade")
		}
		s.ServeHTTP(w, r)
		if calledOff.Load() && r.Method == http.MethodPost {
			cancel()
		}
	}))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	examine := func(p doctor.Patient) {
		t.Helper()
		p.URL = web.URL
		doctor.Examine(ctx, p, func(doctor.Finding) {})
		if st := s.IO().Engine().Stats(); st.Polling != 0 || st.Opened == 0 {
			t.Errorf("%d of %d sessions are left on polling", st.Polling, st.Opened)
		}
	}
	examine(doctor.Patient{})
	examine(doctor.Patient{Namespace: "/chta"})
	noUpgrade.Store(true)
	examine(doctor.Patient{})
	calledOff.Store(true)
	examine(doctor.Patient{})
	if ctx.Err() == nil {
		t.Error("it was not called off")
	}
}

func TestConfigCommand(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s.toml")
	if err := os.WriteFile(name, []byte("port = 4000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := run(t, "config", "--config", name, "--cluster", "redis://:SECRET@h"); code != 0 || !strings.Contains(out, `port = "4000"  # `+name) || strings.Contains(out, "SECRET") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if code, _, errs := run(t, "config", "--port", "x"); code != 2 || !strings.Contains(errs, "a port is") {
		t.Errorf("%d %s", code, errs)
	}
	var o, e strings.Builder
	p := &process{out: &o, err: &e, getenv: func(string) string { return "" }, environ: func() []string { return []string{"SOCKEYE_OHST=1"} }}
	for _, args := range [][]string{{"config"}, nil} {
		if code := p.main(t.Context(), args); code != 2 || !strings.Contains(e.String(), "SOCKEYE_OHST") {
			t.Errorf("%q: %d %s", args, code, e.String())
		}
	}
	// What may be another program's is named, and stops nothing.
	o.Reset()
	p.environ = func() []string { return []string{"SOCKEYE_APP=SECRET"} }
	if code := p.main(t.Context(), []string{"config"}); code != 0 || !strings.Contains(o.String(), `# "SOCKEYE_APP" in the environment is no setting`) || strings.Contains(o.String(), "SECRET") {
		t.Errorf("%d\n%s", code, o.String())
	}
	e.Reset()
	ended, end := context.WithCancel(t.Context())
	end()
	p.getenv = func(name string) string { return map[string]string{"PORT": "0", "SOCKEYE_HOST": "127.0.0.1"}[name] }
	if code := p.main(ended, nil); code != 0 || !strings.Contains(e.String(), "SOCKEYE_APP") || strings.Contains(e.String(), "SECRET") {
		t.Errorf("%d\n%s", code, e.String())
	}
}
