package history

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Check returns what in the history cannot be, by the rules: nothing if all can.
// The events are in the order in which they were recorded.
func Check(events []Event, rules Rules) []string {
	c := &checker{
		Rules: rules, emits: make(map[string]Event), clients: make(map[string]*client), nodes: make(map[string]*period),
		asks: make(map[string]*ask), knows: make(map[pair][]period), gaps: make(map[pair][]Event), drops: make(map[string][]Event),
		place: make(map[string]int),
	}
	if len(events) > 0 {
		c.end = events[len(events)-1].At
	}
	for i := range events {
		c.take(&events[i])
	}
	c.atMostOnceInOrder()
	for i := range events {
		if events[i].Kind == Deliver {
			c.wasForThem(&events[i])
		}
	}
	c.complete()
	c.answers()
	return c.wrong
}

type pair struct{ node, from string }

// period is from when to when something was so. An open one has no end yet.
type period struct {
	from, to time.Time
	open     bool
	node     string // of a client that is connected
	resumed  bool   // what was between the one before and this one is held to count as well
	said     bool   // of a node that is up: that it ends
}

type client struct {
	name string
	in   map[string][]period
	away []period // that are held to be complete
	got  []*Event
	last time.Time // of Disconnect
}

type ask struct {
	Event
	replies map[string]int
	done    *Event
}

type checker struct {
	Rules
	end     time.Time
	emits   map[string]Event
	order   []string       // of emits
	place   map[string]int // in order
	clients map[string]*client
	nodes   map[string]*period // when it was up
	asks    map[string]*ask
	knows   map[pair][]period
	gaps    map[pair][]Event
	drops   map[string][]Event
	wrong   []string
}

func (c *checker) fail(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

func (c *checker) client(name string) *client {
	if c.clients[name] == nil {
		c.clients[name] = &client{name: name, in: make(map[string][]period)}
	}
	return c.clients[name]
}

// everywhere is the room of all that are connected.
const everywhere = ""

func begin(list []period, at time.Time) []period {
	if n := len(list); n > 0 && list[n-1].open {
		return list
	}
	return append(list, period{from: at, open: true})
}

func stop(list []period, at time.Time) {
	if n := len(list); n > 0 && list[n-1].open {
		list[n-1].to, list[n-1].open = at, false
	}
}

// take notes one event, and what can be said of it alone.
func (c *checker) take(e *Event) {
	switch e.Kind {
	case Emit:
		if _, twice := c.emits[e.ID]; twice {
			c.fail("%v: there is another of this id", e)
		}
		c.emits[e.ID] = *e
		c.place[e.ID] = len(c.order)
		c.order = append(c.order, e.ID)
	case Deliver:
		if m, known := c.emits[e.ID]; !known {
			c.fail("%v: it was not emitted before", e)
			return
		} else if m.At.After(e.At) {
			c.fail("%v: it was emitted later, at %v", e, m.At)
		}
		cl := c.client(e.Client)
		cl.got = append(cl.got, e)
	case Connect, Disconnect, Join, Leave, Verdict:
		c.moves(c.client(e.Client), e)
	case NodeUp:
		c.nodes[e.Node] = &period{from: e.At, open: true}
	case NodeDown:
		if n := c.nodes[e.Node]; n != nil {
			n.to, n.open, n.said = e.At, false, e.OK
		}
	case Found:
		k := pair{e.Node, e.From}
		c.knows[k] = begin(c.knows[k], e.At)
	case Lost:
		stop(c.knows[pair{e.Node, e.From}], e.At)
	case Gap:
		if c.Safe {
			c.fail("%v: nothing can have been lost", e)
		}
		c.gaps[pair{e.Node, e.From}] = append(c.gaps[pair{e.Node, e.From}], *e)
	case Drop:
		c.drops[e.Node] = append(c.drops[e.Node], *e)
	case Ask:
		c.asks[e.ID] = &ask{Event: *e, replies: make(map[string]int)}
	case Reply, Done:
		a := c.asks[e.ID]
		switch {
		case a == nil:
			c.fail("%v: nobody has asked", e)
		case a.done != nil:
			c.fail("%v: the wait has ended before", e)
		case e.Kind == Done:
			a.done = e
		default:
			a.replies[e.From]++
		}
	}
}

// moves notes where a client is.
func (c *checker) moves(cl *client, e *Event) {
	switch e.Kind {
	case Connect:
		list := begin(cl.in[everywhere], e.At)
		list[len(list)-1].node = e.Node
		cl.in[everywhere] = list
	case Disconnect:
		for _, list := range cl.in {
			stop(list, e.At)
		}
		cl.last = e.At
	case Join:
		cl.in[e.Room] = begin(cl.in[e.Room], e.At)
	case Leave:
		stop(cl.in[e.Room], e.At)
	case Verdict:
		if !e.OK {
			return
		}
		// What was on its way to it when it went has been missed as well.
		cl.away = append(cl.away, period{from: cl.last.Add(-c.Local), to: e.At})
		for _, list := range cl.in {
			if n := len(list); n > 1 && list[n-1].open && list[n-2].to.Equal(cl.last) {
				list[n-1].resumed = true
			}
		}
	}
}

// atMostOnceInOrder: no client gets anything twice, nor before what the same
// sender has sent earlier.
func (c *checker) atMostOnceInOrder() {
	type row struct{ sender, lane string }
	for _, cl := range c.sorted() {
		seen := make(map[string]bool)
		last := make(map[row]*Event)
		for _, e := range cl.got {
			if seen[e.ID] {
				c.fail("%v: it has it already", e)
				continue
			}
			seen[e.ID] = true
			m := c.emits[e.ID]
			k := row{m.Sender, m.Lane}
			if c.Ordered {
				k.lane = ""
			}
			if before, had := last[k]; had && c.place[before.ID] > c.place[e.ID] {
				c.fail("%v: of the same sender it has %s already, which was emitted later", e, before.ID)
				continue
			}
			last[k] = e
		}
	}
}

func (c *checker) sorted() (list []*client) {
	for _, name := range slices.Sorted(maps.Keys(c.clients)) {
		list = append(list, c.clients[name])
	}
	return list
}

// whole joins the periods of which the next goes on with the last.
func whole(list []period) (all []period) {
	for _, p := range list {
		if n := len(all); p.resumed && n > 0 {
			all[n-1].to, all[n-1].open = p.to, p.open
			continue
		}
		all = append(all, p)
	}
	return all
}

// during reports whether there was a moment between from and to, both included,
// in one of the periods.
func during(list []period, from, to time.Time) bool {
	return slices.ContainsFunc(whole(list), func(p period) bool { return !p.from.After(to) && (p.open || !p.to.Before(from)) })
}

// throughout reports whether all of the time was in one of the periods, and more
// than a moment at its ends.
func throughout(list []period, from, to time.Time) bool {
	return slices.ContainsFunc(whole(list), func(p period) bool { return p.from.Before(from) && (p.open || p.to.After(to)) })
}

// wasForThem: just before the delivery, and not before the emit, the client was
// in one of the rooms, and not all that time in one of the exceptions.
func (c *checker) wasForThem(e *Event) {
	m, known := c.emits[e.ID]
	if !known {
		return
	}
	cl := c.client(e.Client)
	from := e.At.Add(-c.Local)
	if m.At.After(from) || cl.wasAway(m.At) {
		from = m.At
	}
	rooms := m.Rooms
	if len(rooms) == 0 {
		rooms = []string{everywhere}
	}
	if !slices.ContainsFunc(rooms, func(room string) bool { return during(cl.in[room], from, e.At) }) {
		c.fail("%v: it was for %q, and the client was not there from %v until then", e, rooms, from.Format("15:04:05.000"))
	}
	for _, room := range m.Except {
		if throughout(cl.in[room], from, e.At) {
			c.fail("%v: it was not for those in %s, where the client was", e, room)
		}
	}
}

// complete: who was there got it, or it was counted.
func (c *checker) complete() {
	type miss struct {
		cl *client
		m  Event
	}
	missed := make(map[pair]map[string]miss) // one of each message for each node
	for _, cl := range c.sorted() {
		got := make(map[string]time.Time)
		for _, e := range cl.got {
			if _, had := got[e.ID]; !had {
				got[e.ID] = e.At
			}
		}
		for _, id := range c.order {
			m := c.emits[id]
			at, has := got[id]
			node, must := c.mustHave(cl, m)
			here := node == m.Node
			switch {
			case m.May, !must:
			case has && here && at.Sub(m.At) > c.Local && !cl.wasAway(m.At):
				c.fail("%v: it took %v to client %s on the same node", m, at.Sub(m.At), cl.name)
			case has:
			case cl.wasAway(m.At) && c.tookAlong(cl, m):
			case cl.wasAway(m.At):
				c.fail("%v: client %s was told that it had missed nothing, and does not have it", m, cl.name)
			case here:
				c.fail("%v: it never came to client %s on the same node", m, cl.name)
			case !c.excused(node, m) && !(c.Lanes && m.Lane != "" && !c.hasBefore(cl, m)):
				k := pair{node, m.Node}
				if missed[k] == nil {
					missed[k] = make(map[string]miss)
				}
				missed[k][id] = miss{cl, m}
			}
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(missed), func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.from, b.from))
	}) {
		// The latest first: each needs one that was counted after it was sent.
		list := slices.SortedFunc(maps.Values(missed[k]), func(a, b miss) int { return b.m.At.Compare(a.m.At) })
		for i, miss := range list {
			if n := c.counted(k, miss.m.At); n < uint64(i+1) {
				c.fail("%v: client %s on node %s never got it, and since then that node has counted no more than %d of the %d that it missed",
					miss.m, miss.cl.name, k.node, n, i+1)
				break
			}
		}
	}
}

// wasAway reports whether the client was told later that it has missed nothing of
// that time.
func (cl *client) wasAway(at time.Time) bool {
	return slices.ContainsFunc(cl.away, func(p period) bool { return !at.Before(p.from) && !at.After(p.to) })
}

// mustHave reports whether the client was there for the message, all the time
// that it may have taken, and on which node.
func (c *checker) mustHave(cl *client, m Event) (node string, must bool) {
	connected := cl.in[everywhere]
	for i := len(connected) - 1; i >= 0; i-- {
		if p := connected[i]; !p.from.After(m.At) {
			node = p.node
			break
		}
	}
	until := m.At.Add(c.Travel)
	if node == m.Node && !cl.wasAway(m.At) {
		until = m.At.Add(c.Local)
	}
	if node == "" || until.After(c.end) || !throughout(connected, m.At, until) {
		return node, false
	}
	for _, room := range m.Except {
		if during(cl.in[room], m.At, until) {
			return node, false
		}
	}
	return node, len(m.Rooms) == 0 || slices.ContainsFunc(m.Rooms, func(room string) bool { return throughout(cl.in[room], m.At, until) })
}

// answers: each node that was there has answered once, or is named as missing.
func (c *checker) answers() {
	for _, id := range slices.Sorted(maps.Keys(c.asks)) {
		a := c.asks[id]
		if a.done == nil {
			c.fail("%v: the wait never ended", a.Event)
			continue
		}
		for from, n := range a.replies {
			if n > 1 {
				c.fail("%v: node %s has answered %d times", a.Event, from, n)
			}
			if slices.Contains(a.done.Missing, from) {
				c.fail("%v: node %s has answered and is missing", a.Event, from)
			}
		}
		for k, known := range c.knows {
			if k.node == a.Node && throughout(known, a.At, a.done.At) && a.replies[k.from] == 0 && !slices.Contains(a.done.Missing, k.from) {
				c.fail("%v: node %s has neither answered nor is it missing", a.Event, k.from)
			}
		}
	}
}
