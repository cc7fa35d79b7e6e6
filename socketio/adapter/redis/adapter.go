package redis

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/socketio/adapter"
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
	out  *outbox.Queue
	log  *slog.Logger
	pace pace

	stop    context.CancelFunc // nil before Start
	done    chan struct{}      // closed when all goroutines have ended
	drained chan struct{}      // closed when all that was queued is sent, after Close
	drain   sync.Once
	self    adapter.Node
	unsure  []*outbox.Item // that were on their way when the last link ended; of run and the links

	inbox    inbox
	sessions sessions

	mu      sync.Mutex
	link    *link // nil while there is none
	closing bool
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
		o: o, out: outbox.New(o.QueueBytes), log: quieter.Logger(o.Logger), pace: paceOf,
		done: make(chan struct{}), drained: make(chan struct{}),
		spaces: make(map[string]*space), counted: make(map[string]*space),
		changes: make(map[string]change), changed: make(chan struct{}, 1),
	}
	if o.Sentinel != "" { // whose names change while one tries
		a.pace.latest = time.Second
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
	ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.self, a.inbox.to = self, in
	go func() {
		defer close(a.done)
		a.run(ctx)
	}()
	return nil
}

// Publish implements [adapter.Adapter].
func (a *Adapter) Publish(m *adapter.Message) error {
	it := outbox.Get()
	it.Class = m.Class()
	if err := a.form.encode(it, m); err != nil {
		outbox.Drop(it)
		return err
	}
	if len(it.Data) > a.largest() {
		outbox.Drop(it)
		return adapter.ErrTooLarge
	}
	return a.out.Add(it)
}

// largest is the size of the largest message that can be sent: the queue counts
// a little more for each.
func (a *Adapter) largest() int { return max(min(a.o.MaxMessage, a.o.QueueBytes-8<<10), 0) }

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
func (a *Adapter) Stats() adapter.Stats {
	s := a.out.Stats()
	s.Received, s.Skipped = a.inbox.received.Load(), a.inbox.skipped.Load()
	return s
}

// Close implements [adapter.Adapter]. It returns the error of ctx if that has
// ended before all was sent.
func (a *Adapter) Close(ctx context.Context) (err error) {
	a.out.Close()
	if a.stop == nil {
		a.out.Clear()
		return nil
	}
	a.mu.Lock()
	a.closing = true
	a.mu.Unlock()
	a.empty()
	select {
	case <-a.drained:
	case <-ctx.Done():
		err = ctx.Err()
	}
	a.awaitSessions(ctx)
	a.stop()
	<-a.done
	a.out.Lost(a.unsure)
	a.unsure = nil
	a.out.Clear()
	return err
}

// empty ends the wait for what is queued if nothing is, and no more can be.
func (a *Adapter) empty() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing && a.out.Stats().Queued == 0 {
		a.drain.Do(func() { close(a.drained) })
	}
}

// run makes one link after the other until Close ends ctx.
func (a *Adapter) run(ctx context.Context) {
	pause := a.pace.soonest
	patience := a.pace.patience
	again := false
	for {
		l, err := a.connect(ctx)
		if err == nil {
			l.patience, l.again = patience, again
			err = l.serve()
			if patience = a.pace.patience; errors.Is(err, errStalled) {
				patience = min(2*l.patience, a.pace.longest)
			}
			if l.worked {
				again, pause = true, a.pace.soonest
			}
		}
		if ctx.Err() != nil {
			return
		}
		a.inbox.down(err)
		a.empty()
		select {
		case <-time.After(jitter(pause)):
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, a.pace.latest)
	}
}

// jitter is a time between half of d and d, so that nodes that lost the same
// server do not come back as one.
func jitter(d time.Duration) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return d/2 + time.Duration(binary.LittleEndian.Uint64(b[:])%uint64(d/2+1))
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
