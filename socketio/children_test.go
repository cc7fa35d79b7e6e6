package socketio

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/internal/peers"
)

// TestParentsKnowTheirChildren: whichever come and go, a parent stands for
// those that are there, and for no other's.
func TestParentsKnowTheirChildren(t *testing.T) {
	srv := New(&Options{Limits: Limits{MaxDynamicNamespaces: 20}})
	defer srv.Close()
	any := func(context.Context, string, *Handshake) bool { return true }
	parents := []*Namespace{srv.OfFunc(any), srv.OfFunc(any)}
	random := rand.New(rand.NewPCG(1, 5))
	names := func(list []*Namespace) (names []string) {
		for _, ns := range list {
			names = append(names, ns.name)
		}
		slices.Sort(names)
		return names
	}
	check := func(step int) {
		t.Helper()
		all := 0
		for _, p := range parents {
			var want []*Namespace
			for ns := range srv.Namespaces() {
				if ns.parent == p {
					want = append(want, ns)
				}
			}
			all += len(want)
			if got := p.leaves(); !slices.Equal(names(got), names(want)) {
				t.Fatalf("step %d: %q, not %q", step, names(got), names(want))
			}
		}
		if all > 20 {
			t.Fatalf("step %d: %d namespaces", step, all)
		}
	}
	for step := range 2000 {
		name := fmt.Sprint("/", random.IntN(60))
		if ns := srv.known(name); ns != nil {
			srv.prune(ns)
		} else if _, err := srv.adopt(parents[random.IntN(2)], name, peers.Key{}); err != nil && srv.dynamic.Len() < 20 {
			t.Fatal(err)
		}
		check(step)
	}
	// And from many goroutines.
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 200 {
				ns, err := srv.adopt(parents[i%2], fmt.Sprint("/", (g+i)%60), peers.Key{})
				if err == nil {
					srv.prune(ns)
				}
				parents[i%2].leaves()
			}
		})
	}
	all.Wait()
	check(-1)
}
