package adaptertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// order: what several nodes send to several targets arrives at each, once, in
// each sender's order: within a lane at least.
func (s *suite) order() {
	all := s.nodes(3)
	const each = 400
	rooms := []string{"r0", "r1", "r2", "r3"}
	for _, p := range all {
		for _, room := range rooms {
			p.a.Interest(adapter.Interest{NS: "/", Room: room, On: true})
		}
	}
	for _, from := range all {
		for _, to := range all {
			for _, room := range rooms {
				if from != to {
					s.reach(from, to, adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{room}})
				}
			}
		}
	}
	var senders sync.WaitGroup
	for _, p := range all {
		senders.Go(func() {
			for i := range each {
				// Targets and kinds that take channels of their own in some formats.
				m := adapter.Message{Kind: adapter.Broadcast, NS: "/", Seq: uint64(i + 1), Data: event(fmt.Sprint(i))}
				switch i % 8 {
				case 0, 1, 2, 3:
					m.Rooms = rooms[i%4 : i%4+1]
				case 4:
					m.Rooms = rooms[:2]
				case 5:
					m.Kind = adapter.ServerSide
				case 6:
					m = adapter.Message{Kind: adapter.Join, NS: "/", Seq: m.Seq, Rooms: rooms[:1], Names: rooms[1:2]}
				}
				if !p.room() {
					s.t.Errorf("the queue never gets empty: %v", s.queues())
					return
				}
				if err := p.try(&m); err != nil {
					s.t.Errorf("Publish: %v", err)
				}
			}
		})
	}
	senders.Wait()
	for _, to := range all {
		for _, from := range all {
			if from == to {
				continue
			}
			from := from.id
			count := func() (n int) {
				seen := map[uint64]bool{}
				for _, m := range to.messages() {
					if m.From == from && m.Seq > 0 {
						seen[m.Seq] = true
					}
				}
				return len(seen)
			}
			to.until("all messages", func() bool { return count() == each })
		}
		s.inOrder(to)
	}
}

// inOrder looks at all that has arrived with numbers.
func (s *suite) inOrder(to *peer) {
	s.t.Helper()
	traits := to.a.Traits()
	type sender struct {
		from string
		lane uint32
	}
	last, seen := map[sender]uint64{}, map[string]bool{}
	for _, m := range to.messages() {
		if m.Seq == 0 {
			continue
		}
		if id := fmt.Sprint(m.From, m.Seq); seen[id] {
			if !traits.AtLeastOnce {
				s.t.Errorf("number %d came twice, of a backend of at most once", m.Seq)
			}
			continue
		} else {
			seen[id] = true
		}
		key := sender{m.From, m.Lane}
		if traits.Ordered {
			key.lane = 0
		}
		if m.Seq < last[key] {
			s.t.Errorf("number %d came after %d of the same sender; Ordered: %v", m.Seq, last[key], traits.Ordered)
			return
		}
		last[key] = m.Seq
	}
}

// addressee: what is for one node reaches it, and others can tell.
func (s *suite) addressee() {
	all := s.nodes(3)
	node := adapter.Node{ID: all[0].id, Name: "suite", Version: 1}
	for i := range 20 {
		to := all[1+i%2]
		m := adapter.Message{Kind: adapter.Heartbeat, NS: "/", To: to.id, Node: &node, Positions: []adapter.Position{{NS: "/", Seq: uint64(i)}}}
		all[0].publish(&m)
		s.arrives(to, &m)
	}
	for _, p := range all[1:] {
		s.fence(all[0], p, adapter.Message{Kind: adapter.Broadcast, NS: "/"})
		for _, m := range p.messages() {
			if m.Kind == adapter.Heartbeat && m.To != all[1].id && m.To != all[2].id {
				s.t.Errorf("a message for one node reaches another as one for all")
			}
		}
	}
}

// rooms: with Routes, a node without members gets nothing; without, all get all.
func (s *suite) rooms() {
	all := s.nodes(3)
	a, member, other := all[0], all[1], all[2]
	routes := a.a.Traits().Routes
	to := func(i int) adapter.Message {
		return adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{fmt.Sprint("room", i)}}
	}
	const count = 20
	for i := range count {
		member.a.Interest(adapter.Interest{NS: "/", Room: to(i).Rooms[0], On: true})
		s.reach(a, member, to(i))
	}
	round := func(name string) {
		for i := range count {
			m := to(i)
			m.Data = event(fmt.Sprint(name, i))
			a.publish(&m)
		}
		last := fmt.Sprint(name, count-1)
		member.until("messages to its rooms", func() bool {
			n := 0
			for _, text := range member.texts() {
				if strings.HasPrefix(text, name) {
					n++
				}
			}
			return n >= count && slices.Contains(member.texts(), last)
		})
		for range 3 {
			s.fence(a, other, adapter.Message{Kind: adapter.Broadcast, NS: "/"})
		}
	}
	round("first")
	if got := len(other.texts()); routes && got != 0 {
		s.t.Errorf("a node without members gets %d of %d messages to rooms, of a backend that Routes", got, count)
	} else if !routes && got != count {
		s.t.Errorf("a node without members gets %d of %d messages to rooms, of a backend that does not say that it Routes", got, count)
	}
	other.a.Interest(adapter.Interest{NS: "/", Room: "room3", On: true})
	s.reach(a, other, to(3))
	if !routes {
		return
	}
	other.a.Interest(adapter.Interest{NS: "/", Room: "room3"})
	if !other.within(s.patience, func() bool {
		other.mu.Lock()
		other.got = nil
		other.mu.Unlock()
		m := to(3)
		m.Data = event("are you still there")
		a.publish(&m)
		s.fence(a, other, adapter.Message{Kind: adapter.Broadcast, NS: "/"})
		return len(other.texts()) == 0
	}) {
		s.t.Errorf("a node that has lost its last member gets messages to the room for %v", s.patience)
	}
	round("second")
}

// lanes: the number of a lane depends on the message alone, and comes along.
func (s *suite) lanes() {
	all := s.nodes(2)
	for i := range 20 {
		room := fmt.Sprint("room", i)
		all[1].a.Interest(adapter.Interest{NS: "/", Room: room, On: true})
		m := adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{room}}
		s.reach(all[0], all[1], m)
		if one, two := all[0].a.Lane(&m), all[1].a.Lane(&m); one != two {
			s.t.Errorf("the lane of a room is %d to one node and %d to another", one, two)
		}
		m.Data, m.Seq = event(room), uint64(i+1)
		all[0].publish(&m)
		s.arrives(all[1], &m)
	}
}

// unwanted is a room that peers have no use for, though they have told interest.
const unwanted = "unwanted"

// wants: of what nobody wants the number is told at least, in its turn, and what
// is for other rooms too is not held to be unwanted.
func (s *suite) wants() {
	all := s.nodes(2)
	for _, room := range []string{unwanted, "r1"} {
		all[1].a.Interest(adapter.Interest{NS: "/", Room: room, On: true})
	}
	s.reach(all[0], all[1], adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{"r1"}})
	rooms := [][]string{{unwanted}, {"r1"}, {unwanted, "r1"}, {"r1", unwanted}, nil}
	// Its channel may take a moment, and none can be probed whose messages are not
	// looked at.
	all[1].until("the number of a message that is not wanted", func() bool {
		all[0].publish(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Seq: 1 << 40, Rooms: rooms[0], Data: event("unwanted")})
		return len(all[1].messages()) > 0
	})
	for i, rooms := range rooms {
		all[0].publish(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Seq: uint64(i + 1), Rooms: rooms, Data: event(fmt.Sprint(i))})
		m := all[1].next("the number of the message", func(m *adapter.Message) bool { return m.Seq == uint64(i+1) })
		text := string(m.Data.Text)
		switch {
		case i > 0 && (m.Skipped || m.Kind != adapter.Broadcast || !strings.Contains(text, fmt.Sprint(i))):
			s.t.Errorf("a message to %q comes as %s %q, skipped: %v", rooms, m.Kind, text, m.Skipped)
		case m.Skipped && (text != "" || m.From != all[0].id || m.NS != "/" || all[1].a.Stats().Skipped == 0):
			s.t.Errorf("a message that was skipped comes as %+v, with stats %+v", *m, all[1].a.Stats())
		}
	}
}

// count: a backend that counts nodes counts them right, soon.
func (s *suite) count() {
	all := s.nodes(3)
	if _, ok := all[0].a.(adapter.Counter); !ok {
		return
	}
	expect := func(ns string, want int) {
		s.t.Helper()
		var got int
		var err error
		if !all[0].within(s.patience, func() bool {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			got, err = all[0].a.(adapter.Counter).Nodes(ctx, ns)
			return err == nil && got == want
		}) {
			s.t.Errorf("%d nodes have %s (%v), not %d", got, ns, err, want)
		}
	}
	expect("/", 3)
	all[0].a.Interest(adapter.Interest{NS: "/some", On: true})
	all[1].a.Interest(adapter.Interest{NS: "/some", On: true})
	expect("/some", 2)
	all[1].a.Interest(adapter.Interest{NS: "/some"})
	expect("/some", 1)
	if err := all[2].end(s.patience); err != nil {
		s.t.Errorf("Close: %v", err)
	}
	expect("/", 2)
}

// together: all methods at once, from many goroutines.
func (s *suite) together() {
	all := s.nodes(2)
	var users sync.WaitGroup
	for i := range 8 {
		users.Go(func() {
			p := all[i%2]
			for j := range 100 {
				room := fmt.Sprint("room", j%5)
				p.a.Interest(adapter.Interest{NS: "/", Room: room, On: j%2 == 0})
				m := adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{room}, Data: twoBinaries(room)}
				_ = p.try(&m) // the first closes it for the others
				_ = p.a.Stats()
				if j == 90 && i < 2 {
					_ = p.end(s.patience)
				}
			}
		})
	}
	users.Wait()
}
