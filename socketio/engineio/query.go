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
// that is given twice, and differs, has no valid value: what stands behind it
// would be another one to each reader (CVE-2023-31125).
func parseQuery(raw string) (q query) {
	var seen [4]bool
	set := func(i int, field *string, value string) {
		if seen[i] && value != *field {
			value = contradiction
		}
		seen[i], *field = true, value
	}
	escaped := strings.IndexByte(raw, '%') >= 0 || strings.IndexByte(raw, '+') >= 0
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		k, v, _ := strings.Cut(pair, "=")
		if escaped {
			k, v = unescape(k), unescape(v)
		}
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

// contradiction is the value of a parameter that has several.
const contradiction = "\x00"

// revision is that of Engine.IO which the client speaks: as in the reference 3
// if it does not say 4, as do clients that are older than the parameter. It is
// 0 if the client contradicts itself.
func (q *query) revision() uint8 {
	switch q.eio {
	case "4":
		return 4
	case contradiction:
		return 0
	}
	return 3
}

func unescape(s string) string {
	u, err := url.QueryUnescape(s)
	if err != nil {
		return s // as it is, and so nothing that has a meaning
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
