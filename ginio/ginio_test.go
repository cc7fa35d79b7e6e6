package ginio_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/socketio"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	leak.Main(m)
}

type user struct{ Name string }

// login stands for an application's session or JWT middleware.
func login(c *gin.Context) {
	c.Set("user", user{Name: c.Query("name")})
	c.Next()
}

// serve runs router with io until the test ends, in the order that a program
// should stop: connections first.
func serve(t *testing.T, router http.Handler, io *socketio.Server, config func(*http.Server)) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(router)
	if config != nil {
		config(srv.Config)
	}
	srv.Start()
	t.Cleanup(func() {
		if err := io.Close(); err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	return srv.URL
}

func server(ping time.Duration) *socketio.Server {
	return socketio.New(&socketio.Options{
		Engine: socketio.EngineOptions{PingInterval: ping},
		Logger: slog.New(slog.DiscardHandler),
		Client: fstest.MapFS{"socket.io.js": {Data: []byte("/* client */")}},
	})
}

func greet(ctx context.Context, s *socketio.Socket) {
	u, ok := ginio.Value[user](ctx, "user")
	fromHandshake, _ := ginio.Value[user](s.Handshake().Context(), "user")
	_, wrongType := ginio.Value[string](ctx, "user")
	_, missing := ginio.Value[user](ctx, "nothing")
	if err := s.Emit("welcome", u.Name, ok && fromHandshake == u && !wrongType && !missing); err != nil {
		panic(err)
	}
}

func TestValuesOfMiddleware(t *testing.T) {
	io := server(0)
	io.OnConnect(greet)
	io.On("who", func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
		u, _ := ginio.Value[user](ctx, "user")
		return r.Ack(u.Name)
	})
	router := gin.New()
	router.Use(login)
	ginio.Mount(router, io)
	base := serve(t, router, io, nil)

	// Gin uses a few Contexts for all of them.
	var clients sync.WaitGroup
	for i := range 20 {
		clients.Go(func() {
			name := fmt.Sprint("user-", i)
			p := newPoller(base + "/socket.io/")
			defer p.close()
			if err := p.open(url.Values{"name": {name}}); err != nil {
				t.Error(err)
				return
			}
			if _, err := p.do(http.MethodPost, `427["who"]`, nil); err != nil {
				t.Error(err)
			}
			for _, want := range []string{`42["welcome","` + name + `",true]`, `437["` + name + `"]`} {
				if got, err := p.next(); err != nil || got != want {
					t.Errorf("%q, %v, want %q", got, err, want)
				}
			}
		})
	}
	clients.Wait()
}

func TestGreetingOverWebSocket(t *testing.T) {
	sio := server(0)
	sio.OnConnect(greet)
	router := gin.New()
	router.Use(gin.LoggerWithWriter(io.Discard), gin.Recovery(), compress, login)
	ginio.Mount(router, sio)
	s, err := newSocket(serve(t, router, sio, nil) + "/socket.io/")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, want := range []string{`0{"sid":"`, `40{"sid":"`, `42["welcome","",true]`} {
		if i == 1 {
			if err := s.write("40"); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := s.read(); err != nil || !strings.HasPrefix(got, want) {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
	}
}

// An application's own timeouts are for its own requests. A poll waits longer
// than them, here for a ping.
func TestShortTimeouts(t *testing.T) {
	for name, middleware := range map[string]gin.HandlerFunc{"plain": login, "under a wrapped writer": compress} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sio := server(400 * time.Millisecond)
			router := gin.New()
			router.Use(gin.LoggerWithWriter(io.Discard), middleware)
			ginio.Mount(router, sio)
			base := serve(t, router, sio, func(srv *http.Server) {
				srv.ReadTimeout, srv.WriteTimeout, srv.IdleTimeout = 100*time.Millisecond, 100*time.Millisecond, time.Second
			})
			p := newPoller(base + "/socket.io/")
			defer p.close()
			if err := p.open(nil); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				got, err := p.do(http.MethodGet, "", http.Header{"Accept-Encoding": {"gzip"}})
				if err != nil || inflate(t, got) != "2" {
					t.Fatalf("instead of a ping: %q, %v", got, err)
				}
				if _, err := p.do(http.MethodPost, "3", nil); err != nil {
					t.Fatal(err)
				}
			}

			s, err := newSocket(base + "/socket.io/")
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for _, want := range []string{`0{"sid":"`, "2"} {
				if got, err := s.read(); err != nil || !strings.HasPrefix(got, want) {
					t.Fatalf("%q, %v, want %q", got, err, want)
				}
			}
		})
	}
}

// compress is a middleware that compresses whatever is written behind it, as
// the usual ones do: it announces that first.
func compress(c *gin.Context) {
	if !strings.Contains(c.GetHeader("Accept-Encoding"), "gzip") || strings.Contains(c.GetHeader("Connection"), "Upgrade") {
		return
	}
	c.Header("Content-Encoding", "gzip")
	z := gzip.NewWriter(c.Writer)
	c.Writer = &compressed{c.Writer, z}
	c.Next()
	if err := z.Close(); err != nil {
		panic(err)
	}
}

type compressed struct {
	gin.ResponseWriter
	z *gzip.Writer
}

func (w *compressed) WriteHeader(status int) {
	w.Header().Del("Content-Length")
	w.ResponseWriter.WriteHeader(status)
}

func (w *compressed) Write(b []byte) (int, error) {
	w.Header().Del("Content-Length")
	return w.z.Write(b)
}

func (w *compressed) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

func TestCompressedOnce(t *testing.T) {
	long := strings.Repeat("salmon ", 1000)
	for name, middleware := range map[string][]gin.HandlerFunc{"by the library": nil, "by middleware": {compress}} {
		t.Run(name, func(t *testing.T) {
			sio := server(0)
			sio.OnConnect(func(_ context.Context, s *socketio.Socket) {
				if err := s.Emit("long", long); err != nil {
					t.Error(err)
				}
			})
			router := gin.New()
			router.Use(middleware...)
			ginio.Mount(router, sio)
			p := newPoller(serve(t, router, sio, nil) + "/socket.io/")
			defer p.close()
			text, err := p.do(http.MethodGet, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			_, sid, _ := strings.Cut(text, `"sid":"`)
			sid, _, _ = strings.Cut(sid, `"`)
			p.url += "&sid=" + sid
			if _, err := p.do(http.MethodPost, "40", nil); err != nil {
				t.Fatal(err)
			}
			var all string
			for !strings.Contains(all, "long") {
				text, err := p.do(http.MethodGet, "", http.Header{"Accept-Encoding": {"gzip"}})
				if err != nil {
					t.Fatal(err)
				}
				all += inflate(t, text)
			}
			if want := `42["long","` + long + `"]`; !strings.HasSuffix(all, want) {
				t.Errorf("got %.100q", all)
			}
		})
	}
}

// inflate undoes one compression, if the answer says that there is one.
func inflate(t *testing.T, text string) string {
	t.Helper()
	packed, ok := strings.CutPrefix(text, "gzip:")
	if !ok {
		return text
	}
	z, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func TestGroup(t *testing.T) {
	io := server(0)
	io.OnConnect(greet)
	router := gin.New()
	ginio.Mount(router.Group("/api", login), io)
	base := serve(t, router, io, nil)
	p := newPoller(base + "/api/socket.io/")
	defer p.close()
	if err := p.open(url.Values{"name": {"ada"}}); err != nil {
		t.Fatal(err)
	}
	res, err := p.client.Get(base + "/socket.io/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("outside the group: %s", res.Status)
	}
}

func TestMiddlewareMayRefuse(t *testing.T) {
	io := server(0)
	router := gin.New()
	router.Use(func(c *gin.Context) { c.AbortWithStatus(http.StatusUnauthorized) })
	ginio.Mount(router, io)
	base := serve(t, router, io, nil)
	p := newPoller(base + "/socket.io/")
	defer p.close()
	if err := p.open(nil); err == nil || !strings.HasPrefix(err.Error(), "401 ") {
		t.Errorf("polling: %v", err)
	}
	if _, err := newSocket(base + "/socket.io/"); err == nil || err.Error() != "status 401 Unauthorized" {
		t.Errorf("WebSocket: %v", err)
	}
	if n := io.Engine().Len(); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

func TestClientBundle(t *testing.T) {
	io := server(0)
	router := gin.New()
	ginio.Mount(router, io)
	w := httptest.NewRecorder()
	router.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/socket.io/socket.io.js", nil))
	if w.Code != http.StatusOK || w.Body.String() != "/* client */" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if err := io.Close(); err != nil {
		t.Error(err)
	}
}

func TestValueWithoutGin(t *testing.T) {
	if _, ok := ginio.Value[user](context.Background(), "user"); ok {
		t.Error("a value out of nowhere")
	}
}
