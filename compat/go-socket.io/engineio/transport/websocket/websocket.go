// Package websocket lets clients in by WebSocket.
package websocket

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/googollee/go-socket.io/engineio/transport"
)

// Transport is WebSocket. The server's buffers are its own and come and go with the
// traffic: of these fields it uses CheckOrigin.
type Transport struct {
	ReadBufferSize  int
	WriteBufferSize int

	Subprotocols     []string
	TLSClientConfig  *tls.Config
	HandshakeTimeout time.Duration

	Proxy   func(*http.Request) (*url.URL, error)
	NetDial func(network, addr string) (net.Conn, error)
	// CheckOrigin says whether a request may connect. Nil lets in the same origin.
	CheckOrigin func(r *http.Request) bool
}

// Default is the transport without a CheckOrigin.
var Default = &Transport{}

// Name is "websocket".
func (t *Transport) Name() string { return "websocket" }

// Accept returns [transport.ErrServed].
func (t *Transport) Accept(http.ResponseWriter, *http.Request) (transport.Conn, error) {
	return nil, transport.ErrServed
}

// Dial returns [transport.ErrServed].
func (t *Transport) Dial(*url.URL, http.Header) (transport.Conn, error) {
	return nil, transport.ErrServed
}
