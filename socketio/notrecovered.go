package socketio

import (
	"github.com/sockeye-io/sockeye/socketio/internal/tally"
)

// notRecovered is why a client that asked for its old state did not get it.
type notRecovered string

const (
	noSession  notRecovered = "unknown or expired session"
	noOffset   notRecovered = "unknown offset"
	lostEvents notRecovered = "missed events were discarded (Recovery.MaxPackets, MaxBytes)"
	logTrimmed notRecovered = "missed events are not in the cluster's log any more"
	logHole    notRecovered = "events of another node never came"
	logAhead   notRecovered = "the offset is ahead of the cluster's log"
	logSilent  notRecovered = "the cluster did not answer in time"
	unsettled  notRecovered = "the rooms were changing when the node was lost"
	uncovered  notRecovered = "this node did not hear of the missed events"
)

var notRecoveredWhys = tally.List[notRecovered]{
	{noSession, "There is no such session, or it has ended, or somebody else has taken it."},
	{noOffset, "The offset is none that was given to a client of this session."},
	{lostEvents, "More was kept than Recovery.MaxPackets or MaxBytes allow."},
	{logTrimmed, "The backend's log was trimmed, or is another one."},
	{logHole, "A row of numbers is broken: an event was lost between the nodes."},
	{logAhead, "The log ends before the offset, or this node does not read so far within 2 s."},
	{logSilent, "The backend, or the node that knows the client, did not answer within 2 s."},
	{unsettled, "The node was killed, or cut off, before it had stored in which rooms the client was."},
	{uncovered, "The backend has no log, and this node was not there when it happened."},
}
