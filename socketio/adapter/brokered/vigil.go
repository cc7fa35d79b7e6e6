package brokered

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

// ErrStalled is in the errors of links whose connections deliver nothing any
// more.
var ErrStalled = errors.New("nothing comes back")

// A Vigil finds out when connections deliver nothing any more without having
// ended.
type Vigil struct {
	patience time.Duration // how long they may be silent
	began    time.Time
	waits    atomic.Int64 // since when replies are waited for, as a Duration since began; 0: none is
	probed   atomic.Int64 // since when a published probe has not come back, likewise
	probing  atomic.Bool  // a probe is queued, or on its way
	back     atomic.Int64 // when a probe came back last
}

// Begin comes first: the connections are new, and may be silent for patience.
func (v *Vigil) Begin(patience time.Duration) { v.began, v.patience = time.Now(), patience }

// Patience is how long the connections may be silent.
func (v *Vigil) Patience() time.Duration { return v.patience }

func (v *Vigil) now() int64 { return int64(time.Since(v.began)) + 1 }

// Asked notes that replies are waited for from now on.
func (v *Vigil) Asked() { v.waits.Store(v.now()) }

// Answered notes that none is any more.
func (v *Vigil) Answered() { v.waits.Store(0) }

// Waited is how long replies have been waited for.
func (v *Vigil) Waited() time.Duration {
	since := v.waits.Load()
	if since == 0 {
		return 0
	}
	return time.Duration(v.now() - since)
}

// Probe queues a probe if the last has come back.
func (v *Vigil) Probe(out *outbox.Queue, dest string, tag int) {
	if !v.probing.CompareAndSwap(false, true) {
		return
	}
	it := outbox.Get()
	it.Class, it.Own, it.Dest, it.Tag = adapter.ClassVital, true, dest, tag
	if out.Add(it) != nil {
		v.probing.Store(false)
	}
}

// Probed notes that a probe was sent.
func (v *Vigil) Probed() {
	if v.probing.Load() {
		v.probed.Store(v.now())
	}
}

// Returned notes that a probe has come back.
func (v *Vigil) Returned() {
	v.probing.Store(false)
	v.probed.Store(0)
	v.Heard()
}

// Heard notes that what comes is heard: a probe may wait.
func (v *Vigil) Heard() { v.back.Store(v.now()) }

// Stalled tells whether replies, or a probe that was published, are waited for
// too long while nothing moves on their connection. The connections have been
// silent for as long as pub and sub say.
func (v *Vigil) Stalled(pub, sub time.Duration) bool {
	late := func(since int64, silent time.Duration) bool {
		return since != 0 && time.Duration(v.now()-since) > v.patience && silent > v.patience
	}
	return late(v.waits.Load(), pub) || late(v.probed.Load(), sub)
}

// A Ward is what a vigil is kept over.
type Ward interface {
	Probe()           // publishes one, if the last has come back
	Stalled() error   // has ErrStalled in it if the connections are, and is nil else
	Verify() error    // tells whether a fresh connection works
	Left() error      // tells, now and then, why the server is not the right one any more
	Ailing(err error) // tells how it stands: nil is well
}

// Keep watches until ctx ends, or the connections are to be given up. A server
// that only pauses is waited for: they are given up when a fresh connection
// works and these do not.
func (v *Vigil) Keep(ctx context.Context, p *Pace, w Ward) error {
	tick := time.NewTicker(p.Tick)
	defer tick.Stop()
	var (
		cause   error     // why it ails
		works   time.Time // since when a fresh connection is known to work, while ailing
		tried   time.Time
		retry   = v.patience
		located = time.Now()
	)
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if time.Duration(v.now()-v.back.Load()) > p.Probe {
			w.Probe()
		}
		if time.Since(located) > p.Patience {
			if err := w.Left(); err != nil {
				return err
			}
			located = time.Now()
		}
		switch err := w.Stalled(); {
		case err == nil && cause != nil:
			cause, works, retry = nil, time.Time{}, v.patience
			w.Ailing(nil)
		case err == nil:
		case cause == nil || works.IsZero() && time.Since(tried) > retry:
			if cause != nil {
				retry = min(2*retry, p.Longest)
			}
			cause = err
			w.Ailing(err)
			if w.Verify() == nil {
				works = time.Now()
			}
			tried = time.Now()
		case !works.IsZero() && time.Since(works) > p.Grace:
			return err
		}
	}
}
