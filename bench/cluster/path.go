package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/mesh"
	"github.com/sockeye-io/sockeye/socketio/adapter/nats"
	"github.com/sockeye-io/sockeye/socketio/adapter/redis"
)

// An ear is a node's inbox that counts and keeps nothing.
type ear struct {
	n     atomic.Int64
	up    chan struct{}
	once  sync.Once
	wants bool
}

func (e *ear) Message(m *adapter.Message) {
	if m.Kind == adapter.Broadcast && m.Seq > 0 {
		e.n.Add(1)
	}
}
func (e *ear) Wants(string, string) bool { return e.wants }
func (e *ear) Malformed(string)          {}
func (e *ear) State(s adapter.State) {
	if s.Connection == adapter.Up {
		e.once.Do(func() { close(e.up) })
	}
}

// paths measures what one message costs on its way alone, without sockets: CPU to
// publish a broadcast of about 100 bytes to a room, to receive it, and to receive
// one that nobody there wants, and of the broker with one receiver.
func paths(ctx context.Context, all []system, brokers map[string]*broker, count, rounds int, wanted func(string) bool) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "µs a message\tpublish\treceive\treceive and skip\tbroker")
	for _, sys := range all {
		if sys.node || !wanted(sys.name) {
			continue
		}
		var publish, receive, skip, broker []float64
		for range rounds {
			alone, _, err := path(ctx, sys, brokers[sys.broker], count, 1, true)
			if err != nil {
				return fmt.Errorf("%s: %w", sys.name, err)
			}
			both, theirs, err := path(ctx, sys, brokers[sys.broker], count, 2, true)
			if err != nil {
				return fmt.Errorf("%s: %w", sys.name, err)
			}
			none, _, err := path(ctx, sys, brokers[sys.broker], count, 2, false)
			if err != nil {
				return fmt.Errorf("%s: %w", sys.name, err)
			}
			publish, receive, skip, broker = append(publish, alone), append(receive, both-alone), append(skip, none-alone), append(broker, theirs)
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\t%.2f\n", sys.name, median(publish), median(receive), median(skip), median(broker))
	}
	return w.Flush()
}

// path is what this process, and the broker, have spent for each of count
// messages of one of so many nodes.
func path(ctx context.Context, sys system, b *broker, count, nodes int, wants bool) (own, theirs float64, err error) {
	url, listen, err := meshOf(sys.url, nodes)
	if err != nil {
		return 0, 0, err
	}
	prefix := fmt.Sprint("path-", time.Now().UnixNano())
	var list []adapter.Adapter
	defer func() {
		for _, a := range list {
			_ = a.Close(ctx)
		}
	}()
	var ids []string
	last := &ear{}
	for i := range nodes {
		a, err := adapterAt(url, prefix, listen[i])
		if err != nil {
			return 0, 0, err
		}
		id := strings.Repeat(string(rune('a'+i)), 16)
		if n := a.Traits().IDLen; n > 0 {
			id = id[:n]
		}
		last = &ear{up: make(chan struct{}), wants: wants}
		a.Interest(adapter.Interest{NS: "/", On: true}, adapter.Interest{NS: "/", Room: "room", On: true})
		if err := a.Start(ctx, adapter.Node{ID: id}, last); err != nil {
			return 0, 0, err
		}
		list, ids = append(list, a), append(ids, id)
		select {
		case <-last.up:
		case <-time.After(10 * time.Second):
			return 0, 0, fmt.Errorf("not connected")
		}
	}
	from := list[0]
	m := &adapter.Message{Kind: adapter.Broadcast, From: ids[0], NS: "/", Rooms: []string{"room"}}
	m.Data.Text = []byte(`["chat",{"text":"` + strings.Repeat("x", 60) + `","n":123456}]`)
	m.Lane = from.Lane(m)
	say := func() error { m.Seq++; return from.Publish(m) }
	wait := func(what string, ok func() bool) error {
		for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				return fmt.Errorf("waited for 30 s until %s", what)
			}
		}
		return nil
	}
	if nodes > 1 { // it may not be heard at once
		if err := wait("it is heard", func() bool { _ = say(); return last.n.Load() > 0 }); err != nil {
			return 0, 0, err
		}
	}
	if err := wait("all has gone", func() bool { return from.Stats().Queued == 0 }); err != nil {
		return 0, 0, err
	}
	time.Sleep(100 * time.Millisecond) // what is on its way comes
	before, heard := from.Stats().Published, last.n.Load()
	spent, brokers := spentBy(0), spentBy(b.pid())
	for i := range count {
		if err := say(); err != nil {
			return 0, 0, err
		}
		if i%64 != 0 {
			continue
		}
		if err := wait("there is room", func() bool {
			return from.Stats().Queued < 1<<20 && (nodes == 1 || int64(i)-(last.n.Load()-heard) < 5000)
		}); err != nil {
			return 0, 0, err
		}
	}
	if err := wait("all has come", func() bool {
		return from.Stats().Published-before >= uint64(count) && (nodes == 1 || last.n.Load()-heard >= int64(count))
	}); err != nil {
		return 0, 0, err
	}
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(count) }
	return each(spentBy(0) - spent), each(spentBy(b.pid()) - brokers), nil
}

// adapterAt is a node's. Package byurl would bring what is not measured.
func adapterAt(url, prefix, listen string) (adapter.Adapter, error) {
	switch scheme, rest, _ := strings.Cut(url, "://"); scheme {
	case "nats":
		o, err := nats.ParseURL(url)
		if err != nil {
			return nil, err
		}
		o.Prefix = prefix
		return nats.New(o)
	case "mesh":
		return mesh.New(mesh.Options{Nodes: strings.Split(rest, ","), Listen: listen, Prefix: prefix})
	}
	return redis.FromURL(url, redis.Options{Prefix: prefix})
}

// meshOf is the URL of so many nodes, and where each listens if it is a mesh.
func meshOf(url string, nodes int) (string, []string, error) {
	listen := make([]string, nodes)
	if url != "mesh" {
		return url, listen, nil
	}
	port, err := freePort(nodes)
	for i := range listen {
		listen[i] = net.JoinHostPort("127.0.0.1", strconv.Itoa(port+i))
	}
	return "mesh://" + strings.Join(listen, ","), listen, err
}

// pid is the broker's, -1 if there is none.
func (b *broker) pid() int {
	if b == nil {
		return -1
	}
	return b.cmd.Process.Pid
}

// spentBy is the CPU time of a process, of this one if pid is 0.
func spentBy(pid int) time.Duration {
	if pid == 0 {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // of oneself it cannot fail
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, ok := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if err != nil || !ok || len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
