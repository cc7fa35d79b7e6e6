package engineio

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/internal/option"
	"github.com/sockeye-io/sockeye/socketio/internal/quieter"
)

// Options configures a Server. The zero value, and nil, mean the documented
// defaults. A negative duration or bound means none. A Server copies the struct;
// what its fields point to must not be changed afterwards.
type Options struct {
	// Path is where the server is to be mounted; default "/engine.io/". It is for
	// whoever mounts it: ServeHTTP serves any path.
	Path string
	// DisableTrailingSlash makes it the path without a slash at its end.
	DisableTrailingSlash bool
	// Transports lists what clients may use; default polling and websocket.
	Transports []string
	// DisableUpgrades keeps polling sessions from changing to websocket.
	DisableUpgrades bool
	// AllowEIO3 admits clients of Engine.IO 3 (socket.io-client 1.x and 2.x, and
	// Swift's up to 15): as in Node, all whose requests do not say EIO=4.
	AllowEIO3 bool
	// JSONP answers polls with ?j=<digits> as a script, for EIO 3 browsers
	// without CORS. Such answers are readable by every site: leave it off.
	JSONP bool

	UpgradeTimeout time.Duration // a probing websocket must be done by then; default 10s
	PingInterval   time.Duration // from one ping to the next; default 25s, negative: no heartbeat
	PingTimeout    time.Duration // until it must be answered, else the session ends; default 20s

	// Cookie, if not nil, is set at the handshake with the session's id as value;
	// default name "io", path "/", SameSite Lax. It is HttpOnly in any case: a page
	// has no use for it. (A cookie of another kind is for OnInitialHeaders.)
	Cookie *http.Cookie
	// Origins says which pages may connect, on every transport, and is all that
	// pages of other origins need; nil is SameOrigin. ParseOrigins and OriginList
	// make one of a list.
	Origins OriginRule
	// CORS refines the Access-Control headers of answers; nil is new(CORS) where
	// Origins lets in more than SameOrigin does, and none where not.
	CORS *CORS
	// Hosts are the names under which the server may be asked, on every transport;
	// none means all. See Hosts for when it is needed.
	Hosts Hosts
	// AllowRequest may refuse a handshake or an upgrade; the error's text is kept
	// for the log and OnConnectionError, the client sees code 4, "Forbidden". It is
	// called on the goroutine of the request, and may block.
	AllowRequest func(*http.Request) error
	// Middleware wraps every request to the server, the first one outermost. With
	// it, or with OnHeaders, each poll and post passes through net/http, and
	// through what the application has put in front of the server. Without, a
	// connection that polls or posts is taken over at its first one, and those
	// that follow on it are read without either.
	//
	// Proxies use one connection for many clients, so that is not done if what is
	// in front may have made something for the one request: if it has set a header
	// field, except X-Content-Type-Options and the like with their usual values
	// (all answers then have these), or has a ResponseWriter of its own, other
	// than Gin's; nor if the request has an Origin and the rules for it are
	// functions. A request with another path, Host, Origin or the like than the
	// one with which its connection was taken over passes through net/http again.
	// Nothing is taken over if the http.Server has BaseContext, ConnContext or
	// ConnState: these meet its own connections only.
	Middleware []func(http.Handler) http.Handler
	// OnInitialHeaders may change the headers of a handshake's answer.
	OnInitialHeaders func(http.Header, *http.Request)
	// OnHeaders may change the headers of every answer.
	OnHeaders func(http.Header, *http.Request)
	// OnConnectionError is told of every refused request, before it is answered.
	OnConnectionError func(*ConnectionError)
	// GenerateID makes session ids; nil makes 20 random characters. An id of
	// other characters than letters, digits, '_' and '-', an empty one, one of
	// more than 64, and one in use, are refused.
	GenerateID func(*http.Request) (string, error)
	// InitialPacket is a message sent right behind the handshake.
	InitialPacket *Message

	// DisableHTTPCompression sends polling answers as they are. Otherwise those
	// of HTTPCompressionThreshold bytes (default 1024) are compressed.
	DisableHTTPCompression   bool
	HTTPCompressionThreshold int
	// PerMessageDeflate compresses websocket messages; nil (default) does not.
	PerMessageDeflate *Deflate

	// MaxPayload bounds one message, and the body of a POST, in bytes; default 1e6.
	MaxPayload int64
	// MaxHeaderBytes bounds the head of a request, in bytes; default 16 KiB. It
	// is read by the http.Server, whose own MaxHeaderBytes bounds what is read:
	// this one bounds what is taken, and kept with a session.
	MaxHeaderBytes int
	// MaxPacketsPerPayload bounds the packets of one POST; default 10,000.
	MaxPacketsPerPayload int
	// MaxQueue bounds what waits for one client, in bytes; default 4 MiB. One
	// message alone is always let in. With SlowPolicy Close what other nodes of a
	// cluster have said, which is there once for all clients, does not count as long
	// as it is among the last 32 MiB of that: it may come all at once.
	MaxQueue int
	// SlowPolicy says what happens when MaxQueue is reached; default Close.
	SlowPolicy SlowPolicy
	// MaxSessions bounds the sessions in all; default none. When it is reached, a
	// newcomer is refused, unless there is a session that is no loss (see
	// Server.MakeRoom: with Socket.IO, the oldest that has joined no namespace), or
	// an address that has at least two more than the newcomer's: the youngest of
	// the address that has most is closed then, and counted.
	MaxSessions int
	// MaxSessionsPerAddr bounds the sessions of one client address (IPv6: of a
	// /64); default none.
	MaxSessionsPerAddr int
	// HandshakeRate bounds the handshakes of one client address per second, with
	// bursts of as many; default none.
	HandshakeRate float64
	// TrustedProxies (CIDR or address) are believed when they tell the client's
	// address, and in X-Forwarded-Host or Forwarded the host that the client asked
	// for, which Origins may compare with.
	TrustedProxies []string
	// ClientIPHeader names the header in which they tell the client's address;
	// default X-Forwarded-For. "Forwarded" is read as RFC 7239 has it, any other
	// as a list of addresses, with or without ports. New panics if it is set
	// without TrustedProxies. What cannot be read is logged, and the address of
	// the proxy that wrote it counts.
	ClientIPHeader string

	StallTimeout time.Duration // a session may be paused so long; default 60s
	WriteTimeout time.Duration // an answer or a closing flush may take so long; default 30s
	BodyTimeout  time.Duration // the body of a POST, and the head of a request if the http.Server allows more, may take so long; default 30s
	IdleTimeout  time.Duration // a polling connection may wait for a request so long; default 75s

	// DisablePoller gives every connection a goroutine and a buffer, and leaves
	// polling to net/http.
	DisablePoller bool

	// Logger takes what happens; nil is slog.Default(). Clients cannot fill it: of
	// each kind of line one a second is written, up to four if they are about
	// different addresses, and the next one says in "skipped" how many were left
	// out. At the level of debugging all are written.
	Logger *slog.Logger
	Trace  *Trace
}

// CORS says which Access-Control headers answers carry. The zero value is right
// for most; see Options.Origins for who may connect.
type CORS struct {
	// Origins are those named in Access-Control-Allow-Origin; nil is Options.Origins.
	// An origin that Options.Origins refuses never gets an allowing header.
	Origins        OriginRule
	Methods        []string // default GET, HEAD, PUT, PATCH, POST, DELETE
	Headers        []string // default what the preflight asks for
	ExposedHeaders []string
	Credentials    bool
	MaxAge         time.Duration // of a preflight's answer, in whole seconds; 0 sends none
	// PreflightContinue leaves the answer to OPTIONS to the handshake checks.
	PreflightContinue bool
	OptionsStatus     int // default 204
}

// Deflate configures permessage-deflate (RFC 7692) of WebSocket connections. A
// client that does not offer it goes without.
type Deflate struct {
	Threshold int // messages of fewer bytes are sent as they are; default 1024, negative compresses all
	Level     int // -2 to 9 as in compress/flate, but that 0 is BestSpeed; all else panics
}

// SlowPolicy says what to do when a message has no room in the queue of its
// session (Options.MaxQueue), as the client does not read.
type SlowPolicy uint8

const (
	// Close closes the session.
	Close SlowPolicy = iota
	// DropVolatile gives up queued volatile messages, and closes the session if
	// that makes not enough room. A volatile message for which there is none is
	// given up itself.
	DropVolatile
	// DropOldest gives up the oldest queued messages.
	DropOldest
)

// ConnectionError describes a request that was refused.
type ConnectionError struct {
	Request *http.Request
	Code    int    // 0 to 5, see the constants
	Message string // the text of Code, as in Node
	// Context says more, as far as it is known and never nil: "transport", "sid",
	// "method" or "protocol" is what the client has said, "name" a word for the
	// cause, such as "ORIGIN", and "error" the error behind it.
	Context map[string]any
}

// Error returns Message.
func (e *ConnectionError) Error() string { return "engineio: " + e.Message }

// Codes of refused requests, as they stand in the answer's body, which is
// {"code","message"}. The status is 400, and 403 for Forbidden; but 503 by a
// server that is full or ends, 429 for an address that asks for too much, and
// 431 for a head beyond MaxHeaderBytes.
const (
	UnknownTransport    = iota // "Transport unknown"
	UnknownSID                 // "Session ID unknown": it has ended, or is another server's
	BadHandshakeMethod         // "Bad handshake method": a handshake is a GET
	BadRequest                 // "Bad request": any other breach
	Forbidden                  // "Forbidden": by Origins, Hosts, AllowRequest or a limit
	UnsupportedProtocol        // "Unsupported protocol version": see Options.AllowEIO3
)

// Resolved is o, which may be nil, with its defaults, as New takes it. It panics
// if o makes no sense.
func (o *Options) Resolved() Options {
	var r Options
	if o != nil {
		r = *o
	}
	r.setDefaults()
	return r
}

// setDefaults completes o. It panics on what makes no sense.
func (o *Options) setDefaults() {
	option.Default(&o.Path, "/engine.io/")
	o.Path = "/" + strings.Trim(o.Path, "/")
	if !o.DisableTrailingSlash && o.Path != "/" {
		o.Path += "/"
	}
	if o.Transports == nil {
		o.Transports = []string{pollingName, websocketName}
	}
	for _, t := range o.Transports {
		if t != pollingName && t != websocketName {
			panic(fmt.Sprintf("engineio: Options.Transports: %q is not a transport", t))
		}
	}
	option.Default(&o.UpgradeTimeout, 10*time.Second)
	option.Default(&o.PingInterval, 25*time.Second)
	option.Default(&o.PingTimeout, 20*time.Second)
	if o.Cookie != nil {
		c := *o.Cookie
		option.Default(&c.Name, "io")
		option.Default(&c.Path, "/")
		option.Default(&c.SameSite, http.SameSiteLaxMode)
		c.HttpOnly = true
		o.Cookie = &c
	}
	if o.Origins == nil {
		o.Origins = SameOrigin
	}
	if o.CORS == nil && o.Origins != SameOrigin {
		o.CORS = new(CORS)
	}
	option.Default(&o.HTTPCompressionThreshold, 1024)
	if o.PerMessageDeflate != nil {
		d := *o.PerMessageDeflate
		option.Default(&d.Threshold, 1024)
		o.PerMessageDeflate = &d
	}
	option.Default(&o.MaxPayload, 1e6)
	option.Default(&o.MaxHeaderBytes, 16<<10)
	option.Default(&o.MaxPacketsPerPayload, 10_000)
	option.Default(&o.MaxQueue, 4<<20)
	option.Default(&o.StallTimeout, 60*time.Second)
	option.Default(&o.WriteTimeout, 30*time.Second)
	option.Default(&o.BodyTimeout, 30*time.Second)
	option.Default(&o.IdleTimeout, 75*time.Second)
	o.Logger = quieter.Logger(o.Logger)
}

// forEver is what a client is told of a heartbeat that there is not: about 11
// days, as clients add two of them and pass the sum to setTimeout.
const forEver = 1_000_000_000

// millis is d as clients are told it.
func millis(d time.Duration) int64 {
	if d < 0 {
		return forEver
	}
	return d.Milliseconds()
}
