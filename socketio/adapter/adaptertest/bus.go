package adaptertest

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// BusOptions are what a bus promises and how it fails from the start.
type BusOptions struct {
	// Traits say how the bus behaves. Without AtLeastOnce, what cannot be
	// delivered at once is lost; with it, it is kept until it can, and Loss does
	// nothing. With Routes, messages for one room have lanes of their own, by a
	// hash of the room's name, and reach nodes that have a member in a room of
	// that lane. With Log, which is without Routes, the bus keeps what is for all
	// nodes, and all read it in the same order. Name is "bus" by default.
	Traits adapter.Traits

	Lanes      int            // for rooms, if Traits.Routes; 0 is 8
	QueueBytes int            // bound of a node's queue while the broker is away; 0 is 16 MiB
	Without    []adapter.Kind // which the bus has no word for
	Counter    bool           // its adapters are an adapter.Counter
	Seed       uint64         // of the faults
	Faults     Faults
}

// Faults happen to each message on its way to each receiver, as the seed, the
// two nodes and the number of the message decide; not as time does.
type Faults struct {
	Loss      float64       // how many of one are lost
	Duplicate float64       // how many of one come again, later
	Delay     time.Duration // how late one is at most; order stays as Traits promise
}

// A Bus is a broker in memory and the connections to it. Its methods may be
// called from any goroutine, but not from an Inbox.
type Bus struct {
	o BusOptions

	mu     sync.Mutex
	faults Faults
	nodes  map[string]*node // by name, those that have started and not ended
	away   error            // why the broker is not there
	paused bool
	apart  map[pair]bool
	held   map[pair][]*adapter.Message // at least once, while apart
	log    busLog
}

type pair [2]string

func pairOf(a, b string) pair { return pair{min(a, b), max(a, b)} }

// NewBus returns a bus that loses nothing: ordered, at most once, every message
// to all nodes.
func NewBus() *Bus { return NewBusWith(BusOptions{Traits: adapter.Traits{Ordered: true}}) }

// NewBusWith returns a bus with these options.
func NewBusWith(o BusOptions) *Bus {
	o.Traits.Name = cmp.Or(o.Traits.Name, "bus")
	o.Lanes = cmp.Or(o.Lanes, 8)
	o.QueueBytes = cmp.Or(o.QueueBytes, 16<<20)
	b := &Bus{o: o, faults: o.Faults, nodes: make(map[string]*node), apart: make(map[pair]bool), held: make(map[pair][]*adapter.Message)}
	b.log.init()
	return b
}

// Adapter returns the connection of one more node. The name is what the methods
// of Bus know it by; a node that starts takes it from one that has it.
func (b *Bus) Adapter(name string) adapter.Adapter {
	n := &node{bus: b, name: name, wake: make(chan struct{}, 1), interest: make(map[adapter.Interest]bool), late: make(map[lane]time.Time)}
	switch {
	case b.o.Counter:
		return counter{n}
	case b.o.Traits.Log:
		return logger{n}
	}
	return n
}

// SetFaults replaces the faults, for what is sent from now on.
func (b *Bus) SetFaults(f Faults) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = f
}

var (
	errStopped = errors.New("adaptertest: the broker is away")
	errCut     = errors.New("adaptertest: the connection is cut")
)

// Stop takes the broker away: all nodes are told that they are Degraded, or
// still Connecting, and queue what they publish. What was on its way is lost,
// unless Traits say at least once.
func (b *Bus) Stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = errStopped
	for _, n := range b.all() {
		n.linkChanged(b.away)
	}
}

// Start brings the broker back.
func (b *Bus) Start() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = nil
	b.reconnect(b.all())
}

// Pause makes the broker do nothing: nodes are not told, and queue what they
// publish; what is on its way stays there.
func (b *Bus) Pause() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paused = true
}

// Resume ends Pause.
func (b *Bus) Resume() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paused = false
	for _, n := range b.all() {
		n.flush()
		n.poke()
	}
}

// Cut cuts a node off from the broker, which it is told.
func (b *Bus) Cut(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.nodes[name]; n != nil && !n.cut {
		n.cut = true
		n.linkChanged(errCut)
	}
}

// Mend ends Cut.
func (b *Bus) Mend(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.nodes[name]; n != nil && n.cut {
		n.cut = false
		b.reconnect([]*node{n})
	}
}

// reconnect tells those who are connected again, and then sends what they have
// kept: all hear of their own connection before anybody's messages.
func (b *Bus) reconnect(nodes []*node) {
	for _, n := range nodes {
		n.linkChanged(n.down())
	}
	for _, n := range nodes {
		n.flush()
	}
}

// Split lets nothing through between two nodes, of which neither is told.
func (b *Bus) Split(one, other string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.apart[pairOf(one, other)] = true
}

// Unite ends Split.
func (b *Bus) Unite(one, other string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.apart, pairOf(one, other))
	for _, way := range []pair{{one, other}, {other, one}} {
		kept := b.held[way]
		delete(b.held, way)
		for _, m := range kept {
			b.carry(way[0], b.nodes[way[1]], m, 0)
		}
	}
}

// Crash ends a node without a word: nothing of its queue is sent, nothing
// reaches it, and it may publish what it will. Its adapter must still be closed.
func (b *Bus) Crash(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.nodes[name]; n != nil {
		n.end()
		n.poke()
	}
}

// Inject hands a message to a node as it is, whoever it says that it is from:
// what a hostile or faulty neighbour sends.
func (b *Bus) Inject(name string, m *adapter.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.nodes[name]; n != nil {
		n.put(item{m: clone(m), due: time.Now()})
	}
}

// Malform has a node's adapter report a message that cannot be understood.
func (b *Bus) Malform(name, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.nodes[name]; n != nil {
		n.put(item{malformed: why, due: time.Now()})
	}
}

// all returns the nodes in an order that does not change. The caller holds mu.
func (b *Bus) all() []*node {
	var list []*node
	for _, name := range slices.Sorted(maps.Keys(b.nodes)) {
		list = append(list, b.nodes[name])
	}
	return list
}

// send gives a message of a node to the others. The caller holds mu.
func (b *Bus) send(from *node, m *adapter.Message) {
	from.sent++
	from.stats.Published++
	if b.o.Traits.Log && m.To == "" {
		m = b.log.add(m)
		if b.nodes[from.name] == from {
			b.carry(from.name, from, readBack(m), from.sent)
		}
	}
	for _, n := range b.all() {
		if n != from && (m.To == "" || m.To == n.self.ID) && (!b.o.Traits.Routes || n.wants(m)) {
			b.carry(from.name, n, m, from.sent)
		}
	}
}

// carry brings the message to one node, or not. Number 0 means without faults.
// The caller holds mu.
func (b *Bus) carry(from string, to *node, m *adapter.Message, number uint64) {
	safe := b.o.Traits.AtLeastOnce
	switch {
	case to == nil || to.down() != nil && !safe:
		return
	case b.apart[pairOf(from, to.name)] && m.At.IsZero(): // what is in the log all read

		if way := (pair{from, to.name}); safe {
			b.held[way] = append(b.held[way], m)
		}
		return
	}
	fate := fate{b.o.Seed, from, to.name, number}
	if number != 0 && !safe && fate.happens("loss", b.faults.Loss) {
		return
	}
	// Nobody overtakes within a lane.
	way := lane{m.From, m.Lane}
	switch {
	case !m.At.IsZero():
		way = lane{} // all are read in one order
	case b.o.Traits.Ordered:
		way.lane = 0
	}
	due := time.Now()
	if number != 0 {
		due = due.Add(fate.part("delay", b.faults.Delay))
	}
	if last := to.late[way]; last.After(due) {
		due = last
	}
	to.late[way] = due
	to.put(item{m: m, due: due})
	if number != 0 && fate.happens("again", b.faults.Duplicate) {
		to.put(item{m: m, due: due.Add(fate.part("much later", b.faults.Delay))})
	}
}

// fate decides what happens to one message on its way to one node.
type fate struct {
	seed     uint64
	from, to string
	number   uint64
}

// happens says yes to that share of all fates.
func (f fate) happens(what string, share float64) bool {
	return share > 0 && float64(f.dice(what))/(1<<64) < share
}

// part returns a part of d.
func (f fate) part(what string, d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(f.dice(what) % uint64(d))
}

// malformAll is Malform of all: a bus has no bytes, so none can be wrong.
func (b *Bus) malformAll() {
	b.mu.Lock()
	names := slices.Collect(maps.Keys(b.nodes))
	b.mu.Unlock()
	for _, name := range names {
		b.Malform(name, "parse")
	}
}
