package face

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// Options are go-socket.io's engine options. Nil and zero mean its defaults, or
// ours where its own were unsafe.
type Options struct {
	PingInterval time.Duration // 20 s
	PingTimeout  time.Duration // 60 s
	// Transports are those that clients may use, polling and websocket by default.
	Transports []Transport
	// NewID makes session ids; nil makes 20 random characters.
	NewID func() string
	// Check sees every request. Its headers go into the answer; its error refuses
	// the request with status 403.
	Check func(*http.Request) (http.Header, error)
	// Init is called once for each connection, before its first OnConnect, with the
	// request of its handshake.
	Init func(*http.Request, Session)
}

// Transport is a way to connect.
type Transport struct {
	Name string // "polling" or "websocket"
	// CheckOrigin says whether a request may use it. Nil lets in pages of the same
	// origin and programs that send none; for polling also those that the
	// application's own middleware has allowed in Access-Control-Allow-Origin.
	CheckOrigin func(*http.Request) bool
}

// sessionOptions are the options of the server underneath.
func (o *Options) sessionOptions() *socketio.Options {
	if o == nil {
		o = &Options{}
	}
	transports := o.Transports
	if len(transports) == 0 {
		transports = []Transport{{Name: "polling"}, {Name: "websocket"}}
	}
	gate := &gate{check: o.Check, init: o.Init, origin: make(map[string]func(*http.Request) bool)}
	eng := engineio.Options{
		AllowEIO3:    true,
		PingInterval: cmp.Or(o.PingInterval, 20*time.Second),
		PingTimeout:  cmp.Or(o.PingTimeout, time.Minute),
		Origins:      gate,
		Middleware:   []func(http.Handler) http.Handler{gate.wrap},
		OnHeaders:    gate.addHeaders,
	}
	for _, t := range transports {
		switch t.Name {
		case "polling":
			if t.CheckOrigin != nil {
				eng.CORS = &engineio.CORS{Credentials: true}
			}
		case "websocket":
		default:
			panic("go-socket.io: transport " + t.Name + ": only polling and websocket can be served")
		}
		eng.Transports = append(eng.Transports, t.Name)
		gate.origin[t.Name] = t.CheckOrigin
	}
	if o.NewID != nil {
		eng.GenerateID = func(*http.Request) (string, error) { return o.NewID(), nil }
	}
	return &socketio.Options{Engine: eng}
}

// gate is what a request passes on its way to the engine.
type gate struct {
	check  func(*http.Request) (http.Header, error)
	init   func(*http.Request, Session)
	origin map[string]func(*http.Request) bool // by transport; nil entries are the default
}

// passage is what the gate knows of one request, kept in its context.
type passage struct {
	header  http.Header   // from Check, for the answer
	allowed string        // the origin that the application's own middleware allows
	request *http.Request // of a handshake, for Init
}

type passageKey struct{}

func passageOf(ctx context.Context) *passage {
	p, _ := ctx.Value(passageKey{}).(*passage)
	return p
}

func (g *gate) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &passage{allowed: w.Header().Get("Access-Control-Allow-Origin")}
		if g.check != nil {
			header, err := g.check(r)
			if err != nil {
				refuse(w)
				return
			}
			p.header = header
			set(w.Header(), header)
		}
		query := r.URL.Query()
		// The engine asks its origin rule only about requests that name an origin;
		// a CheckOrigin is asked about all.
		if ask := g.origin[query.Get("transport")]; ask != nil && r.Header.Get("Origin") == "" && !ask(r) {
			refuse(w)
			return
		}
		handshake := g.init != nil && !query.Has("sid")
		if handshake || p.header != nil || p.allowed != "" {
			r = r.WithContext(context.WithValue(r.Context(), passageKey{}, p))
			if handshake {
				p.request = r
			}
		}
		next.ServeHTTP(w, r)
	})
}

// refuse answers as the engine does when a request is not let in.
func refuse(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	// The client is gone if this fails, and nothing depends on it.
	_ = json.NewEncoder(w).Encode(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{engineio.Forbidden, "Forbidden"})
}

// AllowOrigin is the engine's origin rule.
func (g *gate) AllowOrigin(origin string, r *http.Request) bool {
	transport := r.URL.Query().Get("transport")
	if ask := g.origin[transport]; ask != nil {
		return ask(r)
	}
	if engineio.SameOrigin.AllowOrigin(origin, r) {
		return true
	}
	p := passageOf(r.Context())
	return transport == "polling" && p != nil && (p.allowed == origin || p.allowed == "*")
}

// addHeaders puts what Check wants to tell into an answer, a WebSocket's too.
func (g *gate) addHeaders(h http.Header, r *http.Request) {
	if p := passageOf(r.Context()); p != nil {
		set(h, p.header)
	}
}

func set(h, more http.Header) {
	for name, values := range more {
		h[http.CanonicalHeaderKey(name)] = values
	}
}

// begin calls Init once for each link, before the application hears of it.
func (g *gate) begin(l *link) {
	if g == nil || g.init == nil {
		return
	}
	l.begun.Do(func() {
		p := passageOf(l.session.Handshake().Context())
		if p == nil || p.request == nil {
			return
		}
		r := p.request
		p.request = nil // the handshake's context lives as long as the session
		g.init(r, Session{l})
	})
}

// RedisOptions are the fields of go-socket.io's RedisAdapterOptions. Their zero
// values are its defaults: 127.0.0.1:6379 by tcp, and the prefix "socket.io".
type RedisOptions struct {
	Addr, Prefix, Network, Password string
	DB                              int
}
