package adapter

import (
	"context"
	"errors"
	"time"
)

// Errors that adapters return, to be compared with [errors.Is].
var (
	// ErrFull: the queue to the broker is full, and the message is one that is
	// refused rather than pushes others out.
	ErrFull = errors.New("adapter: the queue to the broker is full")
	// ErrStarted: it belongs to a server already; each needs one of its own.
	ErrStarted = errors.New("adapter: started already: each server needs one of its own")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("adapter: closed")
	// ErrAway: what waited when a node stopped was dropped, as the broker, or its log,
	// was away for longer than there is hope.
	ErrAway = errors.New("adapter: the broker is away")
	// ErrNoSuchKind: the backend's format has no word for this kind of message.
	ErrNoSuchKind = errors.New("adapter: the backend has no such message")
	// ErrNoClaims: this broker cannot tell who came first.
	ErrNoClaims = errors.New("adapter: the broker cannot tell who came first")
	// ErrTooLarge: the message is larger than Traits.MaxMessage.
	ErrTooLarge = errors.New("adapter: the message is larger than the backend takes")
)

// An Adapter connects one node with the others. A server calls Start once,
// before all else but Traits, and Close once.
//
// Publish, Interest and Lane may be called from any goroutine, until Close
// returns.
type Adapter interface {
	// Traits says what the backend promises. It is constant.
	Traits() Traits

	// Start connects, in the background, and has what others publish told to in
	// until Close returns, whatever becomes of ctx. It fails only for what waiting
	// does not mend, such as an address that is taken, or a second Start
	// ([ErrStarted]): a broker that is away is a State. Before the first State is Up,
	// what is published waits in the queue.
	Start(ctx context.Context, self Node, in Inbox) error

	// Publish queues a message for the other nodes. It never blocks, and has
	// copied what it needs of m when it returns. With nil it is accepted: then it
	// is sent in its turn, or counted as dropped in Stats. Messages of one lane
	// leave in the order in which they were published.
	//
	// To, if set, is the one node that the message is for; others may get it and
	// ignore it.
	Publish(m *Message) error

	// Lane says which of its channels m takes; see Message.Lane.
	Lane(m *Message) uint32

	// Interest tells of namespaces that this node has, or has not any more, and
	// of rooms that have their first member here, or have lost their last. It
	// never blocks. A backend that routes by room subscribes accordingly; it is a
	// hint for all others. Changes are told in order.
	Interest(changes ...Interest)

	// Stats returns what has become of messages so far.
	Stats() Stats

	// Close sends what is queued until ctx ends, and ends the connections. Inbox
	// is not called any more when it returns. With ErrAway it has given up before.
	Close(ctx context.Context) error
}

// A Counter is an Adapter that can ask its broker how many nodes there are,
// those of Node among them, which tell nobody that they exist.
type Counter interface {
	// Nodes is the number of nodes that have the namespace, this one included if
	// it has it.
	Nodes(ctx context.Context, ns string) (int, error)
}

// A Pacer is an Adapter whose nodes tell one another that they are there, besides
// what the server says, as the format wants it.
type Pacer interface {
	// Pace says how often, and how long a node may be silent until it is gone. It is
	// called before Start, if at all.
	Pace(heartbeat, timeout time.Duration)
}

// A Laggard is an Adapter whose lanes do not wait for one another: what was
// published on one may wait, or be on its way, while others go on.
type Laggard interface {
	// Lags reports whether there is such a lane now. Meanwhile nobody is told how
	// far this node's numbers are: what waits would be taken for lost.
	Lags() bool
}

// A Claimer is an Adapter whose broker can tell who came first.
type Claimer interface {
	// Claim takes a key for ttl, of a millisecond or more: true if nobody had it. An
	// error says that it is not known who has it; with [ErrNoClaims], the first one
	// or all, the Adapter is none.
	Claim(ctx context.Context, key string, ttl time.Duration) (bool, error)
}

// An Inbox is what a node does with what reaches it. Its methods must not
// block, and are called by one goroutine at a time.
type Inbox interface {
	// Message takes a message of another node. m, its slices and their bytes are
	// good during the call only; its strings may be kept. Messages of one sender
	// and one lane come in the order in which they were sent; those for other
	// nodes, and this node's own, should not come but may.
	Message(m *Message)

	// Wants reports whether a broadcast to a room of a namespace, or to all if room
	// is empty, can be for anybody here. A message that is not wanted need not be
	// looked at any further: it is told with Skipped set, for the sake of its
	// number, and without Data.
	Wants(ns, room string) bool

	// Malformed counts what could not be understood. why is one of [Reasons].
	Malformed(why string)

	// State tells how the connection is.
	State(s State)
}

// A Gatherer is an Inbox that hands on together to a client what comes together.
// An adapter need not use it.
type Gatherer interface {
	// Gather says that there may be more messages at hand after the next, which the
	// adapter passes on without waiting for anything (true), or that there are none,
	// before it waits (false). Each true is followed by a false.
	Gather(more bool)
}

// Reasons are why a message is not understood, or not believed: a word for
// metrics, and what it means. It must not be changed.
var Reasons = [][2]string{
	{"parse", "it is not what the format says"},
	{"size", "it, or a part of it, is larger than allowed"},
	{"kind", "there is no such kind"},
	{"id", "of a sender or question"},
	{"names", "of rooms: too many, or too long"},
	{"type", "a packet that is no event"},
	{"packet", "an event that clients could not parse"},
	{"spoof", "it claims to come from this node"},
	{"mac", "not signed with the cluster's key"},
	{"version", "of another format"},
	{"newer", "of a kind that a later version of this package has"},
	{"peers", "more nodes than can be"},
}

// Traits say what a backend promises.
type Traits struct {
	Name        string // "redis", "nats"; for people and metrics
	Ordered     bool   // messages of one sender arrive in order, whatever their lane; else only those of one lane
	AtLeastOnce bool   // what is accepted arrives, perhaps twice; else at most once
	Routes      bool   // nodes get messages for rooms only if they may have a member
	Mixed       bool   // servers that are not this package's may be in the cluster
	AllRooms    bool   // its format has the kinds Rooms and RoomsAnswer
	Log         bool   // it is a [Log], perhaps: if its broker is one
	OneValue    bool   // its format carries only the first value of an answer
	MaxMessage  int    // bytes of the largest message; 0: no bound but the queue's
	IDLen       int    // hexadecimal digits of a node's id; 0 is 16
}

// A Node is one process in the cluster.
type Node struct {
	ID      string
	Name    string // for people; may be empty
	Version int    // of this package's own members of messages
	Address string // where others reach it over HTTP, with a signature behind "#"; may be empty
	Deaf    bool   // it only publishes: what others say need not come
}

// Interest is a change of what a node wants to hear.
type Interest struct {
	NS   string
	Room string // empty: the namespace itself
	On   bool
}

// The states of a connection to the broker.
type Connection uint8

const (
	Connecting Connection = iota // not connected since Start
	Up
	Degraded // was up, and is not now
)

func (c Connection) String() string {
	switch c {
	case Up:
		return "up"
	case Degraded:
		return "degraded"
	}
	return "connecting"
}

// A State is how the connection to the broker is, from At on.
type State struct {
	Connection Connection
	Cause      error // of Degraded, and of Connecting after a first failure
	At         time.Time
	MayMiss    bool // messages may have been missed since the last Up; of Up after Degraded
	Log        Mark // of Up: what the log has after this is told; zero if that is not known, or there is none
}

// Stats count since Start.
type Stats struct {
	Published uint64            // messages handed to the broker
	Received  uint64            // messages that came from it, all kinds
	Skipped   uint64            // of these, those not looked at
	Dropped   map[string]uint64 // accepted or refused, and not sent: by Message.Class
	Queued    int               // bytes that wait now
}
