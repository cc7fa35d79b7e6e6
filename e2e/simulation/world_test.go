package simulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/history"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/presence"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// world is one life of a cluster.
type world struct {
	history.History
	t     *testing.T
	r     *rand.Rand // of the goroutine that acts
	bus   *adaptertest.Bus
	kind  kind
	rules history.Rules

	watched bool   // nodes have a Presence
	settled func() // called when all has been mended for long; nil: nothing

	nodes   []*node // that are there
	born    int
	ids     int
	clients int
	asked   sync.WaitGroup

	mu    sync.Mutex
	names map[string]string // of nodes, by id
}

// node is a server.
type node struct {
	w    *world
	name string
	srv  *socketio.Server
	host *socketiotest.Server

	people  *presence.Presence // nil if the world is not watched
	clients []*client
	mu      sync.Mutex
	names   map[string]string // of clients, by socket
}

// client is one connection; who comes back is another.
type client struct {
	name string
	*socketiotest.Client
}

// kind is what a cluster promises, and suffers.
type kind struct {
	name   string
	o      adaptertest.BusOptions
	faults adaptertest.Faults
	cuts   bool // connections, broker, nodes
}

var kinds = []kind{
	{name: "calm", o: adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true}}, faults: adaptertest.Faults{Delay: 300 * time.Millisecond}},
	{name: "lossy", o: adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true}},
		faults: adaptertest.Faults{Loss: 0.05, Duplicate: 0.05, Delay: 500 * time.Millisecond}},
	{name: "cut", o: adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true}}, faults: adaptertest.Faults{Delay: 300 * time.Millisecond}, cuts: true},
	{name: "all", o: adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true}},
		faults: adaptertest.Faults{Loss: 0.03, Duplicate: 0.03, Delay: 500 * time.Millisecond}, cuts: true},
	{name: "safe", o: adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true, AtLeastOnce: true}},
		faults: adaptertest.Faults{Duplicate: 0.1, Delay: 500 * time.Millisecond}, cuts: true},
	{name: "routes", o: adaptertest.BusOptions{Traits: adapter.Traits{Routes: true}}, faults: adaptertest.Faults{Delay: 300 * time.Millisecond}, cuts: true},
	{name: "small", o: adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true}, QueueBytes: 2000}, faults: adaptertest.Faults{Delay: 300 * time.Millisecond}, cuts: true},
	{name: "counted", o: adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true}, Counter: true}, faults: adaptertest.Faults{Delay: 300 * time.Millisecond}},
}

// longest is how long one interruption takes at most.
const longest = 12 * time.Second

func newWorld(t *testing.T, seed uint64) *world {
	k := kinds[seed%uint64(len(kinds))]
	k.o.Seed, k.o.Faults = seed, k.faults
	return &world{
		t: t, r: rand.New(rand.NewPCG(seed, 1)), kind: k, bus: adaptertest.NewBusWith(k.o), names: make(map[string]string),
		rules: history.Rules{
			Ordered: k.o.Traits.Ordered, Safe: k.o.Traits.AtLeastOnce, Lanes: k.o.Traits.Routes, Local: time.Second,
			Travel: longest + 3*time.Second, Tell: 25 * time.Second, Dead: 10 * time.Second,
		},
	}
}

// Rooms in the history: of servers, which hear server-side events, and of all
// others; self is each server's own.
const (
	servers = "@servers"
	clients = "@clients"
)

func self(node string) string { return "@" + node }

// start adds a node.
func (w *world) start() *node {
	n := &node{w: w, name: nodeName(w.born), names: make(map[string]string)}
	w.born++
	n.srv = socketio.New(&socketio.Options{
		Cluster: w.bus.Adapter(n.name), ClusterOptions: socketio.ClusterOptions{Name: n.name},
		Logger: slog.New(slog.DiscardHandler), Trace: &socketio.Trace{Cluster: n.happens},
	})
	status, _ := n.srv.Cluster()
	w.mu.Lock()
	w.names[status.Node] = n.name
	w.mu.Unlock()
	w.Add(history.Event{Kind: history.NodeUp, Node: n.name})
	w.Add(history.Event{Kind: history.Connect, Client: n.name, Node: n.name})
	w.Add(history.Event{Kind: history.Join, Client: n.name, Room: servers})
	w.Add(history.Event{Kind: history.Join, Client: n.name, Room: self(n.name)})

	ns := n.srv.Of("/")
	ns.Use(func(_ context.Context, s *socketio.Socket) error {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.names[s.ID()], _ = s.Handshake().Auth()["name"].(string)
		return nil
	})
	ns.OnRoom(n.moves)
	if w.watched {
		n.people = presence.New(ns, nil)
	}
	for _, f := range []error{
		ns.OnServerSide("m", func(_ context.Context, r *socketio.Request) error {
			var id string
			err := r.Scan(&id)
			w.Add(history.Event{Kind: history.Deliver, ID: id, Client: n.name})
			return err
		}),
		ns.OnServerSide("ask", func(_ context.Context, r *socketio.Request) error { return r.Ack(n.name) }),
	} {
		if f != nil {
			w.t.Fatal(f)
		}
	}
	n.host = socketiotest.Serve(w.t, n.srv)
	w.nodes = append(w.nodes, n)
	return n
}

// moves records who is where.
func (n *node) moves(e socketio.RoomEvent) {
	n.mu.Lock()
	name := n.names[e.SocketID]
	n.mu.Unlock()
	own := e.Room == e.SocketID
	switch e.Kind {
	case socketio.RoomJoined:
		if own {
			n.w.Add(history.Event{Kind: history.Connect, Client: name, Node: n.name})
			n.w.Add(history.Event{Kind: history.Join, Client: name, Room: clients})
		}
		n.w.Add(history.Event{Kind: history.Join, Client: name, Room: e.Room})
	case socketio.RoomLeft:
		n.w.Add(history.Event{Kind: history.Leave, Client: name, Room: e.Room})
		if own {
			n.w.Add(history.Event{Kind: history.Disconnect, Client: name})
		}
	}
}

// happens records what a node is told of the others.
func (n *node) happens(e socketio.ClusterEvent) {
	n.w.mu.Lock()
	from := n.w.names[e.Node]
	n.w.mu.Unlock()
	kinds := map[socketio.ClusterEventKind]history.Kind{
		socketio.ClusterNodeJoined: history.Found, socketio.ClusterNodeLeft: history.Lost, socketio.ClusterMissed: history.Gap,
	}
	if k, ok := kinds[e.Kind]; ok {
		n.w.Add(history.Event{Kind: k, Node: n.name, From: from, N: e.N})
	}
}

// end ends a node: it says so, or it crashes.
func (w *world) end(n *node, crash bool) {
	w.nodes = slices.DeleteFunc(w.nodes, func(o *node) bool { return o == n })
	if crash {
		w.bus.Crash(n.name)
		w.Add(history.Event{Kind: history.NodeDown, Node: n.name})
	}
	w.dropped(n)
	if err := n.srv.Close(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		w.t.Errorf("closing %s: %v", n.name, err)
	}
	w.Add(history.Event{Kind: history.Disconnect, Client: n.name})
	if !crash {
		w.Add(history.Event{Kind: history.NodeDown, Node: n.name, OK: true})
	}
}

// dropped records what the node has not sent.
func (w *world) dropped(n *node) {
	for _, count := range n.srv.Stats().Cluster.Dropped {
		w.Add(history.Event{Kind: history.Drop, Node: n.name, N: count})
	}
}

// connect adds a client.
func (w *world) connect() {
	n := w.one()
	c := &client{name: fmt.Sprint("c", w.clients)}
	w.clients++
	conn, err := n.host.Dial(&socketiotest.Options{
		Auth: map[string]string{"name": c.name},
		Handle: map[string]func(*socketiotest.Event){
			"m": func(e *socketiotest.Event) {
				var id string
				e.Scan(&id)
				w.Add(history.Event{Kind: history.Deliver, ID: id, Client: c.name})
			},
			"ask": func(e *socketiotest.Event) { e.Ack(c.name) },
		},
	})
	if err != nil {
		w.t.Errorf("connecting to %s: %v", n.name, err)
		return
	}
	c.Client = conn
	n.clients = append(n.clients, c)
	if s, ok := n.srv.Of("/").Socket(c.ID()); ok {
		for _, room := range rooms {
			if w.r.IntN(3) == 0 {
				_ = s.Join(room)
			}
		}
	}
}

func (w *world) one() *node { return w.nodes[w.r.IntN(len(w.nodes))] }

// anybody is a client, nil if there are none.
func (w *world) anybody() (*node, *client) {
	n := w.one()
	n.clients = slices.DeleteFunc(n.clients, func(c *client) bool { return !c.Connected() })
	if len(n.clients) == 0 {
		return n, nil
	}
	return n, n.clients[w.r.IntN(len(n.clients))]
}

func (w *world) id() string {
	w.ids++
	return fmt.Sprint("m", w.ids)
}

var rooms = []string{"r0", "r1", "r2", "r3"}

func (w *world) room() string { return rooms[w.r.IntN(len(rooms))] }

// print writes the history.
func (w *world) print(to io.Writer) {
	for _, e := range w.Events() {
		fmt.Fprintln(to, e)
	}
}

func nodeName(i int) string { return fmt.Sprint("n", i) }
