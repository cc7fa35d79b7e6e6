package engineio

import (
	"net/url"
	"strings"
)

const (
	pollingName   = "polling"
	websocketName = "websocket"
)

// query is what a request's query says to the engine.
type query struct {
	transport, sid, eio string
	j                   string // digits of a JSONP request, if it is one
	hasSID, b64         bool
	adopt               bool // the connection may be taken over
}

// parseQuery reads raw without keeping anything of it for later. A parameter
// that is given twice has no valid value: what stands behind it would be
// another one to each reader (CVE-2023-31125).
func parseQuery(raw string) (q query) {
	var seen [4]bool
	set := func(i int, field *string, value string) {
		if seen[i] {
			value = "\x00"
		}
		seen[i], *field = true, value
	}
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		k, v, _ := strings.Cut(pair, "=")
		k, v = unescape(k), unescape(v)
		switch k {
		case "transport":
			set(0, &q.transport, v)
		case "sid":
			set(1, &q.sid, v)
			q.hasSID = q.sid != ""
		case "EIO":
			set(2, &q.eio, v)
		case "j":
			set(3, &q.j, v)
		case "b64":
			q.b64 = v != ""
		}
	}
	return q
}

func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	u, err := url.QueryUnescape(s)
	if err != nil {
		return "\x00"
	}
	return u
}

func digitsOnly(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, "0123456789") == ""
}

// validID reports whether an id can stand in URLs, cookies and logs as it is.
func validID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}
