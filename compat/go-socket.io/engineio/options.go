// Package engineio has the options of go-socket.io's engine.
package engineio

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/googollee/go-socket.io/engineio/session"
	"github.com/googollee/go-socket.io/engineio/transport"
	"github.com/googollee/go-socket.io/engineio/transport/polling"
	"github.com/googollee/go-socket.io/engineio/transport/websocket"

	"github.com/sockeye-io/sockeye/googollee/face"
)

// Options are a server's. Nil and zero mean the defaults.
type Options struct {
	PingTimeout  time.Duration // 60 s
	PingInterval time.Duration // 20 s

	// Transports are those that clients may use; polling and websocket by default,
	// and no others.
	Transports []transport.Transport
	// SessionIDGenerator makes session ids; by default, and for
	// session.DefaultIDGenerator, they are 20 random characters.
	SessionIDGenerator session.IDGenerator

	// RequestChecker sees every request.
	RequestChecker CheckerFunc
	// ConnInitor is called for each connection before its first OnConnect.
	ConnInitor ConnInitorFunc
}

// CheckerFunc refuses a request with an error, or adds headers to its answer.
type CheckerFunc func(*http.Request) (http.Header, error)

// ConnInitorFunc sees a connection with the request of its handshake.
type ConnInitorFunc func(*http.Request, Conn)

// Conn is a connection before it has joined a namespace. Its frames belong to the
// server: NextReader and NextWriter return an error.
type Conn interface {
	ID() string
	NextReader() (session.FrameType, io.ReadCloser, error)
	NextWriter(fType session.FrameType) (io.WriteCloser, error)
	Close() error
	URL() url.URL
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
	RemoteHeader() http.Header
	SetContext(v interface{})
	Context() interface{}
}

// Face says the options in Sockeye's words.
func (o *Options) Face() *face.Options {
	if o == nil {
		return nil
	}
	f := &face.Options{PingInterval: o.PingInterval, PingTimeout: o.PingTimeout, Check: o.RequestChecker}
	for _, t := range o.Transports {
		way := face.Transport{Name: t.Name()}
		switch t := t.(type) {
		case *polling.Transport:
			way.CheckOrigin = t.CheckOrigin
		case *websocket.Transport:
			way.CheckOrigin = t.CheckOrigin
		}
		f.Transports = append(f.Transports, way)
	}
	// The default generator is there for code that names it; ids are never counted.
	if _, counts := o.SessionIDGenerator.(*session.DefaultIDGenerator); o.SessionIDGenerator != nil && !counts {
		f.NewID = o.SessionIDGenerator.NewID
	}
	if init := o.ConnInitor; init != nil {
		f.Init = func(r *http.Request, s face.Session) { init(r, conn{s}) }
	}
	return f
}

type conn struct{ face.Session }

var errFrames = errors.New("engineio: a connection's frames belong to the server")

func (conn) NextReader() (session.FrameType, io.ReadCloser, error) { return 0, nil, errFrames }

func (conn) NextWriter(session.FrameType) (io.WriteCloser, error) { return nil, errFrames }
