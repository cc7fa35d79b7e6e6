package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/socketio/adapter"
)

func TestMain(m *testing.M) { leak.Main(m) }

// silent is an Adapter that goes nowhere.
type silent struct {
	traits adapter.Traits
	in     adapter.Inbox
	mu     sync.Mutex
	sent   []adapter.Message // guarded by mu
}

func (a *silent) Traits() adapter.Traits { return a.traits }
func (a *silent) Start(_ context.Context, _ adapter.Node, in adapter.Inbox) error {
	a.in = in
	return nil
}

func (a *silent) Publish(m *adapter.Message) error {
	a.mu.Lock()
	a.sent = append(a.sent, *m)
	a.mu.Unlock()
	return nil
}
func (a *silent) Lane(*adapter.Message) uint32 { return 0 }
func (a *silent) Interest(...adapter.Interest) {}
func (a *silent) Stats() adapter.Stats         { return adapter.Stats{} }
func (a *silent) Close(context.Context) error  { return nil }

// laggard is one whose lanes do not wait for one another.
type laggard struct {
	silent
	lags bool // guarded by silent.mu
}

func (a *laggard) Lags() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lags
}

// Nobody is told how far the numbers are while a lane lags, and of all of them
// afterwards: how far they were a while ago, when nothing of that lags any more.
func TestLaggardTellsNoPositions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, h := &laggard{}, new(host)
		c := New(Options{Adapter: a, Host: h, Heartbeat: 5 * time.Second, Dead: 10 * time.Second, Questions: 100})
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		told := func() (list []adapter.Position) {
			time.Sleep(5*time.Second - time.Since(start)%(5*time.Second) + settling/2) // the next heartbeat is due
			if err := c.Publish(&adapter.Message{Kind: adapter.ServerSide, NS: "/later"}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(settling)
			synctest.Wait()
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.sent[len(a.sent)-1].Positions
		}
		for _, ns := range []string{"/", "/x"} {
			if err := c.Publish(&adapter.Message{Kind: adapter.ServerSide, NS: ns}); err != nil {
				t.Fatal(err)
			}
		}
		if got := told(); len(got) != 2 {
			t.Errorf("told %v", got)
		}
		for range 5 {
			a.mu.Lock()
			a.lags = true
			a.mu.Unlock()
			if got := told(); got != nil {
				t.Errorf("told %v of lanes that lag", got)
			}
		}
		a.mu.Lock()
		a.lags = false
		a.mu.Unlock()
		got := told()
		before := slices.IndexFunc(got, func(p adapter.Position) bool { return p.NS == "/later" })
		if len(got) != 3 || before < 0 || got[before].Seq != c.Given("/later")-1 {
			t.Errorf("told %v at last, and %d were given", got, c.Given("/later"))
		}
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// host notes what it is told.
type host struct {
	handled []adapter.Message
	mu      sync.Mutex
	events  []Event // guarded by mu
}

func (h *host) Handle(m *adapter.Message)             { h.handled = append(h.handled, *m) }
func (h *host) Wants(string, string) bool             { return true }
func (h *host) Gather(bool)                           {}
func (h *host) ReadBack(string, uint64, adapter.Mark) {}

func (h *host) Tell(e Event) {
	h.mu.Lock()
	h.events = append(h.events, e)
	h.mu.Unlock()
}
func (h *host) missed() (n uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e.Kind == Missed {
			n += e.N
		}
	}
	return n
}

// within runs f in fake time with a Core that has the root namespace.
func within(t *testing.T, traits adapter.Traits, f func(t *testing.T, c *Core, a *silent, h *host)) {
	synctest.Test(t, func(t *testing.T) {
		a, h := &silent{traits: traits}, new(host)
		c := New(Options{Adapter: a, Host: h, Heartbeat: 5 * time.Second, Dead: 10 * time.Second, Questions: 100})
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		c.Interest(adapter.Interest{NS: "/", On: true})
		f(t, c, a, h)
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestNumbers(t *testing.T) {
	within(t, adapter.Traits{}, func(t *testing.T, c *Core, a *silent, h *host) {
		say := func(seq uint64) { a.in.Message(&adapter.Message{Kind: adapter.Join, From: "o", NS: "/", Seq: seq}) }
		for _, seq := range []uint64{100, 101, 101, 100, 103, 102, 110} {
			say(seq)
		}
		if len(h.handled) != 4 || h.missed() != 1+6 || c.Stats().Duplicates != 3 {
			t.Errorf("handled %d, missed %d, %d duplicates", len(h.handled), h.missed(), c.Stats().Duplicates)
		}
		// A tail that is lost is known by the heartbeat, after a moment; one that comes
		// meanwhile is not lost.
		claim := func(seq uint64) {
			a.in.Message(&adapter.Message{Kind: adapter.Heartbeat, From: "o", NS: "/", Node: &adapter.Node{},
				Positions: []adapter.Position{{NS: "/", Seq: seq}, {NS: "/none", Seq: 1 << 40}}})
		}
		claim(113)
		say(111)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if h.missed() != 7+2 {
			t.Errorf("missed %d", h.missed())
		}
		say(114)
		if len(h.handled) != 6 || h.missed() != 9 {
			t.Errorf("handled %d, missed %d", len(h.handled), h.missed())
		}
		// A new beginning is no loss.
		say(1 << 50)
		if len(h.handled) != 7 || h.missed() != 9 {
			t.Errorf("handled %d, missed %d", len(h.handled), h.missed())
		}
	})
}

// TestCrowd: who claims to be a node costs a bounded number of entries, and not
// for long.
func TestCrowd(t *testing.T) {
	within(t, adapter.Traits{}, func(t *testing.T, c *Core, a *silent, h *host) {
		for i := range 2 * crowd {
			a.in.Message(&adapter.Message{Kind: adapter.Hello, From: fmt.Sprint(i), NS: "/", Node: &adapter.Node{}})
		}
		if c.Nodes() != crowd+1 || c.Stats().Refused["peers"] != crowd {
			t.Errorf("%d nodes, %d refused", c.Nodes(), c.Stats().Refused["peers"])
		}
		time.Sleep(12 * time.Second)
		synctest.Wait()
		if c.Nodes() != 1 {
			t.Errorf("%d nodes", c.Nodes())
		}
	})
}

// TestTwiceAsked: a question that comes again gets its answer again, and is not
// carried out again.
func TestTwiceAsked(t *testing.T) {
	within(t, adapter.Traits{}, func(t *testing.T, c *Core, a *silent, h *host) {
		q := adapter.Message{Kind: adapter.Fetch, From: "o", NS: "/", Request: "r"}
		a.in.Message(&q)
		if err := c.Answer(&q, &adapter.Message{Kind: adapter.FetchAnswer, Data: adapter.Data{Text: []byte("[1]")}}, true); err != nil {
			t.Fatal(err)
		}
		before := len(a.sent)
		a.in.Message(&q)
		if len(h.handled) != 1 || len(a.sent) != before+1 || string(a.sent[before].Data.Text) != "[1]" {
			t.Errorf("handled %d, sent %d", len(h.handled), len(a.sent)-before)
		}
	})
}

// TestNewcomersAreToldAll: who says hello hears of lanes on which nothing was
// said for long, so that the next message's loss is seen.
func TestNewcomersAreToldAll(t *testing.T) {
	within(t, adapter.Traits{}, func(t *testing.T, c *Core, a *silent, h *host) {
		if err := c.Publish(&adapter.Message{Kind: adapter.Broadcast, NS: "/idle"}); err != nil {
			t.Fatal(err)
		}
		last := func() adapter.Message {
			synctest.Wait()
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.sent[len(a.sent)-1]
		}
		seq := last().Seq
		tells := func() bool { return slices.Contains(last().Positions, adapter.Position{NS: "/idle", Seq: seq}) }
		time.Sleep(time.Minute)
		if tells() {
			t.Error("each heartbeat tells what all know")
		}
		a.in.Message(&adapter.Message{Kind: adapter.Hello, From: "new", NS: "/", Node: &adapter.Node{}})
		time.Sleep(time.Second)
		if m := last(); m.Kind != adapter.Heartbeat || !tells() {
			t.Errorf("the newcomer hears %+v", m)
		}
	})
}

// curious is a host that asks how far the rows are while it carries out.
type curious struct {
	host
	c    *Core
	last []uint64
}

func (h *curious) Handle(*adapter.Message) {
	h.last = append(h.last, h.c.Rows("/")["other"].Last, h.c.Heard("other", "/"))
}

// What is being carried out does not count as heard: a node that stops just then
// would tell that its clients have seen it.
func TestInHandIsNotHeard(t *testing.T) {
	a, h := new(silent), new(curious)
	h.c = New(Options{Adapter: a, Host: h, Heartbeat: time.Hour, Dead: time.Hour, Questions: 1})
	if err := h.c.Start(); err != nil {
		t.Fatal(err)
	}
	h.c.Interest(adapter.Interest{NS: "/", On: true})
	for seq := uint64(5); seq < 8; seq++ {
		a.in.Message(&adapter.Message{Kind: adapter.Broadcast, From: "other", NS: "/", Seq: seq})
	}
	if want := []uint64{4, 4, 5, 5, 6, 6}; !slices.Equal(h.last, want) {
		t.Errorf("heard %v while it was carried out, not %v", h.last, want)
	}
	if n := h.c.Heard("other", "/"); n != 7 {
		t.Errorf("heard %d at last", n)
	}
	if err := h.c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
