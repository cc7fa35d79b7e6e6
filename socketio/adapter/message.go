package adapter

import "time"

// A Kind says what a message is for. The numbers to 13 are those of the message
// model that Node's adapters share.
type Kind uint8

const (
	Hello            Kind = 1  // Node, Positions: a node that is new here; all others answer with a Heartbeat
	Heartbeat        Kind = 2  // Node, Positions
	Broadcast        Kind = 3  // target, Flags, Data: an event's list, name first. With Request, clients are to acknowledge it
	Join             Kind = 4  // target, Names
	Leave            Kind = 5  // target, Names
	Disconnect       Kind = 6  // target, Close
	Fetch            Kind = 7  // target, Request
	FetchAnswer      Kind = 8  // Request, Data: a list of {id, rooms, data, handshake}
	ServerSide       Kind = 9  // Data: an event's list, name first. With Request, servers are to answer
	ServerSideAnswer Kind = 10 // Request, Data: a list of values
	ClientCount      Kind = 11 // Request, Count: how many sockets here were asked
	ClientAck        Kind = 12 // Request, Data: a list of values, one socket's answer
	Goodbye          Kind = 13 // the sender ends

	// Not in the shared model. A backend whose format has no word for one answers
	// [ErrNoSuchKind] to Publish.
	IDs         Kind = 20 // target, Request: which sockets are there
	IDsAnswer   Kind = 21 // Request, Data: a list of ids
	Rooms       Kind = 22 // Request: which rooms are there
	RoomsAnswer Kind = 23 // Request, Data: a list of names
	Has         Kind = 24 // target, Request: which nodes have the namespace, and how many of the sockets
	HasAnswer   Kind = 25 // Request, Count: 0 without the namespace, else 1 and the number of sockets
)

// Flags of a broadcast.
type Flags struct {
	Volatile   bool
	NoCompress bool
	Timeout    time.Duration // how long clients have to acknowledge; 0: the receiver's default
}

// Data is a list of values: JSON text, with binary values apart. Text is a JSON
// array; {"_placeholder":true,"num":N} in it stands for Attachments[N].
type Data struct {
	Text        []byte
	Attachments [][]byte
}

// A Message is what one node tells others.
type Message struct {
	Kind    Kind
	From    string // the sender's id; empty where a foreign format does not tell
	To      string // the only node it is for; empty: all
	NS      string
	Request string // of questions and their answers: 16 hexadecimal digits

	// Seq numbers the messages of one sender to one namespace and lane, and its
	// ClientAcks, which may come twice; 0: not numbered. Lane is a backend's own
	// division: whoever gets a message of a lane gets all of that lane, in order, as
	// long as its interest lasts. Lanes 0 and 1 are for all nodes that have the
	// namespace, others for those with members in a room of it.
	Seq  uint64
	Lane uint32

	Rooms  []string // the target: all sockets if empty, else those in any of these
	Except []string // but not those in any of these
	Flags  Flags
	Names  []string // of rooms
	Close  bool     // the connection too
	Count  int
	Data   Data

	Skipped bool // nobody here wants it, see Inbox.Wants: there is no Data

	// Keep: clients may come back for it, to any node. All nodes that have the
	// namespace hear of it, on lane 0, and a [Log] keeps it. At is its place there.
	// Neither travels.
	Keep bool
	At   Mark

	Node      *Node      // of Hello and Heartbeat
	Positions []Position // likewise
}

// A Position is the number of the last message to a namespace and lane.
type Position struct {
	NS   string
	Lane uint32
	Seq  uint64
}

// The classes of messages, in the order in which a full queue gives them up.
type Class uint8

const (
	ClassVolatile  Class = iota // given up first
	ClassBroadcast              // then these, oldest first
	ClassRequest                // refused with ErrFull, never pushed out
	ClassVital                  // answers, joins, leaves, disconnects, membership
)

func (c Class) String() string {
	return [...]string{"volatile", "broadcast", "request", "vital"}[c]
}

// Class is how much the message is worth to a queue that is full.
func (m *Message) Class() Class {
	switch m.Kind {
	case Broadcast:
		switch {
		case m.Request != "":
			return ClassRequest
		case m.Flags.Volatile:
			return ClassVolatile
		}
		return ClassBroadcast
	case ServerSide:
		if m.Request == "" {
			return ClassBroadcast
		}
		return ClassRequest
	case Fetch, IDs, Rooms, Has:
		return ClassRequest
	}
	return ClassVital
}

// Answers reports whether the message is an answer to a question.
func (k Kind) Answers() bool {
	switch k {
	case FetchAnswer, ServerSideAnswer, ClientCount, ClientAck, IDsAnswer, RoomsAnswer, HasAnswer:
		return true
	}
	return false
}

func (k Kind) String() string {
	if int(k) < len(kinds) && kinds[k] != "" {
		return kinds[k]
	}
	return "unknown"
}

var kinds = [...]string{
	Hello: "hello", Heartbeat: "heartbeat", Broadcast: "broadcast", Join: "join", Leave: "leave", Disconnect: "disconnect",
	Fetch: "fetch", FetchAnswer: "fetch answer", ServerSide: "server-side emit", ServerSideAnswer: "server-side answer",
	ClientCount: "client count", ClientAck: "client ack", Goodbye: "goodbye", IDs: "ids", IDsAnswer: "ids answer",
	Rooms: "rooms", RoomsAnswer: "rooms answer", Has: "has", HasAnswer: "has answer",
}
