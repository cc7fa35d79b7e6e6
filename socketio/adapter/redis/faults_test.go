//go:build unix

package redis

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// burst publishes n numbered broadcasts after those that were before.
func (n *node) burst(from, count int) {
	n.t.Helper()
	for i := from; i < from+count; i++ {
		n.publish(adapter.Message{Kind: adapter.Broadcast, Seq: uint64(i), Data: text(`["n",` + strconv.Itoa(i) + `]`)})
	}
}

// numbers are those of the broadcasts of a node that have come, in order.
func (n *node) numbers(from string) (list []int) {
	for _, s := range n.messages() {
		if rest, ok := strings.CutPrefix(s, "broadcast "+from+" "); ok {
			_, rest, _ = strings.Cut(rest, `["n",`)
			i, _ := strconv.Atoi(strings.TrimSuffix(rest, "]"))
			list = append(list, i)
		}
	}
	return list
}

func sequence(from, count int) (list []int) {
	for i := range count {
		list = append(list, from+i)
	}
	return list
}

func (n *node) awaits(from string, want []int) {
	n.t.Helper()
	until(n.t, fmt.Sprintf("%s has %d messages of %s", n.id, len(want), from), func() bool { return len(n.numbers(from)) >= len(want) })
	if got := n.numbers(from); !slices.Equal(got, want) {
		n.t.Errorf("%s has %v of %s", n.id, got, from)
	}
}

func pair(t *testing.T, s *server) (a, b *node) {
	t.Helper()
	return join(t, classicAt(t, Options{}, s.addr), "aaaaaa"), join(t, classicAt(t, Options{}, s.addr), "bbbbbb")
}

// A server that is killed and comes back: both nodes say so, connect again, and
// what was queued meanwhile arrives in order once both are there.
func TestServerKilledAndBack(t *testing.T) {
	s := newServer(t)
	a, b := pair(t, s)
	a.burst(1, 10)
	b.awaits("aaaaaa", sequence(1, 10))
	s.kill()
	for _, n := range []*node{a, b} {
		until(t, "the loss is told", func() bool { return n.state().Connection == adapter.Degraded })
		since := n.state().At
		// What ended the connection is not what keeps it from coming back.
		until(t, "the cause is told", func() bool { return strings.Contains(fmt.Sprint(n.state().Cause), "refused") })
		if !n.state().At.Equal(since) {
			t.Errorf("away since %v, and not since %v", n.state().At, since)
		}
	}
	if _, err := a.Nodes(t.Context(), "/"); err == nil {
		t.Error("nodes were counted without a server")
	}
	s.start()
	for _, n := range []*node{a, b} {
		until(t, "the return is told", n.up)
		if !n.state().MayMiss {
			t.Error("nothing may be missing?")
		}
	}
	a.burst(11, 10)
	b.awaits("aaaaaa", sequence(1, 20))
	if n, err := a.Nodes(t.Context(), "/"); n != 2 || err != nil {
		t.Error(n, err)
	}
}

// What is published before there is a server waits for it, in the queue's
// bounds, and nobody waits.
func TestStartWithoutServer(t *testing.T) {
	s := newServer(t)
	s.kill()
	b := start(t, classicAt(t, Options{}, s.addr), "bbbbbb")
	until(t, "it says why it is not connected", func() bool {
		st := b.state()
		return st.Connection == adapter.Connecting && st.Cause != nil
	})
	s.start()
	until(t, "it is connected", b.up)
	if b.state().MayMiss {
		t.Error("something may have been missed before the first connection")
	}
	s.kill()
	a := start(t, classicAt(t, Options{}, s.addr), "aaaaaa")
	a.burst(1, 100)
	s.start()
	until(t, "both are connected", func() bool { return a.up() && b.up() })
	a.burst(101, 1)
	until(t, "the last one arrives", func() bool { return slices.Contains(b.numbers("aaaaaa"), 101) })
	until(t, "it is counted", func() bool { return a.Stats().Queued == 0 }) // it may arrive before that
	if st := a.Stats(); st.Published != 101 || st.Dropped != nil {
		t.Errorf("%+v", st)
	}
	if got := b.numbers("aaaaaa"); !slices.IsSorted(got) {
		t.Error(got)
	}
}

func impatient(a *Adapter) *Adapter {
	a.pace.Tick, a.pace.Probe, a.pace.Patience, a.pace.Grace = 20*time.Millisecond, 50*time.Millisecond, 300*time.Millisecond, time.Second
	return a
}

// A server that stands still for a while, longer than we are patient, loses
// nothing: the same connections go on. It is told, and so is its end.
func TestServerPaused(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"SIGSTOP", "CLIENT PAUSE"} {
		t.Run(how, func(t *testing.T) {
			s := newServer(t)
			a := join(t, impatient(classicAt(t, Options{}, s.addr)), "aaaaaa")
			b := join(t, impatient(classicAt(t, Options{}, s.addr)), "bbbbbb")
			a.burst(1, 10)
			b.awaits("aaaaaa", sequence(1, 10))
			if how == "SIGSTOP" {
				s.signal(syscall.SIGSTOP)
			} else {
				s.do("CLIENT", "PAUSE", "1500", "ALL")
			}
			a.burst(11, 1000)
			for _, n := range []*node{a, b} {
				until(t, "the silence is told", func() bool { return n.state().Connection == adapter.Degraded })
			}
			a.burst(1011, 1000)
			if how == "SIGSTOP" {
				s.signal(syscall.SIGCONT)
			}
			b.awaits("aaaaaa", sequence(1, 2010))
			for _, n := range []*node{a, b} {
				until(t, "the end is told", n.up)
				if n.state().MayMiss {
					t.Error("something may have been missed")
				}
			}
			until(t, "all is counted", func() bool { return a.Stats().Queued == 0 })
			if st := a.Stats(); st.Published != 2010 || st.Dropped != nil {
				t.Errorf("%+v", st)
			}
		})
	}
}

// A node that the server cuts off, since it does not read fast enough, says that
// it has missed something, and comes back.
func TestCutOffForBeingSlow(t *testing.T) {
	s := newServer(t, "client-output-buffer-limit pubsub 256kb 128kb 1")
	a, b := pair(t, s)
	hold, entered := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.mu.Lock()
	b.onMessage = func(*adapter.Message) {
		once.Do(func() {
			close(entered)
			<-hold
		})
	}
	b.mu.Unlock()
	a.burst(1, 1)
	<-entered
	large := text(`["large","` + strings.Repeat("x", 100_000) + `"]`)
	cut := func() bool {
		return !strings.Contains(fmt.Sprint(s.do("CLIENT", "LIST", "TYPE", "pubsub")), b.subscriber())
	}
	until(t, "the server cuts it off", func() bool {
		a.publish(adapter.Message{Kind: adapter.Broadcast, Data: large})
		return cut()
	})
	close(hold)
	until(t, "it says so", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.states) == 3
	})
	if st := b.state(); st.Connection != adapter.Up || !st.MayMiss {
		t.Errorf("%+v", st)
	}
}

// When only the connection that subscribes ends, what is being published arrives.
func TestSubscriberCutOff(t *testing.T) {
	s := newServer(t)
	a, _ := pair(t, s)
	n := 0
	for range 10 {
		before := len(a.history())
		for range 20 {
			a.burst(n+1, 20)
			n += 20
		}
		s.do("CLIENT", "KILL", "TYPE", "pubsub")
		a.burst(n+1, 20)
		n += 20
		until(t, "it is connected again", func() bool { return len(a.history()) > before+1 && a.up() })
	}
	until(t, "all is sent", func() bool { return a.Stats().Published >= uint64(n) })
	if st := a.Stats(); st.Published != uint64(n) || st.Dropped != nil {
		t.Errorf("%+v, want %d", st, n)
	}
}

// subscriber is the address that the server knows the subscribing connection by.
func (n *node) subscriber() string {
	a := n.Adapter.(*Adapter)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.link == nil {
		return "none"
	}
	return "addr=" + a.link.sub.net.LocalAddr().String() + " "
}

// Connections that are there and carry nothing any more, as behind a switch that
// has forgotten them, are found out by the probe, and replaced.
func TestConnectionThatDeliversNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := adaptertest.NewRelay(t, s.addr)
	a := join(t, impatient(classicAt(t, Options{}, r.Addr)), "aaaaaa")
	b := join(t, classicAt(t, Options{}, s.addr), "bbbbbb")
	b.burst(1, 3)
	a.awaits("bbbbbb", sequence(1, 3))
	r.Freeze()
	until(t, "the loss is told", func() bool { return a.state().Connection == adapter.Degraded })
	until(t, "a new connection is there", a.up)
	if !a.state().MayMiss {
		t.Error("nothing may be missing?")
	}
	b.burst(4, 3)
	a.awaits("bbbbbb", sequence(1, 6))
}

// A slow way to the server: what waits stays in its bounds, what is given up is
// counted, the rest arrives in order, and the connections stay.
func TestSlowWay(t *testing.T) {
	s := newServer(t)
	r := adaptertest.NewRelay(t, s.addr)
	a := join(t, impatient(classicAt(t, Options{QueueBytes: 200_000}, r.Addr)), "aaaaaa")
	b := join(t, classicAt(t, Options{}, s.addr), "bbbbbb")
	r.Slowly(4000)
	pad := strings.Repeat("x", 1000)
	const total = 2000
	for i := 1; i <= total; i++ {
		a.publish(adapter.Message{Kind: adapter.Broadcast, Data: text(`["n",` + strconv.Itoa(i) + `,"` + pad + `"]`)})
		if st := a.Stats(); st.Queued > 200_000 {
			t.Fatalf("%d bytes wait", st.Queued)
		}
	}
	until(t, "the queue is empty", func() bool { return a.Stats().Queued == 0 })
	st := a.Stats()
	if st.Dropped["broadcast"] == 0 || st.Published+st.Dropped["broadcast"] != total {
		t.Errorf("%+v", st)
	}
	until(t, "what was sent arrives", func() bool { return uint64(len(b.messages())) >= st.Published })
	last := 0
	for _, m := range b.messages() {
		_, rest, _ := strings.Cut(m, `["n",`)
		text, _, _ := strings.Cut(rest, ",")
		if n, _ := strconv.Atoi(text); n <= last {
			t.Fatalf("%d after %d", n, last)
		} else {
			last = n
		}
	}
	if a.state().MayMiss {
		t.Error("the connection was given up")
	}
}
