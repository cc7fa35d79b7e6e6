package main

import (
	"math"
	"math/rand/v2"
)

// Costs are CPU times in microseconds.
type Costs struct {
	Say        float64 // an event of a client: read, handled, encoded, published
	Deliver    float64 // an event to one client, where nothing else is on its way to it
	Burst      float64 // the same, where several leave at once
	Receive    float64 // an event of another node, but for its deliveries
	Skip       float64 // one that nobody on the node wants
	BrokerIn   float64 // the broker's, for each event
	BrokerOut  float64 // and for each node that gets it
	Together   float64 // what delivering costs more where several nodes share a machine; 1 on machines of their own
	Routes     bool    // only nodes with a member get an event
	MaxNodes   int     // more are too many for the backend; 0: none are
	BrokerCPUs float64 // how many cores the broker can use; 0: it is inside the nodes
}

// A Load is what clients do.
type Load struct {
	Clients int
	Nodes   int
	Room    int     // members of a room; 0: all clients are in one
	Rate    float64 // events a second that a client says to its room
	Outside bool    // it is said by somebody else, on any node: over HTTP, say
	Placed  bool    // the members of a room are on one node, since the balancer sends them there
	Bursts  bool    // several events leave at once, since there are many
}

// An Outcome is what a second of it costs.
type Outcome struct {
	Messages, Deliveries float64 // of all nodes
	PerDelivery          float64 // CPU of all nodes, in µs
	Node                 float64 // CPU of the busiest node, in cores
	Broker               float64 // CPU of the broker, in cores
	ToNodes              float64 // messages that the broker hands to nodes
	Needless             float64 // share of these that nobody on the node wants
}

// samples is how many events are looked at.
const samples = 4000

// Simulate draws events from the load, places the members of their rooms on the
// nodes, and adds up what each node and the broker do. The same seed gives the
// same Outcome.
func Simulate(l Load, c Costs, seed uint64) Outcome {
	rnd := rand.New(rand.NewPCG(seed, 0))
	cpu := make([]float64, l.Nodes)
	members := make([]int, l.Nodes)
	var o Outcome
	var toNodes, needless, broker float64
	per := c.Deliver
	if l.Bursts {
		per = c.Burst
	}
	if l.Nodes > 1 && !l.Bursts {
		per *= c.Together
	}
	for range samples {
		from := rnd.IntN(l.Nodes)
		l.place(rnd, members, from)
		broker += c.BrokerIn
		for node, here := range members {
			switch {
			case node == from:
				cpu[node] += c.Say
			case here > 0:
				toNodes++
				cpu[node] += c.Receive
				broker += c.BrokerOut
			case !c.Routes:
				toNodes++
				needless++
				cpu[node] += c.Skip
				broker += c.BrokerOut
			}
			cpu[node] += float64(here) * per
			o.Deliveries += float64(here)
		}
	}
	total, most := 0.0, 0.0
	for _, t := range cpu {
		total += t
		most = max(most, t)
	}
	o.PerDelivery = total / o.Deliveries
	o.Messages = float64(l.Clients) * l.Rate
	scale := o.Messages / samples // of what was seen to a second
	o.Deliveries *= scale
	o.ToNodes = toNodes * scale
	if toNodes > 0 {
		o.Needless = needless / toNodes
	}
	o.Node = most * scale / 1e6
	o.Broker = broker * scale / 1e6
	return o
}

// place says how many members of the sender's room are on each node: the sender
// on its own, unless it is outside, and the others anywhere.
func (l *Load) place(rnd *rand.Rand, members []int, from int) {
	room := l.Room
	if room == 0 || room > l.Clients {
		room = l.Clients
	}
	clear(members)
	if l.Placed {
		members[from] = room
		return
	}
	rest := room
	if !l.Outside {
		members[from] = 1
		rest--
	}
	if even := rest / l.Nodes; even >= 100 { // so many are spread as evenly as can be
		for i := range members {
			members[i] += even
		}
		rest -= even * l.Nodes
	}
	for range rest {
		members[rnd.IntN(l.Nodes)]++
	}
}

// A Machine is what a node runs on.
type Machine struct {
	Cores   float64
	Memory  float64 // bytes
	Clients float64 // connections at most: what others have to take when it is lost
}

// What one client costs by being there: memory, and heartbeats (microseconds of
// CPU a second). The first is twice that of an idle connection, as applications
// keep something on their sockets.
const (
	clientMemory = 8 << 10
	clientCPU    = 0.44
)

// use is how much of a machine, and of a broker, may be taken: the rest is for a
// node that is lost, and for reconnects.
const use = 0.5

// maxNodes is where a search ends, unless Costs.MaxNodes does.
const maxNodes = 4096

// Size is the least number of nodes that a load needs, and what asks for so
// many. ok is false if no number is enough: then why says what breaks.
func Size(l Load, c Costs, m Machine, seed uint64) (o Outcome, nodes int, why string, ok bool) {
	fits := func(n int) bool {
		l.Nodes = n
		o = Simulate(l, c, seed)
		each := float64(l.Clients) / float64(n)
		o.Node += each * clientCPU / 1e6
		switch {
		case c.BrokerCPUs > 0 && o.Broker > use*c.BrokerCPUs:
			why = "broker"
		case each > m.Clients:
			why = "clients"
		case each*clientMemory > use*m.Memory:
			why = "memory"
		case o.Node > use*m.Cores:
			why = "CPU"
		default:
			return true
		}
		return false
	}
	binding := "one is enough"
	for n := 1; n <= maxNodes; n = next(n) {
		if c.MaxNodes > 0 && n > c.MaxNodes {
			return o, n, "nodes", false
		}
		if fits(n) {
			return o, n, binding, true
		}
		if why == "broker" && (n > 1 || !c.Routes) { // more nodes make that no better
			return o, n, why, false
		}
		binding = why
	}
	return o, maxNodes, why, false
}

// next goes up by one, then by about a twentieth.
func next(n int) int { return n + max(1, int(math.Round(float64(n)/20))) }
