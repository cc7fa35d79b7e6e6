package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/tally"
)

// ErrTooManyQuestions: as many questions wait for answers as may.
var ErrTooManyQuestions = errors.New("cluster: too many questions are open")

// version is that of this package's own members of messages.
const version = 1

// A Host carries out what other nodes say. Its methods are called by the
// adapter's receiving goroutine or by the Core's own, must not block, and keep
// nothing of a message.
type Host interface {
	// Handle carries out a broadcast, join, leave, disconnect or server-side
	// event, or answers a question with Core.Answer.
	Handle(m *adapter.Message)
	// Wants is Inbox.Wants.
	Wants(ns, room string) bool
	// Gather is Gatherer.Gather.
	Gather(more bool)
	// Tell is told what happens to the cluster.
	Tell(e Event)
	// ReadBack is told that the log has this node's own message, and all before it,
	// at that place or before it.
	ReadBack(ns string, seq uint64, at adapter.Mark)
}

// What happens to a cluster.
type EventKind uint8

const (
	Connection EventKind = iota // State
	NodeJoined                  // Node
	NodeLeft                    // Node, Why: "goodbye" or "silent"
	Missed                      // Node, NS, N messages of it never came
	Refused                     // Why: a message was not understood, or not for anybody to send
)

// An Event is one of them.
type Event struct {
	Kind  EventKind
	Node  adapter.Node
	State adapter.State
	NS    string
	N     uint64
	Seq   uint64 // of Missed: the number of the last of these
	Lane  uint32 // likewise
	Why   string
}

// Options of a Core.
type Options struct {
	Adapter   adapter.Adapter
	Host      Host
	Name      string                 // of this node, for people
	Address   func(id string) string // what others are told of where it is; nil: nothing
	Heartbeat time.Duration          // between two heartbeats
	Dead      time.Duration          // a node not heard of for so long is gone
	Questions int                    // may be open
}

// A Core is one node's part in a cluster.
type Core struct {
	opts    Options
	a       adapter.Adapter
	traits  adapter.Traits
	counter adapter.Counter // nil: nodes are known by their heartbeats alone
	host    Host
	self    adapter.Node

	numbers   numbers
	peers     peers
	questions questions
	answered  answered
	interest  interest
	reading   reading
	parting   parting

	state   atomic.Pointer[adapter.State]
	counted atomic.Int64  // nodes that the broker counted last, 0: never
	hello   chan struct{} // somebody is new, or this node is again: say hello or heartbeat soon
	anew    atomic.Bool   // with hello: this node is
	untold  bool          // positions were not told last; of the beating goroutine

	stop context.CancelFunc
	done sync.WaitGroup

	answers          atomic.Uint64 // given that are not the only ones to a question
	duplicates, late atomic.Uint64
	missed           atomic.Uint64
	refused          *tally.Counts[string]
}

// New makes a Core; Start begins.
func New(o Options) *Core {
	c := &Core{opts: o, a: o.Adapter, traits: o.Adapter.Traits(), host: o.Host, hello: make(chan struct{}, 1)}
	c.counter, _ = o.Adapter.(adapter.Counter)
	if p, ok := o.Adapter.(adapter.Pacer); ok {
		p.Pace(o.Heartbeat, o.Dead)
	}
	digits := c.traits.IDLen
	if digits == 0 {
		digits = 16
	}
	c.self = adapter.Node{ID: randomHex(digits), Name: o.Name, Version: version}
	if o.Address != nil {
		c.self.Address = o.Address(c.self.ID)
	}
	c.state.Store(&adapter.State{At: time.Now()})
	c.numbers.init()
	c.peers.init()
	c.questions.init(o.Questions)
	c.refused = tally.New(tally.List[string](adapter.Reasons))
	return c
}

// randomHex returns n random hexadecimal digits.
func randomHex(n int) string {
	b := make([]byte, (n+1)/2)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)[:n]
}

// Start connects. It fails if the adapter refuses its options.
func (c *Core) Start() error {
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	if err := c.a.Start(ctx, c.self, (*inbox)(c)); err != nil {
		cancel()
		return err
	}
	c.done.Go(func() { c.beat(ctx) })
	if c.counter != nil {
		c.done.Go(func() { c.count(ctx) })
	}
	return nil
}

// Close says goodbye, ends all questions, and closes the adapter: what is
// queued is sent until ctx ends. It fails with [adapter.ErrAway] when the broker is
// away for longer than there is hope.
func (c *Core) Close(ctx context.Context) error {
	c.stop()
	c.done.Wait()
	c.questions.endAll()
	_ = c.Publish(&adapter.Message{Kind: adapter.Goodbye, NS: "/"}) // counted by the adapter
	ctx, over := c.part(ctx)
	defer over()
	err := c.a.Close(ctx)
	if err != nil && context.Cause(ctx) == adapter.ErrAway {
		return adapter.ErrAway
	}
	return err
}

// Self is this node.
func (c *Core) Self() adapter.Node { return c.self }

// Lowest reports whether no node that is known has a lower id.
func (c *Core) Lowest() bool { return !c.peers.below(c.self.ID) }

// Traits are the backend's.
func (c *Core) Traits() adapter.Traits { return c.traits }

// State is how the connection to the broker is.
func (c *Core) State() adapter.State { return *c.state.Load() }

// Nodes is how many servers are in the cluster, this one included: as the broker
// has counted last, if it can, else those that are heard of.
func (c *Core) Nodes() int {
	if n := int(c.counted.Load()); n > 0 {
		return n
	}
	return c.peers.live() + 1
}

// Count asks the broker how many nodes have a namespace. ok is false if it cannot
// be asked that.
func (c *Core) Count(ctx context.Context, ns string) (n int, ok bool, err error) {
	if c.counter == nil {
		return 0, false, nil
	}
	n, err = c.counter.Nodes(ctx, ns)
	return n, true, err
}

// Peers lists the nodes that are known by name.
func (c *Core) Peers() []adapter.Node { return c.peers.list() }

// Publish sends a message to the other nodes. The error is the adapter's.
func (c *Core) Publish(m *adapter.Message) error { return c.PublishAfter(m, nil) }

// PublishAfter is Publish that calls before, if it is not nil, when m has its
// number, which then is given whatever becomes of m. No other message is
// published meanwhile: before must not take a lock that somebody holds who
// publishes.
func (c *Core) PublishAfter(m *adapter.Message, before func()) error {
	m.From = c.self.ID
	if m.To != "" {
		return c.a.Publish(m)
	}
	n := &c.numbers
	n.mu.Lock()
	defer n.mu.Unlock()
	m.Lane = c.a.Lane(m)
	l := n.laneLocked(m.NS, m.Lane)
	m.Seq = l.last + 1
	if before != nil {
		before()
	}
	err := c.a.Publish(m)
	if err == nil || before != nil {
		l.last++
		l.beat = n.beat
	}
	return err
}

// Given is the last number given on lane 0 of a namespace.
func (c *Core) Given(ns string) uint64 {
	n := &c.numbers
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.laneLocked(ns, 0).last
}

// Skip gives a number on lane 0 of a namespace to nobody: others see that
// something is missing.
func (c *Core) Skip(ns string) uint64 {
	n := &c.numbers
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.laneLocked(ns, 0)
	l.last++
	l.beat = n.beat
	return l.last
}

// Interest tells the adapter of a namespace or room that has come or gone.
func (c *Core) Interest(i adapter.Interest) {
	if i.Room == "" {
		if c.interest.serve(i.NS, i.On); !i.On {
			for lane := range uint32(everybody) {
				c.peers.forget(laneKey{i.NS, lane})
			}
		}
	} else if c.traits.Routes {
		lane := c.a.Lane(&adapter.Message{Kind: adapter.Broadcast, NS: i.NS, Rooms: []string{i.Room}})
		if gone := c.interest.change(laneKey{i.NS, lane}, i.On); gone && lane >= everybody {
			c.peers.forget(laneKey{i.NS, lane})
		}
	}
	c.a.Interest(i)
}

// Answer answers a question of another node: to is the question, of which it
// needs no more than From, NS and Request; a has Kind and what it carries. once
// is true if it is the only answer: it is given again if the question comes
// again.
func (c *Core) Answer(to, a *adapter.Message, once bool) error {
	a.To, a.NS, a.Request, a.From = to.From, to.NS, to.Request, c.self.ID
	if once {
		c.answered.keep(a, time.Now())
	} else {
		a.Seq = c.answers.Add(1) // it may come twice, and must count once
	}
	return c.a.Publish(a)
}

// Stats of a Core.
type Stats struct {
	Nodes      int
	Missed     uint64            // messages of others that never came
	Duplicates uint64            // that came again, and were dropped
	Late       uint64            // answers that nobody waited for any more
	Refused    map[string]uint64 // not understood, by reason
	MissedFrom map[string]uint64 // by node that is there
	Questions  int               // open now
	Adapter    adapter.Stats
}

// Stats returns the counters.
func (c *Core) Stats() Stats {
	return Stats{
		Nodes: c.Nodes(), Missed: c.missed.Load(), Duplicates: c.duplicates.Load(), Late: c.late.Load(),
		Refused: c.refused.All(), MissedFrom: c.peers.losses(), Questions: c.questions.len(), Adapter: c.a.Stats(),
	}
}
