package rooms

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

type client struct {
	id    string
	place Member[*client]
}

func index() *Index[*client] {
	return New(func(c *client) (*Member[*client], string) { return &c.place, c.id })
}

func enter([]string) bool { return true }

// model is an index as plainly as it can be said: who is in which room.
type model struct {
	in     map[*client]map[string]bool
	before map[*client][]string // joined before it was inserted
}

func (m *model) len(room string) (n int) {
	for _, rooms := range m.in {
		if rooms[room] {
			n++
		}
	}
	return n
}

func (m *model) selected(to, except []string, but *client) (ids []string) {
	in := func(c *client, names []string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return m.in[c][n] })
	}
	for c := range m.in {
		if (len(to) == 0 || in(c, to)) && !in(c, except) && c != but {
			ids = append(ids, c.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// told is what an index tells of the difference between two models.
func told(t *testing.T, at string, before map[string]int, m *model, got Changes) {
	t.Helper()
	sizes := maps.Clone(before)
	for _, c := range got {
		switch c.Kind {
		case First, Last:
			if sizes[c.Room] != 0 {
				t.Fatalf("%s: %v, while %d are there", at, c, sizes[c.Room])
			}
		case Joined:
			sizes[c.Room]++
		case Left:
			sizes[c.Room]--
		}
	}
	for room, n := range sizes {
		if m.len(room) != n {
			t.Fatalf("%s: %v of %v, but %d are in %s", at, got, before, m.len(room), room)
		}
		first, last := before[room] == 0 && n > 0, before[room] > 0 && n == 0
		has := func(k Kind) bool { return slices.Contains(got, Change{Kind: k, Room: room}) }
		if first && !has(First) || last && !has(Last) {
			t.Fatalf("%s: %v does not tell of %s", at, got, room)
		}
	}
}

// TestModel compares an index with its model in many random lives.
func TestModel(t *testing.T) {
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 4))
		x, m := index(), &model{in: map[*client]map[string]bool{}, before: map[*client][]string{}}
		var inside, outside []*client
		serial := 0
		most := 3 + random.IntN(6)
		name := func() string {
			if n := len(inside); n > 0 && random.IntN(8) == 0 {
				return inside[random.IntN(n)].id
			}
			return string(rune('a' + random.IntN(8)))
		}
		some := func(n int) (list []string) {
			for range random.IntN(n) {
				list = append(list, name())
			}
			return list
		}
		sizes := func() map[string]int {
			s := map[string]int{}
			for _, rooms := range m.in {
				for room := range rooms {
					s[room]++
				}
			}
			return s
		}
		for step := range 400 {
			at := fmt.Sprint("seed ", seed, " step ", step)
			before := sizes()
			var changes Changes
			switch op := random.IntN(20); {
			case op < 3:
				outside = append(outside, &client{id: fmt.Sprint("id", serial)})
				serial++
			case op < 6 && len(outside) > 0:
				c, names := outside[0], some(4)
				outside = outside[1:]
				if let := random.IntN(4) > 0; !let {
					x.Insert(c, names, &changes, func([]string) bool { return false })
					break
				}
				ok := x.Insert(c, names, &changes, func(joined []string) bool { return slices.Equal(joined, m.before[c]) })
				inside = append(inside, c)
				m.in[c] = map[string]bool{c.id: true}
				for _, room := range append(names, m.before[c]...) {
					m.in[c][room] = true
				}
				if _, found := x.Find(c.id); !ok || !found {
					t.Fatalf("%s: %s did not get in", at, c.id)
				}
			case op < 8 && len(outside) > 0:
				c, names := outside[random.IntN(len(outside))], some(4)
				place := max(0, most-len(m.before[c]))
				if err := x.Join(c, names, most, &changes); (err == ErrFull) != (place < len(names)) {
					t.Fatalf("%s: %v", at, err)
				}
				m.before[c] = append(m.before[c], names[:min(place, len(names))]...)
			case op == 8 && len(inside) > 4:
				i := random.IntN(len(inside))
				c := inside[i]
				rooms := m.in[c]
				delete(m.in, c)
				inside = slices.Delete(inside, i, i+1)
				if !x.Remove(c, &changes) || x.Remove(c, &changes) {
					t.Fatalf("%s: not removed, or twice", at)
				}
				kept := x.Names(c)
				if slices.Sort(kept); !slices.Equal(kept, slices.Sorted(maps.Keys(rooms))) {
					t.Fatalf("%s: it was in %v, not in %v", at, kept, rooms)
				}
				if x.Forget(c); len(x.Names(c)) > 0 || x.Join(c, some(3), most, &changes) != ErrGone || x.In(c, c.id) {
					t.Fatalf("%s: it is still there", at)
				}
			case op < 15 && len(inside) > 0:
				c, names := inside[random.IntN(len(inside))], some(4)
				var want error
				for _, name := range names {
					own := 0
					if m.in[c][c.id] {
						own = 1
					}
					if name != c.id && !m.in[c][name] && len(m.in[c])-own >= most {
						want = ErrFull
						break
					}
					m.in[c][name] = true
				}
				if err := x.Join(c, names, most, &changes); err != want {
					t.Fatalf("%s: joining %v of %v: %v, not %v", at, names, m.in[c], err, want)
				}
			case len(inside) > 0:
				c, names := inside[random.IntN(len(inside))], some(4)
				x.Leave(c, names, &changes)
				for _, name := range names {
					delete(m.in[c], name)
				}
			}
			told(t, at, before, m, changes)
			compare(t, at, x, m, some(4), some(3), inside, random)
		}
		for _, c := range inside {
			if x.Close(false) {
				t.Fatal("closed while somebody is there")
			}
			x.Remove(c, nil)
		}
		if !x.Close(false) || x.Insert(&client{id: "late"}, nil, nil, enter) || len(x.rooms) != 0 || x.byID != nil {
			t.Errorf("left behind: %d rooms, %v", len(x.rooms), x.byID)
		}
	}
}

func compare(t *testing.T, at string, x *Index[*client], m *model, to, except []string, inside []*client, random *rand.Rand) {
	t.Helper()
	var but *client
	if len(inside) > 0 && random.IntN(3) == 0 {
		but = inside[random.IntN(len(inside))]
	}
	var got []string
	for _, c := range x.Select(nil, to, except, but) {
		got = append(got, c.id)
	}
	slices.Sort(got)
	if want := m.selected(to, except, but); !slices.Equal(got, want) {
		t.Fatalf("%s: to %v except %v: %v, not %v", at, to, except, got, want)
	}
	if x.Len() != len(m.in) || len(x.All()) != len(m.in) {
		t.Fatalf("%s: %d members, not %d", at, x.Len(), len(m.in))
	}
	named := map[string]bool{}
	for c, rooms := range m.in {
		got := x.Names(c)
		if len(got) > 0 && rooms[c.id] && got[0] != c.id {
			t.Fatalf("%s: its own room is not the first of %v", at, got)
		}
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(maps.Keys(rooms))) {
			t.Fatalf("%s: %s is in %v, not %v", at, c.id, got, rooms)
		}
		for room := range rooms {
			named[room] = named[room] || room != c.id
			if !x.In(c, room) || x.RoomLen(room) != m.len(room) {
				t.Fatalf("%s: %s in %s: %v, of %d, not %d", at, c.id, room, x.In(c, room), x.RoomLen(room), m.len(room))
			}
		}
	}
	for _, room := range x.Rooms() {
		if !named[room] {
			t.Fatalf("%s: nobody is in %s", at, room)
		}
	}
}

// TestTogether uses an index from many goroutines.
func TestTogether(t *testing.T) {
	x := index()
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 60 {
				c := &client{id: fmt.Sprint(g, " ", i)}
				if err := x.Join(c, []string{"early"}, 10, nil); err != nil {
					t.Error(err)
				}
				var told Changes
				x.Insert(c, []string{"all"}, &told, enter)
				for _, room := range []string{"early", "all", c.id} {
					if !slices.Contains(x.Select(nil, []string{room}, nil, nil), c) {
						t.Errorf("%s is not in %s", c.id, room)
					}
				}
				if slices.Contains(x.Select(nil, []string{"all"}, nil, c), c) {
					t.Error("selected, and left out")
				}
				x.Leave(c, []string{"all"}, nil)
				x.Names(c)
				x.RoomLen("all")
				x.Remove(c, nil)
			}
		})
	}
	all.Wait()
	if x.Len() != 0 || len(x.Rooms()) != 0 {
		t.Errorf("%d members, rooms %v", x.Len(), x.Rooms())
	}
}

// TestSelectAllocatesNothing: whatever is asked for, if there is place for the
// answer.
func TestSelectAllocatesNothing(t *testing.T) {
	x := index()
	list := make([]*client, 0, 1000)
	var some *client
	for i := range 1000 {
		some = &client{id: fmt.Sprint(i)}
		x.Insert(some, []string{"all", fmt.Sprint("room", i%10)}, nil, enter)
	}
	for name, f := range map[string]func() []*client{
		"all":        func() []*client { return x.Select(list, nil, nil, nil) },
		"all but":    func() []*client { return x.Select(list, nil, nil, some) },
		"two rooms":  func() []*client { return x.Select(list, []string{"all", "room1"}, nil, nil) },
		"exceptions": func() []*client { return x.Select(list, []string{"all"}, []string{"room1", "5"}, some) },
		"an id":      func() []*client { return x.Select(list, []string{some.id}, nil, nil) },
	} {
		if n := testing.AllocsPerRun(100, func() { f() }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if len(f()) == 0 {
			t.Errorf("%s: nobody", name)
		}
	}
}
