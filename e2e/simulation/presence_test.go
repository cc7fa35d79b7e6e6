package simulation

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// TestPresence: whatever has happened, once it is over all nodes see the same in
// each room, and that is who is there. Lives are those of TestSeeds, 48 unless
// PRESENCE says how many, without those whose queue cannot hold a list.
func TestPresence(t *testing.T) {
	people := 0
	first, count := uint64(0), number(t, "PRESENCE", 48)
	if os.Getenv("SEED") != "" {
		first, count = number(t, "SEED", 0), 1
	}
	for seed := first; seed < first+count; seed++ {
		if kinds[seed%uint64(len(kinds))].name == "small" {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, seed)
			w.watched = true
			w.settled = func() { people += w.compare() }
			w.live()
		})
		if t.Failed() {
			t.Fatalf("seed %d, of kind %q", seed, kinds[seed%uint64(len(kinds))].name)
		}
	}
	if people == 0 && count > 1 {
		t.Error("nobody was in any room")
	}
}

// compare compares what all nodes see with who is there: so many, in all rooms.
func (w *world) compare() (people int) {
	for _, room := range rooms {
		var want []string
		for _, n := range w.nodes {
			here, err := n.srv.To(room).Local().FetchSockets(context.Background())
			if err != nil {
				w.t.Error(err)
			}
			for _, s := range here {
				want = append(want, s.ID())
			}
		}
		slices.Sort(want)
		people += len(want)
		for _, n := range w.nodes {
			var got []string
			for _, m := range n.people.In(room) {
				got = append(got, m.ID)
			}
			if !slices.Equal(got, want) {
				w.t.Errorf("%s sees in %s %s, and there are %s", n.name, room, strings.Join(got, " "), fmt.Sprint(want))
			}
		}
	}
	return people
}
