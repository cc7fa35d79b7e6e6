package cluster

import (
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// everybody is the number of the first lane that not all nodes with the
// namespace hear.
const everybody = 2

// expects reports whether this node hears all of a lane.
func (c *Core) expects(k laneKey) bool {
	return c.interest.serves(k.ns) && (!c.traits.Routes || k.lane < everybody || c.interest.has(k))
}

// inbox is the Core as the adapter sees it.
type inbox Core

func (in *inbox) Malformed(why string) { (*Core)(in).Refuse(why) }

// Refuse counts a message that was understood and is not to be carried out.
func (c *Core) Refuse(why string) {
	c.refused.Add(why)
	c.host.Tell(Event{Kind: Refused, Why: why})
}

func (in *inbox) Wants(ns, room string) bool { return in.host.Wants(ns, room) }

// Gather implements [adapter.Gatherer].
func (in *inbox) Gather(more bool) { in.host.Gather(more) }

func (in *inbox) State(s adapter.State) {
	c := (*Core)(in)
	c.state.Store(&s)
	c.parts()
	c.reading.begin(s)
	c.host.Tell(Event{Kind: Connection, State: s})
	if s.Connection == adapter.Up {
		c.sayHello(true)
	}
}

// sayHello has the beating goroutine speak soon. anew: as one who is new.
func (c *Core) sayHello(anew bool) {
	if anew {
		c.anew.Store(true)
	}
	select {
	case c.hello <- struct{}{}:
	default:
	}
}

// Message takes what another node has sent.
func (in *inbox) Message(m *adapter.Message) {
	c := (*Core)(in)
	c.take(m)
	c.peers.busy.Store(false)
}

func (c *Core) take(m *adapter.Message) {
	if !m.At.IsZero() {
		defer c.reading.reached(m.At)
		if m.From == c.self.ID && m.Seq != 0 && m.Lane == 0 {
			c.host.ReadBack(m.NS, m.Seq, m.At)
		}
	}
	if m.From == c.self.ID || m.To != "" && m.To != c.self.ID {
		return // our own, or for somebody else
	}
	now := time.Now()
	var sender adapter.Node
	if m.From != "" {
		p, isNew, ok := c.peers.heard(m, now)
		switch {
		case !ok:
			c.Refuse("peers")
			return
		case isNew:
			c.host.Tell(Event{Kind: NodeJoined, Node: p})
		}
		sender = p
	}
	if m.Seq != 0 && m.From != "" && m.To == "" && !m.Kind.Answers() {
		gap, old := uint64(0), false
		if c.expects(laneKey{m.NS, m.Lane}) {
			gap, old = c.peers.number(m)
		}
		if gap > 0 {
			c.lose(m.From, laneKey{m.NS, m.Lane}, m.Seq-1, gap)
		}
		if old {
			c.duplicates.Add(1)
			return
		}
	}
	if m.Skipped {
		return
	}
	switch m.Kind {
	case adapter.Hello:
		c.peers.claim(m, now, c.expects)
		c.sayHello(false)
	case adapter.Heartbeat:
		c.peers.claim(m, now, c.expects)
	case adapter.Goodbye:
		c.lost(m.From, "goodbye")
	case adapter.Broadcast, adapter.ServerSide, adapter.Fetch, adapter.IDs, adapter.Rooms, adapter.Has:
		if m.Request != "" {
			if again, first := c.answered.seen(m.From, m.Request, now); !first {
				c.duplicates.Add(1)
				if again != nil {
					_ = c.a.Publish(again) // the asker's wait ends by itself
				}
				return
			}
		}
		c.host.Handle(m)
	case adapter.Join, adapter.Leave, adapter.Disconnect:
		c.host.Handle(m)
	default:
		if !m.Kind.Answers() {
			c.Refuse(unknown(m, sender))
		} else if !c.questions.answer(m) {
			c.late.Add(1)
		}
	}
}

// unknown is why a message of a kind that this version does not know is ignored. A
// node that numbers its messages and has not told its version yet will.
func unknown(m *adapter.Message, sender adapter.Node) string {
	if sender.Version > version || sender.Version == 0 && m.Seq != 0 && m.From != "" {
		return "newer"
	}
	return "kind"
}

// lose counts messages of a node that never came, the last of which is number
// seq.
func (c *Core) lose(from string, k laneKey, seq, n uint64) {
	c.missed.Add(n)
	c.peers.missed(from, n)
	c.host.Tell(Event{Kind: Missed, Node: adapter.Node{ID: from}, NS: k.ns, Lane: k.lane, Seq: seq, N: n})
}

// lost ends a node's part in everything.
func (c *Core) lost(id, why string) {
	p, ok := c.peers.remove(id, why == "goodbye")
	if !ok {
		return
	}
	c.questions.gone(id, why == "goodbye")
	c.host.Tell(Event{Kind: NodeLeft, Node: p, Why: why})
}
