package nats

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/sockeye-io/sockeye/internal/freeport"
	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/adapter"
)

func numbered(i int) *adapter.Message {
	return &adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: list("n", fmt.Sprint(i))}
}

// last is the last state.
func (n *node) last() adapter.State {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.states[len(n.states)-1]
}

// inOrder fails unless what came is some of want, in its order, and returns how
// many are missing.
func (n *node) inOrder(want []string) (missing int) {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	at := 0
	for _, s := range n.got {
		for at < len(want) && want[at] != s {
			at++
			missing++
		}
		if at == len(want) {
			n.t.Fatalf("node %s got %s, again or out of order", n.id[:1], s)
		}
		at++
	}
	return missing + len(want) - at
}

// A server that is killed and comes back: both nodes notice at once, what is
// queued meanwhile is sent in order, and what one missed was before it was back.
func TestServerIsKilled(t *testing.T) {
	s := broker(t, server.Options{})
	at := port(s)
	a, b := pair(t, options(s))
	want := []string{a.say(numbered(0))}
	b.heard(want)
	killed := time.Now()
	kill(s)
	a.down()
	b.down()
	if d := time.Since(killed); d > slow.Stretch(3*time.Second) {
		t.Errorf("it took %v to notice", d)
	}
	if s := a.last(); s.Connection != adapter.Degraded || s.Cause == nil {
		t.Errorf("%+v", s)
	}
	for i := range 1000 {
		want = append(want, a.say(numbered(i)))
	}
	broker(t, server.Options{Port: at})
	for _, n := range []*node{a, b} {
		n.up(2)
		if !n.last().MayMiss {
			t.Error("nothing can have been missed")
		}
	}
	a.settled()
	final := a.say(numbered(-1))
	want = append(want, final)
	b.wait("the last message", func() bool { return len(b.got) > 0 && b.got[len(b.got)-1] == final })
	b.mu.Lock()
	for i := range b.got { // settled's
		if strings.Contains(b.got[i], "settled") {
			want = append(want[:len(want)-1], b.got[i], final)
		}
	}
	b.mu.Unlock()
	missing := b.inOrder(want)
	a.stored() // counted: it may arrive before that
	if s := a.Stats(); s.Published != 1003 || len(s.Dropped) != 0 {
		t.Errorf("%+v", s)
	}
	t.Logf("%d of 1,000 messages from the time without a server were missed", missing)
}

// A server that is stopped for a while: the connection is a doubtful one, and
// then all is there, in order.
func TestServerStalls(t *testing.T) {
	s := broker(t, server.Options{})
	p := newProxy(t, s.Addr().String())
	a, b := start(t, "a", p.options()), start(t, "b", options(s))
	a.up(1)
	b.up(1)
	p.stall()
	var want []string
	say := func() {
		for i := range 5000 {
			want = append(want, a.say(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: list(fmt.Sprint(i), strings.Repeat("x", 2000))}))
		}
	}
	say() // more than connections hold
	a.down()
	if s := a.last(); s.Connection != adapter.Degraded || !errors.Is(s.Cause, errSilent) {
		t.Errorf("%+v", s)
	}
	say2 := len(want)
	for i := range 10 {
		want = append(want, a.say(numbered(i)))
	}
	p.resume()
	a.up(2)
	b.heard(want)
	if s := a.last(); s.MayMiss {
		t.Errorf("%+v, and all of %d came", s, say2)
	}
	if s := a.Stats(); len(s.Dropped) != 0 {
		t.Errorf("%+v", s)
	}
}

// One that does not come back is given up for another connection.
func TestSilentServerIsGivenUp(t *testing.T) {
	s := broker(t, server.Options{})
	p := newProxy(t, s.Addr().String())
	o := p.options()
	o.silence, o.lost = 1500*time.Millisecond, 2500*time.Millisecond
	a, b := start(t, "a", o), start(t, "b", options(s))
	a.up(1)
	b.up(1)
	p.stall()
	a.wait("two states of trouble", func() bool { return len(a.states) >= 3 })
	p.resume()
	a.up(2)
	if !a.last().MayMiss {
		t.Error("nothing can have been missed")
	}
	b.heard([]string{a.say(numbered(1))})
}

// A node that is cut off misses what is said meanwhile, and nothing else.
func TestPartition(t *testing.T) {
	s := broker(t, server.Options{})
	pa, pb := newProxy(t, s.Addr().String()), newProxy(t, s.Addr().String())
	a, b := start(t, "a", pa.options()), start(t, "b", pb.options())
	c := start(t, "c", options(s))
	for _, n := range []*node{a, b, c} {
		n.up(1)
	}
	first := c.say(numbered(1))
	a.heard([]string{first})
	pa.open(false)
	pa.cut()
	a.down()
	second := c.say(numbered(2))
	b.heard([]string{first, second})
	mine := a.say(numbered(3)) // waits
	pa.open(true)
	a.up(2)
	b.heard([]string{first, second, mine})
	third := c.say(numbered(4))
	a.heard([]string{first, third})
	b.heard([]string{first, second, mine, third})
	if n := a.Stats().Dropped; len(n) > 0 {
		t.Errorf("%v", n)
	}
}

// Who reads slowly lets the server wait, and misses nothing.
func TestSlowNodeMissesNothing(t *testing.T) {
	a, b := pair(t, options(broker(t, server.Options{})))
	hold := make(chan struct{})
	b.hold = hold
	var want []string
	for i := range 3 * incoming {
		want = append(want, a.say(numbered(i)))
	}
	a.settled()
	close(hold)
	b.mu.Lock()
	b.hold = nil
	b.mu.Unlock()
	b.heard(want)
	if n := len(b.states); n != 1 {
		t.Errorf("states %v", b.states)
	}
}

// Large messages wait by their bytes, not by their number.
func TestBacklogIsBoundedInBytes(t *testing.T) {
	a, b := pair(t, options(broker(t, server.Options{})))
	hold := make(chan struct{})
	b.hold = hold
	var want []string
	for range 40 {
		want = append(want, a.say(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: list(strings.Repeat("x", 1000_000))}))
		deadline := time.Now().Add(slow.Stretch(20 * time.Second))
		for a.Stats().Queued > 10<<20 && time.Now().Before(deadline) {
			<-time.After(time.Millisecond)
		}
	}
	a.settled()
	b.wait("a reader that waits", func() bool {
		b.Adapter.mu.Lock()
		defer b.Adapter.mu.Unlock()
		go b.changed(func() {}) // nobody tells
		return b.link.gauge.waiting.Load()
	})
	b.Adapter.mu.Lock()
	waits := b.link.gauge.backlog()
	b.Adapter.mu.Unlock()
	if waits > backlog+1<<20 {
		t.Errorf("%d bytes wait", waits)
	}
	close(hold)
	b.heard(want)
}

// Who reads so slowly that the server cuts it off learns so, and comes back.
func TestSlowConsumer(t *testing.T) {
	a, b := pair(t, options(broker(t, server.Options{MaxPending: 1 << 20})))
	hold := make(chan struct{})
	b.hold = hold
	for i := range 80 {
		a.say(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: list(fmt.Sprint(i), strings.Repeat("x", 500_000))})
		deadline := time.Now().Add(slow.Stretch(20 * time.Second))
		for a.Stats().Queued > 10<<20 && time.Now().Before(deadline) {
			<-time.After(time.Millisecond)
		}
	}
	a.settled()
	close(hold)
	b.up(2)
	if s := b.last(); !s.MayMiss {
		t.Errorf("%+v", s)
	}
	final := a.say(numbered(1))
	b.wait("the last message", func() bool { return len(b.got) > 0 && b.got[len(b.got)-1] == final })
}

// What is no message, or not for this channel, is counted, and what follows is
// heard.
func TestPoisonedMessages(t *testing.T) {
	s := broker(t, server.Options{})
	o := options(s)
	o.MaxMessage = 100_000
	a, b := pair(t, o)
	b.Interest(adapter.Interest{NS: "/", Room: "r", On: true})
	b.settled()
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	bad := map[string]int{}
	send := func(why, subject string, data []byte) {
		t.Helper()
		if err := nc.Publish(subject, data); err != nil {
			t.Fatal(err)
		}
		if why != "" {
			bad[why]++
		}
	}
	form := func(subject string, m adapter.Message) []byte {
		t.Helper()
		m.From = "eeee"
		data, err := b.form.Append(nil, subject, &m)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	all, room, mine := "socket.io.a./", b.subjects.ofBucket(bucketOf("/", "r")), "socket.io.n."+b.id
	event := adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: list("x")}
	toRoom := event
	toRoom.Rooms, toRoom.Lane = []string{"r"}, uint32(firstBucket+bucketOf("/", "r"))
	answer := adapter.Message{Kind: adapter.ClientCount, NS: "/", To: b.id, Request: "1"}
	for _, garbage := range []string{"", "x", "\xc1\xff\x00", `{"uid":"x","nsp":"/","type":3}`, string(form(all, event)[:20])} {
		send("parse", all, []byte(garbage))
		send("parse", room, []byte(garbage))
		send("parse", mine, []byte(garbage))
	}
	for i := range form(all, event) {
		send("parse", all, form(all, event)[:i])
	}
	send("size", all, make([]byte, 100_001))
	other := event
	other.NS = "/other"
	send("spoof", all, form(all, other))
	send("spoof", "socket.io.a.%2F", form(all, event))
	send("spoof", all, form(all, answer))
	send("spoof", all, form(all, toRoom))
	send("spoof", room, form(all, event))
	send("spoof", mine, form(all, event))
	strange := answer
	strange.To = a.id
	send("spoof", mine, form(all, strange))
	wrong := toRoom
	wrong.Rooms = []string{"another"}
	send("spoof", room, form(all, wrong))
	elsewhere := event
	elsewhere.Lane = 3
	send("spoof", all, form(all, elsewhere))
	data := form(all, event)
	data[1] = 9
	send("version", all, data)
	data = form(all, event)
	data[2] = 0 // one that nobody here knows is a later version's
	send("kind", all, data)
	own := event
	own.From = b.id
	data, err = b.form.Append(nil, all, &own)
	if err != nil {
		t.Fatal(err)
	}
	send("", all, data) // claims to be this node's own
	send("", room, form(room, toRoom))
	send("", mine, form(mine, answer))
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	event.From, toRoom.From, answer.From = "eeee", "eeee", "eeee"
	b.heard([]string{text(&toRoom), text(&answer), a.say(numbered(1))})
	if fmt.Sprint(b.bad) != fmt.Sprint(bad) {
		t.Errorf("malformed: %v, want %v", b.bad, bad)
	}
}

// With a key nobody else is heard, and nothing that is moved or changed.
func TestKey(t *testing.T) {
	s := broker(t, server.Options{})
	o := options(s)
	o.Key = []byte("one")
	a, b := pair(t, o)
	o.Key = []byte("another")
	c := start(t, "c", o)
	o.Key = nil
	d := start(t, "d", o)
	c.up(1)
	d.up(1)
	c.say(numbered(1))
	d.say(numbered(2))
	for _, n := range []*node{a, b} {
		n.wait("two to be refused", func() bool { return n.bad["mac"] == 2 })
	}
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	sub, err := nc.SubscribeSync("socket.io.a./")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	heard := a.say(numbered(3))
	msg, err := sub.NextMsg(slow.Stretch(10 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	moved := bytes.Replace(msg.Data, []byte("\x01/"), []byte("\x01x"), 1)
	if bytes.Equal(moved, msg.Data) {
		t.Fatal("nothing was changed")
	}
	for subject, data := range map[string][]byte{"socket.io.a.x": moved, "socket.io.a.%2F": msg.Data} {
		if err := nc.Publish(subject, data); err != nil {
			t.Fatal(err)
		}
	}
	b.wait("both to be refused", func() bool { return b.bad["mac"] == 4 })
	b.heard([]string{heard})
}

// A server that is away at the start is a state; what is queued is sent when it
// comes.
func TestServerIsAwayAtStart(t *testing.T) {
	address := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(freeport.Reserve(t)))
	a := start(t, "a", Options{Servers: []string{address.String()}})
	a.wait("a cause", func() bool { return len(a.states) > 0 })
	if s := a.last(); s.Connection != adapter.Connecting || s.Cause == nil {
		t.Errorf("%+v", s)
	}
	a.say(numbered(1))
	if s := a.Stats(); s.Queued == 0 || s.Published != 0 {
		t.Errorf("%+v", s)
	}
	s := broker(t, server.Options{Port: address.Port})
	a.up(1)
	if a.last().MayMiss {
		t.Error("nothing was missed")
	}
	b := start(t, "b", options(s))
	b.up(1)
	a.settled()
	if s := a.Stats(); s.Published != 2 || s.Queued != 0 {
		t.Errorf("%+v", s)
	}
}

// What waits is bounded, and what goes is counted.
func TestQueueIsBounded(t *testing.T) {
	s := broker(t, server.Options{})
	p := newProxy(t, s.Addr().String())
	o := p.options()
	o.QueueBytes = 4 << 20
	a, b := start(t, "a", o), start(t, "b", options(s))
	a.up(1)
	b.up(1)
	p.stall()
	const n = 20_000
	for i := range n {
		a.say(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: list(fmt.Sprint(i), strings.Repeat("x", 1000))})
		if q := a.Stats().Queued; q > 4<<20 {
			t.Fatalf("%d bytes wait", q)
		}
	}
	dropped := a.Stats().Dropped["broadcast"]
	if dropped == 0 {
		t.Fatal("nothing was dropped")
	}
	p.resume()
	b.wait("the rest", func() bool { return uint64(len(b.got)) == n-dropped })
	a.stored()
	if s := a.Stats(); s.Published != n-dropped {
		t.Errorf("%+v", s)
	}
}

// Any of several servers will do.
func TestServersTakeTurns(t *testing.T) {
	s1, s2 := broker(t, server.Options{}), broker(t, server.Options{})
	a := start(t, "a", Options{Servers: []string{s1.Addr().String(), s2.Addr().String()}})
	a.up(1)
	kill(s1)
	a.up(2)
	b := start(t, "b", options(s2))
	b.up(1)
	b.heard([]string{a.say(numbered(1))})
}

// Several servers that stay away are told of once each, as one outage.
func TestServersStayAway(t *testing.T) {
	attempts, enough := 0, make(chan struct{})
	a := start(t, "a", Options{Servers: []string{"one:1", "other:1"}, Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		if attempts++; attempts == 8 {
			close(enough)
		}
		return nil, fmt.Errorf("%s is away", address)
	}})
	<-enough
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.states) != 2 || a.states[0].At != a.states[1].At || !strings.Contains(a.states[1].Cause.Error(), "other:1 is away") {
		t.Errorf("it was told %v", a.states)
	}
}

// A process that was stopped takes nobody for silent whom it could not hear.
func TestWakingUp(t *testing.T) {
	a, _ := pair(t, options(broker(t, server.Options{})))
	l := &link{a: a.Adapter, gauge: newGauge(), in: make(chan *nats.Msg, incoming), cancel: func() {}}
	l.gauge.start = l.gauge.start.Add(-time.Hour)
	now := time.Now()
	w := watch{a: a.Adapter, l: l, looked: now.Add(-time.Hour), lapsed: now}
	w.look(now)
	if w.doubtful || l.cause != nil {
		t.Error("the server is taken for silent")
	}
	l.gauge.last.Store(0)
	w.look(now.Add(glance))
	if l.cause == nil {
		t.Error("the server is not taken for silent")
	}
}
