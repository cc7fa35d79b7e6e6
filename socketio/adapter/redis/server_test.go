//go:build unix

package redis

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/freeport"
	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/adapter"
)

func TestMain(m *testing.M) {
	// Most of what the tests do is wait for servers.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	leak.Main(m)
}

// A server is a redis-server of a test's own, on a free port and with a folder
// of its own.
type server struct {
	t    testing.TB
	dir  string
	addr string
	args []string
	cmd  *exec.Cmd
	ctl  *conn
}

// freePort is the port of a server, which may be killed and come back to it.
func freePort(t testing.TB) string {
	t.Helper()
	_, port, _ := strings.Cut(freeport.Reserve(t), ":")
	return port
}

// newServer starts one. args are lines of its configuration.
func newServer(t testing.TB, args ...string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), args: args}
	s.addr = "127.0.0.1:" + freePort(t)
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) start() {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.addr)
	lines := append([]string{"port " + port, "bind 127.0.0.1", "dir " + s.dir, `save ""`}, s.args...)
	file := filepath.Join(s.dir, "redis.conf")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	args := []string{file}
	if len(s.args) > 0 && strings.HasPrefix(s.args[0], "sentinel ") {
		args = append(args, "--sentinel")
	}
	var out bytes.Buffer
	s.cmd = exec.Command("redis-server", args...)
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("%v (scripts/setup installs it)", err)
	}
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.kill() // it writes no more
			s.t.Logf("redis-server %s:\n%s", s.addr, out.String())
		}
	})
	until(s.t, "redis-server answers", func() bool {
		nc, err := net.Dial("tcp", s.addr)
		if err != nil {
			return false
		}
		s.ctl = newConn(nc)
		_, err = s.ctl.do("PING")
		return err == nil || strings.Contains(err.Error(), "NOAUTH")
	})
}

// kill ends it without a word.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
	s.ctl.close()
}

func (s *server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// do is a command of the test's.
func (s *server) do(name string, args ...string) any {
	s.t.Helper()
	v, err := s.ctl.do(name, args...)
	if err != nil {
		s.t.Fatalf("%s %v: %v", name, args, err)
	}
	return v
}

// until waits for a condition.
func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(slow.Stretch(20 * time.Second))
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long: %s", what)
		}
		<-tick.C
	}
}

// A node is an adapter with an inbox that keeps what comes.
type node struct {
	adapter.Adapter
	t  *testing.T
	id string

	mu        sync.Mutex
	got       []string
	states    []adapter.State
	malformed map[string]int
	onMessage func(m *adapter.Message)
}

func (n *node) Message(m *adapter.Message) {
	if m.From == n.id && m.Skipped && !m.At.IsZero() {
		return // the log has it
	}
	text := describe(m)
	n.mu.Lock()
	n.got = append(n.got, text)
	f := n.onMessage
	n.mu.Unlock()
	if f != nil {
		f(m)
	}
}

func (n *node) Wants(_, room string) bool { return room != "nobody" }

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

func (n *node) messages() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.got...)
}

func (n *node) state() adapter.State {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.states) == 0 {
		return adapter.State{}
	}
	return n.states[len(n.states)-1]
}

func (n *node) history() []adapter.State {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]adapter.State(nil), n.states...)
}

// fails waits until the node says that it is not connected because of want. It
// may say before that the server was slow to answer, and never names a secret.
func (n *node) fails(url, want string, secrets ...string) {
	n.t.Helper()
	until(n.t, url+" does not connect: "+want, func() bool {
		cause := n.state().Cause
		return cause != nil && strings.Contains(cause.Error(), want)
	})
	for _, st := range n.history() {
		told := st.Cause != nil && slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(st.Cause.Error(), s) })
		if st.Connection != adapter.Connecting || told {
			n.t.Errorf("%s: %+v", url, st)
		}
	}
}

// server is where the node is connected.
func (n *node) server() string {
	a := n.Adapter.(*Adapter)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.link == nil {
		return ""
	}
	return a.link.addr
}

// Nodes is how many there are, as the node counts them.
func (n *node) Nodes(ctx context.Context, ns string) (int, error) {
	return n.Adapter.(adapter.Counter).Nodes(ctx, ns)
}

func (n *node) up() bool { return n.state().Connection == adapter.Up }

// describe is what matters of a message, in one line.
func describe(m *adapter.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s", m.Kind, m.From, m.NS)
	if m.Skipped {
		b.WriteString(" skipped")
	}
	if m.Seq != 0 {
		fmt.Fprintf(&b, " seq=%d/%d", m.Lane, m.Seq)
	}
	if m.Request != "" {
		fmt.Fprintf(&b, " request=%s", m.Request)
	}
	if len(m.Rooms)+len(m.Except) > 0 {
		fmt.Fprintf(&b, " to=%q-%q", m.Rooms, m.Except)
	}
	if len(m.Names) > 0 {
		fmt.Fprintf(&b, " names=%q", m.Names)
	}
	if m.Flags.Volatile {
		b.WriteString(" volatile")
	}
	if m.Close {
		b.WriteString(" close")
	}
	if m.Count != 0 {
		fmt.Fprintf(&b, " count=%d", m.Count)
	}
	if len(m.Data.Text) > 0 {
		fmt.Fprintf(&b, " %s", m.Data.Text)
	}
	for _, a := range m.Data.Attachments {
		fmt.Fprintf(&b, " %x", a)
	}
	if m.Node != nil {
		fmt.Fprintf(&b, " node=%s,%s,%d,%s", m.Node.ID, m.Node.Name, m.Node.Version, m.Node.Address)
	}
	if len(m.Positions) > 0 {
		fmt.Fprintf(&b, " positions=%v", m.Positions)
	}
	return b.String()
}

// join starts a node that has the namespace "/" and waits until it is connected.
func join(t *testing.T, a adapter.Adapter, id string) *node {
	t.Helper()
	n := start(t, a, id)
	until(t, "node "+id+" is up", n.up)
	return n
}

func start(t *testing.T, a adapter.Adapter, id string) *node {
	t.Helper()
	n := &node{Adapter: a, t: t, id: id, malformed: map[string]int{}}
	a.Interest(adapter.Interest{NS: "/", On: true})
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
	return n
}

// publish publishes as the core does: from this node.
func (n *node) publish(m adapter.Message) {
	n.t.Helper()
	m.From = n.id
	m.Lane = n.Lane(&m)
	if m.NS == "" {
		m.NS = "/"
	}
	if err := n.Publish(&m); err != nil {
		n.t.Fatalf("%s: %v", m.Kind, err)
	}
}

func text(s string) adapter.Data { return adapter.Data{Text: []byte(s)} }

func classicAt(t *testing.T, o Options, addrs ...string) *Adapter {
	t.Helper()
	o.Addrs = addrs
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
