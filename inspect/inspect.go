package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"embed"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/internal/content"
	"github.com/sockeye-io/sockeye/internal/gate"
	"github.com/sockeye-io/sockeye/internal/loopback"
	"github.com/sockeye-io/sockeye/public/assets"
	"github.com/sockeye-io/sockeye/socketio"
)

//go:embed page
var page embed.FS

// Options configure an [Inspector].
type Options struct {
	// Credential is USER:HASH, with the bcrypt hash of a password, such as
	// "sockeye hash" prints. Without one, only requests are answered that come over
	// loopback, for a loopback name, and through no proxy.
	Credential string
	// ReadOnly switches off all that changes something.
	ReadOnly bool
	// Name is what this node is called on the page; the host's name by default.
	Name string
	// ClientIP tells the address of who asks, for the limit on wrong passwords and
	// for the log; RemoteAddr by default. Mount takes Gin's.
	ClientIP func(*http.Request) string
	// Frames, if there is one, switches on (and with "" off) that what the sockets
	// of an id, an address or a namespace send and are sent is logged.
	Frames func(of string) error
}

// An Inspector is the page, and answers to the Inspectors of other nodes. It is
// an [http.Handler], for any goroutine.
type Inspector struct {
	opts    Options
	io      *socketio.Server
	log     *slog.Logger
	gate    *gate.Gate // nil: loopback only
	started time.Time
	mux     *http.ServeMux
	cross   *http.CrossOriginProtection

	mu    sync.Mutex
	feeds map[string]*feed // by viewer
}

// New makes an Inspector of io, which must be in its cluster already if it is
// to be in one. Nil options are the defaults. The error says what is wrong with
// the credential.
func New(io *socketio.Server, opts *Options) (*Inspector, error) {
	in := &Inspector{io: io, log: io.Logger(), started: time.Now(), feeds: make(map[string]*feed), cross: http.NewCrossOriginProtection()}
	if opts != nil {
		in.opts = *opts
	}
	if in.opts.Credential != "" {
		g, err := gate.New(in.opts.Credential, in.log)
		if err != nil {
			return nil, err
		}
		in.gate = g
	}
	if in.opts.Name == "" {
		in.opts.Name, _ = os.Hostname()
	}
	if in.opts.ClientIP == nil {
		in.opts.ClientIP = func(r *http.Request) string { return r.RemoteAddr }
	}
	if err := in.answerNodes(); err != nil && !errors.Is(err, socketio.ErrNoCluster) {
		return nil, err
	}
	own, err := fs.Sub(page, "page")
	if err != nil {
		return nil, err
	}
	in.mux = http.NewServeMux()
	in.mux.Handle("GET /", files(own))
	in.mux.Handle("GET /assets/", http.StripPrefix("/assets", files(assets.Files)))
	in.mux.HandleFunc("GET /api/{kind}", in.ask)
	in.mux.HandleFunc("POST /api/do", in.do)
	return in, nil
}

// Mount serves an Inspector of io at path in a Gin engine or group. It panics if
// the credential is wrong, and, as Gin does, if the route is taken; see [New].
func Mount(r gin.IRouter, path string, io *socketio.Server, opts *Options) *Inspector {
	var o Options
	if opts != nil {
		o = *opts
	}
	asked := o.ClientIP == nil
	if asked {
		o.ClientIP = func(r *http.Request) string {
			if ip, ok := r.Context().Value(clientIP{}).(string); ok {
				return ip
			}
			return r.RemoteAddr
		}
	}
	in, err := New(io, &o)
	if err != nil {
		panic(fmt.Sprint("inspect: ", err))
	}
	path = "/" + strings.Trim(path, "/")
	serve := func(c *gin.Context) {
		req := c.Request
		if asked {
			req = req.WithContext(withClientIP(req.Context(), c.ClientIP()))
		}
		// What is in front is the group's to know.
		if front, below := strings.CutSuffix(req.URL.Path, c.Param("inspect")); below {
			http.StripPrefix(front, in).ServeHTTP(c.Writer, req)
			return
		}
		http.NotFound(c.Writer, req)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		r.Handle(method, path+"/*inspect", serve)
	}
	return in
}

// ServeHTTP serves what is below the path that the Inspector is mounted at, which
// must be stripped ([http.StripPrefix]). It asks for user and password (Basic)
// if there is a credential.
func (in *Inspector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	if !in.letIn(w, r) {
		return
	}
	if err := in.cross.Check(r); err != nil {
		fail(w, http.StatusForbidden, "another site's page has asked for this")
		return
	}
	in.mux.ServeHTTP(w, r)
}

func (in *Inspector) letIn(w http.ResponseWriter, r *http.Request) bool {
	if in.gate == nil {
		if !loopback.Asks(r) {
			fail(w, http.StatusForbidden, "without a credential the inspection answers on loopback only (Options.Credential, --admin)")
			return false
		}
		return true
	}
	user, password, ok := r.BasicAuth()
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="inspection", charset="UTF-8"`)
		fail(w, http.StatusUnauthorized, "who are you?")
		return false
	}
	switch err := in.gate.Check(in.opts.ClientIP(r), user, password); {
	case errors.Is(err, gate.ErrTooMany):
		w.Header().Set("Retry-After", "60")
		fail(w, http.StatusTooManyRequests, err.Error())
		return false
	case err != nil:
		w.Header().Set("WWW-Authenticate", `Basic realm="inspection", charset="UTF-8"`)
		fail(w, http.StatusUnauthorized, err.Error())
		return false
	}
	return true
}

// files serves the files of the page.
func files(fsys fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" {
			name = "index.html"
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			fail(w, http.StatusNotFound, "there is no such page here")
			return
		}
		w.Header().Set("Content-Type", content.Type(name))
		_, _ = w.Write(text) // a client that left early is no fault of ours
	})
}

func fail(w http.ResponseWriter, status int, sentence string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(sentence + "\n"))
}

func reply(w http.ResponseWriter, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		fail(w, http.StatusInternalServerError, "the answer cannot be encoded")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text)
}
