package socketio

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// A Handshake is what a client brought along: the request that opened its
// connection, and what it gave as auth for this namespace. It is a small value
// that can be copied and kept. Nothing of it was checked: headers, query and
// auth are what the client says.
type Handshake struct {
	engine *engineio.Handshake
	auth   siowire.Raw
}

// Handshake returns what the client brought along.
func (s *Socket) Handshake() *Handshake {
	return &Handshake{engine: s.conn.sess.Handshake(), auth: s.auth}
}

// DecodeAuth decodes the client's auth, which is the payload of its CONNECT
// packet, into v, as encoding/json would. Without any it is as if the client
// had sent {}. Clients 1.x and 2.x send none: theirs is the query of the
// namespace.
func (h *Handshake) DecodeAuth(v any) error {
	if h.auth.IsZero() {
		return siowire.RawJSON([]byte("{}")).Decode(v)
	}
	return h.auth.Decode(v)
}

// Auth returns the client's auth, decoded anew by each call; empty if there was
// none, or if it is no object.
func (h *Handshake) Auth() map[string]any {
	m := map[string]any{}
	if h.DecodeAuth(&m) != nil || m == nil {
		return map[string]any{} // it is no object; DecodeAuth says more
	}
	return m
}

// Query returns the query of the request, parsed anew by each call.
func (h *Handshake) Query() url.Values { return h.engine.Query() }

// Header returns a copy of the headers of the request, Host among them.
func (h *Handshake) Header() http.Header { return h.engine.Header() }

// Time is when the connection was opened.
func (h *Handshake) Time() time.Time { return h.engine.Time() }

// Issued is Time in milliseconds since 1970.
func (h *Handshake) Issued() int64 { return h.engine.Time().UnixMilli() }

// Secure reports whether the request came over TLS.
func (h *Handshake) Secure() bool { return h.engine.Secure() }

// URL is the path and query of the request, as they were sent.
func (h *Handshake) URL() string { return h.engine.URL() }

// RemoteAddr is the address the request came from, with its port; behind
// EngineOptions.TrustedProxies, or if it came to another node, without.
func (h *Handshake) RemoteAddr() string { return h.engine.RemoteAddr() }

// XDomain reports whether the request had an Origin header.
func (h *Handshake) XDomain() bool { return h.engine.XDomain() }

// Context carries the values of the request's context, such as what middleware
// in front of the server has found out. It never ends.
func (h *Handshake) Context() context.Context { return h.engine.Context() }
