package engineio

import (
	"net/http"
	"strconv"
	"strings"
)

// cors adds the response headers that o asks for. It reports whether it has
// answered the request, which was a preflight then.
func (o *CORS) serve(w http.ResponseWriter, r *http.Request, connect OriginRule) bool {
	h := w.Header()
	preflight := r.Method == http.MethodOptions
	if origin := r.Header.Get("Origin"); origin != "" || o.everybody(connect) {
		o.allow(h, origin, r, connect)
	} else {
		h.Add("Vary", "Origin")
	}
	if o.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(o.ExposedHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(o.ExposedHeaders, ","))
	}
	if !preflight {
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

func (o *CORS) allow(h http.Header, origin string, r *http.Request, connect OriginRule) {
	if o.everybody(connect) && !o.Credentials {
		h.Set("Access-Control-Allow-Origin", "*")
		return
	}
	h.Add("Vary", "Origin") // the answer differs from origin to origin
	if origin == "" || !connect.AllowOrigin(origin, r) {
		return
	}
	if o.Origins == nil || o.Origins.AllowOrigin(origin, r) {
		h.Set("Access-Control-Allow-Origin", origin)
	}
}
