package clientfs

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/internal/content"
	"github.com/sockeye-io/sockeye/socketio/internal/quieter"
)

// Names lists the files of the npm package socket.io-client (folder dist) that
// are served, as they are named in the URL and in the file system.
var Names = []string{
	"socket.io.js", "socket.io.js.map",
	"socket.io.min.js", "socket.io.min.js.map",
	"socket.io.esm.min.js", "socket.io.esm.min.js.map",
	"socket.io.msgpack.min.js", "socket.io.msgpack.min.js.map",
}

// Handler serves the files of one file system. A file is read and compressed
// on its first request and kept; changing it later has no effect. All methods
// are safe from any goroutine.
type Handler struct {
	fsys    fs.FS
	version string
	log     *slog.Logger
	files   map[string]*file // by name; the map is static after New
}

type file struct {
	mu             sync.Mutex
	plain, gzipped []byte // nil until read; gzipped stays nil if it would not be smaller
	tag            string // opaque part of the ETag, without quotes
}

// New serves files from the root of fsys; nil serves none, and says so in the
// answers. version becomes the ETag and must change whenever the files do; if
// it is empty, the ETag is made from each file's content. Files that are there
// but cannot be read are logged to log, nil meaning slog.Default().
func New(fsys fs.FS, version string, log *slog.Logger) *Handler {
	if log == nil {
		log = quieter.Logger(nil)
	}
	h := &Handler{fsys: fsys, version: version, log: log, files: make(map[string]*file, len(Names))}
	for _, name := range Names {
		h.files[name] = &file{}
	}
	return h
}

// known tells whether name, the part of the URL's path behind the Socket.IO
// path, is one of Names: whether ServeFile is the one to answer.
func (h *Handler) known(name string) bool {
	_, ok := h.files[name]
	return ok
}

// ServeFile answers a request for one of Names, any other with 404. The ETag
// is strong for the plain file and weak for the compressed one, so either
// validates the other. Browsers revalidate on each use: the URL carries no
// version, so a cached copy may be outdated after the server's next update.
func (h *Handler) ServeFile(w http.ResponseWriter, r *http.Request, name string) {
	f, ok := h.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the browser client is read with GET", http.StatusMethodNotAllowed)
		return
	}
	err := f.load(h.fsys, name, h.version)
	if errors.Is(err, fs.ErrNotExist) {
		http.Error(w, missing(name), http.StatusNotFound)
		return
	}
	if err != nil {
		h.log.ErrorContext(r.Context(), "the browser client cannot be read", "file", name, "error", err)
		http.Error(w, "the browser client cannot be read", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", contentType(name))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "public, max-age=0, must-revalidate")
	header.Add("Vary", "Accept-Encoding")
	body := f.plain
	if f.gzipped != nil && content.Accepts(strings.Join(r.Header.Values("Accept-Encoding"), ","), "gzip") {
		header.Set("Content-Encoding", "gzip")
		header.Set("ETag", `W/"`+f.tag+`"`)
		body = f.gzipped
	} else {
		header.Set("ETag", `"`+f.tag+`"`)
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
}

// load reads the file unless that is done. A failure is not remembered, so the
// next request tries again.
func (f *file) load(fsys fs.FS, name, version string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.plain != nil {
		return nil
	}
	if fsys == nil {
		return fs.ErrNotExist
	}
	plain, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(plain); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	f.plain, f.tag = plain, tag(version, plain)
	if b.Len() < len(plain) {
		f.gzipped = b.Bytes()
	}
	return nil
}

// tag gives an ETag's opaque part: the version if it consists of characters
// allowed there, else a digest of the content.
func tag(version string, b []byte) string {
	ok := version != ""
	for _, c := range []byte(version) {
		ok = ok && c > ' ' && c < 0x7f && c != '"'
	}
	if ok {
		return version
	}
	return content.Tag(b)
}

func contentType(name string) string {
	if strings.HasSuffix(name, ".map") {
		return "application/json"
	}
	return "text/javascript; charset=utf-8"
}

func missing(name string) string {
	return fmt.Sprintf(`%s is not built into this server.

The Socket.IO endpoint itself works; only the browser client is missing.
- The Sockeye program: run "make client" (it needs npm) and build again.
- A program of your own: set Options.Client to a file system that holds %s
  from the npm package socket.io-client (folder dist), or load the client from elsewhere.
  With clientdist.FS(): run "make client" in the clone of Sockeye that your go.mod names, and build again.
`, name, name)
}
