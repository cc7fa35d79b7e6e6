package socketio

import (
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/tally"
)

// The reasons for which something ends, is dropped, ignored or refused are
// closed types: Stats has a count for each from the start, and Text says what it
// means.

// A DisconnectReason says why a socket was disconnected, in the exact words of
// the reference implementation. It is the cause of the socket's context
// ([context.Cause]), or wrapped in that, and as an error can be asked for:
//
//	if errors.Is(context.Cause(ctx), socketio.PingTimeout) { … }
type DisconnectReason string

// The reasons that handlers of OnDisconnecting and OnDisconnect meet. After the
// last two clients cannot be recovered, see [Recovery].
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

var disconnectReasons = tally.List[DisconnectReason]{
	{TransportError, "The connection broke, or the client broke a rule of its transport."},
	{TransportClose, "The client closed its connection, or lost it."},
	{ForcedClose, "The client sent a malformed Socket.IO packet."},
	{PingTimeout, "The client did not answer the heartbeat in time."},
	{ParseError, "The client sent a malformed Engine.IO packet."},
	{ServerShuttingDown, "The server was stopped."},
	{ClientNamespaceDisconnect, "The client left the namespace."},
	{ServerNamespaceDisconnect, "The server put the client out of the namespace."},
	{ForcedServerClose, "The server closed the whole connection."},
}

// Text says in a sentence what the reason means.
func (r DisconnectReason) Text() string { return disconnectReasons.Text(r) }

// A Drop says why an event or an acknowledgement was not handed to a
// connection; see Stats.Dropped and Trace.Dropped.
type Drop string

// The reasons for which events and acknowledgements are dropped.
const (
	DropNotWritable  Drop = "not writable"
	DropQueueFull    Drop = "queue full"
	DropDisconnected Drop = "disconnected"
	DropTooManyAcks  Drop = "too many acknowledgements"
	DropOther        Drop = "other"
)

var drops = tally.List[Drop]{
	{DropNotWritable, "It was volatile, and the client had not taken what was sent before."},
	{DropQueueFull, "The client does not read fast enough: EngineOptions.MaxQueue was reached."},
	{DropDisconnected, "The socket was not connected any more."},
	{DropTooManyAcks, "The socket owed Limits.MaxAcks answers already."},
	{DropOther, "The connection took no messages for another reason."},
}

// Text says in a sentence what the reason means.
func (d Drop) Text() string { return drops.Text(d) }

// An Ignore says why nobody looked at what a client sent; see Stats.Ignored.
type Ignore string

// The reasons for which events and answers are ignored.
const (
	IgnoreUnheard    Ignore = "no handler"
	IgnoreUnknownAck Ignore = "unknown acknowledgement"
	IgnoreLeft       Ignore = "left"
	IgnoreRefused    Ignore = "refused"
	IgnoreDraining   Ignore = "draining"
)

var ignores = tally.List[Ignore]{
	{IgnoreUnheard, "The event had no handler at its turn."},
	{IgnoreUnknownAck, "Nobody waited for the acknowledgement, any more or at all."},
	{IgnoreLeft, "It was for a namespace that the client had just left, or was put out of."},
	{IgnoreRefused, "It waited for a middleware, which did not let the client in."},
	{IgnoreDraining, "The server was being stopped and took no new events."},
}

// Text says in a sentence what the reason means.
func (i Ignore) Text() string { return ignores.Text(i) }

// A Bound names a bound that a client can reach: the field of [Limits], or of
// [Options], that sets it. See Stats.Bounds and Trace.Bound; those of the layer
// below are [engineio.Bound].
type Bound string

// The bounds that are counted.
const (
	BoundConnectTimeout       Bound = "ConnectTimeout"
	BoundAttachmentTimeout    Bound = "AttachmentTimeout"
	BoundMaxUnjoined          Bound = "MaxUnjoined"
	BoundMaxNamespaces        Bound = "MaxNamespaces"
	BoundMaxDynamicNamespaces Bound = "MaxDynamicNamespaces"
	BoundMaxRooms             Bound = "MaxRooms"
	BoundMaxAcks              Bound = "MaxAcks"
	BoundEventRate            Bound = "EventRate"
	BoundRecovery             Bound = "Recovery"
)

var bounds = tally.List[Bound]{
	{BoundConnectTimeout, "A connection joined no namespace in time, and was closed."},
	{BoundAttachmentTimeout, "The attachments of a packet did not come in time, and its connection was closed."},
	{BoundMaxUnjoined, "There were too many connections that had joined no namespace, and one was closed."},
	{BoundMaxNamespaces, "A client wanted to be in too many namespaces, and its connection was closed."},
	{BoundMaxDynamicNamespaces, "There were too many namespaces of patterns and functions, and one was refused or removed."},
	{BoundMaxRooms, "A socket was to join too many rooms, and did not."},
	{BoundMaxAcks, "A socket owed too many answers, and was not asked."},
	{BoundEventRate, "A socket sent too many events in a second, and they were dropped."},
	{BoundRecovery, "More was to be kept for absent clients than may be: events or clients were forgotten."},
}

// Text says in a sentence what has happened when the bound was reached.
func (b Bound) Text() string { return bounds.Text(b) }

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

// reasonOf is an engine's reason in the words of sockets, which are the same.
func reasonOf(r engineio.Reason) DisconnectReason {
	if d := DisconnectReason(r); disconnectReasons.Has(d) {
		return d
	}
	return ForcedServerClose
}
