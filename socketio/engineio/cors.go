package engineio

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/internal/origin"
)

// serve adds the response headers that o asks for. It reports whether it has
// answered the request, which was a preflight then. A preflight of a page that
// may not connect is left to be refused, with the reason.
func (o *CORS) serve(w http.ResponseWriter, r *http.Request, srv *Server) bool {
	h := w.Header()
	preflight := r.Method == http.MethodOptions
	from, connects := origin.Of(r), true
	switch {
	case o.everybody(srv.opts.Origins) && !o.Credentials:
		h.Set("Access-Control-Allow-Origin", "*")
	default:
		h.Add("Vary", "Origin") // the answer differs from origin to origin
		if from == "" {
			break
		}
		if connects = srv.allowed(from, r); !connects {
			break
		}
		if o.Origins == nil || o.Origins.AllowOrigin(from, r) {
			h.Set("Access-Control-Allow-Origin", from)
		} else {
			srv.unreadable(from, r)
		}
	}
	if o.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(o.ExposedHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(o.ExposedHeaders, ","))
	}
	if !preflight || !connects {
		return false
	}
	methods := o.Methods
	if methods == nil {
		methods = []string{"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"}
	}
	h.Set("Access-Control-Allow-Methods", strings.Join(methods, ","))
	if o.Headers != nil {
		h.Set("Access-Control-Allow-Headers", strings.Join(o.Headers, ","))
	} else {
		h.Add("Vary", "Access-Control-Request-Headers")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
	}
	if o.MaxAge != 0 {
		h.Set("Access-Control-Max-Age", strconv.Itoa(max(0, int(o.MaxAge.Seconds()))))
	}
	if o.PreflightContinue {
		return false
	}
	status := o.OptionsStatus
	if status == 0 {
		status = http.StatusNoContent
	}
	h.Set("Content-Length", "0")
	w.WriteHeader(status)
	return true
}

// everybody reports whether the answer is the same for all origins.
func (o *CORS) everybody(connect OriginRule) bool {
	rule := o.Origins
	if rule == nil {
		rule = connect
	}
	return rule == AnyOrigin && connect == AnyOrigin
}

// unreadable tells of a page that may connect and cannot read what it is
// answered: only a WebSocket works for it.
func (srv *Server) unreadable(from string, r *http.Request) {
	if isUpgrade(r) || origin.Same(from, r) {
		return
	}
	srv.log.Warn("a page may connect and cannot poll: Options.Origins lets it in, and Options.CORS.Origins gives it no header",
		"origin", clip.Quoted(from), "remote", r.RemoteAddr)
}
