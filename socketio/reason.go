package socketio

import (
	"errors"

	"github.com/sockeye-io/sockeye/socketio/engineio"
)

// A DisconnectReason says why a socket was disconnected, in the exact words of
// the reference implementation. It is the cause of the socket's context
// ([context.Cause]) and as an error can be asked for:
//
//	if errors.Is(context.Cause(ctx), socketio.PingTimeout) { … }
type DisconnectReason string

// The reasons that handlers of OnDisconnecting and OnDisconnect meet.
const (
	// TransportError: the connection broke, or the client sent something that
	// its transport does not allow.
	TransportError DisconnectReason = "transport error"
	// TransportClose: the client closed its connection, or lost it.
	TransportClose DisconnectReason = "transport close"
	// ForcedClose: the client sent a malformed Socket.IO packet.
	ForcedClose DisconnectReason = "forced close"
	// PingTimeout: the client did not answer the heartbeat in time.
	PingTimeout DisconnectReason = "ping timeout"
	// ParseError: the client sent a malformed Engine.IO packet.
	ParseError DisconnectReason = "parse error"
	// ServerShuttingDown: Server.Shutdown or Server.Close was called.
	ServerShuttingDown DisconnectReason = "server shutting down"
	// ForcedServerClose: the server closed the whole connection, for instance
	// because a packet made no sense at that moment.
	ForcedServerClose DisconnectReason = "forced server close"
	// ClientNamespaceDisconnect: the client called socket.disconnect().
	ClientNamespaceDisconnect DisconnectReason = "client namespace disconnect"
	// ServerNamespaceDisconnect: Socket.Disconnect was called.
	ServerNamespaceDisconnect DisconnectReason = "server namespace disconnect"
)

// Error implements error, so that a reason can be the cause of a context. It
// returns the bare words: so does whatever prints the reason.
func (r DisconnectReason) Error() string { return string(r) }

// recoverable reports whether a client that was lost for this reason may come
// back to its old state: not after either side has left on purpose.
func (r DisconnectReason) recoverable() bool {
	return r != ClientNamespaceDisconnect && r != ServerNamespaceDisconnect
}

// lost is the cause of a context whose reason has one of its own, such as the
// parser's complaint behind a forced close.
type lost struct {
	reason DisconnectReason
	cause  error
}

func (l *lost) Error() string   { return l.reason.Error() + ": " + l.cause.Error() }
func (l *lost) Unwrap() []error { return []error{l.reason, l.cause} }

// causeOf joins a reason with what lies behind it.
func causeOf(reason DisconnectReason, cause error) error {
	if cause == nil || cause == error(reason) {
		return reason
	}
	return &lost{reason, cause}
}

func reasonOf(r engineio.Reason) DisconnectReason { return DisconnectReason(r) }

// reasonIn is the reason that causeOf was given.
func reasonIn(cause error) (r DisconnectReason) {
	errors.As(cause, &r)
	return r
}
