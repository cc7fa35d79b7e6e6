package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// inbox keeps what arrives, as text.
type inbox struct {
	mu  sync.Mutex
	got []string
}

func (in *inbox) add(s string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.got = append(in.got, s)
}

func (in *inbox) Message(m *adapter.Message) { in.add(string(m.Data.Text)) }
func (in *inbox) Wants(_, _ string) bool     { return true }
func (in *inbox) Malformed(why string)       { in.add("malformed " + why) }
func (in *inbox) State(s adapter.State) {
	text := s.Connection.String()
	if s.MayMiss {
		text += " may miss"
	}
	if !s.Log.IsZero() {
		text += fmt.Sprintf(" log %d from %d", s.Log.Log, s.Log.High)
	}
	in.add(text)
}

// take returns what has arrived since the last call, once all is quiet.
func (in *inbox) take() string {
	synctest.Wait()
	in.mu.Lock()
	defer in.mu.Unlock()
	text := strings.Join(in.got, ", ")
	in.got = nil
	return text
}

// busNodes starts nodes named a, b, c… in a bubble that ends with their Close.
func busNodes(t *testing.T, b *Bus, count int) (nodes []adapter.Adapter, in []*inbox) {
	for i := range count {
		name := string(rune('a' + i))
		n, to := b.Adapter(name), new(inbox)
		if err := n.Start(t.Context(), adapter.Node{ID: "id of " + name}, to); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = n.Close(ctx)
		})
		nodes, in = append(nodes, n), append(in, to)
	}
	return nodes, in
}

func say(t *testing.T, n adapter.Adapter, text string) {
	t.Helper()
	if err := n.Publish(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: adapter.Data{Text: []byte(text)}}); err != nil {
		t.Errorf("%s: %v", text, err)
	}
}

func expect(t *testing.T, in *inbox, want string) {
	t.Helper()
	if got := in.take(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

var (
	atMostOnce  = BusOptions{Traits: adapter.Traits{Ordered: true}}
	atLeastOnce = BusOptions{Traits: adapter.Traits{Ordered: true, AtLeastOnce: true}}
)

func bubble(t *testing.T, o BusOptions, f func(t *testing.T, b *Bus)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, NewBusWith(o)) })
}

func TestBusBroker(t *testing.T) {
	bubble(t, atMostOnce, func(t *testing.T, b *Bus) {
		b.Stop()
		nodes, in := busNodes(t, b, 3)
		say(t, nodes[0], "early")
		expect(t, in[1], "connecting")
		b.Start()
		expect(t, in[0], "connecting, up")
		expect(t, in[1], "up, early")
		b.Stop()
		say(t, nodes[0], "1")
		say(t, nodes[0], "2")
		say(t, nodes[2], "3")
		expect(t, in[1], "degraded")
		if s := nodes[0].Stats(); s.Queued == 0 || s.Published != 1 {
			t.Errorf("%+v", s)
		}
		b.Start()
		expect(t, in[1], "up may miss, 1, 2, 3")
		b.Pause()
		say(t, nodes[0], "4")
		expect(t, in[1], "")
		b.Resume()
		expect(t, in[1], "4")
		expect(t, in[0], "degraded, up may miss, 3")
		if s := nodes[1].Stats(); s.Received != 5 || s.Queued != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestBusCut(t *testing.T) {
	for _, c := range []struct {
		o    BusOptions
		want string
	}{{atMostOnce, "degraded, up may miss, 2"}, {atLeastOnce, "degraded, up, 1, 2"}} {
		bubble(t, c.o, func(t *testing.T, b *Bus) {
			nodes, in := busNodes(t, b, 3)
			expect(t, in[1], "up")
			b.Cut("b")
			say(t, nodes[0], "1")
			say(t, nodes[1], "own")
			expect(t, in[2], "up, 1")
			b.Mend("b")
			say(t, nodes[0], "2")
			expect(t, in[1], c.want)
			expect(t, in[2], "own, 2")
		})
	}
}

func TestBusSplit(t *testing.T) {
	for _, c := range []struct {
		o    BusOptions
		want string
	}{{atMostOnce, "up, 2"}, {atLeastOnce, "up, 1, 2"}} {
		bubble(t, c.o, func(t *testing.T, b *Bus) {
			nodes, in := busNodes(t, b, 3)
			b.Split("b", "a")
			say(t, nodes[0], "1")
			expect(t, in[2], "up, 1")
			b.Unite("a", "b")
			say(t, nodes[0], "2")
			expect(t, in[1], c.want)
		})
	}
}

func TestBusCrash(t *testing.T) {
	bubble(t, atMostOnce, func(t *testing.T, b *Bus) {
		nodes, in := busNodes(t, b, 2)
		b.SetFaults(Faults{Delay: time.Second})
		say(t, nodes[0], "too late")
		b.Crash("b")
		say(t, nodes[1], "from the dead")
		time.Sleep(time.Minute)
		expect(t, in[0], "up")
		if got := in[1].take(); strings.Contains(got, "late") {
			t.Error(got)
		}
		again, to := b.Adapter("b"), new(inbox)
		if err := again.Start(t.Context(), adapter.Node{ID: "another"}, to); err != nil {
			t.Fatal(err)
		}
		say(t, nodes[0], "hello")
		time.Sleep(time.Minute)
		expect(t, to, "up, hello")
		if err := errors.Join(again.Close(t.Context()), nodes[1].Close(t.Context())); err != nil {
			t.Error(err)
		}
		if err := nodes[1].Publish(&adapter.Message{}); !errors.Is(err, adapter.ErrClosed) {
			t.Error(err)
		}
	})
}

// The same seed has the same faults, and delays never turn the order round.
func TestBusFaults(t *testing.T) {
	run := func(t *testing.T, seed uint64) (got string) {
		o := atMostOnce
		o.Seed, o.Faults = seed, Faults{Loss: 0.1, Duplicate: 0.1, Delay: time.Second}
		bubble(t, o, func(t *testing.T, b *Bus) {
			nodes, in := busNodes(t, b, 2)
			for i := range 200 {
				say(t, nodes[0], fmt.Sprintf("%03d", i))
			}
			start := time.Now()
			time.Sleep(time.Minute)
			got = in[1].take()
			if time.Since(start) != time.Minute {
				t.Error("real time has passed")
			}
		})
		return got
	}
	one, two := run(t, 1), run(t, 2)
	if one != run(t, 1) || one == two {
		t.Error("the seed does not decide")
	}
	var firsts []string
	seen := map[string]bool{}
	all := strings.Split(one, ", ")[1:]
	for _, s := range all {
		if !seen[s] {
			firsts = append(firsts, s)
		}
		seen[s] = true
	}
	if len(firsts) < 160 || len(firsts) > 195 || len(all)-len(firsts) < 5 || !slices.IsSorted(firsts) {
		t.Errorf("%d of which %d are new: %v", len(all), len(firsts), all)
	}
}

// With lanes, delays may change the order between them; within one they do not.
func TestBusLanes(t *testing.T) {
	o := BusOptions{Traits: adapter.Traits{Routes: true}, Faults: Faults{Delay: time.Second}}
	bubble(t, o, func(t *testing.T, b *Bus) {
		nodes, in := busNodes(t, b, 3)
		nodes[1].Interest(adapter.Interest{NS: "/", On: true}, adapter.Interest{NS: "/", Room: "x", On: true})
		nodes[2].Interest(adapter.Interest{NS: "/", Room: "x", On: true}, adapter.Interest{NS: "/", Room: "x"})
		for i := range 50 {
			m := &adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: adapter.Data{Text: fmt.Appendf(nil, "all%02d", i)}}
			if i%2 == 0 {
				m.Rooms, m.Data.Text = []string{"x"}, fmt.Appendf(nil, "x%02d", i)
			}
			if m.Lane = nodes[0].Lane(m); (m.Lane == 0) == (i%2 == 0) {
				t.Errorf("lane %d", m.Lane)
			}
			if err := nodes[0].Publish(m); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute)
		got := strings.Split(in[1].take(), ", ")[1:]
		var lanes [2][]string
		for _, s := range got {
			if s[0] == 'x' {
				lanes[0] = append(lanes[0], s)
			} else {
				lanes[1] = append(lanes[1], s)
			}
		}
		if len(lanes[0]) != 25 || len(lanes[1]) != 25 || !slices.IsSorted(lanes[0]) || !slices.IsSorted(lanes[1]) {
			t.Error(lanes)
		}
		if s := in[2].take(); strings.Contains(s, "x") || strings.Count(s, "all") != 25 {
			t.Errorf("without a member: %s", s)
		}
	})
}

func TestBusQueue(t *testing.T) {
	o := atMostOnce
	o.QueueBytes = 400 // five of these
	bubble(t, o, func(t *testing.T, b *Bus) {
		nodes, in := busNodes(t, b, 2)
		expect(t, in[1], "up")
		b.Pause()
		publish := func(m adapter.Message, text string) error {
			m.Data.Text = []byte(text)
			return nodes[0].Publish(&m)
		}
		volatile := adapter.Message{Kind: adapter.Broadcast, Flags: adapter.Flags{Volatile: true}}
		for i, m := range []adapter.Message{volatile, {Kind: adapter.Broadcast}, {Kind: adapter.Broadcast}, {Kind: adapter.Join}, {Kind: adapter.Fetch}} {
			if err := publish(m, fmt.Sprint("first", i)); err != nil {
				t.Error(i, err)
			}
		}
		if err := publish(adapter.Message{Kind: adapter.Fetch}, "refused"); !errors.Is(err, adapter.ErrFull) {
			t.Error(err)
		}
		for i, m := range []adapter.Message{{Kind: adapter.Broadcast}, {Kind: adapter.Broadcast}, {Kind: adapter.Leave}} {
			if err := publish(m, fmt.Sprint("then", i)); err != nil {
				t.Error(i, err)
			}
		}
		if err := publish(volatile, "not worth it"); !errors.Is(err, adapter.ErrFull) {
			t.Error(err)
		}
		b.Resume()
		expect(t, in[1], "first3, first4, then0, then1, then2")
		if d := nodes[0].Stats().Dropped; len(d) != 3 || d["volatile"] != 2 || d["broadcast"] != 2 || d["request"] != 1 {
			t.Error(d)
		}
	})
}

func TestBusCloseWaitsForTheQueue(t *testing.T) {
	bubble(t, atMostOnce, func(t *testing.T, b *Bus) {
		nodes, in := busNodes(t, b, 2)
		b.Pause()
		say(t, nodes[0], "last")
		time.AfterFunc(time.Second, b.Resume)
		if err := nodes[0].Close(t.Context()); err != nil {
			t.Error(err)
		}
		expect(t, in[1], "up, last")
		b.Pause()
		say(t, nodes[1], "never")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := nodes[1].Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestBusInject(t *testing.T) {
	o := atMostOnce
	o.Counter, o.Without = true, []adapter.Kind{adapter.Has}
	bubble(t, o, func(t *testing.T, b *Bus) {
		nodes, in := busNodes(t, b, 2)
		b.Inject("b", &adapter.Message{Data: adapter.Data{Text: []byte("forged")}})
		b.Malform("b", "parse")
		expect(t, in[1], "up, forged, malformed parse")
		for _, n := range nodes {
			n.Interest(adapter.Interest{NS: "/", On: true})
		}
		if n, err := nodes[0].(adapter.Counter).Nodes(t.Context(), "/"); n != 2 || err != nil {
			t.Error(n, err)
		}
		b.Cut("b")
		if n, err := nodes[0].(adapter.Counter).Nodes(t.Context(), "/"); n != 1 || err != nil {
			t.Error(n, err)
		}
		if err := nodes[0].Publish(&adapter.Message{Kind: adapter.Has}); !errors.Is(err, adapter.ErrNoSuchKind) {
			t.Error(err)
		}
	})
}

// TestNewLog: what is told of the log is told in its order, and where reading
// begins before what is read from there on.
func TestNewLog(t *testing.T) {
	for _, safe := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := NewBusWith(BusOptions{Traits: adapter.Traits{Ordered: true, AtLeastOnce: safe, Log: true}, Faults: Faults{Delay: time.Second, Duplicate: 1}, Seed: 3})
			nodes, in := busNodes(t, b, 2)
			expect(t, in[0], "up log 1 from 0")
			expect(t, in[1], "up log 1 from 0")
			say(t, nodes[0], "1")
			b.NewLog()
			say(t, nodes[0], "2")
			time.Sleep(3 * time.Second)
			expect(t, in[1], "1, up log 2 from 0, 2, 2")
			b.Cut("b")
			say(t, nodes[0], "3")
			b.NewLog()
			say(t, nodes[0], "4")
			b.NewLog()
			say(t, nodes[0], "5")
			expect(t, in[1], "degraded")
			b.Mend("b")
			say(t, nodes[0], "6")
			time.Sleep(3 * time.Second)
			if safe {
				expect(t, in[1], "up, 3, up log 3 from 0, 4, up log 4 from 0, 5, 6, 6, 5")
			} else {
				expect(t, in[1], "up may miss log 4 from 1, 6, 6")
			}
		})
	}
}
