package nats

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/sockeye-io/sockeye/internal/freeport"
	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/adapter"
)

func TestMain(m *testing.M) { leak.Main(m) }

// broker starts a NATS server on a free port of the loopback interface, or on
// the one that o has.
func broker(t testing.TB, o server.Options) *server.Server {
	t.Helper()
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	o.Host, o.NoSigs, o.NoLog = "127.0.0.1", true, true
	s, err := server.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { kill(s) })
	if !s.ReadyForConnections(slow.Stretch(10 * time.Second)) {
		t.Fatal("the NATS server does not start")
	}
	return s
}

func kill(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// awaitStreams waits until the streams are there that nodes have made.
func awaitStreams(t testing.TB, s *server.Server) {
	t.Helper()
	for deadline := time.Now().Add(slow.Stretch(10 * time.Second)); ; <-time.After(time.Millisecond) {
		if info, err := s.Jsz(nil); err == nil && info.Streams >= 2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no streams are made")
		}
	}
}

func port(s *server.Server) int { return s.Addr().(*net.TCPAddr).Port }

// A node is an adapter and what came to it.
type node struct {
	*Adapter
	t  testing.TB
	id string

	mu     sync.Mutex
	seqs   map[string]uint64 // given out, by namespace and lane
	got    []string
	bad    map[string]int
	states []adapter.State
	change chan struct{} // closed and replaced by each
	hold   chan struct{} // if not nil, messages wait for it
	wants  map[string]bool
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// start makes a node. Its id is its name and zeros.
func start(t testing.TB, name string, o Options) *node {
	t.Helper()
	o.Logger = quiet()
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{Adapter: a, t: t, id: (name + strings.Repeat("0", 16))[:16], seqs: map[string]uint64{}, bad: map[string]int{}, change: make(chan struct{})}
	if err := a.Start(t.Context(), adapter.Node{ID: n.id, Name: name}, n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), slow.Stretch(5*time.Second))
		defer cancel()
		_ = a.Close(ctx) // the server may be gone by then
	})
	return n
}

func options(s *server.Server) Options {
	return Options{Servers: []string{fmt.Sprintf("127.0.0.1:%d", port(s))}}
}

// pair is two nodes, a and b, that are connected.
func pair(t testing.TB, o Options) (a, b *node) {
	t.Helper()
	a, b = start(t, "a", o), start(t, "b", o)
	for _, n := range []*node{a, b} {
		n.up(1)
		n.Interest(adapter.Interest{NS: "/", On: true})
	}
	return a, b
}

func (n *node) changed(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	close(n.change)
	n.change = make(chan struct{})
}

func (n *node) Message(m *adapter.Message) {
	n.mu.Lock()
	hold := n.hold
	n.mu.Unlock()
	if hold != nil {
		<-hold
	}
	what := text(m)
	n.changed(func() { n.got = append(n.got, what) })
}

// Wants is true for all but what n.wants says false of, by namespace and room.
func (n *node) Wants(ns, room string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	wants, told := n.wants[ns+" "+room]
	return wants || !told
}

func (n *node) Malformed(why string)  { n.changed(func() { n.bad[why]++ }) }
func (n *node) State(s adapter.State) { n.changed(func() { n.states = append(n.states, s) }) }

// text is what a message says, in one line.
func text(m *adapter.Message) string {
	s := fmt.Sprintf("%s %s#%d.%d %s", m.Kind, m.From[:1], m.Lane, m.Seq, m.NS)
	for _, part := range []struct {
		name  string
		value any
		has   bool
	}{
		{"to", m.To, m.To != ""}, {"request", m.Request, m.Request != ""}, {"rooms", m.Rooms, len(m.Rooms) > 0},
		{"except", m.Except, len(m.Except) > 0}, {"names", m.Names, len(m.Names) > 0}, {"close", m.Close, m.Close},
		{"count", m.Count, m.Count > 0}, {"node", m.Node, m.Node != nil}, {"positions", m.Positions, len(m.Positions) > 0},
		{"flags", m.Flags, m.Flags != adapter.Flags{}}, {"text", string(m.Data.Text), len(m.Data.Text) > 0},
		{"skipped", m.Skipped, m.Skipped},
		{"attachments", m.Data.Attachments, len(m.Data.Attachments) > 0},
	} {
		if part.has {
			s += fmt.Sprintf(" %s %v", part.name, part.value)
		}
	}
	return s
}

// wait waits until ok, which is called with the lock held.
func (n *node) wait(what string, ok func() bool) {
	n.t.Helper()
	deadline := time.After(slow.Stretch(20 * time.Second))
	for {
		n.mu.Lock()
		done, change := ok(), n.change
		n.mu.Unlock()
		if done {
			return
		}
		select {
		case <-change:
		case <-deadline:
			n.mu.Lock()
			defer n.mu.Unlock()
			n.t.Fatalf("node %s waits in vain: %s; it has got %d messages, malformed %v, states %v", n.id[:1], what, len(n.got), n.bad, n.states)
		}
	}
}

// up waits until the connection was made for the nth time.
func (n *node) up(times int) {
	n.t.Helper()
	n.wait(fmt.Sprintf("up %d times", times), func() bool {
		ups := 0
		for _, s := range n.states {
			if s.Connection == adapter.Up {
				ups++
			}
		}
		return ups >= times
	})
}

// down waits until the last state is another one than Up.
func (n *node) down() {
	n.t.Helper()
	n.wait("down", func() bool { return n.states[len(n.states)-1].Connection != adapter.Up })
}

// settled waits until the server has heard of all interest so far.
func (n *node) settled() {
	n.t.Helper()
	probe := "settled" + n.id
	n.say(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: list(probe)})
	n.stored()
	n.Adapter.mu.Lock()
	l := n.link
	n.Adapter.mu.Unlock()
	if l != nil {
		if err := l.nc.FlushTimeout(slow.Stretch(10 * time.Second)); err != nil {
			n.t.Fatal(err)
		}
	}
}

// stored waits until the server has taken all that was said.
func (n *node) stored() {
	n.t.Helper()
	for deadline := time.Now().Add(slow.Stretch(20 * time.Second)); n.Stats().Queued > 0; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			n.t.Fatal("messages wait in vain")
		}
	}
}

// say publishes a message, numbered as a server does.
func (n *node) say(m *adapter.Message) string {
	n.t.Helper()
	what, err := n.try(m)
	if err != nil {
		n.t.Fatal(err)
	}
	return what
}

func (n *node) try(m *adapter.Message) (string, error) {
	m.From = n.id
	key := ""
	if m.To == "" {
		m.Lane = n.Lane(m)
		key = fmt.Sprint(m.NS, " ", m.Lane)
		n.seqs[key]++
		m.Seq = n.seqs[key]
	}
	err := n.Publish(m)
	if err != nil && m.To == "" {
		n.seqs[key]--
	}
	return text(m), err
}

func list(values ...string) adapter.Data {
	return adapter.Data{Text: []byte(`["` + strings.Join(values, `","`) + `"]`)}
}

// heard compares what came, but for probes of settled, with what was to come.
func (n *node) heard(want []string) {
	n.t.Helper()
	var got []string
	n.wait(fmt.Sprintf("%d messages", len(want)), func() bool {
		got = got[:0]
		for _, s := range n.got {
			if !strings.Contains(s, `["settled`) {
				got = append(got, s)
			}
		}
		return len(got) >= len(want)
	})
	for i := range want {
		if got[i] != want[i] {
			n.t.Fatalf("node %s: message %d is\n%s, want\n%s", n.id[:1], i, got[i], want[i])
		}
	}
	if len(got) > len(want) {
		n.t.Fatalf("node %s: more came: %s", n.id[:1], got[len(want)])
	}
}

// proxy passes connections on to a server, and may stop doing so.
type proxy struct {
	t      testing.TB
	l      net.Listener
	target string
	wg     sync.WaitGroup

	mu     sync.Mutex
	gate   chan struct{} // closed: data pass
	conns  map[net.Conn]bool
	refuse bool
	mute   bool // what the server says is lost
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, l: l, target: target, gate: make(chan struct{}), conns: map[net.Conn]bool{}}
	close(p.gate)
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		p.resume()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		c, err := p.l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil {
			continue
		}
		p.mu.Lock()
		refuse := p.refuse
		p.mu.Unlock()
		to, err := net.Dial("tcp", p.target)
		if refuse || err != nil {
			_ = c.Close()
			if err == nil {
				_ = to.Close()
			}
			continue
		}
		p.mu.Lock()
		p.conns[c], p.conns[to] = true, true
		p.mu.Unlock()
		p.wg.Go(func() { p.copy(c, to, false) })
		p.wg.Go(func() { p.copy(to, c, true) })
	}
}

func (p *proxy) copy(from, to net.Conn, answers bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		gate, lost := p.gate, answers && p.mute
		p.mu.Unlock()
		<-gate
		if lost {
			n = 0
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			_, _ = from.Close(), to.Close()
			return
		}
	}
}

// stall lets nothing pass until resume.
func (p *proxy) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gate = make(chan struct{})
}

func (p *proxy) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.gate:
	default:
		close(p.gate)
	}
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
		delete(p.conns, c)
	}
}

// silence has what the server says be lost, or not.
func (p *proxy) silence(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = yes
}

// open lets new connections come, or not.
func (p *proxy) open(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = !yes
}

func (p *proxy) options() Options { return Options{Servers: []string{p.l.Addr().String()}} }

// natsCluster starts so many servers of one NATS cluster with JetStream.
func natsCluster(t testing.TB, count int) []*server.Server {
	t.Helper()
	var routes []string
	var ports []int
	for range count {
		addr := netip.MustParseAddrPort(freeport.Reserve(t))
		ports = append(ports, int(addr.Port()))
		routes = append(routes, "nats-route://"+addr.String())
	}
	var servers []*server.Server
	for i, port := range ports {
		o := &server.Options{
			ServerName: fmt.Sprint("s", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: port},
			Routes:  server.RoutesFromStr(strings.Join(routes, ",")),
		}
		s, err := server.NewServer(o)
		if err != nil {
			t.Fatal(err)
		}
		servers = append(servers, s)
		s.Start()
		t.Cleanup(func() { kill(s) })
	}
	for _, s := range servers {
		if !s.ReadyForConnections(slow.Stretch(10 * time.Second)) {
			t.Fatal("the NATS server does not start")
		}
	}
	return servers
}
