package server

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/ginio"
	"github.com/sockeye-io/sockeye/inspect"
	"github.com/sockeye-io/sockeye/inspect/adminui"
	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/namespaces"
	"github.com/sockeye-io/sockeye/playground"
	"github.com/sockeye-io/sockeye/server/clientdist"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/metrics"
	"github.com/sockeye-io/sockeye/socketio/websocket"
)

// Server is the program, ready to run. It is an http.Handler too, for tests
// and for those who listen themselves.
type Server struct {
	config Config
	log    *slog.Logger
	io     *socketio.Server
	ws     *websocket.Server // plain WebSocket programs
	engine *gin.Engine
	files  io.Closer // the folder of --public; nil without

	frames    *frames
	inspector *inspect.Inspector // nil without --admin
	adminUI   *adminui.UI        // nil without --admin or with --admin-ui off

	started time.Time

	unaccepted atomic.Uint64 // failed attempts to accept a connection
}

// New makes the program. own holds the embedded pages, index.html at its root.
// Run or Close must be called in the end, unless there is an error: then nothing
// is left running.
func New(config Config, own fs.FS, log *slog.Logger) (_ *Server, err error) {
	s := &Server{config: config, started: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	opts := s.options(log)
	if err = config.Cluster.configure(&opts.ClusterOptions); err != nil {
		return nil, err
	}
	if opts.Cluster, err = config.Cluster.adapter(log); err != nil {
		return nil, err
	}
	if s.io, err = newIO(opts); err != nil {
		return nil, err
	}
	s.log = s.io.Logger() // what clients can cause is limited
	s.io.Watch(life(s.log))
	s.frames = &frames{io: s.io, lines: log}
	namespaces.Mount(s.io)

	if os.Getenv(gin.EnvGinMode) == "" {
		gin.SetMode(gin.ReleaseMode) // without its banner and its list of routes
	}
	s.engine = gin.New()
	s.engine.ContextWithFallback = true
	s.engine.Use(gin.CustomRecoveryWithWriter(io.Discard, s.recovered))
	if err := s.engine.SetTrustedProxies(config.TrustedProxies); err != nil {
		return nil, err
	}
	if len(config.Hosts) > 0 {
		s.engine.Use(s.hosts)
	}
	ginio.Mount(s.engine, s.io)
	probe := []string{http.MethodGet, http.MethodHead}
	s.engine.Match(probe, "/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	s.engine.Match(probe, "/readyz", s.ready)
	if err := s.serveAdmin(); err != nil {
		return nil, err
	}
	if err := s.serveAPI(); err != nil {
		return nil, err
	}
	if err := s.servePages(own, s.serveSockets()); err != nil {
		return nil, err
	}
	s.engine.GET("/metrics", gin.WrapH(exposition(s.log, metrics.New(s.io, nil), acceptErrors(&s.unaccepted), metrics.WebSocket(s.ws))))
	return s, nil
}

// eventRate is how many events a second a socket of the program may send: more
// than any of its pages does, and the demos have bounds of their own below it.
const eventRate = 200

// ServeHTTP serves everything.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// IO is the Socket.IO server behind the pages.
func (s *Server) IO() *socketio.Server { return s.io }

func (s *Server) options(log *slog.Logger) *socketio.Options {
	opts := &socketio.Options{
		Client:        clientdist.FS(),
		ClientVersion: clientdist.Version(),
		Logger:        log,
		Dev:           s.config.dev(),
		Recovery:      &socketio.Recovery{},
		Limits:        socketio.Limits{EventRate: eventRate},
		Engine: socketio.EngineOptions{
			ClientIPHeader: s.config.ClientIPHeader,
			TrustedProxies: s.config.TrustedProxies,
			AllowEIO3:      s.config.AllowEIO3,
		},
	}
	if s.config.dev() {
		opts.AsyncAPI = namespaces.AsyncAPI
	}
	if len(s.config.Origins) > 0 {
		opts.Engine.Origins = engineio.OriginList(append([]string{"self"}, s.config.Origins...)...)
		opts.Engine.CORS = &engineio.CORS{Credentials: !slices.Contains(s.config.Origins, "*")}
	}
	return opts
}

// hosts refuses what is addressed to a name that is not ours, whatever it asks for.
func (s *Server) hosts(c *gin.Context) {
	if !engineio.Hosts(s.config.Hosts).Allow(c.Request.Host) {
		c.String(http.StatusForbidden, "this server is not known under that name (--hosts lists those it has)\n")
		c.Abort()
	}
}

// servePages answers what no route does. Upgrade requests to "/" are for root.
func (s *Server) servePages(own fs.FS, root http.Handler) error {
	if s.config.Public != "" {
		fsys, closer, err := openFolder(s.config.Public)
		if err != nil {
			return err
		}
		s.files = closer
		s.engine.NoRoute(s.lost, gin.WrapH(orSocket(root, folder(fsys, s.config.CSP, s.log))))
		return nil
	}
	site, err := embedded(own, s.log)
	if err != nil {
		return err
	}
	source, err := embedded(namespaces.Source, s.log) // a page shows both of its ends
	if err != nil {
		return err
	}
	s.engine.NoRoute(s.lost, gin.WrapH(orSocket(root, site)))
	if s.config.Docs != nil {
		s.engine.Match([]string{http.MethodGet, http.MethodHead}, "/docs/*page", gin.WrapH(documents(s.config.Docs, site)))
	}
	s.engine.GET("/namespaces.json", s.namespaces)
	s.servePlayground()
	s.engine.GET("/source/namespaces/*file", gin.WrapH(http.StripPrefix("/source/namespaces", source)))
	return nil
}

// servePlayground mounts the playground, a page like the others; in development it
// knows the events.
func (s *Server) servePlayground() {
	opts := &playground.Options{Everybody: true, Frame: "/assets/page.js"}
	if s.config.dev() {
		opts.AsyncAPI = namespaces.AsyncAPI
	}
	playground.Mount(s.engine, "/playground/", s.io, opts)
}

// lost tells a Socket.IO client that asks at another path than ours.
func (s *Server) lost(c *gin.Context) {
	q := c.Request.URL.Query()
	if t := q.Get("transport"); q.Has("EIO") || t == "polling" || t == "websocket" {
		s.io.ServeHTTP(c.Writer, c.Request)
		c.Abort()
	}
}

// namespaces lists what our pages can connect to.
func (s *Server) namespaces(c *gin.Context) {
	names := []string{}
	for ns := range s.io.Namespaces() {
		if ns.Name() != "/admin" { // which is no demo
			names = append(names, ns.Name())
		}
	}
	slices.Sort(names)
	c.Header("Cache-Control", "no-cache")
	c.JSON(http.StatusOK, names)
}

func (s *Server) ready(c *gin.Context) {
	ready, cluster := s.clusterReady()
	switch {
	case !s.io.Ready():
		c.String(http.StatusServiceUnavailable, "stopping\n"+cluster)
	case !ready:
		c.String(http.StatusServiceUnavailable, "not ready: waiting for the cluster\n"+cluster)
	default:
		c.String(http.StatusOK, "ready\n"+cluster)
	}
}

// recovered answers a request whose handler panicked.
func (s *Server) recovered(c *gin.Context, value any) {
	s.log.ErrorContext(c, "a request handler panicked", "where", c.FullPath(), "path", clip.Text(c.Request.URL.Path), "panic", value, "stack", string(debug.Stack()))
	if c.Writer.Written() {
		c.Abort()
		return
	}
	c.Data(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte("internal error\n"))
	c.Abort()
}

// Close gives back what New took. Run does it by itself.
func (s *Server) Close() error {
	if s.inspector != nil {
		s.inspector.Close()
	}
	if s.adminUI != nil {
		s.adminUI.Close()
	}
	var err error
	if s.io != nil {
		err = s.io.Close()
	}
	if s.ws != nil {
		err = errors.Join(err, s.ws.Close())
	}
	if s.files != nil {
		err = errors.Join(err, s.files.Close())
	}
	return err
}

// address is what a person types to open the pages served at addr.
func address(scheme, host, port string) string {
	switch host {
	case "", "0.0.0.0", "::":
		host = "localhost"
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return scheme + "://" + host + ":" + port + "/"
}
