package redis

import (
	"context"
	"errors"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

var (
	errStalled = errors.New("redis: nothing comes back")
	errSplit   = errors.New("redis: messages are published where this node does not listen")
	errMoved   = errors.New("redis: the Sentinels name another master")
)

// probeChannel is this node's own: nobody else listens there.
func (a *Adapter) probeChannel() string { return a.o.Prefix + "-probe#" + a.self.ID + "#" }

// returned notes that a probe has come back.
func (l *link) returned() {
	l.probing.Store(false)
	l.probed.Store(0)
	l.back.Store(l.now())
}

// probe publishes one, if the last has come back.
func (l *link) probe() {
	if !l.probing.CompareAndSwap(false, true) {
		return
	}
	it := outbox.Get()
	it.Class, it.Tag, it.Dest = adapter.ClassVital, tagProbe, l.a.probeChannel()
	if l.a.out.Add(it) != nil {
		l.probing.Store(false)
	}
}

// stalled tells whether something is waited for too long: replies, or a probe
// that was published, while nothing moves on that connection. The form's own is
// never silent for longer than it blocks.
func (l *link) stalled() bool {
	late := func(since int64, c *conn) bool {
		return since != 0 && time.Duration(l.now()-since) > l.patience && c.silent() > l.patience
	}
	return late(l.waits.Load(), l.pub) || late(l.probed.Load(), l.sub) ||
		l.own != nil && l.own.silent() > block+l.patience
}

// watch finds out when a connection delivers nothing any more without having
// ended. A server that only pauses is waited for: the link is given up when a
// fresh connection works and this one does not.
func (l *link) watch() error {
	a := l.a
	tick := time.NewTicker(a.pace.tick)
	defer tick.Stop()
	var (
		ailing  bool
		works   time.Time // since when a fresh connection is known to work, while ailing
		tried   time.Time
		retry   = l.patience
		located = time.Now()
	)
	l.probe()
	for {
		select {
		case <-tick.C:
		case <-l.ctx.Done():
			return nil
		}
		if time.Duration(l.now()-l.back.Load()) > a.pace.probe {
			l.probe()
		}
		if a.o.Sentinel != "" && time.Since(located) > a.pace.patience {
			if addr, err := a.o.master(l.ctx); err == nil && addr != l.addr {
				return errMoved
			}
			located = time.Now()
		}
		switch stalled := l.stalled(); {
		case !stalled && ailing:
			ailing, works, retry = false, time.Time{}, l.patience
			a.inbox.up(false)
		case !stalled:
		case !ailing || works.IsZero() && time.Since(tried) > retry:
			if ailing {
				retry = min(2*retry, a.pace.longest)
			}
			ailing = true
			a.inbox.down(errStalled)
			if l.verify() == nil {
				works = time.Now()
			}
			tried = time.Now()
		case !works.IsZero() && time.Since(works) > a.pace.grace:
			return errStalled
		}
	}
}

// verify tells whether a fresh connection to the server works.
func (l *link) verify() error {
	ctx, cancel := context.WithTimeout(l.ctx, l.a.pace.patience)
	defer cancel()
	addr, err := l.a.o.master(ctx)
	if err != nil {
		return err
	}
	c, err := l.a.o.dial(ctx, addr)
	if err != nil {
		return err
	}
	c.close()
	return nil
}
