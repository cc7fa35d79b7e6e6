package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// nodes are servers on one bus, with two clients each.
type nodes struct {
	t       *testing.T
	bus     *adaptertest.Bus
	srv     []*socketio.Server
	clients [][]*socketiotest.Client
}

// inCluster runs f in fake time with count servers that know each other.
func inCluster(t *testing.T, o adaptertest.BusOptions, count int, change func(i int, o *socketio.Options), f func(n *nodes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &nodes{t: t, bus: adaptertest.NewBusWith(o)}
		for i := range count {
			name := fmt.Sprintf("n%d", i)
			opts := &socketio.Options{Cluster: n.bus.Adapter(name)}
			opts.ClusterOptions.Name = name
			if change != nil {
				change(i, opts)
			}
			srv := socketio.New(opts)
			srv.On("join", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
				var room string
				if err := r.Scan(&room); err != nil {
					return err
				}
				return errors.Join(s.Join(room), r.Ack())
			})
			srv.On("echo", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error { return s.Emit("echo") })
			n.srv = append(n.srv, srv)
			host := socketiotest.Serve(t, srv)
			n.clients = append(n.clients, []*socketiotest.Client{host.Connect(nil), host.Connect(nil)})
		}
		time.Sleep(time.Second) // the hellos
		synctest.Wait()
		f(n)
	})
}

func (n *nodes) join(c *socketiotest.Client, room string) { c.Ask("join", room) }

func TestClusterBroadcast(t *testing.T) {
	for _, routes := range []bool{false, true} {
		t.Run(fmt.Sprint("routes ", routes), func(t *testing.T) {
			inCluster(t, adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true, Routes: routes}}, 3, nil, func(n *nodes) {
				t := n.t
				n.join(n.clients[0][0], "a")
				n.join(n.clients[1][0], "a")
				n.join(n.clients[1][1], "b")
				time.Sleep(time.Second)
				emit := func(err error) {
					t.Helper()
					if err != nil {
						t.Fatal(err)
					}
				}
				emit(n.srv[2].Emit("all", 1, []byte("bin"), map[string]any{"x": []byte{}}))
				time.Sleep(time.Second)
				emit(n.srv[0].To("a").Emit("a", "x"))
				emit(n.srv[0].To("a", "b").Except("b").Emit("ab"))
				emit(n.srv[0].Except("a").Emit("not a"))
				emit(n.srv[0].Local().Emit("local"))
				emit(n.srv[2].To(n.clients[1][1].ID()).Emit("only"))
				time.Sleep(time.Second)
				for i, want := range [][]string{{"all", "a", "ab", "local"}, {"all", "not a", "local"}} {
					n.names(n.clients[0][i], want...)
				}
				n.names(n.clients[1][0], "all", "a", "ab")
				n.names(n.clients[1][1], "all", "not a", "only")
				n.names(n.clients[2][0], "all", "not a")
			})
		})
	}
}

// names expects events by name.
func (n *nodes) names(c *socketiotest.Client, want ...string) {
	n.t.Helper()
	synctest.Wait()
	var got []string
	for _, e := range c.Events() {
		got = append(got, e.Name)
	}
	if !slices.Equal(got, want) {
		n.t.Errorf("heard %q, want %q", got, want)
	}
}

func TestClusterQuestions(t *testing.T) {
	inCluster(t, adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true}}, 3, nil, func(n *nodes) {
		t, ctx := n.t, n.t.Context()
		sockets, err := n.srv[0].FetchSockets(ctx)
		if err != nil || len(sockets) != 6 {
			t.Fatalf("%d sockets, %v", len(sockets), err)
		}
		for _, srv := range n.srv[1:] {
			for _, name := range []string{"q", "silent"} {
				if err := srv.Of("/").OnServerSide(name, func(_ context.Context, r *socketio.Request) error {
					if name == "silent" {
						return nil
					}
					var x int
					return errors.Join(r.Scan(&x), r.Ack(x+1))
				}); err != nil {
					t.Fatal(err)
				}
			}
		}
		acks, err := n.srv[0].Of("/").ServerSideEmitWithAck(ctx, "q", 41)
		if err != nil || len(acks) != 2 {
			t.Fatalf("%d answers, %v", len(acks), err)
		}
		var x int
		if err := acks[0].Scan(&x); err != nil || x != 42 {
			t.Errorf("answer %d, %v", x, err)
		}
		start := time.Now()
		_, err = n.srv[0].Of("/").ServerSideEmitWithAck(ctx, "silent")
		var missing *socketio.MissingAcksError
		if !errors.As(err, &missing) || !slices.Equal(missing.Nodes, []string{"n1", "n2"}) || !errors.Is(err, socketio.ErrAckTimeout) {
			t.Errorf("silent: %v", err)
		}
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("waited %v", d)
		}

		// Clients' answers, from everywhere.
		for i, list := range n.clients {
			for j, c := range list {
				c.Handle("vote", func(e *socketiotest.Event) { e.Ack(10*i + j) })
			}
		}
		var votes []int
		for a, err := range n.srv[1].Timeout(time.Second).EmitWithAck(ctx, "vote") {
			if err != nil {
				t.Fatal(err)
			}
			var v int
			if err := a.Scan(&v); err != nil {
				t.Fatal(err)
			}
			votes = append(votes, v)
		}
		slices.Sort(votes)
		if !slices.Equal(votes, []int{0, 1, 10, 11, 20, 21}) {
			t.Errorf("votes %v", votes)
		}
	})
}

// TestClusterServerSideOfAParent: what is registered with a parent is for its
// namespaces, on nodes that have them; those that do not are not waited for.
func TestClusterServerSideOfAParent(t *testing.T) {
	heard := make(chan string, 10)
	inCluster(t, adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true}}, 3, nil, func(n *nodes) {
		t, ctx := n.t, n.t.Context()
		for i, srv := range n.srv {
			parent := srv.OfPattern(regexp.MustCompile(`^/dyn-\d$`))
			if err := parent.OnServerSide("who", func(_ context.Context, r *socketio.Request) error {
				heard <- fmt.Sprintf("%d %s %v", i, r.Namespace().Name(), r.WantsAck())
				return r.Ack(i)
			}); err != nil {
				t.Fatal(err)
			}
			if i < 2 {
				n.clients[i][0].Join("/dyn-1", nil)
			}
		}
		n.clients[0][0].Join("/dyn-2", nil)
		start := time.Now()
		acks, err := n.srv[0].Of("/dyn-1").ServerSideEmitWithAck(ctx, "who")
		if err != nil || len(acks) != 1 {
			t.Errorf("%d answers, %v", len(acks), err)
		}
		acks, err = n.srv[0].Of("/dyn-2").ServerSideEmitWithAck(ctx, "who")
		if err != nil || len(acks) != 0 || time.Since(start) > time.Second {
			t.Errorf("%d answers, %v, after %v", len(acks), err, time.Since(start))
		}
		if err := n.srv[1].Of("/dyn-1").ServerSideEmit("who"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		close(heard)
		var got []string
		for h := range heard {
			got = append(got, h)
		}
		if !slices.Equal(got, []string{"1 /dyn-1 true", "0 /dyn-1 false"}) {
			t.Errorf("heard %q", got)
		}
	})
}

func TestClusterJoinLeaveDisconnect(t *testing.T) {
	inCluster(t, adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true, Routes: true}}, 2, nil, func(n *nodes) {
		t, ctx := n.t, n.t.Context()
		srv := n.srv[0]
		srv.SocketsJoin("x")
		time.Sleep(time.Second)
		srv.To("x").Emit("1")
		srv.To(n.clients[1][0].ID()).SocketsLeave("x")
		srv.To("x").Emit("2")
		time.Sleep(time.Second)
		srv.To(n.clients[1][1].ID()).DisconnectSockets(false)
		srv.To("x").Emit("3")
		time.Sleep(time.Second)
		n.names(n.clients[0][0], "1", "2", "3")
		n.names(n.clients[1][0], "1")
		n.names(n.clients[1][1], "1", "2")
		if got := n.clients[1][1].Disconnected(); got != "io server disconnect" {
			t.Errorf("reason %q", got)
		}
		sockets, err := srv.FetchSockets(ctx)
		if err != nil || len(sockets) != 3 {
			t.Errorf("%d sockets, %v", len(sockets), err)
		}
		for _, s := range sockets {
			if _, here := s.Local(); here {
				continue
			}
			if s.Handshake().Query().Get("EIO") != "4" || !slices.Equal(s.Rooms(), []string{s.ID()}) {
				t.Errorf("query %v, rooms %v", s.Handshake().Query(), s.Rooms())
			}
			if err := s.Emit("direct"); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Second)
		n.names(n.clients[1][0], "direct")
	})
}

func TestClusterMembership(t *testing.T) {
	inCluster(t, adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true}}, 3, nil, func(n *nodes) {
		t := n.t
		nodes := func() int { st, _ := n.srv[0].Cluster(); return st.Nodes }
		if nodes() != 3 {
			t.Fatalf("%d nodes", nodes())
		}
		n.bus.Crash("n2")
		start := time.Now()
		_, err := n.srv[0].FetchSockets(t.Context())
		var missing *socketio.MissingAcksError
		if !errors.As(err, &missing) || !slices.Equal(missing.Nodes, []string{"n2"}) {
			t.Errorf("fetch from a dead node: %v", err)
		}
		time.Sleep(11*time.Second - time.Since(start))
		if nodes() != 2 {
			t.Errorf("%d nodes after a crash", nodes())
		}
		if err := n.srv[1].Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if nodes() != 1 {
			t.Errorf("%d nodes after a goodbye", nodes())
		}
	})
}

// TestClusterHostile: what does not make sense, or is not for anybody to say,
// does nothing but be counted.
func TestClusterHostile(t *testing.T) {
	inCluster(t, adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true}}, 2, nil, func(n *nodes) {
		t := n.t
		status, _ := n.srv[0].Cluster()
		self, other := status.Node, status.Others[0].ID
		text := func(s string, attachments ...[]byte) adapter.Data {
			return adapter.Data{Text: []byte(s), Attachments: attachments}
		}
		inject := func(m adapter.Message) {
			if m.NS == "" {
				m.NS = "/"
			}
			if m.From == "" {
				m.From = other
			}
			n.bus.Inject("n0", &m)
		}
		for i, bad := range []adapter.Data{
			text(""), text("{}"), text("["), text("[]"), text("[1,"), text("[{}]"), text(`["connect"]`), text(`["x"`), text(`["x"]]`), text(`["x"] `), text(` ["x"]`),
			text(`7["x"]`), text(`/,["x"]`), text(`/none,["x"]`), text(`1-["x"]`),
			text(`["x",{"_placeholder":true,"num":7}]`, []byte{1}),
			text("[\"x\",\"\x01\"]"), text(`["x",` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "]"),
			text(`["x"]`, make([][]byte, 11)...),
		} {
			inject(adapter.Message{Kind: adapter.Broadcast, Data: bad})
			inject(adapter.Message{Kind: adapter.Broadcast, Data: bad, Request: fmt.Sprintf("%016x", i)})
			inject(adapter.Message{Kind: adapter.ServerSide, Data: bad})
		}
		inject(adapter.Message{Kind: adapter.Broadcast, From: self, Data: text(`["spoofed"]`)})
		inject(adapter.Message{Kind: adapter.Broadcast, NS: "/none", Data: text(`["x"]`)})
		inject(adapter.Message{Kind: 0})
		inject(adapter.Message{Kind: 99})
		inject(adapter.Message{Kind: adapter.FetchAnswer, Request: "0123456789abcdef", Data: text(`[{}]`)})
		inject(adapter.Message{Kind: adapter.ClientCount, Request: "0123456789abcdef", Count: math.MinInt})
		inject(adapter.Message{Kind: adapter.Heartbeat})
		inject(adapter.Message{Kind: adapter.Goodbye, From: "nobody"})
		n.bus.Malform("n0", "parse")
		synctest.Wait()
		n.names(n.clients[0][0])

		// Everything still works, and nothing was lost of what was good.
		if err := n.srv[1].Emit("fine", []byte{1}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		n.names(n.clients[0][0], "fine")
		if sockets, err := n.srv[0].FetchSockets(t.Context()); err != nil || len(sockets) != 4 {
			t.Errorf("%d sockets, %v", len(sockets), err)
		}
		st := n.srv[0].Stats().Cluster
		if st.Malformed["parse"] != 1 || st.Malformed["packet"] == 0 || st.Malformed["kind"] != 2 || st.Late != 2 || st.Missed != 0 {
			t.Errorf("counted %+v", st)
		}
	})
}
