package fair

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestModel compares a queue with a plain list after every one of many random
// steps.
func TestModel(t *testing.T) {
	type plain struct {
		owner string
		cost  float64
		v     int
		it    *Item[string, int]
	}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		var q Queue[string, int]
		var list []plain
		for step := range 400 {
			switch n := random.IntN(10); {
			case n < 5 || len(list) == 0:
				p := plain{owner: string(rune('a' + random.IntN(6))), cost: float64(random.IntN(4)), v: step}
				p.it = &Item[string, int]{Value: p.v}
				q.Add(p.owner, p.cost, p.it)
				list = append(list, p)
			case n < 7:
				i := random.IntN(len(list))
				if !q.Remove(list[i].it) || q.Remove(list[i].it) { // a second time does nothing
					t.Fatalf("seed %d step %d: removed once and no more", seed, step)
				}
				list = slices.Delete(list, i, i+1)
			default:
				owner := string(rune('a' + random.IntN(6)))
				var got, want []int
				for it := range q.Of(owner) {
					got = append(got, it.Value)
					if n == 9 {
						q.Remove(it)
					}
				}
				list = slices.DeleteFunc(list, func(p plain) bool {
					if p.owner == owner {
						want = append(want, p.v)
					}
					return p.owner == owner && n == 9
				})
				if !slices.Equal(got, want) {
					t.Fatalf("seed %d step %d: %s has %v, not %v", seed, step, owner, got, want)
				}
			}
			older := q.First()
			for _, p := range list { // in the order in which they came
				if older != p.it {
					t.Fatalf("seed %d step %d: %v stands where %d should", seed, step, older, p.v)
				}
				older = older.After()
			}
			younger := q.Last()
			for _, p := range slices.Backward(list) {
				if younger != p.it {
					t.Fatalf("seed %d step %d: backwards, %v stands where %d should", seed, step, younger, p.v)
				}
				younger = younger.Before()
			}
			if q.Len() != len(list) {
				t.Fatalf("seed %d step %d: %d items, not %d", seed, step, q.Len(), len(list))
			}
			// Who has most: the oldest item of theirs, of equals the oldest of all.
			sum := map[string]float64{}
			for _, p := range list {
				sum[p.owner] += p.cost
			}
			var want *plain
			for i, p := range list {
				if want == nil || sum[p.owner] > sum[want.owner] {
					want = &list[i]
				}
			}
			switch next := q.Next(); {
			case (next == nil) != (want == nil):
				t.Fatalf("seed %d step %d: next is %v, not %v", seed, step, next, want)
			case next != nil && next.Value != want.v:
				t.Fatalf("seed %d step %d: next is %d, not %d of %s", seed, step, next.Value, want.v, want.owner)
			}
			if want == nil {
				continue
			}
			last := *want
			for _, p := range list {
				if p.owner == want.owner {
					last = p
				}
			}
			if cost, youngest := q.Most(); cost != sum[want.owner] || youngest != last.it || q.Cost(want.owner) != cost {
				t.Fatalf("seed %d step %d: %s has %v, the youngest %v; told %v, %v", seed, step, want.owner, sum[want.owner], last.v, cost, youngest)
			}
		}
	}
}

// TestSharing: however much one brings, the others keep what they have as long
// as it is less.
func TestSharing(t *testing.T) {
	var q Queue[string, int]
	add := func(owner string, cost float64) {
		q.Add(owner, cost, new(Item[string, int]))
		for q.Len() > 10 {
			q.Remove(q.Next())
		}
	}
	add("quiet", 1)
	add("quiet", 1)
	for range 1000 {
		add("loud", 1)
	}
	for range 8 {
		add("third", 1)
	}
	for owner, want := range map[string]int{"quiet": 2, "loud": 4, "third": 4} {
		n := 0
		for range q.Of(owner) {
			n++
		}
		if n != want {
			t.Errorf("%s has %d, not %d", owner, n, want)
		}
	}
}
