package engineio

import "github.com/sockeye-io/sockeye/socketio/internal/tally"

// Reasons, drops and bounds are closed types: Stats has a count for each from
// the start, and Text says what it means.

var reasons = tally.List[Reason]{
	{TransportError, "The client broke a rule of its transport, or a bound was reached."},
	{TransportClose, "The client went away."},
	{ForcedClose, "Whoever owns the session closed it, for what the client had sent."},
	{PingTimeout, "The client did not answer the heartbeat in time."},
	{ParseError, "The client sent a malformed packet."},
	{ServerShuttingDown, "The server was stopped."},
	{ForcedServerClose, "Whoever owns the session closed it."},
}

// Text says in a sentence what the reason means.
func (r Reason) Text() string { return reasons.Text(r) }

// A Drop says why a message was given up; see Stats.Dropped and Trace.Dropped.
type Drop string

// The reasons for which messages are given up.
const (
	DropNotWritable Drop = "not writable"
	DropQueueFull   Drop = "queue full"
	DropClosed      Drop = "closed"
)

var drops = tally.List[Drop]{
	{DropNotWritable, "It was volatile, and the transport was busy."},
	{DropQueueFull, "The client does not read fast enough: see Options.SlowPolicy."},
	{DropClosed, "The session ended with the message in its queue, or had ended before."},
}

// Text says in a sentence what the reason means.
func (d Drop) Text() string { return drops.Text(d) }

// A Bound names a limit: the field of [Options] that sets it. See Stats.Bounds,
// Trace.Bound and [BoundError].
type Bound string

// The bounds that are counted.
const (
	BoundMaxSessions        Bound = "MaxSessions"
	BoundMaxSessionsPerAddr Bound = "MaxSessionsPerAddr"
	BoundHandshakeRate      Bound = "HandshakeRate"
	BoundMaxHeaderBytes     Bound = "MaxHeaderBytes"
	BoundMaxPayload         Bound = "MaxPayload"
	BoundMaxPackets         Bound = "MaxPacketsPerPayload"
	BoundMaxQueue           Bound = "MaxQueue"
	BoundUpgradeTimeout     Bound = "UpgradeTimeout"
	BoundStallTimeout       Bound = "StallTimeout"
)

var bounds = tally.List[Bound]{
	{BoundMaxSessions, "There were too many sessions, and one was refused or made room."},
	{BoundMaxSessionsPerAddr, "An address had too many sessions, and one more was refused."},
	{BoundHandshakeRate, "An address asked for too many sessions in a second, and was refused."},
	{BoundMaxHeaderBytes, "The head of a request was too big, and it was refused."},
	{BoundMaxPayload, "A message or a body was too big, and its session ended."},
	{BoundMaxPackets, "A request had too many packets, and its session ended."},
	{BoundMaxQueue, "A client did not read fast enough, and its session ended."},
	{BoundUpgradeTimeout, "A client did not complete its upgrade in time, which was given up."},
	{BoundStallTimeout, "A session's input was not taken in time, and it ended."},
}

// Text says in a sentence what has happened when the bound was reached.
func (b Bound) Text() string { return bounds.Text(b) }
