package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

const (
	// within is how long a step of connecting may take, and a write.
	within = 5 * time.Second
	// pings go out so often. Whatever comes shows that the server is there.
	pings = time.Second
	// silence of so long makes the connection a doubtful one,
	silence = 3 * time.Second
	// and of so long one that is given up.
	lost = 15 * time.Second

	// incoming is how many messages wait to be handled at most, and wide how many
	// of them nats.go makes of one read at most: of 32 KiB, each of 20 bytes or
	// more.
	incoming, wide = 8192, 2048
	// backlog is how many bytes may wait.
	backlog = 16 << 20
)

// A link is one connection to a server.
type link struct {
	a       *Adapter
	address string
	began   time.Time
	ctx     context.Context // ends with it
	cancel  context.CancelFunc
	nc      *nats.Conn // set once, before connect returns
	gauge   *gauge
	in      chan *nats.Msg
	closed  chan struct{} // by nats.go, when nothing comes any more
	sending sync.WaitGroup
	subs    map[int]*nats.Subscription // by bucket; the sender's, once it runs

	opened     chan opened   // what was found of the log
	logReady   chan struct{} // closed when it is read
	logDrained chan struct{} // closed when all is stored that there will be

	mu    sync.Mutex
	raw   net.Conn
	cause error // why it ended
}

// connect makes a link to a server, with all its subscriptions.
func (a *Adapter) connect(ctx context.Context, address string) (*link, error) {
	l := a.newLink(ctx, address)
	o, err := l.options()
	if err != nil {
		l.cancel()
		return nil, err
	}
	nc, err := o.Connect()
	if err != nil {
		l.cancel()
		return nil, fmt.Errorf("nats: %s: %w", address, err)
	}
	l.mu.Lock()
	l.nc = nc
	l.mu.Unlock()
	if err := l.subscribe(); err != nil {
		l.end(err)
		<-l.closed
		return nil, fmt.Errorf("nats: %s: %w", address, err)
	}
	a.payload.Store(nc.MaxPayload())
	l.gauge.heard()
	return l, nil
}

func (a *Adapter) newLink(ctx context.Context, address string) *link {
	l := &link{
		a: a, address: address, began: time.Now(), gauge: newGauge(), in: make(chan *nats.Msg, incoming),
		closed: make(chan struct{}), subs: make(map[int]*nats.Subscription),
		opened: make(chan opened), logReady: make(chan struct{}), logDrained: make(chan struct{}),
	}
	l.ctx, l.cancel = context.WithCancel(ctx)
	return l
}

// options are those of the connection, for nats.go.
func (l *link) options() (nats.Options, error) {
	a, address := l.a, l.address
	o := nats.GetDefaultOptions()
	o.Servers, o.Name = []string{"nats://" + address}, a.opts.Name
	o.InboxPrefix = a.subjects.inbox + a.self.ID
	if a.self.ID == "" { // it only asks
		o.InboxPrefix = strings.TrimSuffix(a.subjects.inbox, ".")
	}
	o.AllowReconnect, o.NoEcho, o.NoCallbacksAfterClientClose = false, true, false
	o.Timeout, o.FlusherTimeout, o.PingInterval, o.MaxPingsOut = within, lost, pings, 1<<30
	o.CustomDialer, o.SkipHostLookup = l, true
	o.ClosedCB = func(*nats.Conn) { close(l.closed) }
	o.AsyncErrorCB = l.trouble
	if a.opts.Local {
		o.PingInterval = time.Hour
	}
	if err := a.opts.authenticate(&o); err != nil {
		return o, err
	}
	if t := a.opts.TLS; t != nil {
		t = t.Clone()
		if t.ServerName == "" {
			t.ServerName = serverName(address)
		}
		o.Secure, o.TLSConfig = true, t
	}
	return o, nil
}

// Dial makes the connection below, for nats.go.
func (l *link) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(l.ctx, within)
	defer cancel()
	raw, err := l.a.opts.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(l.ctx, func() { _ = raw.Close() }) // whatever it waits for
	l.mu.Lock()
	l.raw = raw
	l.mu.Unlock()
	return &conn{Conn: raw, gauge: l.gauge, full: l.full}, nil
}

// full reports whether as much waits to be handled as may.
func (l *link) full() bool {
	n := len(l.in)
	return n > incoming-wide || n > 0 && l.gauge.backlog() > backlog
}

// subscribe asks for all that this node wants to hear, and waits until the
// server knows. All goes through one channel, so that nothing overtakes.
func (l *link) subscribe() error {
	s := l.a.subjects
	subjects := []string{s.node + l.a.self.ID, s.got + l.a.self.ID + ".*", s.told + "*", s.all + "*"}
	if l.a.self.Deaf {
		subjects = subjects[:1]
	}
	for _, subject := range subjects {
		if _, err := l.nc.ChanSubscribe(subject, l.in); err != nil {
			return err
		}
	}
	if err := l.grant(l.a.interest.take(true)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(l.ctx, within)
	defer cancel()
	if err := l.nc.FlushWithContext(ctx); err != nil {
		return err
	}
	return l.why()
}

// grant makes and ends subscriptions.
func (l *link) grant(wishes []wish) error {
	for _, w := range wishes {
		sub := l.subs[w.bucket]
		switch {
		case w.on && sub == nil:
			sub, err := l.nc.ChanSubscribe(l.a.subjects.ofBucket(w.bucket), l.in)
			if err != nil {
				return err
			}
			l.subs[w.bucket] = sub
		case !w.on && sub != nil:
			delete(l.subs, w.bucket)
			if err := sub.Unsubscribe(); err != nil {
				return err
			}
		}
	}
	return nil
}

// trouble is told by nats.go what goes wrong beside.
func (l *link) trouble(_ *nats.Conn, sub *nats.Subscription, err error) {
	l.a.log.Warn("cluster: trouble with NATS", "server", l.address, "error", err)
	switch {
	case errors.Is(err, nats.ErrSlowConsumer), errors.Is(err, nats.ErrPermissionViolation), sub == nil:
		l.end(err) // something was lost, or cannot be heard: that is a State
	}
}

// end gives the connection up. The first cause counts.
func (l *link) end(cause error) {
	l.mu.Lock()
	first, raw, nc := l.cause == nil, l.raw, l.nc
	if first {
		l.cause = cause
	}
	l.mu.Unlock()
	if first {
		close(l.gauge.dead)
		l.cancel()
		if raw != nil {
			_ = raw.Close() // nats.go may hold its lock over a write that waits
		}
		if nc != nil {
			go nc.Close() // ends with the write
		}
	}
}

func (l *link) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// send empties the queue until the link ends.
func (l *link) send() {
	q := l.a.queue
	for {
		batch, err := q.Take(l.ctx)
		if errors.Is(err, adapter.ErrClosed) {
			l.drained()
			return
		} else if err != nil {
			return
		}
		// What was queued after a change of interest is not sent before it.
		l.a.poked.Store(false)
		if err := l.grant(l.a.interest.take(false)); err != nil {
			q.Back(batch)
			l.end(err)
			return
		}
		if !l.write(batch) {
			return
		}
	}
}

// write sends a batch; false: the link has ended.
func (l *link) write(batch []*outbox.Item) bool {
	sent, pokes := batch[:0], uint64(0)
	var refused []*outbox.Item
	for i, it := range batch {
		if it.Tag == tagPoke {
			pokes++
			sent = append(sent, it)
			continue
		}
		switch err := l.nc.Publish(it.Dest, it.Data); {
		case err == nil:
			sent = append(sent, it)
		case errors.Is(err, nats.ErrMaxPayload):
			l.a.log.Error("cluster: a message is larger than the NATS server takes: raise its max_payload", "server", l.address,
				"bytes", len(it.Data), "max_payload", l.nc.MaxPayload())
			refused = append(refused, it)
		default:
			rest := append([]*outbox.Item(nil), batch[i:]...)
			if !errors.Is(err, nats.ErrConnectionClosed) { // part of it may have been written
				refused, rest = append(refused, it), rest[1:]
			}
			l.settle(sent, refused, pokes)
			l.a.queue.Back(rest)
			l.end(err)
			return false
		}
	}
	l.settle(sent, refused, pokes)
	return true
}

func (l *link) settle(sent, refused []*outbox.Item, pokes uint64) {
	l.a.queue.Sent(sent)
	l.a.pokes.Add(pokes)
	l.a.queue.Lost(refused)
}

// drained tells Close that all that was queued is with the server, unless the link
// ends before it says so.
func (l *link) drained() {
	var away error
	// If nothing waits, nothing waits for a log, which may not be there yet.
	for waits := l.a.logs && l.a.queue.Stats().Queued > 0; waits && away == nil; {
		select {
		case <-l.logDrained:
			waits = false
		case <-time.After(time.Second):
			if l.hopeless() {
				away = adapter.ErrAway
			}
		case <-l.ctx.Done():
			return
		}
	}
	ctx, cancel := context.WithTimeout(l.ctx, within)
	defer cancel()
	err := l.nc.FlushWithContext(ctx)
	if err != nil && l.ctx.Err() != nil {
		return
	}
	err = cmp.Or(err, away)
	select {
	case l.a.drained <- err:
	case <-l.ctx.Done():
	}
}
