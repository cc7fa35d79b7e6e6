//go:build unix

package redis

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/cluster"
)

// ns is the parties' namespace: in "/" heartbeats are numbered too.
const ns = "/n"

// A party is a node with the numbering and counting above the adapter. It emits
// numbers to rooms, and hears those of others.
type party struct {
	t *testing.T
	a *Sharded
	c *cluster.Core

	mu     sync.Mutex
	got    map[string][]int // by room
	missed uint64
	states []adapter.State

	sent map[string]int // by room, of the emitting goroutine
	stop chan struct{}
	done sync.WaitGroup
}

func newParty(t *testing.T, a *Sharded, rooms ...string) *party {
	t.Helper()
	p := &party{t: t, a: a, got: map[string][]int{}, sent: map[string]int{}, stop: make(chan struct{})}
	p.c = cluster.New(cluster.Options{Adapter: a, Host: p, Heartbeat: 100 * time.Millisecond, Dead: slow.Stretch(20 * time.Second), Questions: 10})
	p.c.Interest(adapter.Interest{NS: "/", On: true})
	p.c.Interest(adapter.Interest{NS: ns, On: true})
	for _, room := range rooms {
		p.c.Interest(adapter.Interest{NS: ns, Room: room, On: true})
	}
	if err := p.c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.c.Close(t.Context()) })
	until(t, "the node is up", func() bool { return p.c.State().Connection == adapter.Up })
	return p
}

func (p *party) Wants(_, room string) bool { return true }

func (p *party) Gather(bool) {}

func (p *party) Handle(m *adapter.Message) {
	if m.Kind != adapter.Broadcast {
		return
	}
	room := ""
	if len(m.Rooms) > 0 {
		room = m.Rooms[0]
	}
	_, number, _ := strings.Cut(string(m.Data.Text), ",")
	n, _ := strconv.Atoi(strings.TrimSuffix(number, "]"))
	p.mu.Lock()
	p.got[room] = append(p.got[room], n)
	p.mu.Unlock()
}

func (p *party) ReadBack(string, uint64, adapter.Mark) {}

func (p *party) Tell(e cluster.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Kind {
	case cluster.Missed:
		p.missed += e.N
	case cluster.Connection:
		p.states = append(p.states, e.State)
	}
}

func (p *party) heard(room string) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got[room])
}

// emit emits to each room once; "" is everybody.
func (p *party) emit(rooms ...string) {
	for _, room := range rooms {
		m := adapter.Message{Kind: adapter.Broadcast, NS: ns, Data: text(fmt.Sprintf(`["n",%d]`, p.sent[room]+1))}
		if room != "" {
			m.Rooms = []string{room}
		}
		if err := p.c.Publish(&m); err != nil {
			p.t.Error(err)
			return
		}
		p.sent[room]++
	}
}

// meet emits until the others hear each of the rooms, and begins to count there.
func (p *party) meet(others []*party, rooms ...string) {
	p.t.Helper()
	for _, o := range others {
		for _, room := range rooms {
			until(p.t, "room "+room+" is heard", func() bool {
				p.emit(room)
				return len(o.heard(room)) > 0
			})
		}
	}
}

// stream emits a number to each room, every millisecond, until halt.
func (p *party) stream(rooms ...string) {
	p.done.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			p.emit(rooms...)
			select {
			case <-tick.C:
			case <-p.stop:
				return
			}
		}
	})
}

func (p *party) halt() {
	close(p.stop)
	p.done.Wait()
}

// flows waits until a room's numbers come again.
func (p *party) flows(room string) {
	p.t.Helper()
	before := len(p.heard(room))
	until(p.t, "room "+room+" is heard again", func() bool { return len(p.heard(room)) > before+20 })
}

// accounts checks that what came is in order, once, and that what did not come of
// what was sent since the first is counted.
func (p *party) accounts(from *party, rooms ...string) {
	p.t.Helper()
	books := func() (missing int, text string) {
		for _, room := range rooms {
			got := p.heard(room)
			if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
				p.t.Fatalf("room %q: out of order, or twice: %v", room, got)
			}
			n := from.sent[room] - got[0] + 1 - len(got)
			missing += n
			text += fmt.Sprintf(" %q: %d of %d missing", room, n, from.sent[room])
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		return missing - int(p.missed), fmt.Sprintf("%s; counted %d", text, p.missed)
	}
	text := ""
	defer func() { p.t.Log(text) }()
	until(p.t, "the books are even", func() (even bool) {
		var off int
		off, text = books()
		return off == 0
	})
}

// migrate moves a slot, as redis-cli --cluster reshard does.
func migrate(all []*server, slot int, from, to *server) {
	id := func(s *server) string { text, _ := s.do("CLUSTER", "MYID").(string); return text }
	n := strconv.Itoa(slot)
	to.do("CLUSTER", "SETSLOT", n, "IMPORTING", id(from))
	from.do("CLUSTER", "SETSLOT", n, "MIGRATING", id(to))
	for _, s := range append([]*server{to, from}, all...) {
		if s.role() == "master" {
			s.do("CLUSTER", "SETSLOT", n, "NODE", id(to))
		}
	}
}

// Slots that move to another master while both nodes emit: their rooms, and the
// namespace's own channel, are heard again at once, in order and once, what is
// missing is counted, and other rooms miss nothing.
func TestSlotMigration(t *testing.T) {
	t.Parallel()
	masters := newCluster(t, 3, 0)
	rooms := []string{"", roomOf(masters, 0), roomOf(masters, 1), roomOf(masters, 2)}
	a := newParty(t, shardedAt(t, Options{}, masters[1]), rooms[1:]...)
	b := newParty(t, shardedAt(t, Options{}, masters[2], masters[0]), rooms[1:]...)
	a.meet([]*party{b}, rooms...)
	b.meet([]*party{a}, rooms...)
	a.stream(rooms...)
	b.stream(rooms...)
	for round := range 4 {
		for _, channel := range []string{"socket.io#/n#" + rooms[1] + "#", "socket.io#/n#"} {
			home := slotOf(channel) * len(masters) / slots
			migrate(masters, slotOf(channel), masters[(home+round)%3], masters[(home+round+1)%3])
		}
		began := time.Now()
		for _, p := range []*party{a, b} {
			p.flows(rooms[1])
			p.flows("")
		}
		t.Log("heard again after", time.Since(began))
	}
	a.halt()
	b.halt()
	b.accounts(a, rooms...)
	a.accounts(b, rooms...)
	for _, p := range []*party{a, b} {
		for _, room := range rooms[2:] {
			if got := p.heard(room); len(got) != got[len(got)-1]-got[0]+1 {
				t.Errorf("room %s, which has not moved, has holes", room)
			}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.ContainsFunc(b.states, func(s adapter.State) bool { return s.MayMiss }) {
		t.Error("nobody was told that something may be missing")
	}
}

// A master that is replaced by its replica: asked to by CLUSTER FAILOVER, or
// because it is killed, or stands still and comes back as a replica.
func TestClusterFailOver(t *testing.T) {
	for _, how := range []string{"asked", "killed", "stopped"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			all := newCluster(t, 3, 1)
			masters, replica := all[:3], all[3]
			rooms := []string{"", roomOf(masters, 0), roomOf(masters, 1)}
			build := func(seeds ...*server) *Sharded {
				s := shardedAt(t, Options{}, seeds...)
				s.pace.Tick, s.pace.Probe, s.pace.Patience, s.pace.Grace = 20*time.Millisecond, 50*time.Millisecond, 300*time.Millisecond, time.Second
				return s
			}
			a := newParty(t, build(masters...), rooms[1:]...)
			b := newParty(t, build(masters[0], replica), rooms[1:]...)
			a.meet([]*party{b}, rooms...)
			a.stream(rooms...)
			switch how {
			case "asked":
				replica.do("CLUSTER", "FAILOVER")
			case "killed":
				masters[0].kill()
			case "stopped":
				masters[0].signal(syscall.SIGSTOP)
			}
			until(t, "the replica is master", func() bool { return replica.role() == "master" })
			promoted := time.Now()
			for _, p := range []*party{a, b} {
				until(t, "the new master is found", func() bool { return p.c.State().Connection == adapter.Up && p.a.with(replica.addr) })
			}
			took := time.Since(promoted)
			b.flows(rooms[1])
			t.Logf("found %v after its promotion", took)
			if took > slow.Stretch(5*time.Second) {
				t.Error("that is too long")
			}
			if how == "stopped" {
				masters[0].signal(syscall.SIGCONT)
				until(t, "the old master follows", func() bool { return masters[0].role() == "slave" })
				b.flows(rooms[1])
			}
			a.halt()
			b.accounts(a, rooms...)
		})
	}
}

// with reports whether there is a link with a server.
func (a *Sharded) with(addr string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.shards[addr]
	return s != nil && s.well
}

// A master that ends, without a replica, and comes back: what is for its rooms
// waits and is sent then, in order, and nobody is told meanwhile that it was sent;
// other rooms go on.
func TestMasterAway(t *testing.T) {
	t.Parallel()
	masters := newCluster(t, 3, 0, "cluster-require-full-coverage no", "cluster-allow-pubsubshard-when-down yes")
	rooms := []string{roomOf(masters, 0), roomOf(masters, 1), roomOf(masters, 2)}
	home := slotOf("socket.io#/n#") * len(masters) / slots
	victim := 0 // a master that has neither namespace's channel: heartbeats go on
	for victim == home || masters[victim] == owner(masters, "socket.io#/#") {
		victim++
	}
	a := newParty(t, shardedAt(t, Options{}, masters...), rooms...)
	b := newParty(t, shardedAt(t, Options{}, masters...), rooms...)
	a.meet([]*party{b}, append(rooms, "")...)
	a.stream(append(rooms, "")...)
	b.flows(rooms[victim])
	masters[victim].kill()
	until(t, "the loss is told", func() bool { return b.c.State().Connection == adapter.Degraded })
	b.flows(rooms[home])
	b.flows("")
	until(t, "a lane lags", a.a.Lags)
	b.flows(rooms[home])
	if !a.a.Lags() {
		t.Error("nothing lags while a master is away")
	}
	masters[victim].start()
	until(t, "the return is told", func() bool { return a.c.State().Connection == adapter.Up && b.c.State().Connection == adapter.Up })
	b.flows(rooms[victim])
	a.halt()
	b.accounts(a, append(rooms, "")...)
	until(t, "no lane lags", func() bool { return !a.a.Lags() })
	for _, room := range []string{rooms[home], ""} {
		if got := b.heard(room); len(got) != got[len(got)-1]-got[0]+1 {
			t.Errorf("room %q of another master has holes", room)
		}
	}
}

// A master that stands still for a while: what is for its rooms comes late, and is
// taken for lost by nobody, whatever heartbeats tell by way of another master.
func TestMasterPauses(t *testing.T) {
	t.Parallel()
	// No master takes another for failed meanwhile: then what it had would be lost.
	masters := newCluster(t, 3, 0, "cluster-node-timeout 30000")
	rooms := []string{roomOf(masters, 0), roomOf(masters, 1), roomOf(masters, 2)}
	victim := 0 // a master that has neither namespace's channel: heartbeats go on
	for masters[victim] == owner(masters, "socket.io#/n#") || masters[victim] == owner(masters, "socket.io#/#") {
		victim++
	}
	a := newParty(t, shardedAt(t, Options{}, masters...), rooms...)
	b := newParty(t, shardedAt(t, Options{}, masters...), rooms...)
	a.meet([]*party{b}, append(rooms, "")...)
	a.stream(append(rooms, "")...)
	b.flows(rooms[victim])
	masters[victim].signal(syscall.SIGSTOP)
	<-time.After(2500 * time.Millisecond) // less than a link waits, more than a message may be late
	masters[victim].signal(syscall.SIGCONT)
	b.flows(rooms[victim])
	a.halt()
	b.accounts(a, append(rooms, "")...)
	for _, room := range append(rooms, "") {
		if got := b.heard(room); len(got) != got[len(got)-1]-got[0]+1 {
			t.Errorf("room %q has holes", room)
		}
	}
}
