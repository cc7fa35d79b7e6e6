package socketio

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sockeye-io/sockeye/internal/clip"
)

// Errors that the methods of this package return. Test for them with
// [errors.Is]; a lost client is reported as its [DisconnectReason]. What the
// connection does not take is reported as [engineio.ErrQueueFull],
// [engineio.ErrNotWritable] or [engineio.ErrClosed].
var (
	// ErrServerClosed: Shutdown or Close was called before; the other nodes of the
	// cluster cannot be told or asked any more.
	ErrServerClosed = errors.New("socketio: server is closed")
	// ErrDisconnected: the socket is not connected any more; nothing was sent. An
	// error of Emit, EmitWithAck or Ack has the DisconnectReason in its chain, too.
	ErrDisconnected = errors.New("socketio: socket is disconnected")
	// ErrAckTimeout: the client, or another node, did not answer in time: that of
	// the context's deadline, or of the option that stands in for one.
	ErrAckTimeout = errors.New("socketio: no acknowledgement in time")
	// ErrTooManyAcks: Limits.MaxAcks acknowledgements of this socket are
	// outstanding; nothing was sent.
	ErrTooManyAcks = errors.New("socketio: too many outstanding acknowledgements (Limits.MaxAcks)")
	// ErrAckedTwice: the request was acknowledged before; nothing was sent.
	ErrAckedTwice = errors.New("socketio: acknowledged twice")
	// ErrNoCluster: the server is not part of a cluster; there is nobody to send
	// to, or to hear from.
	ErrNoCluster = errors.New("socketio: not part of a cluster")
	// ErrClusterFull: too much waits for the broker of the cluster, or for answers
	// of other nodes; nothing was asked.
	ErrClusterFull = errors.New("socketio: too much waits for the cluster")
	// ErrNodeLost: a node of the cluster is gone and will not answer.
	ErrNodeLost = errors.New("socketio: a node of the cluster is gone")
	// ErrReservedEvent: the event's name has a meaning of its own in the
	// protocol or in clients; nothing was sent.
	ErrReservedEvent = errors.New("socketio: reserved event name")
	// ErrTooManyAttachments: the event or acknowledgement holds more binary than
	// clients take (Options.MaxSentAttachments); nothing was sent.
	ErrTooManyAttachments = errors.New("socketio: more binary attachments than clients take (Options.MaxSentAttachments)")
	// ErrTooManyRooms: Limits.MaxRooms is reached; see [Socket.Join].
	ErrTooManyRooms = errors.New("socketio: too many rooms (Limits.MaxRooms)")
	// ErrEventRate: an event was dropped, as its client sends more than
	// Limits.EventRate; OnError is told so.
	ErrEventRate = errors.New("socketio: too many events in a second (Limits.EventRate)")
)

// An Error is the one kind of error whose text reaches a client. A middleware
// that returns one refuses the connection with its message and data; a [Call]
// answers with {"error":{"code","message","data"}}. It may be wrapped: what
// counts is what [errors.As] finds. Any other error is logged, or told to
// OnError, and the client learns only "internal".
type Error struct {
	Code    string // for programs, such as "empty_name"
	Message string // for people; the Code if empty
	Data    any    // optional, anything that can be encoded
}

// Errorf makes an Error with a formatted message.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// With returns a copy of e that carries data.
func (e *Error) With(data any) *Error {
	c := *e
	c.Data = data
	return &c
}

// Error returns code and message, with a colon between them. Data is not told.
func (e *Error) Error() string {
	switch {
	case e.Code == "":
		return e.Message
	case e.Message == "":
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// text is what people are shown.
func (e *Error) text() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Message
}

// A MissingAcksError ends the answers to a broadcast, or to a question to the
// other nodes of a cluster, of which some did not arrive in time. [errors.Is]
// finds its Cause.
type MissingAcksError struct {
	Missing int      // how many sockets, or nodes if nodes were asked, did not answer
	Nodes   []string // names, or ids, of the nodes that did not, in order
	Cause   error    // ErrAckTimeout, ErrNodeLost, or why the context ended
}

func (e *MissingAcksError) Error() string {
	if len(e.Nodes) > 0 {
		return fmt.Sprintf("socketio: %d acknowledgements missing (no answer from %s): %v", e.Missing, clip.Quoted(strings.Join(e.Nodes, ", ")), e.Cause)
	}
	return fmt.Sprintf("socketio: %d acknowledgements missing: %v", e.Missing, e.Cause)
}

// Unwrap returns the cause.
func (e *MissingAcksError) Unwrap() error { return e.Cause }

// A PanicError is what OnError and [Trace] see of a function of the
// application's that panicked. The server goes on.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // of the panic
}

func (e *PanicError) Error() string { return fmt.Sprintf("socketio: panic: %v", e.Value) }

// Unwrap returns the panic's value if it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// internalError is all that a client learns of an error that was not meant
// for it.
func internalError() *Error { return &Error{Code: "internal", Message: "internal error"} }

// publicError is the Error inside err, or the one that says nothing.
func publicError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return internalError()
}
