package engineio

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Handshake is what is kept of the request that opened a session: what the
// reference server offers, in as few bytes as it goes.
type Handshake struct {
	nanos  int64
	url    string
	addr   string
	header string // name NUL value NUL ...
	secure bool
	b64    bool // EIO 3: the client asked for text only
	ctx    context.Context
}

func newHandshake(r *http.Request, addr string, kept *contexts) Handshake {
	n := 0
	for k, vs := range r.Header {
		for _, v := range vs {
			n += len(k) + len(v) + 2
		}
	}
	var b strings.Builder
	b.Grow(n + len("Host") + len(r.Host) + 2)
	put := func(k, v string) {
		b.WriteString(k)
		b.WriteByte(0)
		b.WriteString(v)
		b.WriteByte(0)
	}
	put("Host", r.Host)
	for k, vs := range r.Header {
		for _, v := range vs {
			put(k, v)
		}
	}
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI()
	}
	return Handshake{
		nanos:  time.Now().UnixNano(),
		url:    strings.Clone(target),
		addr:   strings.Clone(addr),
		header: b.String(),
		secure: r.TLS != nil,
		ctx:    kept.keep(r.Context()),
	}
}

// RemoteHandshake is the handshake of a session on another server, as that one
// tells of it. It is for package socketio.
func RemoteHandshake(at time.Time, url, addr string, header http.Header, secure bool) *Handshake {
	var b strings.Builder
	for k, vs := range header {
		for _, v := range vs {
			if !strings.ContainsRune(k+v, 0) {
				b.WriteString(k + "\x00" + v + "\x00")
			}
		}
	}
	return &Handshake{nanos: at.UnixNano(), url: url, addr: addr, header: b.String(), secure: secure, ctx: context.Background()}
}

// Time is when the session was opened.
func (h *Handshake) Time() time.Time { return time.Unix(0, h.nanos) }

// Secure reports whether the request came over TLS.
func (h *Handshake) Secure() bool { return h.secure }

// URL is the request's target as it was sent: path and query.
func (h *Handshake) URL() string { return h.url }

// Query is the query of URL, parsed anew by each call.
func (h *Handshake) Query() url.Values {
	_, query, _ := strings.Cut(h.url, "?")
	v, _ := url.ParseQuery(query) // what can be read of it
	return v
}

// Header is a copy of the request's headers, Host among them, made anew by
// each call.
func (h *Handshake) Header() http.Header {
	header := make(http.Header)
	for rest := h.header; rest != ""; {
		var k, v string
		k, rest, _ = strings.Cut(rest, "\x00")
		v, rest, _ = strings.Cut(rest, "\x00")
		header[k] = append(header[k], v)
	}
	return header
}

// HeaderValue is the first value of the header with this canonical name,
// without the cost of Header.
func (h *Handshake) HeaderValue(name string) string {
	for rest := h.header; rest != ""; {
		var k, v string
		k, rest, _ = strings.Cut(rest, "\x00")
		v, rest, _ = strings.Cut(rest, "\x00")
		if k == name {
			return v
		}
	}
	return ""
}

// RemoteAddr is the client's address and port; behind trusted proxies (see
// Options.TrustedProxies) the address alone, as they tell it.
func (h *Handshake) RemoteAddr() string { return h.addr }

// XDomain reports whether the request had an Origin header.
func (h *Handshake) XDomain() bool { return h.HeaderValue("Origin") != "" }

// Context carries the values of the request's context. It is never cancelled.
func (h *Handshake) Context() context.Context { return h.ctx }
