package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

var errStalled = errors.New("postgres: nothing comes back")

// returned notes that a probe has come back.
func (l *link) returned() {
	l.probing.Store(false)
	l.probed.Store(0)
	l.back.Store(l.now())
}

// probe queues one, if the last has come back.
func (l *link) probe() {
	if !l.probing.CompareAndSwap(false, true) {
		return
	}
	it := outbox.Get()
	it.Class, it.Own, it.Tag, it.Dest = adapter.ClassVital, true, tagProbe, l.a.probeChannel()
	if l.a.out.Add(it) != nil {
		l.probing.Store(false)
	}
}

// stalled tells whether something is waited for too long: an answer, or a probe
// that was sent, while nothing moves on that connection.
func (l *link) stalled() bool {
	late := func(since int64, c *conn) bool {
		return since != 0 && time.Duration(l.now()-since) > l.patience && c.silent() > l.patience
	}
	return late(l.waits.Load(), l.pub) || late(l.probed.Load(), l.sub)
}

// watch finds out when a connection delivers nothing any more without having
// ended. A server that only pauses is waited for: the link is given up when a
// fresh connection works and this one does not.
func (l *link) watch() error {
	a := l.a
	tick := time.NewTicker(a.pace.tick)
	defer tick.Stop()
	var (
		ailing bool
		works  time.Time // since when a fresh connection is known to work, while ailing
		tried  time.Time
		retry  = l.patience
	)
	l.back.Store(l.now()) // the server has just answered
	for {
		select {
		case <-tick.C:
		case <-l.ctx.Done():
			return nil
		}
		if time.Duration(l.now()-l.back.Load()) > a.pace.probe {
			l.probe()
		}
		if !l.stalled() {
			if ailing {
				ailing, works, retry = false, time.Time{}, l.patience
				a.inbox.up(false)
			}
			continue
		}
		if !works.IsZero() && time.Since(works) > a.pace.grace {
			return errStalled
		}
		if !ailing || works.IsZero() && time.Since(tried) > retry {
			if ailing {
				retry = min(2*retry, a.pace.longest)
			}
			ailing = true
			a.inbox.down(errStalled)
			if l.verify() == nil {
				works = time.Now()
			}
			tried = time.Now()
		}
	}
}

// verify tells whether a fresh connection to the server works.
func (l *link) verify() error {
	ctx, cancel := context.WithTimeout(l.ctx, l.a.pace.patience)
	defer cancel()
	c, err := l.a.dial(ctx)
	if err == nil {
		c.close()
	}
	return err
}
