package socketio

import (
	"fmt"
	"net/http"
	"path"
	"slices"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/internal/clientfs"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// elsewhere answers a request outside Path. If it is a client's, then the server
// is mounted at another path than it was told, or the client asks at another.
func (srv *Server) elsewhere(w http.ResponseWriter, r *http.Request) {
	if !isClient(r) {
		http.NotFound(w, r)
		return
	}
	text := fmt.Sprintf("the Socket.IO server is at %q, and this request is for %s: "+
		"set Options.Engine.Path to where the server is mounted, or the client's option path to where it is", srv.Path(), clip.Quoted(r.URL.Path))
	srv.log.Warn("socketio: a client asks outside Options.Engine.Path", "Path", srv.Path(), "asked", clip.Quoted(r.URL.Path), "remote", r.RemoteAddr)
	if h, from := w.Header(), r.Header["Origin"]; len(from) == 1 && h.Get("Access-Control-Allow-Origin") == "" {
		h.Set("Access-Control-Allow-Origin", from[0]) // it says nothing but the path, and is for the page to read
		h.Add("Vary", "Origin")
	}
	http.Error(w, "404: "+text, http.StatusNotFound)
}

// isClient reports whether r looks like a request of a Socket.IO client, which
// need not say EIO, or of a page for the client itself.
func isClient(r *http.Request) bool {
	q := r.URL.Query()
	t := q.Get("transport")
	return q.Has("EIO") || t == "polling" || t == "websocket" || q.Has("transport") && (q.Has("sid") || q.Has("t")) ||
		ws.IsUpgrade(r) || slices.Contains(clientfs.Names, path.Base(r.URL.Path))
}
