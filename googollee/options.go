package googollee

import (
	"errors"
	"io"
	"net/http"

	"github.com/googollee/go-socket.io/engineio"
	"github.com/googollee/go-socket.io/engineio/session"
	"github.com/googollee/go-socket.io/engineio/transport/polling"
	"github.com/googollee/go-socket.io/engineio/transport/websocket"

	"github.com/sockeye-io/sockeye/googollee/face"
)

// options says opts in the words of the face.
func options(opts *engineio.Options) *face.Options {
	if opts == nil {
		return nil
	}
	o := &face.Options{
		PingInterval: opts.PingInterval,
		PingTimeout:  opts.PingTimeout,
		Check:        opts.RequestChecker,
	}
	for _, t := range opts.Transports {
		way := face.Transport{Name: t.Name()}
		switch t := t.(type) {
		case *polling.Transport:
			way.CheckOrigin = t.CheckOrigin
		case *websocket.Transport:
			way.CheckOrigin = t.CheckOrigin
		}
		o.Transports = append(o.Transports, way)
	}
	// The original's own generator counts 1, 2, 3: whoever asks for it wants the
	// default, and gets ours.
	if _, counts := opts.SessionIDGenerator.(*session.DefaultIDGenerator); opts.SessionIDGenerator != nil && !counts {
		o.NewID = opts.SessionIDGenerator.NewID
	}
	if init := opts.ConnInitor; init != nil {
		o.Init = func(r *http.Request, s face.Session) { init(r, engineConn{s}) }
	}
	return o
}

// engineConn is what ConnInitor gets. It belongs to the server: there is nothing to
// read from it or to write to it.
type engineConn struct{ face.Session }

var _ engineio.Conn = engineConn{}

var errFrames = errors.New("googollee: a connection's frames belong to the server")

func (engineConn) NextReader() (session.FrameType, io.ReadCloser, error) { return 0, nil, errFrames }

func (engineConn) NextWriter(session.FrameType) (io.WriteCloser, error) { return nil, errFrames }
