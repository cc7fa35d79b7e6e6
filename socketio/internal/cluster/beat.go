package cluster

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

const (
	// grace is how long a message may come after the heartbeat that tells of it.
	grace = time.Second
	// breath is how long hellos gather before they are answered together.
	breath = 50 * time.Millisecond
	// settling is how long after a heartbeat is due it is said where the adapter is a
	// Laggard, with how far this node was then: what was published before is with the
	// broker by now, or something lags. It is a quarter of Dead at most.
	settling = 400 * time.Millisecond
)

// beat says hello and heartbeats, and looks who is silent, until ctx ends.
func (c *Core) beat(ctx context.Context) {
	next := time.NewTimer(c.opts.Heartbeat)
	defer next.Stop()
	look := time.NewTicker(min(grace, max(c.opts.Dead/4, time.Millisecond)))
	defer look.Stop()
	soon, settled := time.NewTimer(time.Hour), time.NewTimer(time.Hour)
	soon.Stop()
	settled.Stop()
	defer soon.Stop()
	defer settled.Stop()
	_, laggard := c.a.(adapter.Laggard)
	var due []adapter.Position // to be told when it has settled
	settles := false
	settle := func(all bool) {
		due, settles = c.numbers.positions(all), true
		settled.Reset(min(settling, c.opts.Dead/4))
	}
	awake := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.hello:
			if c.anew.Load() {
				c.speak(adapter.Hello, true)
				next.Reset(c.opts.Heartbeat)
				continue
			}
			soon.Reset(breath/2 + rand.N(breath))
		case <-soon.C:
			next.Reset(c.opts.Heartbeat) // who is new knows none yet
			if !laggard {
				c.speak(adapter.Heartbeat, true)
				continue
			}
			c.say(adapter.Heartbeat, nil)
			settle(true)
		case <-next.C:
			next.Reset(c.opts.Heartbeat)
			switch {
			case !laggard:
				c.speak(adapter.Heartbeat, false)
			case !settles:
				settle(c.untold)
			}
		case <-settled.C:
			settles = false
			if c.untold = c.lags(); c.untold {
				due = nil
			}
			c.say(adapter.Heartbeat, due)
		case <-look.C:
			now := time.Now()
			// Whoever was stopped for so long is gone for the others, and takes
			// nobody for gone whom it could not hear.
			if now.Sub(awake) > c.opts.Dead/2 {
				c.peers.wake(now)
				c.sayHello(true)
			}
			awake = now
			c.look(now)
		}
	}
}

// speak tells the others that this node is there, and how far it is: on all
// lanes, or on those where they may not know.
func (c *Core) speak(k adapter.Kind, all bool) {
	if k == adapter.Hello {
		c.anew.Store(false)
	}
	var positions []adapter.Position
	if c.lags() {
		c.untold = true
	} else {
		positions = c.numbers.positions(all || c.untold)
		c.untold = false
	}
	c.say(k, positions)
}

func (c *Core) say(k adapter.Kind, positions []adapter.Position) {
	_ = c.Publish(&adapter.Message{Kind: k, NS: "/", Node: &c.self, Positions: positions}) // counted by the adapter; the next one follows
}

// lags reports whether what was published may wait while other things go on.
func (c *Core) lags() bool {
	l, ok := c.a.(adapter.Laggard)
	return ok && l.Lags()
}

// look finds those who are silent, and what never came.
func (c *Core) look(now time.Time) {
	for _, l := range c.peers.overdue(now) {
		c.lose(l.from, l.laneKey, l.last, l.n)
	}
	for _, id := range c.peers.silent(now, c.opts.Dead) {
		c.lost(id, "silent")
	}
	c.answered.expire(now)
}

// count asks the broker how many nodes there are, each second while a question
// is open, and for all to know between.
func (c *Core) count(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		ask, cancel := context.WithTimeout(ctx, 2*time.Second)
		for _, ns := range c.questions.namespaces() {
			if n, err := c.counter.Nodes(ask, ns); err == nil {
				c.questions.counted(ns, n)
			}
		}
		if n, err := c.counter.Nodes(ask, "/"); err == nil {
			c.counted.Store(int64(n))
		}
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-c.questions.asked:
		}
	}
}
