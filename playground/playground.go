package playground

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/internal/content"
	"github.com/sockeye-io/sockeye/internal/loopback"
	"github.com/sockeye-io/sockeye/public/assets"
	"github.com/sockeye-io/sockeye/server/clientdist"
	"github.com/sockeye-io/sockeye/socketio"
)

//go:embed page
var page embed.FS

// Options configure a [Playground].
type Options struct {
	// AsyncAPI is the description of the server's events, as cmd/sockeye-events
	// writes it. Whoever gets the page gets it. Nil: the page asks the server itself,
	// which tells what its socketio.Options.AsyncAPI is, by default nothing.
	AsyncAPI []byte
	// Everybody serves the page to everybody, in Gin's release mode too; by default
	// it is there in development only, for requests over loopback.
	Everybody bool
	// Frame is the address of an ES module that puts the application's own frame
	// around the page: its function page(id, words) is called with "playground" and
	// the page's texts, and returns the function that looks them up. Empty: the
	// page's own.
	Frame string
	// Client and OldClient hold, at their roots, the folder dist of the npm package
	// socket.io-client, of a version 4 and of a version 2. Nil: clientdist's, if this
	// module was built with them; and of version 4 else that of the server.
	Client, OldClient fs.FS
}

// Playground is the page. It must not be copied; all methods may be called from any
// goroutine.
type Playground struct {
	opts  Options
	io    *socketio.Server
	files map[string]*file // by name below the path; static
}

// file is one that does not change.
type file struct {
	content.File
	fsys    fs.FS
	name    string // in fsys
	missing string // what is said when it is not there
}

// New makes a Playground for io. Nil options are the defaults.
func New(io *socketio.Server, opts *Options) *Playground {
	p := &Playground{io: io, files: make(map[string]*file)}
	if opts != nil {
		p.opts = *opts
	}
	if p.opts.Client == nil {
		p.opts.Client = clientdist.FS()
	}
	if p.opts.OldClient == nil {
		p.opts.OldClient = clientdist.Old()
	}
	p.add("", page, "page")
	p.add("assets/", assets.Files, ".")
	p.files["client/4.js"] = &file{fsys: p.opts.Client, name: "socket.io.min.js", missing: missing("4.8", "socket.io-client@4.8.4", "Client")}
	p.files["client/2.js"] = &file{fsys: p.opts.OldClient, name: "socket.io.js", missing: missing("2.5", "socket.io-client@2.5.0", "OldClient")}
	return p
}

// missing says how to get a client that is not there.
func missing(version, npm, option string) string {
	return fmt.Sprintf(`The client %s is not built into this server.

- The Sockeye program, or one built with a clone of Sockeye: run "make client" there (it needs npm) and build again.
- A program of your own: npm install %s, and set playground.Options.%s to os.DirFS of its folder dist.`, version, npm, option)
}

// add lists the files of a folder under a prefix.
func (p *Playground) add(prefix string, fsys fs.FS, folder string) {
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		panic(err) // embedded
	}
	for _, e := range entries {
		name := e.Name()
		if folder != "." {
			name = folder + "/" + name
		}
		p.files[prefix+e.Name()] = &file{fsys: fsys, name: name, missing: "there is no such page here"}
	}
}

// Mount serves a Playground of io at path in a Gin engine or group. In Gin's
// release mode it does nothing unless Options.Everybody is set.
func Mount(r gin.IRouter, path string, io *socketio.Server, opts *Options) {
	if gin.Mode() == gin.ReleaseMode && (opts == nil || !opts.Everybody) {
		return
	}
	path = "/" + strings.Trim(path, "/")
	p := New(io, opts)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r.Handle(method, path+"/*playground", func(c *gin.Context) {
			p.serve(c.Writer, c.Request, strings.TrimPrefix(c.Param("playground"), "/"))
		})
	}
}

// ServeHTTP serves what is below the path that the Playground is mounted at, which
// must be stripped ([http.StripPrefix]).
func (p *Playground) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.serve(w, r, strings.TrimPrefix(r.URL.Path, "/"))
}

func (p *Playground) serve(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache") // may be kept, must be asked about
	h.Set("Content-Security-Policy", "default-src 'self'; connect-src *; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	if !p.opts.Everybody && !loopback.Asks(r) {
		http.Error(w, "the playground answers on loopback only (playground.Options.Everybody)", http.StatusForbidden)
		return
	}
	if !content.Readable(w, r, "pages are") {
		return
	}
	switch name {
	case "":
		name = "index.html"
	case "server.json":
		p.tell(w)
		return
	case "asyncapi.json":
		p.describe(w)
		return
	}
	f := p.files[name]
	if f == nil {
		http.Error(w, "there is no such page here", http.StatusNotFound)
		return
	}
	if err := f.Load(f.fsys, f.name, ""); err != nil {
		http.Error(w, f.missing, http.StatusNotFound)
		return
	}
	f.Serve(w, r, name)
}

// known is what the page is told of its own server.
type known struct {
	Path       string  `json:"path"`
	Frame      string  `json:"frame,omitempty"`
	Described  bool    `json:"described"` // asyncapi.json is there
	Namespaces []space `json:"namespaces"`
}

type space struct {
	Name  string   `json:"name"`
	Heard []string `json:"heard"` // events that have a handler; null: not told
}

// tell answers with what runs: names of namespaces and, unless everybody may ask,
// of events.
func (p *Playground) tell(w http.ResponseWriter) {
	k := known{Path: p.io.Path(), Frame: p.opts.Frame, Described: p.opts.AsyncAPI != nil, Namespaces: []space{}}
	for ns := range p.io.Namespaces() {
		if len(k.Namespaces) == maxSpaces {
			break
		}
		s := space{Name: ns.Name()}
		if !p.opts.Everybody {
			s.Heard = []string{}
			for _, e := range ns.Registered() {
				s.Heard = append(s.Heard, e.Event)
			}
		}
		k.Namespaces = append(k.Namespaces, s)
	}
	slices.SortFunc(k.Namespaces, func(a, b space) int { return strings.Compare(a.Name, b.Name) })
	text, err := json.Marshal(k)
	if err != nil {
		http.Error(w, "the answer cannot be encoded", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // a client that left early is no fault of ours
}

const maxSpaces = 500 // that are told of

func (p *Playground) describe(w http.ResponseWriter) {
	if p.opts.AsyncAPI == nil {
		http.Error(w, "this server has no description of its events here", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(p.opts.AsyncAPI)
}
