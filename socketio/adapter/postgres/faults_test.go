//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// A node is an adapter with an inbox that keeps what comes.
type node struct {
	*Adapter
	t  *testing.T
	id string

	mu        sync.Mutex
	got       []string // kind, sender, namespace and data
	numbers   []int    // of the events "n", in the order in which they came
	states    []adapter.State
	malformed map[string]int
}

func (n *node) Message(m *adapter.Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	text := string(m.Data.Text)
	if rest, ok := strings.CutPrefix(text, `["n",`); ok {
		rest, _, _ = strings.Cut(rest, ",")
		i, _ := strconv.Atoi(strings.TrimSuffix(rest, "]"))
		n.numbers = append(n.numbers, i)
		return
	}
	n.got = append(n.got, fmt.Sprint(m.Kind, " ", m.From, " ", m.NS, " ", text))
}

func (n *node) Wants(string, string) bool { return true }

func (n *node) Malformed(why string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.malformed[why]++
}

func (n *node) State(s adapter.State) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.states = append(n.states, s)
}

func (n *node) state() (s adapter.State) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.states) > 0 {
		s = n.states[len(n.states)-1]
	}
	return s
}

func (n *node) up() bool { return n.state().Connection == adapter.Up }

func (n *node) heard() []int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.numbers)
}

func (n *node) messages() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.got)
}

// join starts a node that has the namespaces, "/" if none is named, and waits until
// it is connected and hears.
func join(t *testing.T, id, url, prefix string, change func(*Options, *pace), spaces ...string) *node {
	t.Helper()
	o, p := Options{URL: url, Prefix: prefix}, paceOf
	if change != nil {
		change(&o, &p)
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	a.pace = p
	n := &node{Adapter: a, t: t, id: id, malformed: map[string]int{}}
	if len(spaces) == 0 {
		spaces = []string{"/"}
	}
	for _, ns := range spaces {
		a.Interest(adapter.Interest{NS: ns, On: true})
	}
	if err := a.Start(t.Context(), adapter.Node{ID: id}, n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), slow.Stretch(2*time.Second))
		defer cancel()
		if err := a.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	until(t, id+" is connected", n.up)
	return n
}

func impatient(_ *Options, p *pace) {
	p.Tick, p.Probe, p.Patience, p.Grace = 20*time.Millisecond, 50*time.Millisecond, 300*time.Millisecond, time.Second
}

// burst publishes numbered broadcasts, each third of them with binary.
func (n *node) burst(from, count int, pad string) {
	n.t.Helper()
	for i := from; i < from+count; i++ {
		m := adapter.Message{Kind: adapter.Broadcast, NS: "/", From: n.id, Seq: uint64(i), Data: adapter.Data{Text: fmt.Appendf(nil, `["n",%d,%q]`, i, pad)}}
		if i%3 == 0 {
			m.Data = adapter.Data{Text: fmt.Appendf(nil, `["n",%d,{"_placeholder":true,"num":0}]`, i), Attachments: [][]byte{{1, 2}}}
		}
		if err := n.Publish(&m); err != nil {
			n.t.Fatal(err)
		}
	}
}

func sequence(from, to int) (list []int) {
	for i := from; i <= to; i++ {
		list = append(list, i)
	}
	return list
}

func (n *node) hears(last int) {
	n.t.Helper()
	until(n.t, fmt.Sprint(n.id, " hears ", last), func() bool { return slices.Contains(n.heard(), last) })
}

// A server that stands still for a while, longer than we are patient, loses
// nothing: the same connections go on. It is told, and so is its end.
func TestServerPaused(t *testing.T) {
	s, prefix := newServer(t)
	a, b := join(t, "aaaaaaaaaaaaaaaa", s.url(), prefix, impatient), join(t, "bbbbbbbbbbbbbbbb", s.url(), prefix, impatient)
	a.burst(1, 10, "")
	b.hears(10)
	s.signal(t, syscall.SIGSTOP)
	defer s.signal(t, syscall.SIGCONT)
	a.burst(11, 1000, "")
	for _, n := range []*node{a, b} {
		until(t, "the silence is told", func() bool { return n.state().Connection == adapter.Degraded })
	}
	a.burst(1011, 1000, "")
	s.signal(t, syscall.SIGCONT)
	b.hears(2010)
	if got := b.heard(); !slices.Equal(got, sequence(1, 2010)) {
		t.Errorf("%d messages, %v", len(got), got)
	}
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
}

// A server that is killed in the midst of traffic and comes back: both say so, and
// connect again; what was not on its way arrives, all in order and none twice.
func TestServerKilledAndBack(t *testing.T) {
	s, prefix := newServer(t)
	a, b := join(t, "aaaaaaaaaaaaaaaa", s.url(), prefix, nil), join(t, "bbbbbbbbbbbbbbbb", s.url(), prefix, nil)
	a.burst(1, 3000, "")
	until(t, "some arrive", func() bool { return len(b.heard()) > 0 })
	s.kill()
	for _, n := range []*node{a, b} {
		until(t, "the loss is told", func() bool { return n.state().Connection == adapter.Degraded && n.state().Cause != nil })
	}
	if _, err := a.Nodes(t.Context(), "/"); err == nil {
		t.Error("nodes were counted without a server")
	}
	s.start(t)
	for _, n := range []*node{a, b} {
		until(t, "the return is told", n.up)
		if !n.state().MayMiss {
			t.Error("nothing may be missing?")
		}
	}
	a.burst(3001, 10, "")
	b.hears(3010)
	got := b.heard()
	if tail := got[len(got)-10:]; !slices.IsSorted(got) || len(slices.Compact(got)) != len(got) || !slices.Equal(tail, sequence(3001, 3010)) {
		t.Errorf("%v", got)
	}
	until(t, "all is counted", func() bool { return a.Stats().Queued == 0 }) // it may arrive before that
	st := a.Stats()
	if st.Published+st.Dropped["broadcast"] != 3010 {
		t.Errorf("%+v", st)
	}
}

// Connections that are there and carry nothing any more are found out by the
// probe, and replaced.
func TestConnectionThatDeliversNothing(t *testing.T) {
	s, prefix := newServer(t)
	r := adaptertest.NewRelay(t, s.addr)
	a := join(t, "aaaaaaaaaaaaaaaa", "postgres://tester@"+r.Addr+"/postgres?sslmode=disable", prefix, impatient)
	b := join(t, "bbbbbbbbbbbbbbbb", s.url(), prefix, nil)
	b.burst(1, 3, "")
	a.hears(3)
	r.Freeze()
	until(t, "the loss is told", func() bool { return a.state().Connection == adapter.Degraded })
	until(t, "a new connection is there", a.up)
	if !a.state().MayMiss {
		t.Error("nothing may be missing?")
	}
	b.burst(4, 3, "")
	a.hears(6)
}

// A slow way to the server: what waits stays in its bounds, what is given up is
// counted, the rest arrives in order, and the connections stay.
func TestSlowWay(t *testing.T) {
	s, prefix := newServer(t)
	r := adaptertest.NewRelay(t, s.addr)
	a := join(t, "aaaaaaaaaaaaaaaa", "postgres://tester@"+r.Addr+"/postgres?sslmode=disable", prefix, func(o *Options, p *pace) {
		impatient(o, p)
		o.QueueBytes = 200_000
	})
	b := join(t, "bbbbbbbbbbbbbbbb", s.url(), prefix, nil)
	r.Slowly(4000)
	const total = 2000
	pad := strings.Repeat("x", 1000)
	for i := range total {
		a.burst(i+1, 1, pad)
		if st := a.Stats(); st.Queued > 200_000 {
			t.Fatalf("%d bytes wait", st.Queued)
		}
	}
	until(t, "the queue is empty", func() bool { return a.Stats().Queued == 0 })
	st := a.Stats()
	if st.Dropped["broadcast"] == 0 || st.Published+st.Dropped["broadcast"] != total {
		t.Errorf("%+v", st)
	}
	until(t, "what was sent arrives", func() bool { return uint64(len(b.heard())) == st.Published })
	if got := b.heard(); !slices.IsSorted(got) {
		t.Error(got)
	}
	if a.state().MayMiss {
		t.Error("the connection was given up")
	}
}
