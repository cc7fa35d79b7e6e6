package adaptertest

import (
	"context"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// node is one node's connection to the bus. All below is guarded by bus.mu.
type node struct {
	bus  *Bus
	name string
	wake chan struct{} // something below has changed, for the receiver

	self     adapter.Node
	inbox    adapter.Inbox
	done     chan struct{} // closed when the receiver has ended; nil before Start
	closed   bool          // takes no more
	over     bool          // the receiver is to end
	crashed  bool
	cut      bool
	wasUp    bool
	logID    uint32 // of the log that it reads
	queue    queue
	emptied  chan struct{} // somebody waits for the queue to be empty
	interest map[adapter.Interest]bool
	arrivals []item             // in order of their times
	late     map[lane]time.Time // when the last of each lane arrives
	sent     uint64
	stats    adapter.Stats
}

// lane is one sender's, to one node.
type lane struct {
	from string
	lane uint32
}

// item is what the receiver gives to the inbox: one of these.
type item struct {
	m         *adapter.Message // shared by all receivers
	state     *adapter.State
	malformed string

	read bool // of a state: it is one of the log, and told when that was read up to there
	due  time.Time
}

// waits reports whether it comes through the connection, and not from it.
func (i item) waits() bool { return i.m != nil || i.read }

func (n *node) Traits() adapter.Traits { return n.bus.o.Traits }

func (n *node) Start(ctx context.Context, self adapter.Node, in adapter.Inbox) error {
	b := n.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if n.done != nil {
		return adapter.ErrStarted
	}
	n.self, n.inbox, n.done = self, in, make(chan struct{})
	n.queue.max = b.o.QueueBytes
	if before := b.nodes[n.name]; before != nil {
		before.end()
		before.poke()
	}
	b.nodes[n.name] = n
	n.linkChanged(n.down())
	n.flush()
	go n.receive()
	return nil
}

// down says why there is no connection to the broker.
func (n *node) down() error {
	switch {
	case n.bus.away != nil:
		return n.bus.away
	case n.cut:
		return errCut
	}
	return nil
}

// linkChanged notes that the connection is there (nil), or is not.
func (n *node) linkChanged(cause error) {
	s := adapter.State{Connection: adapter.Up, At: time.Now()}
	safe := n.bus.o.Traits.AtLeastOnce
	switch {
	case cause == nil:
		s.MayMiss = n.wasUp && !safe
		if l := &n.bus.log; n.bus.o.Traits.Log && (!n.wasUp || n.logID != l.id) {
			n.logID, s.Log = l.id, l.end()
		}
		n.wasUp = true
	case n.wasUp:
		s.Connection, s.Cause = adapter.Degraded, cause
	default:
		s.Connection, s.Cause = adapter.Connecting, cause
	}
	if cause != nil && !safe {
		n.arrivals = slices.DeleteFunc(n.arrivals, func(i item) bool {
			if i.read {
				n.logID = 0 // it is to be told later where reading begins
			}
			return i.waits()
		})
	}
	n.put(item{state: &s, due: s.At})
}

func (n *node) Publish(m *adapter.Message) error {
	b := n.bus
	if slices.Contains(b.o.Without, m.Kind) {
		return adapter.ErrNoSuchKind
	}
	size := sizeOf(m)
	if limit := b.o.Traits.MaxMessage; limit > 0 && size > limit {
		return adapter.ErrTooLarge
	}
	m = clone(m)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case n.crashed:
		return nil
	case n.closed:
		return adapter.ErrClosed
	case n.sends():
		b.send(n, m)
		return nil
	}
	return n.queue.add(m, size)
}

// sends reports whether what is published goes out at once.
func (n *node) sends() bool { return n.done != nil && n.down() == nil && !n.bus.paused }

// flush sends what was queued, if it can be sent.
func (n *node) flush() {
	for n.sends() && !n.over {
		m := n.queue.next()
		if m == nil {
			break
		}
		n.bus.send(n, m)
	}
	if n.emptied != nil && n.queue.bytes == 0 {
		close(n.emptied)
		n.emptied = nil
	}
}

// Lane is 0, but for messages to one room of a bus that routes.
func (n *node) Lane(m *adapter.Message) uint32 {
	if m.Keep {
		return 0
	}
	switch m.Kind {
	case adapter.Broadcast, adapter.Join, adapter.Leave, adapter.Disconnect:
		if n.bus.o.Traits.Routes && m.To == "" && len(m.Rooms) == 1 {
			return n.laneOf(m.NS, m.Rooms[0])
		}
	}
	return 0
}

func (n *node) laneOf(ns, room string) uint32 {
	return 2 + uint32(fate{from: ns, to: room}.dice("lane")%uint64(n.bus.o.Lanes))
}

// wants reports whether the message is for a lane this node listens to. Others
// are for all.
func (n *node) wants(m *adapter.Message) bool {
	if m.Lane < 2 {
		return true
	}
	for i := range n.interest {
		if i.NS == m.NS && i.Room != "" && n.laneOf(i.NS, i.Room) == m.Lane {
			return true
		}
	}
	return false
}

func (n *node) Interest(changes ...adapter.Interest) {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	for _, c := range changes {
		key := adapter.Interest{NS: c.NS, Room: c.Room}
		if c.On {
			n.interest[key] = true
		} else {
			delete(n.interest, key)
		}
	}
}

func (n *node) Stats() adapter.Stats {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	s := n.stats
	s.Queued = n.queue.bytes
	s.Dropped = make(map[string]uint64)
	for class, count := range n.queue.dropped {
		if count > 0 {
			s.Dropped[adapter.Class(class).String()] = count
		}
	}
	return s
}

func (n *node) Close(ctx context.Context) error {
	b := n.bus
	b.mu.Lock()
	n.closed = true
	if n.done == nil {
		b.mu.Unlock()
		return nil
	}
	var err error
	if n.queue.bytes > 0 && !n.over {
		if n.emptied == nil {
			n.emptied = make(chan struct{})
		}
		emptied := n.emptied
		b.mu.Unlock()
		select {
		case <-emptied:
		case <-ctx.Done():
			err = ctx.Err()
		}
		b.mu.Lock()
	}
	n.end()
	n.crashed = false
	n.poke()
	b.mu.Unlock()
	<-n.done
	return err
}

// end lets the receiver end and nothing more come or go. After Close the
// adapter says so; a node that has crashed does not know.
func (n *node) end() {
	if !n.over {
		n.crashed = !n.closed
	}
	n.over = true
	n.arrivals = nil
	n.queue.clear()
	if n.emptied != nil {
		close(n.emptied)
		n.emptied = nil
	}
	if n.bus.nodes[n.name] == n {
		delete(n.bus.nodes, n.name)
	}
}

// put adds an item to those that arrive, behind all that arrive at that time. A
// state is told before the messages that waited for the connection.
func (n *node) put(i item) {
	at := len(n.arrivals)
	for at > 0 && (n.arrivals[at-1].due.After(i.due) || i.state != nil && !i.read && n.arrivals[at-1].waits()) {
		at--
	}
	n.arrivals = slices.Insert(n.arrivals, at, i)
	n.poke()
}

func (n *node) poke() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// receive gives what arrives to the inbox, one after the other.
func (n *node) receive() {
	defer close(n.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		i, wait, ok := n.arrived()
		switch {
		case !ok:
			return
		case wait == 0:
			n.give(i)
			continue
		case wait > 0:
			timer.Reset(wait)
		}
		select {
		case <-n.wake:
		case <-timer.C:
		}
	}
}

// arrived returns what has arrived, or how long it takes until something does:
// -1 if that is not known. It reports false at the end.
func (n *node) arrived() (i item, wait time.Duration, ok bool) {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	if n.over {
		return i, 0, false
	}
	// What the connection does not let through waits; states need none.
	open := n.down() == nil && !n.bus.paused
	at := slices.IndexFunc(n.arrivals, func(i item) bool { return !i.waits() || open })
	if at < 0 {
		return i, -1, true
	}
	i = n.arrivals[at]
	if wait = time.Until(i.due); wait > 0 {
		return i, wait, true
	}
	n.arrivals = slices.Delete(n.arrivals, at, at+1)
	if i.m != nil {
		n.stats.Received++
	}
	return i, 0, true
}

// give calls the inbox. What it keeps of a message it finds destroyed.
func (n *node) give(i item) {
	switch {
	case i.m != nil:
		m := clone(i.m)
		if m.Kind == adapter.Broadcast && !n.wanted(m) {
			m.Skipped, m.Data = true, adapter.Data{}
			n.bus.mu.Lock()
			n.stats.Skipped++
			n.bus.mu.Unlock()
		}
		n.inbox.Message(m)
		destroy(m)
	case i.state != nil:
		n.inbox.State(*i.state)
	default:
		n.inbox.Malformed(i.malformed)
	}
}

// wanted reports whether the broadcast can be for anybody here.
func (n *node) wanted(m *adapter.Message) bool {
	if len(m.Rooms) == 0 {
		return n.inbox.Wants(m.NS, "")
	}
	return slices.ContainsFunc(m.Rooms, func(room string) bool { return n.inbox.Wants(m.NS, room) })
}

// counter is a node that can count, see BusOptions.Counter.
type counter struct{ *node }

var _ adapter.Counter = counter{}

// Nodes counts those connected that have the namespace.
func (c counter) Nodes(ctx context.Context, ns string) (int, error) {
	c.bus.mu.Lock()
	defer c.bus.mu.Unlock()
	if err := c.down(); err != nil {
		return 0, err
	}
	count := 0
	for _, n := range c.bus.nodes {
		if n.down() == nil && n.interest[adapter.Interest{NS: ns}] {
			count++
		}
	}
	return count, nil
}
