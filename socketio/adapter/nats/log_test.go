package nats

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// logging are the options of nodes with a log at a server.
func logging(s *server.Server) Options {
	o := options(s)
	o.JetStream = On
	return o
}

func jetStream(t testing.TB, o server.Options) *server.Server {
	o.JetStream = true
	if o.StoreDir == "" {
		o.StoreDir = t.TempDir()
	}
	return broker(t, o)
}

func keep(i int) *adapter.Message {
	m := numbered(i)
	m.Keep = true
	return m
}

// open waits until a node's log was told to be there for the nth time.
func (n *node) open(times int) (at adapter.Mark) {
	n.t.Helper()
	n.wait("the log", func() bool {
		count := 0
		for _, s := range n.states {
			if s.Connection == adapter.Up && !s.Log.IsZero() {
				at = s.Log
				count++
			}
		}
		return count >= times
	})
	return at
}

// again reads what the log has between two places, as node.text tells it.
func (n *node) again(from, to adapter.Mark) (list []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), slow.Stretch(5*time.Second))
	defer cancel()
	err = n.Read(ctx, "/", from, to, func(m *adapter.Message) error {
		list = append(list, text(m))
		return nil
	})
	return list, err
}

// A server that is killed in mid-traffic and keeps its files loses nothing, nor
// does anybody get anything twice, or out of order.
func TestLogOutlivesServer(t *testing.T) {
	dir := t.TempDir()
	s := jetStream(t, server.Options{StoreDir: dir})
	at := port(s)
	a, b := pair(t, logging(s))
	begin := b.open(1)
	var want []string
	for range 4 {
		for i := range 500 {
			want = append(want, a.say(keep(i)))
		}
		b.wait("some", func() bool { return len(b.got) > len(want)-450 })
		kill(s)
		for i := range 200 {
			want = append(want, a.say(keep(i)))
		}
		s = jetStream(t, server.Options{Port: at, StoreDir: dir})
	}
	b.heard(want)
	for _, n := range []*node{a, b} {
		if n.last().MayMiss {
			t.Errorf("%+v", n.last())
		}
	}
	if st := a.Stats(); len(st.Dropped) != 0 {
		t.Errorf("%+v", st)
	}
	last := *b.Adapter.at.Load()
	got, err := b.again(begin, markOf(last.id, last.next-1, whole))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("the log has %d messages, not %d: %v", len(got), len(want), err)
	}
}

// Who was cut off reads what was said meanwhile, and what is said beside the log
// goes on while that does not answer.
func TestLogIsReadLater(t *testing.T) {
	s := jetStream(t, server.Options{})
	p := newProxy(t, s.Addr().String())
	a := start(t, "a", logging(s))
	o := p.options()
	o.JetStream = On
	b := start(t, "b", o)
	a.open(1)
	b.open(1)
	var want []string
	for range 5 {
		for i := range 300 {
			if i == 100 {
				p.open(false)
				p.cut()
				b.down()
			}
			want = append(want, a.say(keep(i)))
		}
		a.stored()
		p.open(true)
		b.heard(want)
	}
}

// JetStream has stored an entry, and the connection ends before it could say so:
// it is there once, and nobody gets it twice.
func TestLogAnswerIsLost(t *testing.T) {
	s := jetStream(t, server.Options{})
	p := newProxy(t, s.Addr().String())
	o := p.options()
	o.JetStream = On
	a, b := start(t, "a", o), start(t, "b", logging(s))
	a.open(1)
	begin := b.open(1)
	var want []string
	for i := range 5 {
		want = append(want, a.say(keep(i)))
		b.heard(want)
		a.stored()
		p.silence(true)
		want = append(want, a.say(keep(i)))
		b.heard(want)
		p.open(false)
		p.cut()
		a.down()
		p.silence(false)
		p.open(true)
		a.stored()
	}
	want = append(want, a.say(keep(9)))
	b.heard(want)
	last := *b.Adapter.at.Load()
	if got, err := b.again(begin, markOf(last.id, last.next-1, whole)); err != nil || !slices.Equal(got, want) {
		t.Errorf("the log has %q: %v", got, err)
	}
}

// The end of the log is lost, as when a server loses power: its numbers are not
// used again, and who was there before is told.
func TestLogLosesItsEnd(t *testing.T) {
	dir := t.TempDir()
	s := jetStream(t, server.Options{StoreDir: dir})
	at := port(s)
	a, b := pair(t, logging(s))
	b.open(1)
	want := []string{a.say(keep(1))}
	b.heard(want)
	a.stored()
	before := *b.Adapter.at.Load()
	kill(s)
	old := t.TempDir()
	if err := os.CopyFS(old, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s = jetStream(t, server.Options{Port: at, StoreDir: dir})
	for i := range 20 {
		want = append(want, a.say(keep(i)))
		b.heard(want)
	}
	a.stored() // else it is sent once more, and comes twice
	seen := *b.Adapter.at.Load()
	kill(s)
	jetStream(t, server.Options{Port: at, StoreDir: old})
	for _, n := range []*node{a, b} {
		n.wait("it is told", func() bool { s := n.states[len(n.states)-1]; return s.MayMiss && !s.Log.IsZero() })
	}
	want = append(want, a.say(keep(21)))
	b.heard(want)
	a.stored()
	now := *b.Adapter.at.Load()
	if now.next <= seen.next+1000 {
		t.Errorf("number %d was given after %d", now.next, seen.next)
	}
	for _, from := range []uint64{before.next - 1, seen.next - 5, seen.next - 1} {
		if _, err := b.again(markOf(before.id, from, 1), markOf(now.id, now.next-1, whole)); !errors.Is(err, adapter.ErrGone) {
			t.Errorf("read from %d: %v", from, err)
		}
	}
	for _, n := range []*node{a, b} { // before the server
		if err := n.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A log in memory is another one when the server comes back, and so is one that
// somebody has deleted.
func TestLogIsAnother(t *testing.T) {
	s := jetStream(t, server.Options{})
	at := port(s)
	o := logging(s)
	o.Memory = true
	a, b := pair(t, o)
	a.open(1)
	first := b.open(1)
	want := []string{a.say(keep(1))}
	b.heard(want)
	kill(s)
	jetStream(t, server.Options{Port: at})
	a.open(2)
	second := b.open(2)
	if second.Log == first.Log || !b.last().MayMiss {
		t.Errorf("%v after %v, %+v", second, first, b.last())
	}
	want = append(want, a.say(keep(2)))
	b.heard(want)
	a.stored()
	if _, err := b.again(first, second); !errors.Is(err, adapter.ErrGone) {
		t.Error(err)
	}
}

// What is trimmed is gone, for who reads the log later, and for a node that was
// away for too long.
func TestLogIsTrimmed(t *testing.T) {
	s := jetStream(t, server.Options{})
	p := newProxy(t, s.Addr().String())
	o := logging(s)
	o.MaxBytes = 1 << 20
	a := start(t, "a", o)
	o.Servers = p.options().Servers
	b := start(t, "b", o)
	begin := a.open(1)
	b.open(1)
	p.open(false)
	p.cut()
	b.down()
	for i := range 300 {
		m := keep(i)
		m.Data = list("n", fmt.Sprint(i), strings.Repeat("x", 10_000))
		a.say(m)
	}
	a.wait("all was stored", func() bool { return a.reads(300) })
	last := *a.Adapter.at.Load()
	if _, err := a.again(begin, markOf(last.id, last.next-1, whole)); !errors.Is(err, adapter.ErrGone) {
		t.Error(err)
	}
	p.open(true)
	b.wait("it is told", func() bool { s := b.states[len(b.states)-1]; return s.MayMiss && !s.Log.IsZero() })
	b.wait("the rest", func() bool { return len(b.got) > 50 && strings.Contains(b.got[len(b.got)-1], `["n","299"`) })
}

// A node that finds a hole in the log while it reads says so: who was away comes
// back from before it no more.
func TestLogHasAHole(t *testing.T) {
	s := jetStream(t, server.Options{})
	a, b := pair(t, logging(s))
	b.open(1)
	heard := []string{a.say(keep(1))}
	b.heard(heard)
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	log, err := js.Stream(t.Context(), newSubjects(DefaultPrefix).logStream)
	if err != nil {
		t.Fatal(err)
	}
	to := b.Adapter.at.Load().next + 10
	if err := log.Purge(t.Context(), jetstream.WithPurgeSequence(to)); err != nil {
		t.Fatal(err)
	}
	heard = append(heard, a.say(keep(2)))
	b.heard(heard)
	b.wait("the hole is told", func() bool {
		last := b.states[len(b.states)-1]
		return last.MayMiss && last.Log.High == to-1
	})
}

// reads reports whether it has read so many of its own messages; with the lock.
func (n *node) reads(count int) bool {
	own := 0
	for _, s := range n.got {
		if strings.Contains(s, "skipped") {
			own++
		}
	}
	return own >= count
}

// A server without JetStream is an error where it must have one, and none where it
// may.
func TestNoJetStream(t *testing.T) {
	s := broker(t, server.Options{})
	a, err := New(logging(s))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context(), adapter.Node{ID: "a"}, nil); err == nil || !strings.Contains(err.Error(), "jetstream=off") {
		t.Errorf("Start: %v", err)
	}
	for name, want := range map[string]struct {
		s    *server.Server
		mode JetStream
		logs bool
	}{
		"auto without": {s, Auto, false}, "auto with": {jetStream(t, server.Options{}), Auto, true}, "off": {jetStream(t, server.Options{}), Off, false},
	} {
		o := options(want.s)
		o.JetStream, o.Logger = want.mode, quiet()
		a, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		a.Remember()
		if got := a.Traits(); got.Log != want.logs || got.AtLeastOnce != want.logs || got.Ordered == want.logs {
			t.Errorf("%s: %+v", name, got)
		}
		if _, err := a.Claim(t.Context(), "x", time.Second); errors.Is(err, adapter.ErrNoClaims) == want.logs {
			t.Errorf("%s: Claim: %v", name, err)
		}
	}
}

// A logged is a node's log.
type logged struct {
	*node
	b bytes.Buffer // guarded by node.mu
}

func (l *logged) Write(p []byte) (n int, err error) {
	l.changed(func() { n, err = l.b.Write(p) })
	return n, err
}

// Where the streams cannot be made a node says so, with the server's name and as a
// warning. It stops at once if nothing waits for the log, and else when there is no
// hope any more; what waits is counted.
func TestThereIsNoLogYet(t *testing.T) {
	s := jetStream(t, server.Options{})
	for _, waiting := range []int{0, 3} {
		t.Run(fmt.Sprint(waiting, " wait"), func(t *testing.T) { noLogYet(t, s, waiting) })
	}
}

func noLogYet(t *testing.T, s *server.Server, waiting int) {
	o := logging(s)
	o.Replicas, o.logHope = 3, time.Second // of one server
	n := &node{t: t, id: "a", bad: map[string]int{}, change: make(chan struct{})}
	log := &logged{node: n}
	o.Logger = slog.New(slog.NewTextHandler(log, nil))
	var err error
	if n.Adapter, err = New(o); err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context(), adapter.Node{ID: "a"}, n); err != nil {
		t.Fatal(err)
	}
	n.up(1)
	n.wait("a line", func() bool { return strings.Contains(log.b.String(), "there is no log yet") })
	var want error
	for i := range waiting {
		want = adapter.ErrAway
		if err := n.Publish(keep(i)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), slow.Stretch(20*time.Second))
	defer cancel()
	if err := n.Close(ctx); err != want || n.Stats().Dropped["broadcast"] != uint64(waiting) {
		t.Errorf("Close: %v, %+v", err, n.Stats())
	}
	if text := log.b.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, "server="+o.Servers[0]) || strings.Contains(text, "hint=") {
		t.Errorf("it says %s", text)
	}
}

// A node without a log hears those that have one, and the other way round.
func TestLogOnSomeNodes(t *testing.T) {
	s := jetStream(t, server.Options{})
	a, b := start(t, "a", logging(s)), start(t, "b", options(s))
	a.open(1)
	b.up(1)
	b.heard([]string{a.say(keep(1)), a.say(keep(2))})
	a.wait("both", func() bool { return len(a.got) == 2 })
	a.mu.Lock()
	a.got = nil
	a.mu.Unlock()
	a.heard([]string{b.say(keep(1)), b.say(keep(2))})
}

// What an emitter says can be read again too, if there is a log when it starts.
func TestLogOfAnEmitter(t *testing.T) {
	s := jetStream(t, server.Options{})
	for _, logs := range []bool{false, true} {
		o := options(s)
		o.Logger = quiet()
		a, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Start(t.Context(), adapter.Node{ID: "eeeeeeeeeeeeeeee", Deaf: true}, &node{t: t, change: make(chan struct{})}); err != nil {
			t.Fatal(err)
		}
		if a.Traits().Log != logs {
			t.Errorf("%+v, want %v", a.Traits(), logs)
		}
		if logs {
			b := start(t, "b", logging(s))
			begin := b.open(1)
			m := numbered(1)
			m.From, m.Rooms = "eeeeeeeeeeeeeeee", []string{"a room that nobody is in here"}
			m.Lane = a.Lane(m)
			if err := a.Publish(m); err != nil {
				t.Fatal(err)
			}
			b.wait("it", func() bool { return len(b.got) == 1 })
			at := *b.Adapter.at.Load()
			if list, err := b.again(begin, markOf(at.id, at.next-1, whole)); err != nil || len(list) != 1 {
				t.Errorf("%q, %v", list, err)
			}
		} else {
			start(t, "a", logging(s)).open(1)
		}
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Whoever tells of an entry that is not there does not keep others from being read.
func TestLogFromLiars(t *testing.T) {
	s := jetStream(t, server.Options{})
	a, b := pair(t, logging(s))
	b.open(1)
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	subjects := newSubjects(DefaultPrefix)
	for _, seq := range []string{"0", "-1", "x", "99999999999999999999", "281474976710655", "5000"} {
		msg := nats.NewMsg(subjects.told + "cccccccccccccccc")
		msg.Header["Nats-Stream"] = []string{subjects.logStream}
		msg.Header["Nats-Sequence"] = []string{seq}
		msg.Header["Nats-Time-Stamp"] = []string{time.Now().UTC().Format(time.RFC3339Nano)}
		if err := nc.PublishMsg(msg); err != nil {
			t.Fatal(err)
		}
	}
	// An entry in another node's name, and one with something for one node only.
	for _, data := range [][]byte{entryOf(t, "dddddddddddddddd", "", 0), entryOf(t, "cccccccccccccccc", b.id, 0), entryOf(t, "cccccccccccccccc", "", 7)} {
		if _, err := nc.Request(subjects.log+"cccccccccccccccc", data, slow.Stretch(5*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	b.heard([]string{a.say(keep(1)), a.say(keep(2))})
	b.wait("they are counted", func() bool { return b.bad["parse"] == 4 && b.bad["spoof"] == 3 })
}

// What is told of a place that is not the next is not carried out, whatever it
// says: the log has it, or there is none. And it is asked at once.
func TestLogAheadIsNotBelieved(t *testing.T) {
	s := jetStream(t, server.Options{})
	a, b := pair(t, logging(s))
	b.open(1)
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	subjects := newSubjects(DefaultPrefix)
	asked, err := nc.SubscribeSync("$JS.API.DIRECT.GET." + subjects.logStream)
	if err != nil {
		t.Fatal(err)
	}
	heard := []string{a.say(keep(1))}
	b.heard(heard)
	ahead := b.Adapter.at.Load().next + 2
	msg := nats.NewMsg(subjects.told + "cccccccccccccccc")
	msg.Header["Nats-Stream"] = []string{subjects.logStream}
	msg.Header["Nats-Sequence"] = []string{fmt.Sprint(ahead)}
	msg.Header["Nats-Time-Stamp"] = []string{time.Now().UTC().Format(time.RFC3339Nano)}
	msg.Data = entryOf(t, "cccccccccccccccc", "", 0)
	if err := nc.PublishMsg(msg); err != nil {
		t.Fatal(err)
	}
	// As often as what was told of is expected; otherwise it would be once in 2 s.
	for i := range inVain {
		q, err := asked.NextMsg(slow.Stretch(5 * time.Second))
		if err != nil || !strings.Contains(string(q.Data), fmt.Sprintf(`"seq":%d,`, ahead-2)) {
			t.Fatalf("question %d: %v, %v", i, q, err)
		}
	}
	for i := range 3 { // the place is one of these
		heard = append(heard, a.say(keep(2+i)))
	}
	b.heard(heard)
}

func entryOf(t testing.TB, from, to string, lane uint32) []byte {
	a, err := New(Options{Servers: []string{"none:1"}})
	if err != nil {
		t.Fatal(err)
	}
	m := keep(1)
	m.From, m.To, m.Lane, m.Seq = from, to, lane, 1
	data, err := a.form.Append(nil, "", m)
	if err != nil {
		t.Fatal(err)
	}
	entry, _ := appendEntry(nil, itemsOf(data))
	return entry
}

// In a NATS cluster of three the log outlives the server that leads it.
func TestLogInACluster(t *testing.T) {
	servers := natsCluster(t, 3)
	var o Options
	for _, s := range servers {
		o.Servers = append(o.Servers, s.Addr().String())
	}
	o.JetStream, o.Replicas = On, 3
	var nodes []*node
	for i := range 3 {
		own := o
		own.Servers = slices.Concat(o.Servers[i:], o.Servers[:i])
		n := start(t, string(rune('a'+i)), own)
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		n.open(1)
	}
	a, b := nodes[0], nodes[1]
	var want []string
	speak := func(n int) {
		for i := range n {
			want = append(want, a.say(keep(i)))
		}
	}
	speak(500)
	b.heard(want)
	leader := leaderOf(t, servers, newSubjects(DefaultPrefix).logStream)
	speak(200)
	kill(leader)
	speak(500)
	for _, n := range nodes[1:] {
		n.heard(want)
	}
}

func leaderOf(t *testing.T, servers []*server.Server, stream string) *server.Server {
	t.Helper()
	nc, err := nats.Connect(servers[0].ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	for _, srv := range servers {
		if srv.Name() == s.CachedInfo().Cluster.Leader {
			return srv
		}
	}
	t.Fatal("nobody leads")
	return nil
}
