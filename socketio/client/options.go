package client

import (
	"context"
	"crypto/tls"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/sockeye-io/sockeye/internal/option"
	"github.com/sockeye-io/sockeye/socketio"
)

// The transports.
const (
	Polling   = "polling"
	WebSocket = "websocket"
)

// Options configure a [Client]. The zero value is the default, which is the
// official client's unless it says otherwise; a negative duration or number
// means none.
type Options struct {
	// Path is where the server is mounted; "/socket.io/" by default.
	Path string
	// Transports are those to use: the first one connects, and if that is Polling and
	// WebSocket is among them the connection is upgraded. Both by default.
	Transports []string
	// TryAllTransports has the next of Transports tried when one does not connect;
	// each may take as long as Timeout says. By default the first one decides.
	TryAllTransports bool
	// RememberUpgrade connects by WebSocket at once after a connection that was
	// upgraded to it, until one fails. By default each begins with the first of
	// Transports.
	RememberUpgrade bool
	// Query is added to the address of each connection.
	Query url.Values
	// Header is sent with each request: cookies, Authorization, Origin.
	Header http.Header

	// Auth is what a namespace's middleware finds in the handshake; anything that
	// is encoded as an object. AuthFunc, if set, is asked for it for each
	// connection and namespace instead, so that a token can be renewed. It may
	// block, which holds up the client's other namespaces; ctx ends with the
	// connection. Its error keeps the socket away, as the server's refusal does.
	Auth     any
	AuthFunc func(ctx context.Context, namespace string) (any, error)

	// Parser is the format of packets, as the server has it; nil is
	// &socketio.JSONParser{}.
	Parser socketio.Parser

	// NoReconnect leaves a lost connection lost.
	NoReconnect bool
	// ReconnectDelay is the first pause before connecting again, 1 s; each further
	// one is twice as long, up to ReconnectDelayMax, 5 s. Each is made longer or
	// shorter by up to half of it, by chance. ReconnectAttempts is how many times
	// in a row it tries again; without bound by default. Then Connect has the last
	// error, and what waits is given up.
	ReconnectDelay    time.Duration
	ReconnectDelayMax time.Duration
	ReconnectAttempts int

	// Timeout bounds each handshake; 20 s.
	Timeout time.Duration
	// AckTimeout bounds the wait for an acknowledgement when the context given has
	// no deadline; 30 s.
	AckTimeout time.Duration

	// Retries is how often an event is sent again that was not acknowledged within
	// AckTimeout, or whose connection was lost; 0 by default. Above 0 a socket's
	// events, but for volatile ones, wait in a queue: one is on its way at a time,
	// in the order in which they were emitted, and the server's handler has to
	// acknowledge each. Events arrive at least once. One that was sent too often is
	// given up: EmitWithAck tells, and of Emit there is a line in the Logger.
	Retries int

	// BufferBytes bounds what waits to be sent, by namespace while it is not
	// connected, and by connection; 4 MiB. What is above is refused with
	// [ErrBufferFull].
	BufferBytes int
	// MaxMessage bounds a message of the server in bytes; 100 MiB. A larger one
	// ends the connection.
	MaxMessage int
	// Inbox is how many events of a socket may wait for its handlers before
	// reading pauses; 1,000.
	Inbox int

	// TLS is for https and wss addresses; nil is the system's certificates.
	TLS *tls.Config
	// Dial makes the connections; nil is a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// HTTP makes the requests of polling; nil is a client of its own with Dial and
	// TLS.
	HTTP *http.Client

	// Logger takes what handlers return as errors, and their panics; nil is
	// slog.Default(). Of each message one a second is written.
	Logger *slog.Logger
}

func (o *Options) resolved() Options {
	var r Options
	if o != nil {
		r = *o
	}
	option.Default(&r.Path, "/socket.io/")
	if len(r.Transports) == 0 {
		r.Transports = []string{Polling, WebSocket}
	}
	if r.Parser == nil {
		r.Parser = new(socketio.JSONParser)
	}
	option.Default(&r.ReconnectDelay, time.Second)
	option.Default(&r.ReconnectDelayMax, 5*time.Second)
	option.Default(&r.Timeout, 20*time.Second)
	option.Default(&r.AckTimeout, 30*time.Second)
	option.Bound(&r.BufferBytes, 4<<20)
	option.Bound(&r.MaxMessage, 100<<20)
	r.MaxMessage = min(r.MaxMessage, math.MaxInt-1)
	option.Bound(&r.Inbox, 1000)
	if r.Dial == nil {
		r.Dial = new(net.Dialer).DialContext
	}
	return r
}
