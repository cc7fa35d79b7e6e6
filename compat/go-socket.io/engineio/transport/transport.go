// Package transport says what a way to connect is called.
package transport

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/googollee/go-socket.io/engineio/frame"
	"github.com/googollee/go-socket.io/engineio/packet"
)

// Transport is a way to connect. The server serves those called polling and
// websocket itself, and asks nothing but the name and CheckOrigin of the two types
// in the packages below.
type Transport interface {
	Name() string
	Accept(w http.ResponseWriter, r *http.Request) (Conn, error)
	Dial(u *url.URL, requestHeader http.Header) (Conn, error)
}

// ErrServed is what Accept and Dial of this module's transports return: connections
// are the server's, and clients are not provided.
var ErrServed = errors.New("transport: connections are made by the server only")

// FrameReader reads one frame after the other.
type FrameReader interface {
	NextReader() (frame.Type, packet.Type, io.ReadCloser, error)
}

// FrameWriter writes one frame after the other.
type FrameWriter interface {
	NextWriter(ft frame.Type, pt packet.Type) (io.WriteCloser, error)
}

// Conn is a connection over one transport. It is here for code that names it.
type Conn interface {
	FrameReader
	FrameWriter
	io.Closer
	URL() url.URL
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
	RemoteHeader() http.Header
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}
