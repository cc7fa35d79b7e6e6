// Package interop runs the server with what others have written: hosts with
// their timeout middleware, and clients in Go. It is a module of its own, so
// that none of it is required by anybody else.
package interop

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-contrib/timeout"
	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"

	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/socketio"
)

// limit is what the middleware gives each request.
const limit = 2 * time.Second

// ginTimeout is one for all servers: making another one writes a variable of
// its package that requests of the first read.
var ginTimeout = sync.OnceValue(func() gin.HandlerFunc { return timeout.New(timeout.WithTimeout(limit)) })

// hosts serve io behind the timeout middleware of their frameworks.
var hosts = map[string]func(io *socketio.Server) http.Handler{
	"chi Timeout": func(io *socketio.Server) http.Handler {
		r := chi.NewRouter()
		r.Use(chimiddleware.Recoverer, chimiddleware.Timeout(limit))
		r.Handle("/socket.io/*", io)
		return r
	},
	"echo ContextTimeout": func(io *socketio.Server) http.Handler {
		e := echo.New()
		e.Use(echomiddleware.Recover(), echomiddleware.ContextTimeout(limit))
		e.Any("/socket.io/*", echo.WrapHandler(io))
		return e
	},
	"echo Timeout": func(io *socketio.Server) http.Handler {
		e := echo.New()
		//lint:ignore SA1019 applications have it still: what it does to a poll is what is tested
		e.Use(echomiddleware.Recover(), echomiddleware.TimeoutWithConfig(echomiddleware.TimeoutConfig{Timeout: limit}))
		e.Any("/socket.io/*", echo.WrapHandler(io))
		return e
	},
	"gin-contrib/timeout": func(io *socketio.Server) http.Handler {
		r := gin.New()
		r.Use(gin.Recovery(), ginTimeout())
		ginio.Mount(r, io)
		return r
	},
	"gin in http.TimeoutHandler": func(io *socketio.Server) http.Handler {
		r := gin.New()
		r.Use(gin.Recovery())
		ginio.Mount(r, io)
		return http.TimeoutHandler(r, limit, "late")
	},
}

func newServer(t *testing.T, ping time.Duration, left chan<- socketio.DisconnectReason) *socketio.Server {
	sio := socketio.New(&socketio.Options{
		Logger: slog.New(slog.DiscardHandler),
		Engine: socketio.EngineOptions{PingInterval: ping},
	})
	serveEcho(t, sio.Of("/"), left)
	return sio
}

// A polling client lives on behind each of them, for several limits, over plain
// HTTP (where its connection is taken over, if that can be) and TLS (where it
// cannot); when it goes away, that is noticed.
func TestPollingBehindTimeouts(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	for name, host := range hosts {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, TLS %v", name, secure), func(t *testing.T) {
				t.Parallel()
				left := make(chan socketio.DisconnectReason, 10)
				sio := newServer(t, 0, left)
				ts := httptest.NewUnstartedServer(host(sio))
				ts.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
				if secure {
					ts.StartTLS()
				} else {
					// httptest looks at connections, which keeps them from being taken over.
					ts.Config.ConnState = nil
					go func() { _ = ts.Config.Serve(ts.Listener) }()
					ts.URL = "http://" + ts.Listener.Addr().String()
				}
				t.Cleanup(func() {
					if err := sio.Close(); err != nil {
						t.Error(err)
					}
					_ = ts.Config.Close()
				})
				client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // our own
				ask := func(ctx context.Context, method, query, body string) string {
					req, err := http.NewRequestWithContext(ctx, method, ts.URL+"/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body))
					if err != nil {
						return err.Error()
					}
					res, err := client.Do(req)
					if err != nil {
						return err.Error()
					}
					defer res.Body.Close()
					b, err := io.ReadAll(res.Body)
					if err != nil || res.StatusCode != http.StatusOK {
						return fmt.Sprint(res.Status, " ", string(b), " ", err)
					}
					return string(b)
				}
				open := ask(t.Context(), "GET", "", "")
				_, sid, ok := strings.Cut(open, `{"sid":"`)
				if !ok {
					t.Fatal(open)
				}
				sid = "&sid=" + sid[:20]
				ask(t.Context(), "POST", sid, "40")
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				heard := make(chan string, 1000)
				go func() {
					for ctx.Err() == nil {
						for packet := range strings.SplitSeq(ask(ctx, "GET", sid, ""), "\x1e") {
							heard <- packet
						}
					}
				}()
				want := func(prefix string) {
					for packet := range heard {
						if strings.HasPrefix(packet, prefix) {
							return
						}
						if packet != "6" {
							t.Fatalf("%s; want %s", packet, prefix)
						}
					}
				}
				want("40{")
				want(`42["welcome","/"]`)
				<-time.After(3 * limit) // in which nothing is said
				if err := sio.Emit("still"); err != nil {
					t.Error(err)
				}
				want(`42["still"]`)
				if len(left) > 0 {
					t.Fatalf("it had left: %s", string(<-left))
				}
				<-time.After(limit / 8) // until it polls again
				leave()
				client.CloseIdleConnections()
				if reason := <-left; reason != "transport error" {
					t.Errorf("reason %s", string(reason))
				}
			})
		}
	}
}

func serveEcho(t *testing.T, ns *socketio.Namespace, left chan<- socketio.DisconnectReason) {
	if left != nil {
		ns.OnDisconnect(func(_ context.Context, _ *socketio.Socket, reason socketio.DisconnectReason) { left <- reason })
	}
	ns.On("echo", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error {
		var v any
		if err := r.Scan(&v); err != nil {
			return err
		}
		return r.Ack(v)
	})
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) {
		if err := s.Emit("welcome", ns.Name()); err != nil {
			t.Error(err)
		}
	})
}
