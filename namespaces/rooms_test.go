package namespaces

import (
	"fmt"
	"net/netip"
	"testing"
)

// What the rooms of a demo keep is bounded for all together. Who fills many of
// them loses what is in the oldest, and others lose nothing.
func TestWallsAndBoardsAreBounded(t *testing.T) {
	t.Run("walls", func(t *testing.T) {
		data := make([]byte, 700_000) // one for all: only its length counts
		roomsGiveWay(t, 6, func(walls *rooms[[]Picture], wall *[]Picture, _ int) {
			hang(walls, wall, Picture{Data: data})
		}, weight, maxWalls)
	})
	t.Run("boards", func(t *testing.T) {
		points := make([]float32, maxNumbers)
		roomsGiveWay(t, maxBoard/(maxNumbers+strokeWeight), func(boards *rooms[picture], p *picture, i int) {
			if !draw(boards, p, Stroke{ID: fmt.Sprint(i), Points: points}) {
				t.Fatal("a stroke is not new")
			}
		}, func(p *picture) int { return p.weight }, maxBoards)
	})
}

// roomsGiveWay has somebody fill all rooms but one, with full calls of fill for
// each.
func roomsGiveWay[T any](t *testing.T, full int, fill func(r *rooms[T], value *T, i int), weigh func(*T) int, most int) {
	one, many := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	r := &rooms[T]{m: map[string]*place[T]{"one's": {from: one}}}
	fill(r, &r.m["one's"].value, 0)
	for i := 1; i < maxRooms; i++ {
		k := &place[T]{from: many, nth: i}
		r.m[fmt.Sprint(i)] = k
		for n := range full {
			fill(r, &k.value, n)
		}
		all := 0
		for _, k := range r.m {
			all += weigh(&k.value)
		}
		if all > most {
			t.Fatalf("%d rooms weigh %d, which is more than %d", i, all, most)
		}
	}
	if weigh(&r.m["one's"].value) == 0 {
		t.Error("what another one had made is gone")
	}
	if weigh(&r.m["1"].value) > 0 || weigh(&r.m[fmt.Sprint(maxRooms-1)].value) == 0 {
		t.Error("it is not the oldest that has to give way")
	}
}
