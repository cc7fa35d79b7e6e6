package httpconn

import (
	"bytes"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Fields is the header fields that all answers on a connection have in common.
// Connections with the same fields share one.
type Fields struct {
	text    string // complete lines
	nosniff bool
	brief   atomic.Pointer[stamped]
}

// stamped is bytes that are good for one second, because of their date.
type stamped struct {
	sec int64
	b   []byte
}

// ours are written here for each answer, whatever was set before.
var ours = map[string]bool{"Content-Type": true, "Content-Length": true, "Cache-Control": true}

// shared is the header fields of the application's that a connection may keep:
// those that protect pages, with their usual values. Whatever else is set may
// have been made for one request: a token, a cookie, a name, a count, a date.
var shared = map[string][]string{
	"X-Content-Type-Options":            {"nosniff"},
	"X-Frame-Options":                   {"DENY", "SAMEORIGIN"},
	"X-Xss-Protection":                  {"0", "1", "1; mode=block"},
	"X-Download-Options":                {"noopen"},
	"X-Dns-Prefetch-Control":            {"on", "off"},
	"X-Permitted-Cross-Domain-Policies": {"none", "master-only", "by-content-type", "all"},
	"X-Accel-Buffering":                 {"no"},
	"X-Accel-Expires":                   {"0"},
	"Referrer-Policy": {"no-referrer", "no-referrer-when-downgrade", "origin", "origin-when-cross-origin", "same-origin",
		"strict-origin", "strict-origin-when-cross-origin", "unsafe-url"},
	"Strict-Transport-Security": {"max-age=31536000", "max-age=31536000; includeSubDomains", "max-age=31536000; includeSubDomains; preload",
		"max-age=15552000", "max-age=15552000; includeSubDomains", "max-age=63072000", "max-age=63072000; includeSubDomains",
		"max-age=63072000; includeSubDomains; preload", "max-age=315360000", "max-age=315360000; includeSubDomains"},
	"Cross-Origin-Opener-Policy":   {"same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none"},
	"Cross-Origin-Embedder-Policy": {"require-corp", "credentialless", "unsafe-none"},
	"Cross-Origin-Resource-Policy": {"same-origin", "same-site", "cross-origin"},
	"Origin-Agent-Cluster":         {"?1", "?0"},
	"Pragma":                       {"no-cache"},
	"Expires":                      {"0", "-1", "Thu, 01 Jan 1970 00:00:00 GMT"},
}

// sharable reports whether nothing in h can have been made for one request.
func sharable(h http.Header) bool {
	for name, values := range h {
		if ours[name] {
			continue
		}
		if len(values) != 1 || !contains(shared[name], values[0]) {
			return false
		}
	}
	return true
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// plain reports whether w is net/http's own, or Gin's around it: whoever has
// another one in front wants to see or to change each answer.
func plain(w http.ResponseWriter) bool {
	for {
		t := reflect.TypeOf(w)
		if t.Kind() != reflect.Pointer {
			return false
		}
		switch t = t.Elem(); {
		case t.PkgPath() == "net/http" && t.Name() == "response":
			return true
		case t.PkgPath() != "github.com/gin-gonic/gin" || t.Name() != "responseWriter":
			return false
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = u.Unwrap()
	}
}

// fieldsTable finds the fields that connections share.
type fieldsTable struct {
	mu   sync.Mutex
	list map[string]*Fields
}

// Those that are longer, or come when there are more, are not worth sharing.
const (
	maxShared     = 256
	maxSharedSize = 1 << 10
)

func (t *fieldsTable) get(h http.Header) *Fields {
	var b bytes.Buffer
	_ = h.WriteSubset(&b, ours) // to memory
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.list[b.String()]; f != nil {
		return f
	}
	f := &Fields{text: b.String(), nosniff: h.Get("X-Content-Type-Options") != ""}
	if len(f.text) > maxSharedSize {
		return f
	}
	if t.list == nil || len(t.list) >= maxShared {
		t.list = make(map[string]*Fields) // the others are with their connections
	}
	t.list[f.text] = f
	return f
}

// AppendHead appends the head of an answer with a body of n bytes. coding is its
// Content-Encoding, if any; last says that the connection ends with it.
func (f *Fields) AppendHead(dst []byte, status int, contentType, coding string, n int, last bool) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, http.StatusText(status)...)
	dst = append(dst, "\r\n"...)
	dst = append(dst, f.text...)
	if status >= http.StatusBadRequest && !f.nosniff {
		dst = append(dst, "X-Content-Type-Options: nosniff\r\n"...)
	}
	dst = append(dst, "Cache-Control: no-store\r\nContent-Type: "...)
	dst = append(dst, contentType...)
	if coding != "" {
		dst = append(dst, "\r\nVary: Accept-Encoding\r\nContent-Encoding: "...)
		dst = append(dst, coding...)
	}
	if last {
		dst = append(dst, "\r\nConnection: close"...)
	}
	dst = append(dst, "\r\nDate: "...)
	dst = append(dst, httpDate()...)
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, "\r\n\r\n"...)
}

// Text is the fields, each a line with its end.
func (f *Fields) Text() string { return f.text }

// Room is about how many bytes a head takes.
func (f *Fields) Room() int { return 200 + len(f.text) }

// Brief is an answer with status 200 and this body, which is the same in all
// calls for f. The caller must not change it.
func (f *Fields) Brief(contentType, body string) []byte {
	now := time.Now().Unix()
	if s := f.brief.Load(); s != nil && s.sec == now {
		return s.b
	}
	b := f.AppendHead(nil, http.StatusOK, contentType, "", len(body), false)
	b = append(b, body...)
	f.brief.Store(&stamped{now, b})
	return b
}

var dates atomic.Pointer[stamped]

// httpDate is the present date as HTTP has it.
func httpDate() []byte {
	now := time.Now()
	if s := dates.Load(); s != nil && s.sec == now.Unix() {
		return s.b
	}
	b := now.UTC().AppendFormat(nil, http.TimeFormat)
	dates.Store(&stamped{now.Unix(), b})
	return b
}
