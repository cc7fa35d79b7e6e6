package tally

import (
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
)

func TestCountsAgainstModel(t *testing.T) {
	list := List[string]{{"a", "The first."}, {"b", "The second."}, {"other", "Anything else."}}
	c := New(list)
	want := map[string]uint64{"a": 0, "b": 0, "other": 0}
	if got := c.All(); !maps.Equal(got, want) {
		t.Errorf("at first %v", got)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for seed := range uint64(4) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, 3))
			for range 1000 {
				name := []string{"a", "b", "other", "unknown"}[r.IntN(4)]
				c.Add(name)
				if !list.Has(name) {
					name = "other"
				}
				mu.Lock()
				want[name]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if got := c.All(); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if list.Text("b") != "The second." || list.Text("unknown") != "" {
		t.Error("the sentences")
	}
}
