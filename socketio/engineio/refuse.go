package engineio

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio/internal/forward"
	"github.com/sockeye-io/sockeye/socketio/internal/origin"
)

var codeText = [...]string{
	UnknownTransport:    "Transport unknown",
	UnknownSID:          "Session ID unknown",
	BadHandshakeMethod:  "Bad handshake method",
	BadRequest:          "Bad request",
	Forbidden:           "Forbidden",
	UnsupportedProtocol: "Unsupported protocol version",
}

// refusal is why a request is refused.
type refusal struct {
	code    int
	status  int    // 0 is what the code implies
	text    string // the answer's message; "" is that of the code
	name    string // the cause, for hooks and the log
	err     error
	context map[string]any

	elsewhere *forward.Target // it is refused only if that one is not reached
}

// refuse answers a request that is not served, the same for all transports.
func (srv *Server) refuse(w http.ResponseWriter, r *http.Request, no refusal) {
	body := srv.refusal(&no, r)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	readable(h, r)
	srv.hookHeaders(h, r, nil)
	w.WriteHeader(no.status)
	_, _ = w.Write(body) // whom it would concern is gone
}

// refusal completes no, tells of it, and returns the body that says so.
func (srv *Server) refusal(no *refusal, r *http.Request) []byte {
	if no.text == "" {
		no.text = codeText[no.code]
	}
	if no.status == 0 {
		no.status = http.StatusBadRequest
		if no.code == Forbidden {
			no.status = http.StatusForbidden
		}
	}
	srv.refused(r, *no)
	body := append([]byte(`{"code":`), strconv.Itoa(no.code)...)
	body = append(body, `,"message":`...)
	text, err := json.Marshal(no.text)
	if err != nil {
		text = []byte(`""`) // a string always encodes
	}
	return append(append(body, text...), '}')
}

// refused notes a request that was refused. Whoever runs the server is told why,
// and what to do about it: one line now and then for each cause, as clients can
// cause as many as they like.
func (srv *Server) refused(r *http.Request, no refusal) {
	srv.stats.refused[no.code].Add(1)
	level := slog.LevelWarn
	if no.told() {
		level = slog.LevelDebug
	}
	if srv.log.Enabled(r.Context(), level) {
		path := ""
		if r.URL != nil {
			path = r.URL.Path
		}
		srv.log.Log(r.Context(), level, "request refused", "message", no.text, "code", no.code, "cause", no.name, "hint", no.hint(r), "error", no.err,
			"method", clip.Quoted(r.Method), "path", clip.Quoted(path), "host", clip.Quoted(r.Host), "remote", r.RemoteAddr)
	}
	o := &srv.opts
	if o.OnConnectionError == nil && (o.Trace == nil || o.Trace.Refused == nil) {
		return
	}
	e := &ConnectionError{Request: r, Code: no.code, Message: codeText[no.code], Context: maps.Clone(no.context)}
	if e.Context == nil {
		e.Context = make(map[string]any)
	}
	if no.name != "" {
		e.Context["name"] = no.name
	}
	if no.err != nil {
		e.Context["error"] = no.err
	}
	if f := o.OnConnectionError; f != nil {
		srv.guard("OnConnectionError", func() { f(e) })
	}
	if t := o.Trace; t != nil && t.Refused != nil {
		srv.guard("Trace.Refused", func() { t.Refused(e) })
	}
}

// readable lets the page that asked read why it is refused. There is nothing in
// such an answer but that, so it may be any page, only not with credentials.
func readable(h http.Header, r *http.Request) {
	from := r.Header["Origin"]
	if len(from) != 1 || from[0] == "" || h.Get("Access-Control-Allow-Origin") != "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", from[0])
	h.Del("Access-Control-Allow-Credentials")
	if !strings.Contains(strings.Join(h["Vary"], ","), "Origin") {
		h.Add("Vary", "Origin")
	}
}

// told reports whether the log says enough of such a refusal without it: bounds
// have a line of their own, and so has a stop.
func (no *refusal) told() bool { return no.status != 0 && no.status >= http.StatusTooManyRequests }

// hint is what to do if such a request should be served.
func (no *refusal) hint(r *http.Request) string {
	switch no.name {
	case "ORIGIN", "HOST":
		return "" // the message says it
	case "TRANSPORT_HANDSHAKE_ERROR":
		switch {
		case errors.Is(no.err, errNoHijack):
			return "something between the HTTP server and this handler hides the connection, such as http.TimeoutHandler: a WebSocket must not pass it"
		case no.err == nil && !isUpgrade(r):
			return "the request says transport=websocket and has no Upgrade header: a proxy may not pass it on, see " + origin.Guide
		}
	case "TRANSPORT_MISMATCH":
		return "the session uses another transport by now; a proxy may not pass the Upgrade header on, see " + origin.Guide
	case "UPGRADES_DISABLED":
		return "Options.DisableUpgrades is set"
	case "JSONP_INDEX", "INVALID_CONTENT", "PARSE_ERROR", "METHOD", "BODY":
		return "no known client sends this"
	case "OVERLAP":
		return "two requests of one session at once: a client or a proxy repeats them"
	case "ID_GENERATION_ERROR":
		return "see Options.GenerateID"
	}
	switch no.code {
	case UnknownTransport:
		return "Options.Transports says which there are"
	case UnknownSID:
		if no.elsewhere != nil {
			return "it is another node's, see the lines about that node"
		}
		return "the session has ended, or is another server's: behind a balancer all requests of a session must reach the same one"
	case BadHandshakeMethod:
		return "a request without a session id must be a GET"
	case Forbidden:
		return "Options.AllowRequest, or whoever accepts sessions, has said so"
	case UnsupportedProtocol:
		if eio := fmt.Sprint(no.context["protocol"]); eio == "4" || eio == "\x00" {
			break
		}
		return "the client speaks another revision, as socket.io-client 1.x and 2.x do and Swift's up to 15: Options.AllowEIO3, the program's --allow-eio3, admits revision 3"
	}
	return ""
}
