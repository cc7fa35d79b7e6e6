package redis

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

var (
	errStalled = errors.New("redis: nothing comes back")
	errSplit   = errors.New("redis: messages are published where this node does not listen")
	errMoved   = errors.New("redis: the Sentinels name another master")
)

// pace is how fast things happen; tests have their own.
type pace struct {
	tick, probe, patience, grace, longest time.Duration // of watching
	soonest, latest                       time.Duration // between attempts to connect
}

var paceOf = pace{tick: 500 * time.Millisecond, probe: 3 * time.Second, patience: 5 * time.Second, grace: time.Second,
	longest: time.Minute, soonest: 50 * time.Millisecond, latest: 5 * time.Second}

// A vigil finds out when connections deliver nothing any more without having
// ended.
type vigil struct {
	patience time.Duration // how long they may be silent
	began    time.Time
	waits    atomic.Int64 // since when replies are waited for, as a Duration since began; 0: none is
	probed   atomic.Int64 // since when a published probe has not come back, likewise
	probing  atomic.Bool  // a probe is queued, or on its way
	back     atomic.Int64 // when a probe came back last
}

func (v *vigil) now() int64 { return int64(time.Since(v.began)) + 1 }

// returned notes that a probe has come back.
func (v *vigil) returned() {
	v.probing.Store(false)
	v.probed.Store(0)
	v.back.Store(v.now())
}

// silent tells whether replies, or a probe that was published, are waited for too
// long while nothing moves on their connection.
func (v *vigil) silent(pub, sub *conn) bool {
	late := func(since int64, c *conn) bool {
		return since != 0 && time.Duration(v.now()-since) > v.patience && c.silent() > v.patience
	}
	return late(v.waits.Load(), pub) || late(v.probed.Load(), sub)
}

// A ward is what a vigil is kept over.
type ward interface {
	probe() // publishes one, if the last has come back
	stalled() bool
	verify() error    // tells whether a fresh connection works
	left() error      // tells, now and then, why the server is not the right one any more
	ailing(err error) // tells how it stands: nil is well
}

// keep watches until ctx ends, or the connections are to be given up. A server
// that only pauses is waited for: they are given up when a fresh connection
// works and these do not.
func (v *vigil) keep(ctx context.Context, pace *pace, w ward) error {
	tick := time.NewTicker(pace.tick)
	defer tick.Stop()
	var (
		ailing  bool
		works   time.Time // since when a fresh connection is known to work, while ailing
		tried   time.Time
		retry   = v.patience
		located = time.Now()
	)
	w.probe()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if time.Duration(v.now()-v.back.Load()) > pace.probe {
			w.probe()
		}
		if time.Since(located) > pace.patience {
			if err := w.left(); err != nil {
				return err
			}
			located = time.Now()
		}
		switch stalled := w.stalled(); {
		case !stalled && ailing:
			ailing, works, retry = false, time.Time{}, v.patience
			w.ailing(nil)
		case !stalled:
		case !ailing || works.IsZero() && time.Since(tried) > retry:
			if ailing {
				retry = min(2*retry, pace.longest)
			}
			ailing = true
			w.ailing(errStalled)
			if w.verify() == nil {
				works = time.Now()
			}
			tried = time.Now()
		case !works.IsZero() && time.Since(works) > pace.grace:
			return errStalled
		}
	}
}

// verify tells whether a fresh connection to the server at addr works.
func (o *Options) verify(ctx context.Context, patience time.Duration, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := o.dial(ctx, addr)
	if err != nil {
		return err
	}
	c.close()
	return nil
}

// probeChannel is this node's own: nobody else listens there.
func (a *Adapter) probeChannel() string { return a.o.Prefix + "-probe#" + a.self.ID + "#" }

// A link is a ward.

func (l *link) watch() error { return l.keep(l.ctx, &l.a.pace, l) }

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

// stalled: the form's own connection is never silent for longer than it blocks.
func (l *link) stalled() bool {
	return l.silent(l.pub, l.sub) || l.own != nil && l.own.silent() > block+l.patience
}

func (l *link) left() error {
	if l.a.o.Sentinel == "" {
		return nil
	}
	if addr, err := l.a.o.master(l.ctx); err == nil && addr != l.addr {
		return errMoved
	}
	return nil
}

func (l *link) ailing(err error) {
	if err == nil {
		l.a.inbox.up(false)
	} else {
		l.a.inbox.down(err)
	}
}

func (l *link) verify() error {
	ctx, cancel := context.WithTimeout(l.ctx, l.a.pace.patience)
	defer cancel()
	addr, err := l.a.o.master(ctx)
	if err != nil {
		return err
	}
	return l.a.o.verify(ctx, l.a.pace.patience, addr)
}
