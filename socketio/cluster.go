package socketio

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/internal/option"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/engineio"
	"github.com/sockeye-io/sockeye/socketio/internal/cluster"
	"github.com/sockeye-io/sockeye/socketio/internal/forward"
	"github.com/sockeye-io/sockeye/socketio/internal/mailbox"
	"github.com/sockeye-io/sockeye/socketio/internal/rooms"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/siowire"
)

// ClusterOptions say how a server behaves in its cluster; they count for
// nothing without Options.Cluster, or JoinCluster. Zero means the default, a
// negative AnswerTimeout or bound none.
type ClusterOptions struct {
	// Name is what others call this node, in errors and logs; its id if empty. It
	// need not be unique.
	Name string
	// Heartbeat is how often this node tells the others that it is there; 5 s.
	// Timeout is how long one may be silent before it is taken for gone; 10 s. All
	// nodes have the same of both. Negative is the default too.
	Heartbeat time.Duration
	Timeout   time.Duration
	// AnswerTimeout bounds questions to other nodes, such as FetchSockets, when
	// the context given has no deadline; 5 s.
	AnswerTimeout time.Duration
	// MaxQuestions is how many questions to other nodes, acknowledged broadcasts
	// among them, may be open; 10,000. One more fails with [ErrClusterFull].
	MaxQuestions int

	// Advertise is where the other nodes reach this one over HTTP, without a
	// balancer between them: scheme, host and port, as in "http://10.0.0.1:3000". To
	// there they pass on the requests of this node's sessions that reach them, so
	// that polling needs no sticky balancer. It needs Secret. Empty: nowhere.
	Advertise string
	// Secret is what all nodes know, 16 bytes or more. It signs requests that are
	// passed on, and Advertise.
	Secret []byte
	// MaxForwards is how many requests of other nodes' sessions may be under way to
	// them, WebSockets among them; 10,000. One more is answered with 503, unless
	// another address has at least two more than its own: then one of those ends.
	MaxForwards int
	// ForwardTLS is for nodes whose Advertise begins with https; nil: a certificate
	// of a known authority, for the host in Advertise.
	ForwardTLS *tls.Config
}

func (o *ClusterOptions) resolve() {
	option.Positive(&o.Heartbeat, 5*time.Second)
	option.Positive(&o.Timeout, 10*time.Second)
	option.Default(&o.AnswerTimeout, 5*time.Second)
	option.Bound(&o.MaxQuestions, 10_000)
	option.Bound(&o.MaxForwards, 10_000)
}

// clustered is a server's part in a cluster: it carries out what other nodes say,
// and tells them what is for them.
type clustered struct {
	away    atomic.Bool // the log has said that there is no connection
	srv     *Server
	core    *cluster.Core
	claimer adapter.Claimer    // nil if the backend cannot tell
	routes  bool               // the backend wants to know of rooms
	sliced  bool               // the clients' packets hold the JSON that travels
	json    siowire.JSONParser // what travels, whatever the clients' parser
	dec     siowire.Decoder    // of the receiving goroutine
	limits  PacketLimits
	turn    errands
	closed  atomic.Bool
	roams   roams

	forward *forward.Forwarder

	mu     sync.Mutex
	rooms  map[roomKey]bool     // with a member here, as the backend has been told
	logged map[string]time.Time // when a reason of refusal was logged last
}

type roomKey struct{ ns, room string }

// A ClusterStartError is what New panics with, and JoinCluster returns, if the
// adapter cannot be used at all: the address of a mesh's node is taken, say, or
// NATS has no JetStream where there must be; or if ClusterOptions make no
// sense. That an adapter is given to two servers need not be noticed. A broker
// that is away is none. [errors.Is] finds what the adapter has said.
type ClusterStartError struct{ Err error }

func (e *ClusterStartError) Error() string { return "socketio: Options.Cluster: " + e.Err.Error() }
func (e *ClusterStartError) Unwrap() error { return e.Err }

// JoinCluster is Options.Cluster for a server that was made without, by others
// say. It comes before all requests of clients, OnServerSide and ServerSideEmit;
// Options.ClusterOptions hold. It does not wait for a broker; a mesh's node meets
// the others first, for 3 s at most. The error is a [*ClusterStartError]. It panics
// if the server is in a cluster already.
func (srv *Server) JoinCluster(a adapter.Adapter) error {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.cluster != nil {
		panic("socketio: JoinCluster: the server is in a cluster already")
	}
	if err := srv.join(a); err != nil {
		return err
	}
	for _, ns := range srv.nsps {
		srv.cluster.namespace(ns, true)
	}
	return nil
}

// join makes srv part of a cluster.
func (srv *Server) join(a adapter.Adapter) error {
	o := &srv.opts.ClusterOptions
	if r, ok := a.(adapter.Rememberer); ok && srv.opts.Recovery != nil {
		r.Remember()
	}
	c := &clustered{srv: srv, routes: a.Traits().Routes, rooms: make(map[roomKey]bool), logged: make(map[string]time.Time)}
	_, c.sliced = srv.opts.Parser.(*siowire.JSONParser)
	c.claimer, _ = a.(adapter.Claimer)
	c.limits = PacketLimits{
		MaxAttachments: srv.opts.MaxSentAttachments, MaxAttachmentBytes: -1,
		MaxNameLen: -1, MaxNamespaceLen: -1,
	}
	c.dec = c.json.NewDecoder(&c.limits)
	c.turn = errands{srv: srv}
	c.turn.kind.Max, c.turn.kind.MaxBytes = maxErrands, math.MaxInt
	if err := o.checkForward(); err != nil {
		return &ClusterStartError{err}
	}
	c.core = cluster.New(cluster.Options{
		Adapter: a, Host: c, Name: o.Name, Heartbeat: o.Heartbeat, Dead: o.Timeout, Questions: o.MaxQuestions,
		Address: c.forwards,
	})
	c.roams.init(c)
	srv.cluster = c
	srv.renewRecovery()
	if err := c.core.Start(); err != nil {
		srv.cluster = nil
		c.forward.Close()
		srv.renewRecovery()
		return &ClusterStartError{err}
	}
	srv.engine.Forward(c.forward)
	return nil
}

// renewRecovery makes recovery know of the cluster, or forget it. Nobody has
// connected yet.
func (srv *Server) renewRecovery() {
	if srv.opts.Recovery == nil {
		return
	}
	for _, ns := range srv.nsps {
		ns.recovery = newRecovery(srv, ns)
	}
}

// leaveCluster is the last thing that a server does.
func (srv *Server) leaveCluster(ctx context.Context) error {
	c := srv.cluster
	if c == nil || c.closed.Swap(true) {
		return nil
	}
	c.forward.Close()
	err := c.core.Close(ctx)
	if errors.Is(err, adapter.ErrAway) {
		err = nil
		if c.core.State().Connection != adapter.Connecting { // else nobody there knows of this node
			srv.log.Warn("socketio: stopped while the cluster's broker is away: what waited for other nodes is dropped", "backend", c.core.Traits().Name,
				"dropped", c.core.Stats().Adapter.Dropped)
		}
	}
	_ = c.turn.kind.Wait(ctx) // user code that does not return is its own
	return err
}

// wantsRooms reports whether the backend routes by room. Nil does not.
func (c *clustered) wantsRooms() bool { return c != nil && c.routes }

// namespace tells the backend that a namespace has come or gone. Nil does
// nothing.
func (c *clustered) namespace(ns *Namespace, on bool) {
	if c != nil && ns.children == nil {
		c.core.Interest(adapter.Interest{NS: ns.name, On: on})
	}
}

// roomsChanged tells a backend that routes by room who has got their first
// member, or lost their last. What is told is how it is now: changes that come
// out of order end in the same.
func (c *clustered) roomsChanged(ns *Namespace, list rooms.Changes) {
	for _, ch := range list {
		if ch.Kind != rooms.First && ch.Kind != rooms.Last {
			continue
		}
		c.mu.Lock()
		k := roomKey{ns.name, ch.Room}
		if on := ns.index.RoomLen(ch.Room) > 0; on != c.rooms[k] {
			if on {
				c.rooms[k] = true
			} else {
				delete(c.rooms, k)
			}
			c.core.Interest(adapter.Interest{NS: ns.name, Room: ch.Room, On: on})
		}
		c.mu.Unlock()
	}
}

// publish tells others something that needs no answer. What becomes of it is
// counted by the adapter.
func (c *clustered) publish(m *adapter.Message) {
	if err := c.core.Publish(m); err != nil {
		c.srv.log.Warn("socketio: not sent to the cluster", "kind", m.Kind.String(), "error", err)
	}
}

// target fills in whom b addresses.
func (b *Broadcast) target(m *adapter.Message) {
	m.Rooms, m.Except = b.rooms, b.excluded()
	m.Flags.Volatile = b.flags&engineio.Volatile != 0
	m.Flags.NoCompress = b.flags&engineio.NoCompress != 0
	m.Flags.Timeout = max(b.timeout, 0)
}

// broadcast tells the other nodes of an event that was encoded for this one's
// clients.
func (c *clustered) broadcast(b *Broadcast, ns *Namespace, event string, args []any, e *siowire.Encoded) {
	data, err := c.eventData(ns, event, args, e, ns.recovery != nil)
	if err != nil {
		c.srv.log.Warn("socketio: not sent to the cluster", "event", clip.Text(event), "error", err)
		return
	}
	m := adapter.Message{Kind: adapter.Broadcast, NS: ns.name, Data: data}
	b.target(&m)
	c.publish(&m)
}

// kept is what other nodes are told of an event that their clients can miss, too.
func (c *clustered) kept(ns *Namespace, event string, args []any, e *siowire.Encoded) (*adapter.Message, error) {
	data, err := c.eventData(ns, event, args, e, true)
	return &adapter.Message{Kind: adapter.Broadcast, NS: ns.name, Data: data, Keep: true}, err
}

// elsewhere has the other nodes do to their sockets what was done to those here.
func (b *Broadcast) elsewhere(m adapter.Message) {
	c := b.ns.srv.cluster
	if c == nil || b.local {
		return
	}
	for _, ns := range b.ns.leaves() {
		m := m
		m.NS, m.Keep = ns.name, ns.recovery.roams()
		b.target(&m)
		c.publish(&m)
	}
}

// Tell implements cluster.Host.
func (c *clustered) Tell(e cluster.Event) {
	log := c.srv.log
	ev := ClusterEvent{Node: e.Node.ID, Name: e.Node.Name, Namespace: e.NS, N: e.N, Why: e.Why}
	switch e.Kind {
	case cluster.Connection:
		c.interrupted(e.State)
		ev.Kind, ev.Cause = ClusterConnection, e.State.Cause
		ev.Connected = e.State.Connection == adapter.Up
		if ev.Connected {
			log.Info("socketio: connected to the cluster", "backend", c.core.Traits().Name, "mayHaveMissed", e.State.MayMiss)
			c.away.Store(false)
		} else if !c.away.Swap(true) {
			log.Warn("socketio: not connected to the cluster; this node's clients are served, and it tries on",
				"backend", c.core.Traits().Name, "error", e.State.Cause)
		} else { // a line of another kind: what keeps it away is rarely what has ended it
			log.Warn("socketio: the cluster's broker is still away", "backend", c.core.Traits().Name, "error", e.State.Cause)
		}
	case cluster.NodeJoined:
		ev.Kind = ClusterNodeJoined
		c.nodesChanged()
		log.Info("socketio: node joined the cluster", "node", e.Node.ID, "name", clip.Text(e.Node.Name))
	case cluster.NodeLeft:
		ev.Kind = ClusterNodeLeft
		c.roams.left(e.Node.ID)
		c.nodesChanged()
		log.Info("socketio: node left the cluster", "node", e.Node.ID, "name", clip.Text(e.Node.Name), "why", e.Why)
	case cluster.Missed:
		if e.Lane == 0 {
			c.missing(e.Node.ID, e.NS, e.Seq)
		}
		ev.Kind = ClusterMissed
		log.Warn("socketio: messages of another node never came", "node", clip.Text(e.Node.ID), "namespace", clip.Text(e.NS), "count", e.N)
	case cluster.Refused:
		ev.Kind = ClusterRefused
		c.logRefused(e.Why)
	}
	c.trace(ev)
}

// trace has Trace.Cluster called, soon.
func (c *clustered) trace(ev ClusterEvent) {
	if f := c.srv.trace().Cluster; f != nil {
		c.turn.add(func() { c.srv.guard("Trace.Cluster", func() { f(ev) }) })
	}
}

// logRefused writes one line a minute for each reason, and none for what nodes of a
// later version have among themselves.
func (c *clustered) logRefused(why string) {
	if why == "newer" {
		return
	}
	now := time.Now()
	c.mu.Lock()
	last, was := c.logged[why]
	quiet := was && now.Sub(last) < time.Minute
	if !quiet {
		c.logged[why] = now
	}
	c.mu.Unlock()
	if !quiet {
		c.srv.log.Warn("socketio: message of the cluster ignored", "why", why,
			slog.String("hint", "something else publishes on the cluster's channels, or a node has another version or key"))
	}
}

// maxErrands is how much user code may wait to be called for the cluster.
const maxErrands = 10_000

// errands runs user code for a goroutine that must not, in order.
type errands struct {
	srv  *Server
	kind mailbox.Kind[func()]
	box  mailbox.Box[func()]
}

// add has f called, and reports false if too much waits already.
func (e *errands) add(f func()) bool {
	start, ok := e.box.Offer(&e.kind, &f, func(*func()) bool { return false })
	if start {
		e.srv.engine.Go(e)
	}
	return ok
}

// Run implements engineio.Runner.
func (e *errands) Run() {
	for {
		var f func()
		if ok, _ := e.box.Next(&e.kind, &f); !ok {
			return
		}
		f()
	}
}
