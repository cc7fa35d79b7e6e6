package clientfs

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"

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
	files   map[string]*content.File // by name; the map is static after New
}

// New serves files from the root of fsys; nil serves none, and says so in the
// answers. version becomes the ETag and must change whenever the files do; if
// it is empty, the ETag is made from each file's content. Files that are there
// but cannot be read are logged to log, nil meaning slog.Default().
func New(fsys fs.FS, version string, log *slog.Logger) *Handler {
	if log == nil {
		log = quieter.Logger(nil)
	}
	h := &Handler{fsys: fsys, version: version, log: log, files: make(map[string]*content.File, len(Names))}
	for _, name := range Names {
		h.files[name] = new(content.File)
	}
	return h
}

// ServeFile answers a request for one of Names, any other with 404.
// Browsers revalidate on each use: the URL carries no version, so a cached copy
// may be outdated after the server's next update.
func (h *Handler) ServeFile(w http.ResponseWriter, r *http.Request, name string) {
	f, ok := h.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if !content.Readable(w, r, "the browser client is") {
		return
	}
	err := fs.ErrNotExist
	if h.fsys != nil {
		err = f.Load(h.fsys, name, h.version)
	}
	if errors.Is(err, fs.ErrNotExist) {
		http.Error(w, missing(name), http.StatusNotFound)
		return
	}
	if err != nil {
		h.log.ErrorContext(r.Context(), "the browser client cannot be read", "file", name, "error", err)
		http.Error(w, "the browser client cannot be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=0, must-revalidate")
	f.Serve(w, r, name)
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
