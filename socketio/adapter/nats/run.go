package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
)

const (
	// The pauses between attempts to connect.
	firstPause, longestPause = 50 * time.Millisecond, 5 * time.Second
	// steady is how long a connection has lasted after which pauses begin anew.
	steady = 10 * time.Second
	// glance is how often somebody looks whether the server is there.
	glance = 500 * time.Millisecond
	// linger is after how long interest is looked at that may have lapsed.
	linger = 2 * time.Second
)

// run connects, and connects again, until ctx ends. It alone calls the Inbox.
func (a *Adapter) run(ctx context.Context) {
	state, since := adapter.Connecting, time.Now()
	told := make(map[string]string) // why there is no connection, by server
	pause := brokered.Backoff{Soonest: firstPause, Latest: longestPause}
	for attempt := 0; ctx.Err() == nil; attempt++ {
		address := a.opts.Servers[attempt%len(a.opts.Servers)]
		l, err := a.connect(ctx, address)
		if err == nil {
			began := time.Now()
			a.in.State(adapter.State{Connection: adapter.Up, At: began, MayMiss: state == adapter.Degraded && !a.logs})
			err = a.serve(ctx, l)
			state, since = adapter.Degraded, time.Now()
			clear(told)
			if time.Since(began) > steady {
				pause.Reset()
			}
		}
		if ctx.Err() != nil {
			return
		}
		if why := err.Error(); why != told[address] {
			told[address] = why
			a.in.State(adapter.State{Connection: state, Cause: err, At: since})
		}
		if (attempt+1)%len(a.opts.Servers) != 0 {
			continue // the next one at once
		}
		select {
		case <-time.After(pause.Next()):
		case <-ctx.Done():
		}
	}
}

// serve handles what comes over a link until it, or ctx, ends, and returns why.
func (a *Adapter) serve(ctx context.Context, l *link) error {
	a.setLink(l)
	l.sending.Go(l.send)
	if a.logs {
		from := a.reader.place
		l.sending.Go(func() { l.openLog(from) })
		l.sending.Go(func() { l.sendLog(&a.writer) })
	}
	defer func() {
		a.setLink(nil)
		a.reader.pause()
		l.end(errors.New("closed"))
		l.sending.Wait()
		<-l.closed
	}()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	w := watch{a: a, l: l, looked: time.Now(), lapsed: time.Now()}
	for {
		select {
		case msg := <-l.in:
			more := min(len(l.in), atOnce)
			a.gather(more > 0)
			a.take(l, msg)
			for range more {
				a.take(l, <-l.in)
			}
			a.gather(false)
			if len(l.in) == 0 {
				l.gauge.handled.Store(l.gauge.read.Load()) // but for what nats.go has in hand
			}
		case <-l.closed:
			for len(l.in) > 0 {
				a.take(l, <-l.in)
			}
			return fmt.Errorf("nats: %s: %w", l.address, l.reason())
		case o := <-l.opened:
			if a.self.Deaf {
				a.at.Store(&o.place)
				a.logOpen.Store(true)
			} else {
				a.reader.begin(l, o)
			}
			close(l.logReady)
		case <-tick.C:
			a.reader.look(time.Now())
			w.look(time.Now())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// atOnce is how many messages more are taken together.
const atOnce = 63

// gather tells the node whether more is at hand.
func (a *Adapter) gather(more bool) {
	if a.all != nil && a.gathered != more {
		a.gathered = more
		a.all.Gather(more)
	}
}

// reason is why a link has ended.
func (l *link) reason() error {
	if err := l.why(); err != nil {
		return err
	}
	if err := l.nc.LastError(); err != nil {
		return err
	}
	return errors.New("the server has closed the connection")
}

// watch looks whether the server is there.
type watch struct {
	a        *Adapter
	l        *link
	looked   time.Time
	lapsed   time.Time
	doubtful bool
	newest   uint64
}

func (w *watch) look(now time.Time) {
	if now.Sub(w.looked) > 2*time.Second { // this process was stopped: what came meanwhile is read next
		w.l.gauge.heard()
	}
	w.looked = now
	if now.Sub(w.lapsed) >= linger {
		w.lapsed = now
		if w.a.interest.lapse() {
			w.a.poke()
		}
	}
	if w.a.opts.Newest != nil && !w.doubtful {
		if newest := w.a.opts.Newest(); newest > w.newest {
			w.a.in.State(adapter.State{Connection: adapter.Up, At: now, MayMiss: w.newest > 0})
			w.newest = newest
		}
	}
	if w.a.opts.Local {
		return
	}
	switch silent := w.l.gauge.silent(); {
	case silent > w.a.opts.lost:
		w.l.end(errSilent)
	case silent > w.a.opts.silence && !w.doubtful:
		w.doubtful = true
		w.a.in.State(adapter.State{Connection: adapter.Degraded, Cause: fmt.Errorf("nats: %s: %w", w.l.address, errSilent), At: now})
	case silent <= w.a.opts.silence && w.doubtful:
		w.doubtful = false
		w.a.in.State(adapter.State{Connection: adapter.Up, At: now})
	}
}

var errSilent = errors.New("the server does not answer")

// take handles one message.
func (a *Adapter) take(l *link, msg *nats.Msg) {
	switch s := a.subjects; {
	case strings.HasPrefix(msg.Subject, s.told):
		a.reader.told(msg)
	case strings.HasPrefix(msg.Subject, s.got):
		a.reader.got(msg)
	default:
		a.handle(msg.Subject, msg.Data)
	}
	g := l.gauge
	g.handled.Add(int64(len(msg.Subject) + len(msg.Data) + 24))
	if g.waiting.Load() && !l.full() {
		select {
		case g.room <- struct{}{}:
		default:
		}
	}
}
