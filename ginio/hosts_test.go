package ginio_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/socketio"
)

// Groups whose path has parameters, with whatever name and value.
func TestGroupsWithParameters(t *testing.T) {
	for _, c := range []struct {
		group, path string // of the group, and io.Path
		url         string
		raw         bool
		want        string
	}{
		{"/t/:tenant", "", "/t/acme/socket.io/", false, "acme,,"},
		{"/t/:tenant/", "", "/t/acme/socket.io", false, "acme,,"},
		{"/t/:tenant/r/:room", "", "/t/acme/r/7/socket.io/", false, "acme,7,"},
		{"/t/:tenant/r/:room", "/ws/", "/t/acme/r/7/ws/", false, "acme,7,"},
		{"/t/:tenant", "/", "/t/acme/", false, "acme,,"},
		{"/t/:rest", "", "/t/acme/socket.io/", false, ",,acme"}, // our own has this name
		{"/t/:tenant", "", "/t/%C3%BC%20x/socket.io/", false, "ü x,,"},
		{"/t/:tenant", "", "/t/a%2Fb/socket.io/", true, "a/b,,"},
		{"/api", "", "/api/socket.io/", false, ",,"},
		{"/", "", "/socket.io/", false, ",,"},
	} {
		t.Run(c.group+" "+c.url, func(t *testing.T) {
			sio := socketio.New(&socketio.Options{Engine: socketio.EngineOptions{Path: c.path}})
			sio.OnConnect(func(ctx context.Context, s *socketio.Socket) {
				if err := s.Emit("params", ginio.Param(ctx, "tenant")+","+ginio.Param(ctx, "room")+","+ginio.Param(s.Handshake().Context(), "rest")); err != nil {
					t.Error(err)
				}
			})
			router := gin.New()
			router.UseRawPath = c.raw
			ginio.Mount(router.Group(c.group), sio)
			p := newPoller(serve(t, router, sio, nil) + c.url)
			defer p.close()
			if got := p.first(nil); got != `42["params","`+c.want+`"]` {
				t.Errorf("%s", got)
			}
		})
	}
}

// What was put aside for one request must not be another's.
func TestParametersOfManyAtOnce(t *testing.T) {
	sio := server(0)
	sio.On("who", func(ctx context.Context, s *socketio.Socket, r *socketio.Request) error {
		return r.Ack(ginio.Param(ctx, "tenant"))
	})
	router := gin.New()
	ginio.Mount(router.Group("/t/:tenant"), sio)
	base := serve(t, router, sio, nil)
	var all []*poller
	for i := range 10 {
		p := newPoller(fmt.Sprintf("%s/t/%d/socket.io/", base, i))
		defer p.close()
		if err := p.open(nil); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	for i, p := range all {
		if _, err := p.do(http.MethodPost, `427["who"]`, nil); err != nil {
			t.Error(err)
		}
		if got, err := p.next(); got != fmt.Sprintf(`437["%d"]`, i) || err != nil {
			t.Errorf("%d: %s, %v", i, got, err)
		}
	}
}

// overwritten is a wrapper as middleware has them, without Unwrap.
type overwritten struct{ gin.ResponseWriter }

// Gin panics when a writer below it cannot be taken over or flushed, and takes
// that for an answer. Polling works, and WebSocket is refused with a reason.
func TestWritersThatCannot(t *testing.T) {
	wrap := func(c *gin.Context) { c.Writer = overwritten{c.Writer} }
	for name, c := range map[string]struct {
		middleware []gin.HandlerFunc
		mount      func(gin.IRouter, *socketio.Server)
	}{
		"Mount":          {nil, ginio.Mount},
		"Mount, wrapped": {[]gin.HandlerFunc{wrap}, ginio.Mount},
		"WrapH":          {nil, func(r gin.IRouter, io *socketio.Server) { r.Any("/socket.io/*any", gin.WrapH(io)) }},
		"WrapH, wrapped": {[]gin.HandlerFunc{wrap}, func(r gin.IRouter, io *socketio.Server) { r.Any("/socket.io/*any", gin.WrapH(io)) }},
	} {
		sio := server(0)
		router := gin.New()
		router.Use(gin.CustomRecoveryWithWriter(io.Discard, func(_ *gin.Context, v any) { t.Errorf("%s: panic: %v", name, v) }))
		router.Use(c.middleware...)
		c.mount(router, sio)
		p := newPoller(serve(t, http.TimeoutHandler(router, 5*time.Second, "late"), sio, nil) + "/socket.io/")
		defer p.close()
		if err := p.open(nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s, err := newSocket(strings.Split(p.url, "?")[0]); err == nil || !strings.Contains(err.Error(), "400") {
			t.Errorf("%s: websocket %v, %v", name, s, err)
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=websocket", nil)
		r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}}
		router.ServeHTTP(w, r)
		if w.Code != 400 || !strings.Contains(w.Body.String(), "taken over") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if n := sio.Engine().Len(); n != 1 {
			t.Errorf("%s: %d sessions", name, n)
		}
	}
}

// late is middleware like gin-contrib/timeout: it keeps the answer back, with a
// header of its own, and gives another one when time is up.
func late(d time.Duration) gin.HandlerFunc {
	return func(c *gin.Context) {
		w := &kept{ResponseWriter: c.Writer, header: http.Header{}}
		c.Writer = w
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.Next()
		}()
		select {
		case <-done:
			for k, v := range w.header {
				w.ResponseWriter.Header()[k] = v
			}
			if len(w.body) > 0 {
				_, _ = w.ResponseWriter.Write(w.body)
			}
		case <-time.After(d):
			w.ResponseWriter.WriteHeader(http.StatusRequestTimeout)
			<-done
		}
	}
}

type kept struct {
	gin.ResponseWriter
	header http.Header
	body   []byte
}

func (w *kept) Header() http.Header         { return w.header }
func (w *kept) Write(b []byte) (int, error) { w.body = append(w.body, b...); return len(b), nil }

func TestDeadlinesThatNobodyTells(t *testing.T) {
	sio := server(0)
	router := gin.New()
	router.Use(late(10 * time.Second))
	ginio.Mount(router, sio)
	p := newPoller(serve(t, router, sio, nil) + "/socket.io/")
	defer p.close()
	if err := p.open(nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got, err := p.next(); got != "6" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	res, err := p.client.Get(p.url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); res.ContentLength != 1 || !strings.HasPrefix(got, "text/plain; charset=UTF-8") {
		t.Errorf("%d bytes of %s", res.ContentLength, got)
	}
}

// Gin sets status 404 before it asks the handlers of NoRoute.
func TestNoRoute(t *testing.T) {
	sio := server(0)
	sio.On("echo", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error { return r.Ack(r.Arg(0)) })
	router := gin.New()
	router.NoRoute(gin.WrapH(sio))
	p := newPoller(serve(t, router, sio, nil) + "/socket.io/")
	defer p.close()
	if err := p.open(nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if ok, err := p.do(http.MethodPost, `421["echo",5]`, nil); ok != "ok" || err != nil {
			t.Errorf("%q, %v", ok, err)
		}
		if got, err := p.next(); got != "431[5]" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}
