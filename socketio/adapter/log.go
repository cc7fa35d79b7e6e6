package adapter

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// ErrGone: the log does not reach back to where it is to be read from, or is not
// the one that it was.
var ErrGone = errors.New("adapter: not in the log any more")

// A Log is an Adapter that keeps what is published, in one order for all nodes,
// and sessions of clients beside it: so clients come back to any node. It has one
// if Traits.Log says so; the methods of others fail.
//
// It keeps messages with Keep set, and perhaps others. Each of these is told to
// every node's Inbox with its place in At, a node's own too: with From, NS, Seq,
// Lane and At, and Skipped set. State tells with Up where reading begins.
type Log interface {
	// Read yields what the log has of a namespace after from, up to and with to, in
	// order. It ends with yield's error, or fails with [ErrGone].
	Read(ctx context.Context, ns string, from, to Mark, yield func(*Message) error) error

	// End tells how far the log goes, whatever was read of it: no place beyond was
	// told to anybody before the call.
	End(ctx context.Context) (Mark, error)

	// PutSession queues a session to be stored. It never blocks. Of one key the
	// last stands, but see [Session].
	PutSession(s Session)

	// PeekSessions tells what is stored under these keys, in their order, and leaves
	// it there: a zero Kept is nothing. It is one command for all where the backend
	// has such.
	PeekSessions(ctx context.Context, keys []string) ([]Kept, error)
}

// A Rememberer is an Adapter that is a [Log] only if that is of use.
type Rememberer interface {
	// Remember says that clients of this node may come back to any. It is called
	// before Traits, if at all, and may ask the broker what it can do, for seconds.
	Remember()
}

// A Session is what other nodes find of a client if this one cannot tell them.
type Session struct {
	Key   string // hexadecimal
	State []byte // begins with what tells it from all others' of this key: SessionTag bytes
	TTL   time.Duration
	// First stores it whatever there is. Else it replaces only what begins with
	// Instead, or with its own tag if that is nil: of several who replace the same
	// thing, one does, and has it for himself. Instead is a tag, or all that a [Kept]
	// has; the former is for one that nobody else replaces but by mistake.
	First   bool
	Instead []byte
	// Number is that of the [Kept] which is replaced, if it was looked at: it spares
	// some backends a look.
	Number uint64
	// Done, if not nil, is told what has become of it. It must not block.
	Done func(stored Stored)
}

// Replaces is what that begins with which it may replace.
func (s *Session) Replaces() []byte {
	if s.Instead != nil {
		return s.Instead
	}
	return s.State[:SessionTag]
}

// Kept is a session that is stored.
type Kept struct {
	State  []byte
	Number uint64 // for [Session.Number]
}

// SessionTag is the length of the tag that a session's state begins with.
const SessionTag = 16

// Stored is what has become of a [Session].
type Stored uint8

const (
	NotStored   Stored = iota // the backend did not take it
	StoredThere               // it is stored
	StoredNone                // there is none to replace
	StoredOther               // another's is there
)

// A NodeLog is a Log in which Node's servers keep sessions of clients, too.
type NodeLog interface {
	// TakeNodeSession takes out a session that a Node server has stored. It is nil
	// if there is none. What is no session is an error.
	TakeNodeSession(ctx context.Context, pid string) (*NodeSession, error)
	// PutNodeSession queues a session to be stored for them, in place of what there
	// is; nil: there is to be none. It never blocks.
	PutNodeSession(pid string, s *NodeSession, ttl time.Duration)
	// NodeOffset is the place in the log that Node's offset stands for.
	NodeOffset(offset string) (Mark, bool)
	// WriteNodeOffset is the reverse: it writes to place, of NodeOffsetLen bytes.
	WriteNodeOffset(place []byte, at Mark)
}

// NodeOffsetLen is how long an offset of Node's is that this package writes.
const NodeOffsetLen = 24

// A NodeSession is a client's as a Node server has stored it.
type NodeSession struct {
	SID   string
	Rooms []string
	Data  []byte // JSON of an object; empty: none
	Ours  bool   // a server of this package has stored it
}

// A Mark is a place in a log: 48 bits of High, and 32 of Low. The zero Mark is
// none. Log tells logs apart: marks of two have no order.
type Mark struct {
	Log  uint32
	High uint64
	Low  uint32
}

// IsZero reports whether it is none.
func (m Mark) IsZero() bool { return m == Mark{} }

// Compare orders marks of the same log.
func (m Mark) Compare(o Mark) int {
	return cmp.Or(cmp.Compare(m.High, o.High), cmp.Compare(m.Low, o.Low))
}

// Reaches reports whether a log that was read up to m was read up to o.
func (m Mark) Reaches(o Mark) bool { return !m.IsZero() && m.Log == o.Log && m.Compare(o) >= 0 }
