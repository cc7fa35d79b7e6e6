package redis

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
	"github.com/sockeye-io/sockeye/socketio/internal/quieter"
)

// A form is how messages look on the wire, and where they go.
type form interface {
	traits() adapter.Traits
	lane(m *adapter.Message) uint32
	// encode fills in where m goes and what is sent.
	encode(it *outbox.Item, m *adapter.Message) error
	// command appends the command that sends an item.
	command(b []byte, it *outbox.Item) []byte
	// patterns are subscribed to always, channels while the namespace is here;
	// the first of these is subscribed to by each node once, and counted.
	patterns() []string
	channels(ns string) []string
	// receive takes what came on a channel, one call at a time.
	receive(channel string, payload []byte) (*adapter.Message, error)
	// open makes a connection of its own to the server at addr, nil if it needs
	// none, and finds out what has become of what the adapter is unsure of. read
	// passes on what comes there until it ends.
	open(ctx context.Context, addr string) (*conn, error)
	read(c *conn) error
	// keeps reports whether open can find that out for an item.
	keeps(it *outbox.Item) bool
}

// An Adapter is a node's connection to a Redis server. It implements
// [adapter.Adapter] and [adapter.Counter].
type Adapter struct {
	o    Options
	form form
	base *brokered.Base
	log  *slog.Logger
	pace brokered.Pace

	self     adapter.Node
	unsure   []*outbox.Item // that were on their way when the last link ended; of the links
	sessions brokered.Sessions

	mu      sync.Mutex
	link    *link             // nil while there is none
	spaces  map[string]*space // by namespace
	counted map[string]*space // by the channel whose subscribers are counted
	changes map[string]change // of namespaces, that the link's server is to be told
	changed chan struct{}     // holds one when there are some
}

// A space is a namespace that this node has.
type space struct {
	counts chan struct{} // closed when the server of the link counts this node
	known  bool          // counts is closed
}

func newAdapter(o Options, newForm func(*Adapter) form) *Adapter {
	a := &Adapter{
		o: o, base: brokered.New(o.QueueBytes, o.MaxMessage), log: quieter.Logger(o.Logger), pace: brokered.DefaultPace,
		spaces: make(map[string]*space), counted: make(map[string]*space),
		changes: make(map[string]change), changed: make(chan struct{}, 1),
	}
	if o.Sentinel != "" { // whose names change while one tries
		a.pace.Latest = time.Second
	}
	a.form = newForm(a)
	return a
}

// Traits implements [adapter.Adapter].
func (a *Adapter) Traits() adapter.Traits { return a.form.traits() }

// Lane implements [adapter.Adapter].
func (a *Adapter) Lane(m *adapter.Message) uint32 { return a.form.lane(m) }

// Start implements [adapter.Adapter]. It never fails: New has checked.
func (a *Adapter) Start(ctx context.Context, self adapter.Node, in adapter.Inbox) error {
	if err := a.base.Begin(); err != nil {
		return err
	}
	a.self = self
	a.base.Start(ctx, in, func(ctx context.Context) {
		a.base.Run(ctx, &a.pace, func(ctx context.Context) (brokered.Link, error) { return a.connect(ctx) })
	})
	return nil
}

// Publish implements [adapter.Adapter].
func (a *Adapter) Publish(m *adapter.Message) error { return a.base.Add(m, a.form.encode) }

// Interest implements [adapter.Adapter]: a namespace costs a few subscriptions,
// a room none.
func (a *Adapter) Interest(changes ...adapter.Interest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range changes {
		if c.Room != "" {
			continue
		}
		if c.On == (a.spaces[c.NS] != nil) {
			continue
		}
		if c.On {
			a.addLocked(c.NS)
		} else {
			delete(a.spaces, c.NS)
			delete(a.counted, a.form.channels(c.NS)[0])
		}
		if a.link == nil {
			continue
		}
		if next := a.changes[c.NS].then(c.On); next == 0 {
			delete(a.changes, c.NS)
		} else {
			a.changes[c.NS] = next
		}
		select {
		case a.changed <- struct{}{}:
		default:
		}
	}
}

// A change is what a server is to be told of a namespace: that it has gone, has
// come, or both, in this order. However often it comes and goes while the server
// does not listen, that is all that waits.
type change byte

const (
	gone change = 1 << iota
	come
)

func (c change) then(on bool) change {
	switch {
	case on:
		return c | come
	case c&come != 0:
		return c &^ come
	}
	return gone
}

func (a *Adapter) addLocked(ns string) {
	s := &space{counts: make(chan struct{})}
	a.spaces[ns], a.counted[a.form.channels(ns)[0]] = s, s
}

// confirmed notes that the server has taken a subscription.
func (a *Adapter) confirmed(channel string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.counted[channel]; s != nil && !s.known {
		s.known = true
		close(s.counts)
	}
}

// errDown: there is no link.
var errDown = errors.New("redis: not connected")

// Nodes implements [adapter.Counter]. It waits until the server counts this node
// too, if that has the namespace.
func (a *Adapter) Nodes(ctx context.Context, ns string) (int, error) {
	a.mu.Lock()
	l, counts := a.link, chan struct{}(nil)
	s := a.spaces[ns]
	if s != nil {
		counts = s.counts
	}
	a.mu.Unlock()
	if l == nil {
		return 0, errDown
	}
	if s != nil {
		select {
		case <-counts:
		case <-l.ctx.Done():
			return 0, errDown
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	channel := a.form.channels(ns)[0]
	answer, err := l.client.PubSubNumSub(ctx, channel).Result()
	if err != nil {
		return 0, err
	}
	return int(answer[channel]), nil
}

// Stats implements [adapter.Adapter].
func (a *Adapter) Stats() adapter.Stats { return a.base.Stats() }

// Close implements [adapter.Adapter]. It returns the error of ctx if that has
// ended before all was sent.
func (a *Adapter) Close(ctx context.Context) error {
	err := a.base.Drain(ctx)
	a.sessions.Await(ctx)
	a.base.End()
	a.base.Out.Lost(a.unsure)
	a.unsure = nil
	return err
}

// connect makes the connections of a link.
func (a *Adapter) connect(ctx context.Context) (l *link, err error) {
	ask, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	l = &link{a: a}
	if l.addr, err = a.o.master(ask); err != nil {
		return nil, err
	}
	if l.pub, err = a.o.dial(ctx, l.addr); err != nil {
		return nil, err
	}
	if l.sub, err = a.o.dial(ctx, l.addr); err != nil {
		l.pub.close()
		return nil, err
	}
	if l.own, err = a.form.open(ctx, l.addr); err != nil {
		l.pub.close()
		l.sub.close()
		return nil, err
	}
	l.client = goredis.NewClient(a.o.client(l.addr, a.o.Username, a.o.Password, a.o.DB))
	l.ctx, l.fail = context.WithCancelCause(ctx)
	return l, nil
}
