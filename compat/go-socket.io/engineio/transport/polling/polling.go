// Package polling lets clients in by HTTP long-polling.
package polling

import (
	"net/http"
	"net/url"
	"time"

	"github.com/googollee/go-socket.io/engineio/transport"
)

// Transport is HTTP long-polling.
type Transport struct {
	Client *http.Client // of Dial; not used
	// CheckOrigin says whether a request is let in, and whether pages of its origin
	// may read the answer. Nil lets in the same origin, and what the application's
	// own middleware has allowed in Access-Control-Allow-Origin.
	CheckOrigin func(r *http.Request) bool
}

// Default is the transport without a CheckOrigin.
var Default = &Transport{Client: &http.Client{Timeout: time.Minute}}

// Name is "polling".
func (t *Transport) Name() string { return "polling" }

// Accept returns [transport.ErrServed].
func (t *Transport) Accept(http.ResponseWriter, *http.Request) (transport.Conn, error) {
	return nil, transport.ErrServed
}

// Dial returns [transport.ErrServed].
func (t *Transport) Dial(*url.URL, http.Header) (transport.Conn, error) {
	return nil, transport.ErrServed
}

// Addr is an address by its text.
type Addr struct {
	Host string
}

// Network is "tcp".
func (a Addr) Network() string { return "tcp" }

// String is the text.
func (a Addr) String() string { return a.Host }
