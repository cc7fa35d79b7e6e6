package redis

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"
	"unicode/utf16"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
	"github.com/sockeye-io/sockeye/socketio/adapter/joined"
	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
	"github.com/sockeye-io/sockeye/socketio/internal/quieter"
)

// The values of [Options.Subscribe].
const (
	SubscribeDynamic        = "dynamic"
	SubscribeDynamicPrivate = "dynamic-private"
	SubscribeStatic         = "static"
)

// A Sharded is a node's connection to the masters of a Redis Cluster, or to one
// server of Redis 7. It implements [adapter.Adapter] and [adapter.Counter].
type Sharded struct {
	o    Options
	base *brokered.Base
	log  *slog.Logger
	pace brokered.Pace

	self    adapter.Node
	joined  joined.Rooms
	stale   chan struct{} // holds one when the topology may be another
	verdict sync.Mutex    // held while it is found out, and told, how it stands

	mu       sync.Mutex
	interest map[adapter.Interest]bool
	subs     map[string]*sub   // by channel
	shards   map[string]*shard // by address
	parts    []*shard          // by the part of the queue that is theirs; the first is nobody's
	table    *[slots]uint16    // the part of each slot; nil before there is a topology
	resting  map[int]time.Time // slots that nothing is published to until then
	rested   *time.Timer       // calls wake
	bare     int               // slots without a master
	clusters bool              // it is a Cluster
	replicas []string          // that the topology names
	hint     string            // who may know the topology
	cause    error             // why there is no topology
	missed   bool              // something may have been, since it was well
	began    bool              // it has been well
	moving   int               // channels that were heard, and are not since their slot has moved
}

// A sub is a channel that this node wants to hear.
type sub struct {
	channel string
	slot    int
	ns      string // whose channel it is; empty: of several namespaces, whose names end alike
	lane    uint32
	owners  int           // parts of the interest that need it
	probe   bool          // it is a shard's own
	counts  chan struct{} // closed while the slot's master counts this node
	known   bool          // counts is closed
	moved   bool          // it is one of Sharded.moving
}

// NewSharded returns an adapter that speaks the format of Node's sharded adapter:
// ordered within each channel, at most once; broadcasts to one room have a
// channel of their own. Addrs are one server of Redis 7 or later, or seeds of a
// Redis Cluster: its masters are found, and found again when slots or masters
// change.
func NewSharded(o Options) (*Sharded, error) {
	o, err := o.prepare(formatSharded)
	if err != nil {
		return nil, err
	}
	a := &Sharded{
		o: o, base: brokered.New(o.QueueBytes, o.MaxMessage), log: quieter.Logger(o.Logger), pace: brokered.DefaultPace,
		stale:    make(chan struct{}, 1),
		interest: make(map[adapter.Interest]bool), subs: make(map[string]*sub),
		shards: make(map[string]*shard), parts: []*shard{nil}, resting: make(map[int]time.Time),
	}
	a.rested = time.AfterFunc(time.Hour, a.wake)
	a.rested.Stop()
	return a, nil
}

var _ adapter.Counter = (*Sharded)(nil)

// Traits implements [adapter.Adapter].
func (a *Sharded) Traits() adapter.Traits {
	return adapter.Traits{
		Name: "sharded", Routes: a.o.Subscribe != SubscribeStatic, Mixed: true, OneValue: true, MaxMessage: a.base.Largest(),
	}
}

// firstRoom is the lane of the first of the rooms' channels; all that goes to a
// namespace's channel is lane 0.
const firstRoom = 2

// Lane implements [adapter.Adapter]. Of a message without a sender it is where
// those of other nodes come.
func (a *Sharded) Lane(m *adapter.Message) uint32 {
	if m.Keep || m.Kind != adapter.Broadcast || m.Request != "" || m.To != "" || len(m.Rooms) != 1 || !a.roomy(m.Rooms[0]) {
		return 0
	}
	if m.From != "" && a.joined.Has(m.NS, m.Rooms[0]) { // not all who are to hear it may have subscribed yet
		return 0
	}
	return laneOf(m.NS, m.Rooms[0])
}

// laneOf makes a lane of a room's name. Two names may have the same, once in four
// billion pairs.
func laneOf(ns, room string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(ns)) // never fails
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(room))
	return max(h.Sum32(), firstRoom)
}

// roomy reports whether a room has a channel of its own. Node takes a name of 20
// characters (of JavaScript's) for a session's id, whose room it reaches by the
// namespace's channel unless the mode says otherwise.
func (a *Sharded) roomy(room string) bool {
	switch a.o.Subscribe {
	case SubscribeStatic:
		return false
	case SubscribeDynamicPrivate:
		return true
	}
	if len(room) < 20 || len(room) > 60 {
		return true
	}
	return len(utf16.Encode([]rune(room))) != 20
}

// channel is a namespace's, and part of all others of it.
func (a *Sharded) channel(ns string) string { return a.o.Prefix + "#" + ns + "#" }

// Publish implements [adapter.Adapter].
func (a *Sharded) Publish(m *adapter.Message) error {
	if m.Kind == adapter.Join && m.To == "" {
		a.joined.Add(m.NS, m.Names)
	}
	return a.base.Add(m, a.encode)
}

// encode fills in where m goes and what is sent.
func (a *Sharded) encode(it *outbox.Item, m *adapter.Message) (err error) {
	switch {
	case m.To != "":
		it.Dest = a.channel(m.NS) + m.To + "#"
	case m.Lane >= firstRoom && len(m.Rooms) == 1:
		it.Dest = a.channel(m.NS) + m.Rooms[0] + "#"
	default:
		it.Dest = a.channel(m.NS)
	}
	it.Tag = slotOf(it.Dest)
	it.Data, err = nodewire.AppendShared(it.Data, m)
	return err
}

// Start implements [adapter.Adapter]. It never fails: NewSharded has checked.
func (a *Sharded) Start(ctx context.Context, self adapter.Node, in adapter.Inbox) error {
	if err := a.base.Begin(); err != nil {
		return err
	}
	a.mu.Lock()
	a.self = self
	for i := range a.interest {
		if i.Room == "" {
			a.wantLocked(a.channel(i.NS)+self.ID+"#", i.NS, 0)
		}
	}
	a.mu.Unlock()
	a.base.Start(ctx, in, a.run)
	return nil
}

// Interest implements [adapter.Adapter].
func (a *Sharded) Interest(changes ...adapter.Interest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range changes {
		key := adapter.Interest{NS: c.NS, Room: c.Room}
		if c.On == a.interest[key] || c.Room != "" && !a.roomy(c.Room) {
			continue
		}
		change := a.unwantLocked
		if c.On {
			a.interest[key] = true
			change = a.wantLocked
		} else {
			delete(a.interest, key)
		}
		switch {
		case c.Room != "":
			change(a.channel(c.NS)+c.Room+"#", c.NS, laneOf(c.NS, c.Room))
		case a.self.ID != "":
			change(a.channel(c.NS)+a.self.ID+"#", c.NS, 0)
			fallthrough
		default:
			change(a.channel(c.NS), c.NS, 0)
		}
	}
}

// errOld: its Redis has no sharded Pub/Sub.
var errOld = errors.New("redis: the server has no sharded Pub/Sub, which needs Redis 7: write redis:// for the classic adapter")

// awake waits until a slot rests no more: until then the others may not have
// found its master.
func (a *Sharded) awake(ctx context.Context, slot int) error {
	a.mu.Lock()
	until, rests := a.resting[slot]
	a.mu.Unlock()
	if !rests {
		return nil
	}
	select {
	case <-time.After(time.Until(until)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Nodes implements [adapter.Counter]. It waits until the server counts this node
// too, if that has the namespace.
func (a *Sharded) Nodes(ctx context.Context, ns string) (int, error) {
	channel := a.channel(ns)
	if err := a.awake(ctx, slotOf(channel)); err != nil {
		return 0, err
	}
	a.mu.Lock()
	s, sh := a.subs[channel], a.shardLocked(slotOf(channel))
	var l *shardLink
	if sh != nil {
		l = sh.link
	}
	var counts chan struct{}
	if s != nil {
		counts = s.counts
	}
	a.mu.Unlock()
	if l == nil {
		return 0, errDown
	}
	if counts != nil {
		select {
		case <-counts:
		case <-l.ctx.Done():
			return 0, errDown
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	answer, err := l.client.PubSubShardNumSub(ctx, channel).Result()
	if err != nil {
		return 0, err
	}
	return int(answer[channel]), nil
}

// Stats implements [adapter.Adapter].
func (a *Sharded) Stats() adapter.Stats { return a.base.Stats() }

// Close implements [adapter.Adapter]. It returns the error of ctx if that has
// ended before all was sent.
func (a *Sharded) Close(ctx context.Context) error { return a.base.Close(ctx) }
