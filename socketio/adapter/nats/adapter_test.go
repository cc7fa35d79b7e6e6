package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/id"
)

// kinds has one message of every kind, for all or for one node.
func kinds(to string) []*adapter.Message {
	question := "00000000000000aa"
	return []*adapter.Message{
		{Kind: adapter.Hello, NS: "/", Node: &adapter.Node{ID: "x", Name: "a", Version: 1}, Positions: []adapter.Position{{NS: "/", Lane: 9, Seq: 3}}},
		{Kind: adapter.Heartbeat, NS: "/", Node: &adapter.Node{ID: "x"}},
		{Kind: adapter.Broadcast, NS: "/", Data: list("chat", "a"), Flags: adapter.Flags{Volatile: true}},
		{Kind: adapter.Broadcast, NS: "/", Data: list("chat", "b"), Rooms: []string{"r", "s"}, Except: []string{"t"}},
		{Kind: adapter.Broadcast, NS: "/", Data: list("chat", "c"), Rooms: []string{"r"}, Request: question, Flags: adapter.Flags{Timeout: time.Second}},
		{Kind: adapter.Broadcast, NS: "/", Rooms: []string{"r"}, Data: adapter.Data{
			Text: []byte(`["file",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{0, 1, 255}}}},
		{Kind: adapter.Join, NS: "/", Rooms: []string{"r"}, Names: []string{"s"}},
		{Kind: adapter.Leave, NS: "/", Names: []string{"s"}},
		{Kind: adapter.Disconnect, NS: "/", Close: true},
		{Kind: adapter.Fetch, NS: "/elsewhere", Request: question},
		{Kind: adapter.ServerSide, NS: "/", Data: list("note")},
		{Kind: adapter.FetchAnswer, NS: "/", To: to, Request: question, Data: list()},
		{Kind: adapter.ServerSideAnswer, NS: "/", To: to, Request: question, Data: list("x")},
		{Kind: adapter.ClientCount, NS: "/", To: to, Request: question, Count: 3},
		{Kind: adapter.ClientAck, NS: "/", To: to, Request: question, Data: list("x")},
		{Kind: adapter.IDs, NS: "/", Request: question},
		{Kind: adapter.IDsAnswer, NS: "/", To: to, Request: question, Data: list("x")},
		{Kind: adapter.Rooms, NS: "/", Request: question},
		{Kind: adapter.RoomsAnswer, NS: "/", To: to, Request: question, Data: list("x")},
		{Kind: adapter.Has, NS: "/", Request: question},
		{Kind: adapter.HasAnswer, NS: "/", To: to, Request: question, Count: 1},
		{Kind: adapter.Goodbye, NS: "/"},
	}
}

func TestEveryKindArrivesInOrder(t *testing.T) {
	for name, key := range map[string]string{"plain": "", "with a key": "secret"} {
		t.Run(name, func(t *testing.T) {
			o := options(broker(t, server.Options{}))
			o.Key = []byte(key)
			a, b := pair(t, o)
			c := start(t, "c", o) // has the namespace, and nobody in the room
			c.up(1)
			for _, n := range []*node{b, c} {
				n.Interest(adapter.Interest{NS: "/", On: true})
			}
			b.Interest(adapter.Interest{NS: "/", Room: "r", On: true})
			b.settled()
			var atB, atC []string
			for range 50 {
				for _, m := range kinds(b.id) {
					what := a.say(m)
					atB = append(atB, what)
					if m.To == "" && m.Lane == 0 {
						atC = append(atC, what)
					}
				}
			}
			b.heard(atB)
			c.heard(atC)
			a.heard(nil)
		})
	}
}

// One goroutine's joins, leaves and broadcasts, to one room, to several and to
// all, arrive in their order, whichever subject they take.
func TestOrderAcrossLanes(t *testing.T) {
	a, b := pair(t, options(broker(t, server.Options{})))
	for i := range 64 {
		b.Interest(adapter.Interest{NS: "/", Room: fmt.Sprint("room", i), On: true})
	}
	b.settled()
	var want []string
	lanes := map[uint32]bool{}
	for i := range 6400 {
		m := &adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: list("n", fmt.Sprint(i))}
		switch i % 5 {
		case 0:
		case 1:
			m = &adapter.Message{Kind: adapter.Join, NS: "/", Names: []string{"other"}}
		case 2:
			m = &adapter.Message{Kind: adapter.Leave, NS: "/", Names: []string{"other"}}
		default:
			m.Rooms = []string{fmt.Sprint("room", i%64)}
		}
		want = append(want, a.say(m))
		lanes[m.Lane] = true
	}
	b.heard(want)
	if len(lanes) < 40 {
		t.Errorf("only %d lanes were taken", len(lanes))
	}
}

// 300 rooms, each with its members on one of three nodes: who has no member in a
// room does not get what is for it.
func TestRoomsAreRouted(t *testing.T) {
	const rooms, each = 300, 10
	o := options(broker(t, server.Options{}))
	nodes := []*node{start(t, "a", o), start(t, "b", o), start(t, "c", o)}
	for _, n := range nodes {
		n.up(1)
		n.Interest(adapter.Interest{NS: "/", On: true})
	}
	for r := range rooms {
		nodes[r%3].Interest(adapter.Interest{NS: "/", Room: fmt.Sprint("room ", r), On: true})
	}
	for _, n := range nodes {
		n.settled()
	}
	for i := range each {
		for r := range rooms {
			nodes[(r+1+i%2)%3].say(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{fmt.Sprint("room ", r)}, Data: list("x")})
		}
	}
	strays, others := 0, 0
	for i, n := range nodes {
		mine := func() (count, stray int) {
			for _, s := range n.got {
				var r int
				if _, at, ok := strings.Cut(s, "rooms [room "); ok {
					if _, err := fmt.Sscan(strings.TrimRight(strings.Fields(at)[0], "]"), &r); err != nil {
						t.Fatal(err)
					}
					if r%3 == i {
						count++
					} else {
						stray++
					}
				}
			}
			return count, stray
		}
		n.wait("its rooms' messages", func() bool { count, _ := mine(); return count == rooms/3*each })
		n.mu.Lock()
		_, stray := mine()
		n.mu.Unlock()
		strays, others = strays+stray, others+rooms/3*each
	}
	// Of each message there is one node besides sender and receiver.
	t.Logf("%d of %d messages reached a node without a member: %.1f %%", strays, others, 100*float64(strays)/float64(others))
	if strays*100 > others*5 {
		t.Errorf("%d of %d messages went astray", strays, others)
	}
}

// Sockets' own rooms are those of their node, which their ids tell: they cost it
// one subscription for all, and what is for one goes nowhere else; unless somebody
// else has joined a room of that name, who hears it too.
func TestOwnRooms(t *testing.T) {
	const sockets = 5000
	s := broker(t, server.Options{})
	o := options(s)
	a, b, c := start(t, "a", o), start(t, "b", o), start(t, "c", o)
	toRooms := func(n *node) int { return strings.Count(fmt.Sprint(n.got), " rooms ") }
	own := func(n *node, i int) string {
		r := id.Tagged("tag" + n.id[:1])
		if i%3 == 1 {
			return "/chat#" + r // as on revision 3
		}
		return r
	}
	rooms := make(map[*node][]string)
	for _, n := range []*node{a, b, c} {
		n.up(1)
		n.Interest(adapter.Interest{NS: "/", On: true})
	}
	before := s.NumSubscriptions()
	for i := range sockets {
		for _, n := range []*node{a, b} {
			r := own(n, i)
			rooms[n] = append(rooms[n], r)
			n.Interest(adapter.Interest{NS: "/", Room: r, On: true})
		}
	}
	other := rooms[b][7] // b's, which a socket of a joins
	a.settled()
	b.settled()
	subscriptions := s.NumSubscriptions() - before
	for _, r := range rooms[a][:500] {
		c.say(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{r}, Data: list("x")})
	}
	c.say(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: list("end")})
	a.wait("all of its own", func() bool { return toRooms(a) == 500 })
	b.wait("the last one", func() bool { return len(b.got) > 0 && strings.Contains(b.got[len(b.got)-1], "end") })
	b.mu.Lock()
	strays := toRooms(b)
	b.mu.Unlock()
	t.Logf("%d sockets on each of two nodes: %d subscriptions, %d of 500 messages went astray", sockets, subscriptions, strays)
	if subscriptions != 2 || strays != 0 {
		t.Error("a node hears what is for another's sockets")
	}
	a.Interest(adapter.Interest{NS: "/", Room: other, On: true})
	a.settled()
	c.say(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{other}, Data: list("both")})
	for _, n := range []*node{a, b} {
		n.wait("what is for both", func() bool { return strings.Contains(n.got[len(n.got)-1], "both") })
	}
}

// Interest ends with a room's last member, a while after; who comes back soon
// finds all as it was.
func TestInterestEnds(t *testing.T) {
	var i interest
	i.init()
	room := func(name string, on bool) { i.change([]adapter.Interest{{NS: "/", Room: name, On: on}}) }
	b := bucketOf("/", "r")
	same := "" // another room of that bucket
	for n := 0; same == ""; n++ {
		if name := fmt.Sprint(n); bucketOf("/", name) == b {
			same = name
		}
	}
	expect := func(what string, want ...wish) {
		t.Helper()
		if got := i.take(false); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	room("r", true)
	room(same, true)
	expect("two rooms", wish{b, true})
	room("r", false)
	i.lapse()
	i.lapse()
	expect("one room")
	room(same, false)
	room(same, false) // told twice
	i.lapse()
	expect("none, for a short time")
	room("r", true)
	i.lapse()
	expect("again", wish{b, true})
	room("r", false)
	i.lapse()
	i.lapse()
	expect("none, for long", wish{b, false})
	if i.rooms[b] != 0 || len(i.lapsed) != 0 || len(i.changed) != 0 {
		t.Error("something is left")
	}
}

func TestSubscriptionsEnd(t *testing.T) {
	s := broker(t, server.Options{})
	a := start(t, "a", options(s))
	a.up(1)
	before := s.NumSubscriptions()
	for r := range 1000 {
		a.Interest(adapter.Interest{NS: fmt.Sprint("/", r), On: true})
		a.Interest(adapter.Interest{NS: "/", Room: fmt.Sprint(r), On: true})
	}
	a.settled()
	if n := s.NumSubscriptions() - before; n < 850 || n > 1000 {
		t.Errorf("%d subscriptions for 1,000 rooms", n)
	}
	for r := range 1000 {
		a.Interest(adapter.Interest{NS: "/", Room: fmt.Sprint(r), On: false})
	}
	for range 2 {
		if a.interest.lapse() {
			a.poke()
		}
	}
	a.settled()
	if n := s.NumSubscriptions(); n != before {
		t.Errorf("%d subscriptions are left of %d", n, before)
	}
}

// A room that sockets elsewhere have just been told to join: nodes that have not
// subscribed yet get what follows all the same.
func TestBroadcastAfterJoin(t *testing.T) {
	a, b := pair(t, options(broker(t, server.Options{})))
	join := &adapter.Message{Kind: adapter.Join, NS: "/", Names: []string{"new", "newer"}}
	to := func(room string) *adapter.Message {
		return &adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{room}, Data: list("x")}
	}
	var want []string
	a.say(to("new")) // nobody is there
	want = append(want, a.say(join), a.say(to("new")), a.say(to("newer")))
	a.say(to("another"))
	b.heard(want)
	if m := to("new"); a.Lane(m) == 0 {
		t.Error("where others' broadcasts come has changed")
	}
}

func TestNamesHoldAnything(t *testing.T) {
	a, b := pair(t, options(broker(t, server.Options{})))
	long := "/" + strings.Repeat("x", 4095)
	var want []string
	for _, ns := range []string{"/", "/chat", "/a.b", "/a b", "/*", "/>", "/a.>", "/%2A", "/\r\nPUB x 1", "/日本", "/\x00\xff", long, long[:4095] + "y", "/$SYS", ""} {
		if ns == "" {
			ns = "/."
		}
		for _, room := range []string{"", "*", "a.>", "a b\r\n", long[1:], "\xff"} {
			b.Interest(adapter.Interest{NS: ns, On: true}, adapter.Interest{NS: ns, Room: room, On: true})
			b.settled()
			want = append(want, a.say(&adapter.Message{Kind: adapter.Broadcast, NS: ns, Rooms: []string{room}, Data: list("x")}),
				a.say(&adapter.Message{Kind: adapter.Broadcast, NS: ns, Data: list("y")}))
		}
	}
	b.heard(want)
	seen := map[string]string{}
	s := newSubjects("p")
	for _, ns := range []string{"a", "A", "%41", "/a", "~", "~61", "a.b", "a%2Eb", long, long + "x", "", strings.Repeat(".", 67), strings.Repeat(".", 66)} {
		subject := s.ofNamespace(ns)
		if other, ok := seen[subject]; ok || strings.Count(subject, ".") != 2 || len(subject) > longest+10 {
			t.Errorf("%q and %q have the same subject, or it is none: %s", ns, other, subject)
		}
		seen[subject] = ns
	}
}

// Two prefixes are two clusters, also where one is the beginning of the other.
func TestPrefixes(t *testing.T) {
	s := broker(t, server.Options{})
	var nodes []*node
	for i, prefix := range []string{"", "p", "p.a", "p.b", "P", "p..a", "p a", "p*", ">", "日本"} {
		o := options(s)
		o.Prefix = prefix
		n := start(t, string(rune('a'+i)), o)
		n.up(1)
		n.Interest(adapter.Interest{NS: "/", On: true}, adapter.Interest{NS: "/", Room: "r", On: true})
		n.settled()
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		for _, m := range kinds(nodes[0].id) {
			n.say(m)
		}
		n.settled()
	}
	for i, n := range nodes {
		o := n.opts
		twin := start(t, "z", o)
		twin.up(1)
		twin.Interest(adapter.Interest{NS: "/", On: true})
		n.heard([]string{twin.say(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: list("x", fmt.Sprint(i))})})
	}
}

// A broadcast that nobody here wants is not looked into, and told for its number.
func TestUnwantedBroadcastsAreSkipped(t *testing.T) {
	a, b := pair(t, options(broker(t, server.Options{})))
	b.wants = map[string]bool{"/elsewhere ": false, "/ r": false, "/ s": false}
	var want []string
	for _, c := range []struct {
		m       adapter.Message
		skipped bool
	}{
		{adapter.Message{NS: "/elsewhere"}, true},
		{adapter.Message{NS: "/elsewhere", Rooms: []string{"r"}}, false},
		{adapter.Message{NS: "/", Rooms: []string{"r", "s"}}, true},
		{adapter.Message{NS: "/", Rooms: []string{"r", "t"}}, false},
		{adapter.Message{NS: "/", Rooms: []string{"r", "s"}, Request: "00000000000000aa"}, false}, // a question
	} {
		c.m.Kind, c.m.Data = adapter.Broadcast, adapter.Data{Text: []byte(`["x",`), Attachments: [][]byte{{1}}}
		if !c.skipped {
			c.m.Data = list("x")
		}
		if c.m.Lane = laneOf(&c.m); c.m.Lane > 0 {
			b.Interest(adapter.Interest{NS: c.m.NS, Room: "r", On: true})
			b.settled()
		}
		a.say(&c.m)
		if c.skipped {
			c.m.Data, c.m.Skipped = adapter.Data{}, true
		}
		want = append(want, text(&c.m))
	}
	b.heard(want)
	if s := b.Stats(); s.Skipped != 2 || s.Received != 5 || len(b.bad) > 0 {
		t.Errorf("%+v, malformed %v", s, b.bad)
	}
}

func TestPublishErrors(t *testing.T) {
	s := broker(t, server.Options{MaxPayload: 4096})
	o := options(s)
	o.MaxMessage = 10_000
	a, b := pair(t, o)
	message := func(n int) *adapter.Message {
		return &adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: list(strings.Repeat("x", n))}
	}
	if _, err := a.try(message(10_000)); !errors.Is(err, adapter.ErrTooLarge) {
		t.Error(err)
	}
	if _, err := a.try(message(5000)); !errors.Is(err, adapter.ErrTooLarge) || !strings.Contains(err.Error(), "max_payload is 4096") {
		t.Error(err)
	}
	a.payload.Store(0) // as before the first connection
	a.say(message(5000))
	after := message(1)
	want := a.say(after)
	b.heard([]string{want})
	if s := a.Stats(); s.Dropped["broadcast"] != 3 || s.Published != 1 || len(a.states) != 1 {
		t.Errorf("%+v, states %v", s, a.states)
	}
	ctx, cancel := context.WithTimeout(t.Context(), slow.Stretch(5*time.Second))
	defer cancel()
	if err := a.Close(ctx); err != nil {
		t.Error(err)
	}
	if _, err := a.try(message(1)); !errors.Is(err, adapter.ErrClosed) {
		t.Error(err)
	}
}

// Close sends what is queued.
func TestCloseSends(t *testing.T) {
	a, b := pair(t, options(broker(t, server.Options{})))
	var want []string
	for i := range 20_000 {
		want = append(want, a.say(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: list("n", fmt.Sprint(i))}))
	}
	want = append(want, a.say(&adapter.Message{Kind: adapter.Goodbye, NS: "/"}))
	ctx, cancel := context.WithTimeout(t.Context(), slow.Stretch(10*time.Second))
	defer cancel()
	if err := a.Close(ctx); err != nil {
		t.Error(err)
	}
	b.heard(want)
	if s := a.Stats(); s.Queued != 0 || len(s.Dropped) != 0 {
		t.Errorf("%+v", s)
	}
}
