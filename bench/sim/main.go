// Command sim says what a cluster would cost that nobody has at hand: it draws
// events, spreads their rooms over nodes, and adds up what nodes and broker do,
// at costs that ../cluster has measured. docs/scaling.md explains the model.
//
//	go run ./sim                        compared with what was measured
//	go run ./sim -table                 the sizing table of docs/scaling.md
//	go run ./sim -clients 1000000 -room 50 -rate 0.02 -backend nats
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

func main() {
	table := flag.Bool("table", false, "print the sizing table")
	clients := flag.Int("clients", 0, "size a cluster for so many clients")
	room := flag.Int("room", 50, "members of a room; 0: all clients are in one")
	rate := flag.Float64("rate", 0.02, "events a second that a client says to its room")
	placed := flag.Bool("placed", false, "the balancer sends the members of a room to one node")
	backend := flag.String("backend", "nats", strings.Join(backends, ", "))
	cores := flag.Float64("cores", 8, "of a node")
	memory := flag.Float64("memory", 32, "of a node, in GiB")
	most := flag.Float64("most", node.Clients, "clients that a node may have")
	seed := flag.Uint64("seed", 1, "of the random numbers")
	flag.Parse()
	err := func() error {
		switch {
		case *table:
			text, err := sizingTable(*seed)
			fmt.Print(text)
			return err
		case *clients > 0:
			c, err := costsFor(*backend)
			if err != nil {
				return err
			}
			l := Load{Clients: *clients, Room: *room, Rate: *rate, Placed: *placed}
			o, nodes, why, ok := Size(l, c, Machine{*cores, *memory * (1 << 30), *most}, *seed)
			if !ok {
				fmt.Printf("no number of nodes is enough: the %s is the limit\n", why)
				return nil
			}
			fmt.Printf("%d nodes, because of %s\n%.0f events/s, %.0f deliveries/s, %.0f messages/s to nodes (%.0f %% of them for nobody there)\nbusiest node %.2f cores, broker %.2f cores\n",
				nodes, why, o.Messages, o.Deliveries, o.ToNodes, 100*o.Needless, o.Node, o.Broker)
			return nil
		}
		text, err := compare(*seed)
		if err != nil {
			return err
		}
		later, err := foretold(*seed)
		fmt.Print(text, "\nAnother day:\n\n", later)
		return err
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sim:", err)
		os.Exit(1)
	}
}

// systemsMeasured are those that compare looks at.
var systemsMeasured = []string{"sockeye-redis", "sockeye-nats", "sockeye-mesh"}

// compare shows what was measured beside what is predicted.
func compare(seed uint64) (string, error) {
	list, err := measured()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("| | run | nodes | measured | simulated | off by |\n|---|---|---|---|---|---|\n")
	for _, system := range systemsMeasured {
		c, err := Calibrate(list, system)
		if err != nil {
			return "", err
		}
		for _, m := range list {
			if l, ok := runs[m.Scenario]; ok && m.System == system {
				kind := "prediction"
				if slices.Contains(inputs, m.Scenario) {
					kind = "input"
				}
				o := Simulate(l, c, seed)
				off := math.Round(100*(o.PerDelivery/m.Cost-1)) + 0 // not -0
				fmt.Fprintf(&b, "| %s | *%s*, %s | %d | %.2f µs | %.2f µs | %+.0f %% |\n", strings.TrimPrefix(system, "sockeye-"), m.Scenario, kind, m.Nodes, m.Cost, o.PerDelivery, off)
			}
		}
	}
	return b.String(), nil
}

// foretold shows what was measured with three nodes on another day beside what the
// runs of one and two of that day foretell.
func foretold(seed uint64) (string, error) {
	list, err := read(laterJSON)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("| | run of three nodes | measured | foretold | off by |\n|---|---|---|---|---|\n")
	for _, system := range systemsMeasured {
		c, err := Calibrate(list, system)
		if err != nil {
			return "", err
		}
		for _, m := range list {
			if l, ok := runs[m.Scenario]; ok && m.System == system && m.Nodes == 3 {
				o := Simulate(l, c, seed)
				off := math.Round(100*(o.PerDelivery/m.Cost-1)) + 0 // not -0
				fmt.Fprintf(&b, "| %s | *%s* | %.2f µs | %.2f µs | %+.0f %% |\n", strings.TrimPrefix(system, "sockeye-"), m.Scenario, m.Cost, o.PerDelivery, off)
			}
		}
	}
	return b.String(), nil
}

// What one delivery costs on a node with many clients: "broadcast to 15,000, one
// at a time" of docs/benchmarks.md.
const deliver = 6.5

// How many masters the Redis Cluster of the table has, and how many events a
// second PostgreSQL takes (docs/clustering.md: 24,000 on two cores).
const (
	masters       = 6
	notifications = 24_000
)

// backends are the columns of the sizing table.
var backends = []string{"redis", "redis+sharded", "nats", "mesh", "postgres"}

// costsFor are the costs of a backend where each node has a machine of its own.
func costsFor(backend string) (Costs, error) {
	list, err := measured()
	if err != nil {
		return Costs{}, err
	}
	like, known := map[string]string{
		"redis": "redis", "redis+sharded": "redis", "postgres": "redis", "nats": "nats", "mesh": "mesh",
	}[backend]
	if !known {
		return Costs{}, fmt.Errorf("there is no backend %q: there are %s", backend, strings.Join(backends, ", "))
	}
	c, err := Calibrate(list, "sockeye-"+like)
	if err != nil {
		return c, err
	}
	c.Deliver, c.Burst, c.Together = deliver, deliver, 1
	switch backend {
	case "redis":
		c.BrokerCPUs = 1 // Redis carries out commands on one thread
	case "redis+sharded":
		c.Routes, c.BrokerCPUs = true, masters
	case "postgres":
		c.BrokerIn, c.BrokerOut, c.BrokerCPUs = 1e6/notifications, 0, 1 // one lock for all
	case "nats":
		c.Routes, c.BrokerCPUs = true, 8
	case "mesh":
		c.Routes, c.MaxNodes = true, meshNodes
		c.BrokerIn, c.BrokerOut = 0, 0 // it is in what the nodes take
	}
	return c, nil
}

// node is what the sizing table has: a node that is lost sends 200,000 clients
// elsewhere, 14 to 35 seconds of CPU for those who take them.
var node = Machine{Cores: 8, Memory: 32 << 30, Clients: 200_000}

// meshNodes are as many as a full mesh is fit for.
const meshNodes = 32

// uses are the rows of the sizing table.
var uses = []struct {
	name string
	load Load
}{
	{"notifications: one for each client in five minutes", Load{Room: 1, Rate: 1.0 / 300, Outside: true}},
	{"chats of 50, each says something every minute", Load{Room: 50, Rate: 1.0 / 60}},
	{"the same, rooms kept on one node", Load{Room: 50, Rate: 1.0 / 60, Placed: true}},
	{"one room for all, one event a second", Load{Room: 0}},
}

// sizingTable has the nodes that each use needs on each backend.
func sizingTable(seed uint64) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "| use | clients | deliveries a second | %s |\n|---|---|---|%s\n", strings.Join(backends, " | "), strings.Repeat("---|", len(backends)))
	for _, u := range uses {
		for _, clients := range []int{10_000, 100_000, 1_000_000, 10_000_000} {
			l := u.load
			l.Clients = clients
			if l.Room == 0 {
				l.Rate = 1 / float64(clients)
			}
			per := float64(max(l.Room, 1))
			if l.Room == 0 {
				per = float64(clients)
			}
			fmt.Fprintf(&b, "| %s | %s | %s |", u.name, count(float64(clients)), count(float64(clients)*l.Rate*per))
			for _, backend := range backends {
				c, err := costsFor(backend)
				if err != nil {
					return "", err
				}
				_, nodes, why, ok := Size(l, c, node, seed)
				switch {
				case !ok:
					fmt.Fprintf(&b, " no: %s |", why)
				case nodes == 1:
					b.WriteString(" 1 |")
				default:
					fmt.Fprintf(&b, " %d (%s) |", nodes, why)
				}
			}
			b.WriteString("\n")
		}
	}
	return b.String(), nil
}

// count prints a number with two digits that count.
func count(n float64) string {
	if n >= 1 {
		p := math.Pow(10, math.Floor(math.Log10(n))-1)
		n = math.Round(n/p) * p
	}
	text := fmt.Sprintf("%.0f", n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
