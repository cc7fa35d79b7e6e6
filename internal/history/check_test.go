package history

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var rules = Rules{Ordered: true, Local: time.Second, Travel: 5 * time.Second, Tell: 10 * time.Second, Dead: 10 * time.Second}

func at(seconds float64) time.Time {
	return time.Unix(1_800_000_000, 0).Add(time.Duration(seconds * float64(time.Second)))
}

// scene is two nodes that know each other, with clients a on A, and b and c on
// B, of which b is in room r, all from second 0; it ends at 100.
func scene(more ...Event) []Event {
	list := []Event{
		{Kind: NodeUp, Node: "A"}, {Kind: NodeUp, Node: "B"}, {Kind: Found, Node: "A", From: "B"}, {Kind: Found, Node: "B", From: "A"},
		{Kind: Connect, Client: "a", Node: "A"}, {Kind: Connect, Client: "b", Node: "B"}, {Kind: Connect, Client: "c", Node: "B"},
		{Kind: Join, Client: "b", Room: "r"},
	}
	for i := range list {
		list[i].At = at(0)
	}
	list = append(append(list, more...), Event{Kind: NodeDown, Node: "none", At: at(100)})
	slices.SortStableFunc(list, func(a, b Event) int { return a.At.Compare(b.At) })
	return list
}

func emit(id string, t float64, rooms ...string) Event {
	return Event{Kind: Emit, ID: id, Node: "A", Sender: "s", Rooms: rooms, At: at(t)}
}

func got(id, client string, t float64) Event {
	return Event{Kind: Deliver, ID: id, Client: client, At: at(t)}
}

func TestCheck(t *testing.T) {
	r := emit("1", 10, "r")
	may := emit("1", 10, "r")
	may.May = true
	except := emit("1", 10)
	except.Except = []string{"r"}
	other := emit("2", 11, "r")
	other.Sender = "another"
	lanes := []Event{emit("1", 10, "r"), emit("2", 11, "r")}
	lanes[0].Lane, lanes[1].Lane = "x", "y"
	gap := func(n uint64, t float64) Event { return Event{Kind: Gap, Node: "B", From: "A", N: n, At: at(t)} }
	b := func(k Kind, t float64) Event { return Event{Kind: k, Client: "b", Room: "r", Node: "B", At: at(t)} }
	yes, no := b(Verdict, 30), b(Verdict, 30)
	yes.OK = true
	unordered, safe := rules, rules
	unordered.Ordered, safe.Safe = false, true
	routed := unordered
	routed.Lanes = true
	lane := func(id string, t float64) Event {
		e := emit(id, t, "r")
		e.Lane = "x"
		return e
	}
	missing := Event{Kind: Done, ID: "q", Missing: []string{"B"}, At: at(20)}
	ask := Event{Kind: Ask, ID: "q", Node: "A", At: at(10)}
	reply := Event{Kind: Reply, ID: "q", From: "B", At: at(11)}

	for _, c := range []struct {
		name   string
		events []Event
		rules  Rules
		want   string // what is wrong; "" if nothing
	}{
		{"to a room", []Event{r, got("1", "b", 11)}, rules, ""},
		{"to all", []Event{emit("1", 10), got("1", "a", 10), got("1", "b", 11), got("1", "c", 12)}, rules, ""},
		{"missed, not counted", []Event{r}, rules, "client b on node B never got it"},
		{"missed by one of two, not counted", []Event{emit("1", 10), got("1", "a", 10), got("1", "b", 11)}, rules, "client c on node B never got it"},
		{"missed, counted", []Event{r, gap(1, 15)}, rules, ""},
		{"missed, counted too early", []Event{r, gap(1, 9)}, rules, "never got it"},
		{"missed, counted of another", []Event{r, {Kind: Gap, Node: "B", From: "C", N: 1, At: at(15)}}, rules, "never got it"},
		{"missed, counted elsewhere", []Event{r, {Kind: Gap, Node: "C", From: "A", N: 1, At: at(15)}}, rules, "never got it"},
		{"two missed, one counted", []Event{r, emit("2", 11, "r"), gap(1, 15)}, rules, "no more than 1 of the 2"},
		{"two missed, one counted between", []Event{r, emit("2", 20, "r"), gap(2, 15)}, rules, "no more than 0 of the 1"},
		{"missed, dropped by its sender", []Event{r, {Kind: Drop, Node: "A", N: 1, At: at(12)}}, rules, ""},
		{"missed, dropped by another", []Event{r, {Kind: Drop, Node: "B", N: 1, At: at(12)}}, rules, "never got it"},
		{"volatile, missed", []Event{may}, rules, ""},
		{"a gap where nothing is lost", []Event{r, got("1", "b", 11), gap(1, 15)}, safe, "nothing can have been lost"},
		{"missed on the same node", []Event{emit("1", 10), got("1", "b", 11), got("1", "c", 11), gap(1, 15)}, rules, "to client a on the same node"},
		{"late on the same node", []Event{emit("1", 10), got("1", "a", 12), got("1", "b", 11), got("1", "c", 11)}, rules, "it took 2s"},
		{"missed, its sender died soon", []Event{r, {Kind: NodeDown, Node: "A", At: at(12)}}, rules, ""},
		{"missed, its sender died late", []Event{r, {Kind: NodeDown, Node: "A", At: at(60)}}, rules, "never got it"},
		{"missed, taken for gone", []Event{r, {Kind: Lost, Node: "B", From: "A", At: at(19)}}, rules, ""},
		{"missed, taken for gone long after", []Event{r, {Kind: Lost, Node: "B", From: "A", At: at(60)}}, rules, "never got it"},
		{"missed, taken for gone and found before", []Event{{Kind: Lost, Node: "B", From: "A", At: at(5)}, {Kind: Found, Node: "B", From: "A", At: at(8)}, r}, rules, "never got it"},
		{"missed, not found yet", []Event{{Kind: Lost, Node: "B", From: "A", At: at(5)}, {Kind: Found, Node: "B", From: "A", At: at(12)}, r}, rules, ""},
		{"twice", []Event{r, got("1", "b", 11), got("1", "b", 12)}, rules, "it has it already"},
		{"never emitted", []Event{got("1", "b", 11)}, rules, "not emitted before"},
		{"before it was emitted", []Event{got("1", "b", 9), r}, rules, "not emitted before"},
		{"emitted twice", []Event{r, r, got("1", "b", 11)}, rules, "another of this id"},
		{"out of order", []Event{r, emit("2", 11, "r"), got("2", "b", 12), got("1", "b", 12.5)}, rules, "emitted later"},
		{"of two senders", []Event{r, other, got("2", "b", 12), got("1", "b", 12.5)}, rules, ""},
		{"of two lanes", append(slices.Clone(lanes), got("2", "b", 12), got("1", "b", 12.5)), unordered, ""},
		{"of two lanes, ordered", append(slices.Clone(lanes), got("2", "b", 12), got("1", "b", 12.5)), rules, "emitted later"},
		{"first of a lane, missed", []Event{lane("1", 10), lane("2", 20), got("2", "b", 21)}, routed, ""},
		{"second of a lane, missed", []Event{lane("1", 10), got("1", "b", 11), lane("2", 20)}, routed, "never got it"},
		{"second since it is there, missed", []Event{lane("0", 5), got("0", "b", 6), b(Leave, 7), b(Join, 8), lane("1", 10), lane("2", 20), got("2", "b", 21)}, routed, ""},
		{"out of order in a lane", []Event{r, emit("2", 11, "r"), got("2", "b", 12), got("1", "b", 12.5)}, unordered, "emitted later"},
		{"not for him", []Event{r, got("1", "b", 11), got("1", "c", 11)}, rules, "the client was not there"},
		{"excepted", []Event{except, got("1", "a", 10), got("1", "c", 11), got("1", "b", 11)}, rules, "not for those in r"},
		{"excepted, and so it is", []Event{except, got("1", "a", 10), got("1", "c", 11)}, rules, ""},
		{"joined meanwhile", []Event{emit("1", 10, "x"), {Kind: Join, Client: "c", Room: "x", At: at(11)}, got("1", "c", 12)}, rules, ""},
		{"joined later", []Event{emit("1", 10, "x"), got("1", "c", 12), {Kind: Join, Client: "c", Room: "x", At: at(13)}}, rules, "the client was not there"},
		{"left meanwhile", []Event{r, b(Leave, 11), got("1", "b", 12)}, rules, ""},
		{"left meanwhile, without it", []Event{r, b(Leave, 11)}, rules, ""},
		{"left a while ago", []Event{r, b(Leave, 11), got("1", "b", 12.5)}, rules, "the client was not there"},
		{"left before", []Event{b(Leave, 9), r, got("1", "b", 12)}, rules, "the client was not there"},
		{"left long after", []Event{r, b(Leave, 60)}, rules, "never got it"},
		{"disconnected before", []Event{b(Disconnect, 9), r, got("1", "b", 12)}, rules, "the client was not there"},
		{"away, not complete", []Event{b(Disconnect, 5), r, b(Connect, 29), b(Join, 29), no}, rules, ""},
		{"away, complete", []Event{b(Disconnect, 5), r, b(Connect, 29), b(Join, 29), got("1", "b", 29), yes}, rules, ""},
		{"away, said to be complete", []Event{b(Disconnect, 5), r, b(Connect, 29), b(Join, 29), yes}, rules, "told that it had missed nothing"},
		{"away, said to be complete, though counted", []Event{b(Disconnect, 5), r, gap(1, 12), b(Connect, 29), b(Join, 29), yes}, rules, "told that it had missed nothing"},
		{"answered", []Event{ask, reply, {Kind: Done, ID: "q", At: at(12)}}, rules, ""},
		{"not answered, named", []Event{ask, missing}, rules, ""},
		{"not answered, not named", []Event{ask, {Kind: Done, ID: "q", At: at(12)}}, rules, "neither answered nor is it missing"},
		{"answered, and named", []Event{ask, reply, missing}, rules, "has answered and is missing"},
		{"answered twice", []Event{ask, reply, reply, {Kind: Done, ID: "q", At: at(12)}}, rules, "answered 2 times"},
		{"answered afterwards", []Event{ask, missing, {Kind: Reply, ID: "q", From: "B", At: at(21)}}, rules, "ended before"},
		{"never ended", []Event{ask, reply}, rules, "never ended"},
		{"nobody asked", []Event{reply}, rules, "nobody has asked"},
	} {
		wrong := strings.Join(Check(scene(c.events...), c.rules), "\n")
		if c.want == "" && wrong != "" || c.want != "" && !strings.Contains(wrong, c.want) {
			t.Errorf("%s: %q is wrong, want %q", c.name, wrong, c.want)
		}
	}
}

// good makes a history without faults: nodes A, B and C, six clients, two rooms.
func good(r *rand.Rand) []Event {
	var list []Event
	add := func(e Event, t float64) { e.At = at(t); list = append(list, e) }
	nodes := []string{"A", "B", "C"}
	rooms := make(map[string][]string) // by client
	for i, n := range nodes {
		add(Event{Kind: NodeUp, Node: n}, 0)
		for _, other := range nodes {
			if other != n {
				add(Event{Kind: Found, Node: n, From: other}, 0)
			}
		}
		for j := range 2 {
			name := fmt.Sprint("c", 2*i+j)
			add(Event{Kind: Connect, Client: name, Node: n}, 0)
			rooms[name] = []string{everywhere}
			for _, room := range []string{"x", "y"} {
				if r.IntN(2) == 0 {
					add(Event{Kind: Join, Client: name, Room: room}, 0)
					rooms[name] = append(rooms[name], room)
				}
			}
		}
	}
	for i := range 50 {
		t := float64(1 + i)
		m := Event{Kind: Emit, ID: fmt.Sprint(i), Node: nodes[r.IntN(3)]}
		m.Sender = "on " + m.Node
		target := []string{everywhere, "x", "y"}[r.IntN(3)]
		if target != everywhere {
			m.Rooms = []string{target}
		}
		add(m, t)
		for name, in := range rooms {
			if slices.Contains(in, target) {
				add(Event{Kind: Deliver, ID: m.ID, Client: name}, t+0.5)
			}
		}
	}
	add(Event{Kind: NodeDown, Node: "none"}, 100)
	return list
}

// What makes a good history a bad one is noticed, wherever it is.
func TestMutations(t *testing.T) {
	for name, mutate := range map[string]func(r *rand.Rand, list []Event, at int) ([]Event, bool){
		"drop": func(_ *rand.Rand, list []Event, at int) ([]Event, bool) { return slices.Delete(list, at, at+1), true },
		"double": func(_ *rand.Rand, list []Event, at int) ([]Event, bool) {
			return slices.Insert(list, at, list[at]), true
		},
		"swap": func(r *rand.Rand, list []Event, at int) ([]Event, bool) {
			// With the next one to the same client of the same sender.
			sender := map[string]string{}
			for _, e := range list {
				if e.Kind == Emit {
					sender[e.ID] = e.Sender
				}
			}
			for i := at + 1; i < len(list); i++ {
				if e := list[i]; e.Kind == Deliver && e.Client == list[at].Client && sender[e.ID] == sender[list[at].ID] {
					// The earlier one arrives late.
					late := list[at]
					late.At = e.At
					return slices.Insert(slices.Delete(list, at, at+1), i, late), true
				}
			}
			return nil, false
		},
		"early": func(_ *rand.Rand, list []Event, at int) ([]Event, bool) {
			e := list[at]
			e.At = e.At.Add(-time.Second)
			list = slices.Delete(list, at, at+1)
			i := slices.IndexFunc(list, func(o Event) bool { return o.At.After(e.At) })
			return slices.Insert(list, i, e), true
		},
		"late": func(_ *rand.Rand, list []Event, at int) ([]Event, bool) {
			// After the client has gone.
			e := list[at]
			e.At = e.At.Add(49 * time.Second)
			list = slices.Delete(list, at, at+1)
			gone := Event{Kind: Disconnect, Client: e.Client, At: e.At.Add(-49 * time.Second)}
			return append(slices.Insert(list, at, gone), e), true
		},
		"elsewhere": func(_ *rand.Rand, list []Event, at int) ([]Event, bool) {
			e := list[at]
			e.Client = "nobody"
			return slices.Insert(list, at, e), true
		},
	} {
		for seed := range uint64(50) {
			r := rand.New(rand.NewPCG(seed, 0))
			list := good(r)
			if wrong := Check(list, rules); len(wrong) > 0 {
				t.Fatalf("seed %d: a good history is refused: %q", seed, wrong)
			}
			var deliveries []int
			for i, e := range list {
				if e.Kind == Deliver {
					deliveries = append(deliveries, i)
				}
			}
			bad, possible := mutate(r, slices.Clone(list), deliveries[r.IntN(len(deliveries))])
			if possible && len(Check(bad, rules)) == 0 {
				t.Errorf("seed %d: %s is not noticed", seed, name)
			}
		}
	}
}

func TestHistory(t *testing.T) {
	var h History
	h.Add(Event{Kind: Emit, ID: "1", Node: "A", Rooms: []string{"r"}, N: 2, OK: true, At: at(0)})
	h.Add(Event{Kind: Drop})
	events := h.Events()
	if len(events) != 2 || events[1].At.IsZero() {
		t.Errorf("%v", events)
	}
	if got := events[0].String(); !strings.HasSuffix(got, "emit id 1 node A to [r] 2 ok") {
		t.Errorf("%q", got)
	}
}
