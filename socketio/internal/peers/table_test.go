package peers

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/wheel"
)

func key(n int) Key {
	return keyOf(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}))
}

// What is young and costs little makes room by age, that of the address with
// most first; what is in use only for an address that has less.
func TestTable(t *testing.T) {
	for _, c := range []struct {
		name, enter, push string
		from              []int
	}{
		// The address of each newcomer; names are in order of coming.
		{"one address", "refused 3", "out 0", []int{1, 1, 1, 1}},
		{"another has most", "out 2", "out 0", []int{1, 1, 1, 2}},
		{"all the same", "refused 3", "out 0", []int{1, 2, 3, 4}},
		{"the one who has most", "refused 3", "out 0", []int{1, 1, 2, 1}},
		{"one more is not enough", "refused 3", "out 0", []int{1, 1, 2, 2}},
		{"that which has most, not what is oldest", "out 2", "out 1", []int{1, 2, 2, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			entered, pushed := NewTable[int](3), NewTable[int](3)
			said := ""
			for i, from := range c.from {
				out, forced, ok := entered.Enter(key(from), &Place[int]{Value: i})
				switch {
				case !ok:
					said += fmt.Sprint("refused ", i)
				case forced:
					said += fmt.Sprint("out ", out)
				}
			}
			if said != c.enter {
				t.Errorf("Enter: %s, want %s", said, c.enter)
			}
			said = ""
			for i, from := range c.from {
				if out, forced := pushed.Push(key(from), &Place[int]{Value: i}); forced {
					said += fmt.Sprint("out ", out)
				}
			}
			if said != c.push {
				t.Errorf("Push: %s, want %s", said, c.push)
			}
		})
	}
}

// model is a Table as one would write it without a thought of its cost.
type model struct {
	max  int
	list []member // by age
}

type member struct {
	from, name int
}

func (m *model) count(from int) (n int) {
	for _, x := range m.list {
		if x.from == from {
			n++
		}
	}
	return n
}

// most is the address that has most; of several, that with the oldest member.
func (m *model) most() (from, n int) {
	for _, x := range m.list {
		if c := m.count(x.from); c > n {
			from, n = x.from, c
		}
	}
	return from, n
}

func (m *model) take(from int, youngest bool) int {
	i := slices.IndexFunc(m.list, func(x member) bool { return x.from == from })
	if youngest {
		for j, x := range m.list {
			if x.from == from {
				i = j
			}
		}
	}
	name := m.list[i].name
	m.list = slices.Delete(m.list, i, i+1)
	return name
}

func TestTableAgreesWithModel(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := &model{max: 1 + r.IntN(12)}
		table := NewTable[int](m.max)
		places := map[int]*Place[int]{}
		for i := range 2000 {
			from := r.IntN(1 + r.IntN(8))
			p := &Place[int]{Value: i}
			got, want := -1, -1
			switch r.IntN(4) {
			case 0:
				places[i] = p
				if out, pushed := table.Push(key(from), p); pushed {
					got = out
				}
				m.list = append(m.list, member{from, i})
				if len(m.list) > m.max {
					most, _ := m.most()
					want = m.take(most, false)
				}
			case 1:
				places[i] = p
				out, pushed, ok := table.Enter(key(from), p)
				if pushed {
					got = out
				} else if !ok {
					got = -2
				}
				if len(m.list) >= m.max {
					if most, n := m.most(); n < m.count(from)+2 {
						want = -2
					} else {
						want = m.take(most, true)
					}
				}
				if want != -2 {
					m.list = append(m.list, member{from, i})
				}
			case 2:
				if out, ok := table.Pop(); ok {
					got = out
				}
				if len(m.list) > 0 {
					most, _ := m.most()
					want = m.take(most, false)
				}
			default: // somebody leaves, perhaps again
				name := r.IntN(i + 1)
				if table.Leave(places[name]) {
					got = name
				}
				if i := slices.IndexFunc(m.list, func(x member) bool { return x.name == name }); i >= 0 {
					m.list = slices.Delete(m.list, i, i+1)
					want = name
				}
			}
			if got != want || table.Len() != len(m.list) || table.Full() != (len(m.list) >= m.max) {
				t.Fatalf("seed %d, step %d: %d, want %d; %d members, want %d", seed, i, got, want, table.Len(), len(m.list))
			}
		}
	}
}

// Addresses without end, as somebody has who owns an IPv6 network, are
// remembered up to a bound, and none of them keeps another one out.
func TestRatesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wheel.Wheel
		defer w.Stop()
		p, err := New(Config{Rate: 1, MaxSessions: 5}, &w)
		if err != nil {
			t.Fatal(err)
		}
		if !p.Enter(key(0)) {
			t.Fatal("the first one was refused")
		}
		for i := range maxRecent + 1000 {
			if !p.Allow(key(i)) {
				t.Fatalf("address %d was refused", i)
			}
		}
		if n := p.Len(); n > maxRecent+1 {
			t.Errorf("%d addresses are remembered", n)
		}
		p.Leave(key(0))
		time.Sleep(2 * sweepEvery)
		if n := p.Len() + p.recent.Len(); n != 0 {
			t.Errorf("%d addresses are left", n)
		}
	})
}
