package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// What a cluster promises, rule by rule, on the bus.

var plainBus = adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true}}

// clusterLog keeps what Trace.Cluster is told.
type clusterLog struct {
	mu   sync.Mutex
	list []string
	at   []time.Time
}

func (l *clusterLog) trace(_ int, o *socketio.Options) {
	o.Trace = &socketio.Trace{Cluster: func(e socketio.ClusterEvent) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = append(l.list, fmt.Sprintf("%s: %s %s %s", o.ClusterOptions.Name, e.Kind, e.Name, e.Why))
		l.at = append(l.at, time.Now())
	}}
}

// when is when that was told first after a time, zero if never.
func (l *clusterLog) when(what string, after time.Time) time.Time {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, text := range l.list {
		if strings.Contains(text, what) && !l.at[i].Before(after) {
			return l.at[i]
		}
	}
	return time.Time{}
}

// heard is how many events a client has got since it was asked last.
func (n *nodes) heard(c *socketiotest.Client) int {
	synctest.Wait()
	return len(c.Events())
}

// Sockets of this node get an event before the broker knows of it, whatever
// state the broker is in, and in the order in which it was emitted.
func TestClusterLocalFirst(t *testing.T) {
	inCluster(t, plainBus, 2, nil, func(n *nodes) {
		t := n.t
		for name, state := range map[string][2]func(){
			"up": {func() {}, func() {}}, "paused": {n.bus.Pause, n.bus.Resume}, "away": {n.bus.Stop, n.bus.Start},
			"cut": {func() { n.bus.Cut("n0") }, func() { n.bus.Mend("n0") }},
		} {
			state[0]()
			start := time.Now()
			c := n.clients[0][0]
			s, ok := n.srv[0].Of("/").Socket(c.ID())
			if !ok {
				t.Fatal("no socket")
			}
			if err := errors.Join(n.srv[0].Emit("a"), s.Emit("b"), n.srv[0].To(c.ID()).Emit("c")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			n.names(c, "a", "b", "c")
			if d := time.Since(start); d != 0 {
				t.Errorf("%s: it took %v", name, d)
			}
			state[1]()
			time.Sleep(time.Second)
			n.names(n.clients[1][0], "a")
			n.heard(n.clients[0][1])
		}
	})
}

// What a node has missed it counts, exactly: in the midst, and at the end.
func TestClusterSequence(t *testing.T) {
	inCluster(t, plainBus, 2, nil, func(n *nodes) {
		t := n.t
		missed := func() uint64 { return n.srv[1].Stats().Cluster.Missed }
		emit := func(names ...string) {
			for _, name := range names {
				if err := n.srv[0].Emit(name); err != nil {
					t.Error(err)
				}
			}
		}
		emit("1")
		n.bus.Split("n0", "n1")
		emit("lost", "lost", "lost")
		n.bus.Unite("n0", "n1")
		emit("2")
		n.names(n.clients[1][0], "1", "2")
		if got := missed(); got != 3 {
			t.Errorf("%d are missed, want 3", got)
		}
		n.bus.Split("n0", "n1")
		emit("lost", "lost")
		n.bus.Unite("n0", "n1")
		time.Sleep(7 * time.Second) // a heartbeat, and what may overtake it
		if got := missed(); got != 5 {
			t.Errorf("%d are missed after the end of the row was lost, want 5", got)
		}
		n.bus.SetFaults(adaptertest.Faults{Duplicate: 1, Delay: time.Second})
		emit("3", "4", "5")
		time.Sleep(3 * time.Second)
		n.names(n.clients[1][0], "3", "4", "5")
		n.bus.SetFaults(adaptertest.Faults{})
		time.Sleep(10 * time.Second)
		if s := n.srv[1].Stats().Cluster; s.Missed != 5 || s.Duplicates < 3 {
			t.Errorf("%+v", s)
		}
	})
}

// What one goroutine does arrives in that order: to all, to rooms, to a socket,
// across joins, leaves and disconnects.
func TestClusterOrder(t *testing.T) {
	o := plainBus
	o.Faults.Delay = 2 * time.Second
	inCluster(t, o, 2, nil, func(n *nodes) {
		time.Sleep(5 * time.Second)
		c := n.clients[1][0]
		n.join(c, "a")
		srv, to := n.srv[0], n.srv[0].To(c.ID())
		var want []string
		for i := range 20 {
			name := fmt.Sprint(i)
			want = append(want, name+"all", name+"room", name+"socket", name+"joined")
			srv.Emit(name + "all")
			srv.To("a").Emit(name + "room")
			to.Emit(name + "socket")
			to.SocketsJoin("b")
			srv.To("b").Emit(name + "joined")
			to.SocketsLeave("b")
			srv.To("b").Emit(name + "left")
		}
		to.DisconnectSockets(false)
		srv.Emit("disconnected")
		time.Sleep(5 * time.Second)
		n.names(c, want...)
	})
}

// A node is known by its hello, gone 10 s after its last word or at its goodbye,
// and known again when it is heard again.
func TestClusterHelloAndGoodbye(t *testing.T) {
	var log clusterLog
	inCluster(t, plainBus, 3, log.trace, func(n *nodes) {
		t := n.t
		begin := time.Time{}
		for _, what := range []string{"n0: node joined n1", "n0: node joined n2", "n2: node joined n0"} {
			if log.when(what, begin).IsZero() {
				t.Errorf("not told: %s", what)
			}
		}
		start := time.Now()
		n.bus.Crash("n2")
		time.Sleep(20 * time.Second)
		if d := log.when("n0: node left n2 silent", start).Sub(start); d < 5*time.Second || d > 11*time.Second {
			t.Errorf("gone after %v", d)
		}
		start = time.Now()
		n.bus.Split("n0", "n1")
		n.srv[1].Emit("lost")
		time.Sleep(15 * time.Second)
		if log.when("n0: node left n1 silent", start).IsZero() {
			t.Error("who cannot be heard is not gone")
		}
		before := n.srv[0].Stats().Cluster.Missed
		start = time.Now()
		n.bus.Unite("n0", "n1")
		time.Sleep(6 * time.Second)
		if log.when("n0: node joined n1", start).IsZero() {
			t.Error("who is heard again is not known again")
		}
		if n.srv[0].Stats().Cluster.Missed == before {
			t.Error("what was missed meanwhile is not counted")
		}
		start = time.Now()
		if err := n.srv[1].Close(); err != nil {
			t.Error(err)
		}
		if at := log.when("n0: node left n1 goodbye", start); !at.Equal(start) {
			t.Errorf("gone at %v, goodbye was at %v", at, start)
		}
	})
}

// Questions end when all have answered, or are gone, and name who has not.
func TestClusterQuestionsEnd(t *testing.T) {
	inCluster(t, plainBus, 4, nil, func(n *nodes) {
		t := n.t
		ask := func(during func()) (int, time.Duration, *socketio.MissingAcksError, error) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			time.AfterFunc(100*time.Millisecond, during)
			start := time.Now()
			sockets, err := n.srv[0].FetchSockets(ctx)
			var missing *socketio.MissingAcksError
			errors.As(err, &missing)
			return len(sockets), time.Since(start), missing, err
		}
		// One dies without a word.
		n.bus.Crash("n3")
		count, d, missing, err := ask(func() {})
		if count != 6 || d > 11*time.Second || missing == nil || !slices.Equal(missing.Nodes, []string{"n3"}) {
			t.Errorf("%d sockets after %v, %v", count, d, err)
		}
		// One ends in good order while it is waited for.
		n.bus.Split("n0", "n2")
		count, d, _, err = ask(func() {
			n.bus.Unite("n0", "n2")
			if err := n.srv[2].Close(); err != nil {
				t.Error(err)
			}
		})
		if count != 4 || d != 100*time.Millisecond || err != nil {
			t.Errorf("%d sockets after %v, %v", count, d, err)
		}
		// An answer that is too late is counted.
		n.bus.SetFaults(adaptertest.Faults{Delay: 40 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = n.srv[0].FetchSockets(ctx)
		if !errors.As(err, &missing) || !slices.Equal(missing.Nodes, []string{"n1"}) || !errors.Is(err, socketio.ErrAckTimeout) {
			t.Errorf("%v", err)
		}
		time.Sleep(2 * time.Minute)
		if s := n.srv[0].Stats().Cluster; s.Late != 1 || s.Questions != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A question that comes twice is answered once, and each client once.
func TestClusterAskedTwice(t *testing.T) {
	o := plainBus
	o.Faults = adaptertest.Faults{Duplicate: 1, Delay: 100 * time.Millisecond}
	inCluster(t, o, 3, nil, func(n *nodes) {
		t := n.t
		for _, list := range n.clients {
			for _, c := range list {
				c.Handle("who", func(e *socketiotest.Event) { e.Ack(c.ID()) })
			}
		}
		for range 5 {
			sockets, err := n.srv[0].FetchSockets(t.Context())
			if err != nil || len(sockets) != 6 {
				t.Errorf("%d sockets, %v", len(sockets), err)
			}
			seen := map[string]bool{}
			for a, err := range n.srv[0].EmitWithAck(t.Context(), "who") {
				var id string
				if err := errors.Join(err, a.Scan(&id)); err != nil || seen[id] {
					t.Errorf("%q, again: %v, %v", id, seen[id], err)
				}
				seen[id] = true
			}
			if len(seen) != 6 {
				t.Errorf("%d clients have answered", len(seen))
			}
		}
	})
}

// The queue to a broker that does nothing is bounded, emitting never waits, what
// is given up is counted, and what changes who is where comes last.
func TestClusterBackpressure(t *testing.T) {
	o := plainBus
	o.QueueBytes = 10_000
	inCluster(t, o, 2, nil, func(n *nodes) {
		t := n.t
		n.bus.Pause()
		start := time.Now()
		text := strings.Repeat("x", 100)
		n.srv[0].To(n.clients[1][0].ID()).SocketsJoin("late")
		for range 10 {
			n.srv[0].Volatile().Emit("volatile", text)
		}
		for range 1000 {
			if err := n.srv[0].Emit("e", text); err != nil {
				t.Fatal(err)
			}
		}
		_, err := n.srv[0].FetchSockets(t.Context())
		if !errors.Is(err, socketio.ErrClusterFull) {
			t.Errorf("a question: %v", err)
		}
		if s := n.srv[0].Stats().Cluster; s.Queued > o.QueueBytes || s.Dropped["volatile"] != 10 || s.Dropped["broadcast"] < 900 ||
			s.Dropped["request"] != 1 || s.Dropped["vital"] != 0 {
			t.Errorf("%+v", s)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("it took %v", d)
		}
		kept := 1000 - int(n.srv[0].Stats().Cluster.Dropped["broadcast"])
		n.bus.Resume()
		synctest.Wait()
		if got := n.heard(n.clients[1][0]); got != kept {
			t.Errorf("%d arrive of %d that were kept", got, kept)
		}
		n.srv[0].To("late").Emit("joined")
		time.Sleep(time.Second)
		n.names(n.clients[1][0], "joined")
		if missed, given := n.srv[1].Stats().Cluster.Missed, n.srv[0].Stats().Cluster.Dropped; missed != given["broadcast"]+given["volatile"] {
			t.Errorf("%d are missed of %v", missed, given)
		}
	})
}

// A client that takes nothing holds up nobody, and a broker that has cut us off
// is a state with the gap counted.
func TestClusterSlowReceiver(t *testing.T) {
	var log clusterLog
	inCluster(t, plainBus, 2, log.trace, func(n *nodes) {
		t := n.t
		n.clients[1][0].StopReading()
		start := time.Now()
		text := strings.Repeat("x", 10_000)
		for range 200 {
			n.srv[0].Emit("e", text)
		}
		if got := n.heard(n.clients[1][1]); got != 200 || time.Since(start) != 0 {
			t.Errorf("%d have come after %v", got, time.Since(start))
		}
		n.bus.Cut("n1")
		for range 7 {
			n.srv[0].Emit("lost")
		}
		n.bus.Mend("n1")
		n.srv[0].Emit("again")
		n.names(n.clients[1][1], "again")
		if got := n.srv[1].Stats().Cluster.Missed; got != 7 {
			t.Errorf("%d are missed, want 7", got)
		}
		if log.when("n1: connection", start).IsZero() {
			t.Error("the loss of the connection is not told")
		}
		n.clients[1][0].Close()
	})
}

// unreached is an adapter whose broker is never there.
type unreached struct{ adapter.Adapter }

func (unreached) Start(context.Context, adapter.Node, adapter.Inbox) error { return nil }
func (unreached) Publish(*adapter.Message) error                           { return nil }
func (unreached) Interest(...adapter.Interest)                             {}
func (unreached) Close(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// A node whose broker was never there stops within a second.
func TestClusterStopsWithoutBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := unreached{adaptertest.NewBusWith(plainBus).Adapter("a")}
		srv := socketio.New(&socketio.Options{Cluster: a, Logger: slog.New(slog.DiscardHandler)})
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		if err := srv.Shutdown(ctx); err != nil || time.Since(began) > time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// A node that has lost its broker stops within 2 s, says what is lost with that,
// and waits for no answer of nodes that cannot hear it.
func TestClusterStopsAfterLoss(t *testing.T) {
	for _, recovery := range []*socketio.Recovery{nil, {}} {
		var log strings.Builder
		inCluster(t, plainBus, 2, func(i int, o *socketio.Options) {
			o.Recovery, o.Logger = recovery, slog.New(slog.DiscardHandler)
			if i == 1 {
				o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			}
		}, func(n *nodes) {
			srv := n.srv[1]
			n.bus.Stop()
			time.Sleep(time.Second) // the other is not taken for gone yet
			if err := srv.Emit("x"); err != nil {
				n.t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(n.t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			if err := srv.Shutdown(ctx); err != nil || time.Since(began) > 2*time.Second {
				n.t.Errorf("%v after %v", err, time.Since(began))
			}
			if dropped := srv.Stats().Cluster.Dropped["broadcast"]; dropped == 0 || !strings.Contains(log.String(), "what waited for other nodes is dropped") {
				n.t.Errorf("%d are counted; the log: %s", dropped, log.String())
			}
			n.bus.Start()
		})
	}
}

// What another node says all at once, as when its broker is back, is more than a
// client's queue holds, and ends none that takes it in the end. What this node
// says itself is bounded as ever.
func TestClusterBurst(t *testing.T) {
	for _, recovery := range []*socketio.Recovery{nil, {}} {
		inCluster(t, plainBus, 2, func(_ int, o *socketio.Options) { o.Recovery, o.Engine.MaxQueue = recovery, 100_000 }, func(n *nodes) {
			t := n.t
			here, there := n.clients[0][0], n.clients[1][0]
			here.StopReading()
			there.StopReading()
			text := strings.Repeat("x", 1000)
			for range 400 {
				n.srv[0].Emit("e", text)
			}
			synctest.Wait()
			here.StartReading()
			there.StartReading()
			if got := n.heard(there); got != 400 || !there.Connected() {
				t.Errorf("recovery %v: %d have come, and the client is connected: %v", recovery, got, there.Connected())
			}
			if n.heard(here) == 400 || here.Connected() {
				t.Error("a client of the node itself is not bounded")
			}
		})
	}
}

// A dynamic namespace is one like others, on the nodes that have it.
func TestClusterDynamicNamespaces(t *testing.T) {
	inCluster(t, adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true, Routes: true}}, 3, nil, func(n *nodes) {
		t := n.t
		for _, srv := range n.srv {
			srv.OfFunc(func(_ context.Context, name string, _ *socketio.Handshake) bool {
				return strings.HasPrefix(name, "/room-")
			})
		}
		for i := range 20 {
			name := fmt.Sprintf("/room-%d", i)
			a, b := n.clients[0][0].Join(name, nil), n.clients[1][0].Join(name, nil)
			time.Sleep(time.Second)
			if err := n.srv[0].Of(name).Emit("e", i); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			n.names(a, "e")
			n.names(b, "e")
			sockets, err := n.srv[1].Of(name).FetchSockets(t.Context())
			if err != nil || len(sockets) != 2 {
				t.Errorf("%d sockets, %v", len(sockets), err)
			}
			a.Disconnect()
			b.Disconnect()
		}
		time.Sleep(time.Minute)
		for i, srv := range n.srv {
			if s := srv.Stats().Cluster; s.Missed != 0 || s.Malformed["parse"] != 0 || s.Questions != 0 {
				t.Errorf("n%d: %+v", i, s)
			}
		}
	})
}
