package mesh

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/adapter/nats"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// logging makes the options of nodes that keep a log, all below one folder.
func logging(t *testing.T, count int) (list []Options) {
	at, dir := free(t, count), t.TempDir()
	for i := range at {
		list = append(list, Options{Nodes: at, Listen: at[i], Dir: dir, Logger: quiet()})
	}
	return list
}

// A tenant notes when it is started, which takes its place.
type tenant struct {
	*Adapter
	start func()
}

func (a tenant) Start(ctx context.Context, self adapter.Node, in adapter.Inbox) error {
	a.start()
	return a.Adapter.Start(ctx, self, in)
}

// What a log must do, on three nodes.
func TestSuiteLog(t *testing.T) {
	adaptertest.RunLog(t, func(t *testing.T) adaptertest.Cluster {
		o, next := logging(t, 3), 0
		return adaptertest.Cluster{Least: 3, Adapter: func() adapter.Adapter {
			a, err := New(o[min(next, 2)]) // more are not started
			if err != nil {
				t.Fatal(err)
			}
			return tenant{a, func() { next++ }}
		}}
	})
}

// Three servers with folders: what is emitted while one of them is away is there
// for the client that comes from it, on another.
func TestServersWithLog(t *testing.T) {
	var servers []*socketio.Server
	var places []*socketiotest.Server
	for i, o := range logging(t, 3) {
		a, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		opts := &socketio.Options{Cluster: a, Recovery: &socketio.Recovery{}, Logger: quiet()}
		opts.ClusterOptions.Name = fmt.Sprint("node ", i)
		srv := socketio.New(opts)
		servers = append(servers, srv)
		places = append(places, socketiotest.Serve(t, srv))
	}
	for i, srv := range servers {
		eventually(t, "three nodes and a log", func() bool {
			status, _ := srv.Cluster()
			mine, err := srv.Claim(t.Context(), fmt.Sprint("node ", i), time.Minute)
			return status.Nodes == 3 && (mine || err == nil)
		})
	}
	if mine, err := servers[1].Claim(t.Context(), "node 0", time.Minute); mine || err != nil {
		t.Errorf("a claim is given twice: %v, %v", mine, err)
	}
	c := places[0].Connect(nil)
	emit := func(srv *socketio.Server, n int) {
		if err := srv.Emit("n", n); err != nil {
			t.Fatal(err)
		}
	}
	emit(servers[0], 0)
	c.Next("n")
	emit(servers[1], 1)
	c.Next("n")
	eventually(t, "its session to be stored", func() bool { return servers[0].Stats().Cluster.Queued == 0 })
	id := c.ID()
	c.StopReading()
	c.Cut()
	for i := range 30 {
		emit(servers[i%3], i)
	}
	back := c.ReconnectTo(places[2])
	if back.ID() != id {
		t.Fatalf("not recovered: %v", servers[2].Stats().Unrecovered)
	}
	seen := map[int]int{}
	for range 30 {
		var n int
		back.Next("n").Scan(&n)
		seen[n]++
	}
	if len(seen) != 30 {
		t.Errorf("%v", seen)
	}
}

// A folder is of use to three nodes or more; names are the same after a restart.
func TestLogOptions(t *testing.T) {
	at := free(t, 3)
	for want, o := range map[bool][]Options{
		true: {
			{Nodes: at, Listen: at[0], Dir: "d"}, {Nodes: at[:2], Listen: at[2], Dir: "d"},
			{Nodes: []string{"a:1", "b:1", "c:1"}, Listen: ":1", Secret: []byte("x"), Dir: "d"},
		},
		false: {
			{Nodes: at, Listen: at[0]}, {Nodes: at[:2], Listen: at[0], Dir: "d"},
			{Nodes: []string{"a:1", "b:1"}, Listen: ":1", Secret: []byte("x"), Dir: "d"}, {Nodes: []string{at[0], at[0], at[1]}, Listen: at[1], Dir: "d"},
		},
	} {
		for i, o := range o {
			o.Logger, o.Dir = quiet(), strings.Replace(o.Dir, "d", t.TempDir(), 1)
			a, err := New(o)
			if want && strconv.IntSize < 64 { // nats-server panics there
				if err == nil {
					t.Error("a log on a 32-bit system")
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if a.Traits().Log != want {
				t.Errorf("%v %d: %+v", want, i, a.Traits())
			}
		}
	}
	var names []string
	for _, o := range []Options{{Listen: "a:1"}, {Listen: "b:1"}, {Listen: ":1", Advertise: "a:1"}, {Listen: ":2"}, {Listen: "[::]:2"}} {
		name, err := o.name()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if names[0] != names[2] || names[3] != names[4] || len(slices.Compact(slices.Sorted(slices.Values(names)))) != 3 {
		t.Errorf("%v", names)
	}
}

// What a server without the log says reaches the clients of the others, and who
// was away is told that he is not recovered.
func TestServerWithoutLogAmongOthers(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(slow.Stretch(10 * time.Second)) {
		t.Fatal("the NATS server does not start")
	}
	var servers []*socketio.Server
	var places []*socketiotest.Server
	for _, mode := range []nats.JetStream{nats.Auto, nats.Auto, nats.Off} {
		a, err := nats.New(nats.Options{Servers: []string{s.Addr().String()}, JetStream: mode, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		srv := socketio.New(&socketio.Options{Cluster: a, Recovery: &socketio.Recovery{}, Logger: quiet()})
		servers = append(servers, srv)
		places = append(places, socketiotest.Serve(t, srv))
	}
	for _, srv := range servers[:2] {
		eventually(t, "three nodes and a log", func() bool {
			status, _ := srv.Cluster()
			_, err := srv.Claim(t.Context(), "x", time.Minute)
			return status.Nodes == 3 && err == nil
		})
	}
	for _, odd := range []bool{false, true} {
		c := places[0].Connect(nil)
		emit := func(srv *socketio.Server) {
			if err := srv.Emit("n", 1); err != nil {
				t.Fatal(err)
			}
			places[1].Connect(nil) // time goes by
		}
		emit(servers[0])
		c.Next("n")
		if odd {
			emit(servers[2])
			c.Next("n")
		}
		id := c.ID()
		c.Cut()
		if odd {
			watch := places[1].Connect(nil)
			emit(servers[2])
			watch.Next("n")
		}
		emit(servers[0])
		if back := c.ReconnectTo(places[1]); (back.ID() == id) == odd {
			t.Errorf("a server without the log has spoken: %v; recovered: %v; %v", odd, back.ID() == id, servers[1].Stats().Unrecovered)
		}
	}
}
