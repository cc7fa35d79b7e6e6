package history

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// rolling is the restart of three nodes, one after the other, while each emits to
// all every 100 ms. A client on each goes to the next node when its own is
// stopped, misses what is emitted for a second, and is told that it has missed
// nothing when it has got it.
func rolling(t *testing.T) (list []Event, r Rules) {
	r = rules
	r.Safe = true
	nodes := []string{"n0", "n1", "n2"}
	on := make(map[string]string)     // node by client
	away := make(map[string][]string) // what it will have to get
	add := func(when float64, e Event) { e.At = at(when); list = append(list, e) }
	for _, n := range nodes {
		add(0, Event{Kind: NodeUp, Node: n})
		for _, other := range nodes {
			if other != n {
				add(0, Event{Kind: Found, Node: n, From: other})
			}
		}
		on["on "+n] = n
		add(0, Event{Kind: Connect, Client: "on " + n, Node: n})
	}
	clients := []string{"on n0", "on n1", "on n2"}
	number := 0
	for tick := 10; tick < 400; tick++ {
		now := float64(tick) / 10
		for round := range 3 {
			switch old := nodes[0]; tick {
			case 100 + 100*round: // it is stopped
				for _, c := range clients {
					if on[c] == old {
						add(now, Event{Kind: Disconnect, Client: c})
						away[c] = []string{}
					}
				}
			case 105 + 100*round: // it has ended, and has said so
				nodes = nodes[1:]
				add(now, Event{Kind: NodeDown, Node: old, OK: true})
				for _, n := range nodes {
					add(now, Event{Kind: Lost, Node: n, From: old})
				}
			case 110 + 100*round:
				for _, c := range clients {
					if away[c] == nil {
						continue
					}
					on[c] = nodes[0]
					add(now, Event{Kind: Connect, Client: c, Node: nodes[0]})
					add(now, Event{Kind: Verdict, Client: c, OK: true})
					for _, id := range away[c] {
						add(now, Event{Kind: Deliver, Client: c, ID: id})
					}
					away[c] = nil
				}
			case 115 + 100*round: // another takes its place
				n := fmt.Sprint("n", 3+round)
				add(now, Event{Kind: NodeUp, Node: n})
				for _, other := range nodes {
					add(now, Event{Kind: Found, Node: n, From: other})
					add(now, Event{Kind: Found, Node: other, From: n})
				}
				nodes = append(nodes, n)
			}
		}
		for _, n := range nodes {
			number++
			id := fmt.Sprint(number)
			add(now+0.01, Event{Kind: Emit, ID: id, Node: n, Sender: "on " + n})
			for _, c := range clients {
				if away[c] != nil {
					away[c] = append(away[c], id)
				} else {
					add(now+0.05, Event{Kind: Deliver, Client: c, ID: id})
				}
			}
		}
	}
	add(100, Event{Kind: NodeUp, Node: "none"})
	slices.SortStableFunc(list, func(a, b Event) int { return a.At.Compare(b.At) })
	if wrong := Check(list, r); len(wrong) > 0 {
		t.Fatalf("a good restart is refused: %q", wrong)
	}
	return list, r
}

// What no rolling restart may do is refused.
func TestRolling(t *testing.T) {
	good, r := rolling(t)
	// The first client that comes back, when it went, and what it got when it was back.
	back := slices.IndexFunc(good, func(e Event) bool { return e.Kind == Verdict })
	who := good[back].Client
	left := slices.IndexFunc(good, func(e Event) bool { return e.Kind == Disconnect && e.Client == who })
	its := func(from, to int) (list []int) {
		for i := from; i < to; i++ {
			if good[i].Kind == Deliver && good[i].Client == who {
				list = append(list, i)
			}
		}
		return list
	}
	sender := make(map[string]string)
	for _, e := range good {
		if e.Kind == Emit {
			sender[e.ID] = e.Sender
		}
	}
	before, after := its(0, left), its(back, len(good))
	of := func(list []int, s string) int {
		return list[slices.IndexFunc(list, func(i int) bool { return sender[good[i].ID] == s })]
	}
	last := before[len(before)-1]
	next := of(after, sender[good[last].ID])
	swapped := slices.Insert(slices.Clone(good), next+1, Event{Kind: Deliver, Client: who, ID: good[last].ID, At: good[next].At})
	swapped = slices.Delete(swapped, last, last+1)

	// The last that the first node has sent, to somebody on another.
	var stayed int
	for i, e := range good {
		if e.Kind == Deliver && e.Client == "on n2" && sender[e.ID] == "on n0" {
			stayed = i
		}
	}
	// A client that is told the truth has missed all that is in between.
	missed := slices.Clone(good)
	away := map[string]bool{}
	for _, e := range good[left:back] {
		if e.Kind == Emit {
			away[e.ID] = true
		}
	}
	missed = slices.DeleteFunc(missed, func(e Event) bool { return e.Kind == Deliver && e.Client == who && away[e.ID] })
	truth := slices.Clone(missed)
	for i, e := range truth {
		if e.Kind == Verdict && e.Client == who {
			truth[i].OK = false
			break
		}
	}
	if wrong := Check(truth, r); len(wrong) > 0 {
		t.Errorf("a client that is told that it starts anew is refused: %q", wrong)
	}
	gap := Event{Kind: Gap, Node: "n1", From: "n2", N: 1, At: good[back].At}

	for name, c := range map[string]struct {
		list []Event
		want string
	}{
		"lost after it was said to be recovered":   {slices.Delete(slices.Clone(good), after[1], after[1]+1), "told that it had missed nothing"},
		"lost on the way when it went":             {slices.Delete(slices.Clone(good), last, last+1), "told that it had missed nothing"},
		"twice, on the node before and on the new": {slices.Insert(slices.Clone(good), next, Event{Kind: Deliver, Client: who, ID: good[last].ID, At: good[next].At}), "it has it already"},
		"out of order across nodes":                {swapped, "emitted later"},
		"a false verdict":                          {missed, "told that it had missed nothing"},
		"the last of a node that has said goodbye": {slices.Delete(slices.Clone(good), stayed, stayed+1), "never got it"},
		"a gap": {slices.Insert(slices.Clone(good), back+1, gap), "nothing can have been lost"},
	} {
		if wrong := strings.Join(Check(c.list, r), "\n"); !strings.Contains(wrong, c.want) {
			t.Errorf("%s: %q is wrong, want %q", name, wrong, c.want)
		}
	}

	// A node that is killed may take its last along, and no more than that.
	killed := slices.Clone(good)
	for i, e := range killed {
		if e.Kind == NodeDown && e.Node == "n0" {
			killed[i].OK = false
		}
	}
	// The last of it that somebody was owed, and the one before.
	var tail []int
	for i, e := range good {
		if e.Kind == Deliver && e.Client == who && sender[e.ID] == "on n0" {
			tail = append(tail, i)
		}
	}
	n := len(tail)
	if wrong := Check(slices.Delete(slices.Clone(killed), tail[n-1], tail[n-1]+1), r); len(wrong) > 0 {
		t.Errorf("what a node took along is refused: %q", wrong)
	}
	if wrong := Check(slices.Delete(slices.Clone(killed), tail[n-2], tail[n-2]+1), r); len(wrong) == 0 {
		t.Error("one that is lost before another that has come is not noticed")
	}
}
