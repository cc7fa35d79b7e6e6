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
)

// beat says hello and heartbeats, and looks who is silent, until ctx ends.
func (c *Core) beat(ctx context.Context) {
	next := time.NewTimer(c.opts.Heartbeat)
	defer next.Stop()
	look := time.NewTicker(min(grace, max(c.opts.Dead/4, time.Millisecond)))
	defer look.Stop()
	soon := time.NewTimer(time.Hour)
	soon.Stop()
	defer soon.Stop()
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
			c.speak(adapter.Heartbeat, true) // who is new knows none yet
			next.Reset(c.opts.Heartbeat)
		case <-next.C:
			c.speak(adapter.Heartbeat, false)
			next.Reset(c.opts.Heartbeat)
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
	m := &adapter.Message{Kind: k, NS: "/", Node: &c.self}
	if l, ok := c.a.(adapter.Laggard); ok && l.Lags() {
		c.untold = true
	} else {
		m.Positions = c.numbers.positions(all || c.untold)
		c.untold = false
	}
	_ = c.Publish(m) // counted by the adapter; the next one follows
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
