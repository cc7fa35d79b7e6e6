package history

import (
	"slices"
	"time"
)

// excused reports whether the node may miss the message without counting it.
func (c *checker) excused(to string, m Event) bool {
	if c.Safe {
		return c.excusedIfSafe(to, m)
	}
	if n := c.nodes[m.Node]; n == nil || !n.open && n.to.Before(m.At.Add(c.Travel+c.Tell)) {
		return true // nobody could tell how far it was
	}
	if n := c.nodes[to]; n == nil || !n.open && n.to.Before(m.At.Add(c.Travel+c.Tell)) {
		return true
	}
	if m.At.Add(c.Travel + c.Tell).After(c.end) {
		return true
	}
	// Who does not know a node, or takes it for gone by then, counts nothing.
	return !slices.ContainsFunc(c.knows[pair{to, m.Node}], func(p period) bool {
		return !p.from.After(m.At) && (p.open || p.to.After(m.At.Add(c.Dead+c.Travel)))
	})
}

// excusedIfSafe is excused where nothing is lost on the way: nothing has to be
// counted, and so it does not matter whether somebody was left to do it. What a
// node has sent that said that it ends has come.
func (c *checker) excusedIfSafe(to string, m Event) bool {
	if n := c.nodes[m.Node]; n == nil || !n.open && !n.said && n.to.Before(m.At.Add(c.Travel)) {
		return true
	}
	return !slices.ContainsFunc(c.knows[pair{to, m.Node}], func(p period) bool {
		return !p.from.After(m.At) && (p.open || !p.to.Before(m.At))
	})
}

// hasBefore reports whether the client got something of the same sender and lane
// before, since it is where it is.
func (c *checker) hasBefore(cl *client, m Event) bool {
	return slices.ContainsFunc(cl.got, func(e *Event) bool {
		before := c.emits[e.ID]
		return before.Sender == m.Sender && before.Lane == m.Lane && e.At.Before(m.At) &&
			slices.ContainsFunc(m.Rooms, func(room string) bool { return throughout(cl.in[room], before.At, m.At) })
	})
}

// counted is how many were counted from then on.
func (c *checker) counted(k pair, since time.Time) (n uint64) {
	for _, list := range [][]Event{c.gaps[k], c.drops[k.from]} {
		for _, e := range list {
			if !e.At.Before(since) {
				n += e.N
			}
		}
	}
	return n
}

// tookAlong reports whether the node of a message has ended without a word so soon
// that it may have taken it along: then the client has nothing that is later.
func (c *checker) tookAlong(cl *client, m Event) bool {
	if n := c.nodes[m.Node]; n == nil || n.open || n.said || n.to.After(m.At.Add(c.Travel)) {
		return false
	}
	return !slices.ContainsFunc(cl.got, func(e *Event) bool {
		later := c.emits[e.ID]
		return later.Sender == m.Sender && (c.Ordered || later.Lane == m.Lane) && c.place[e.ID] > c.place[m.ID]
	})
}
