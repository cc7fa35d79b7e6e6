package eventlog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

const prefix = "abc_-9"

// model is a Log as plainly as it can be said.
type model struct {
	bounds  Bounds
	seq     uint64
	events  []plain
	costs   map[Owner]float64
	names   map[string][]mark // losses
	all     []mark
	without []loss
}

type plain struct {
	Event[uint64]
	mark
	owner Owner
	cost  float64
}

func (m *model) add(now time.Time, e Event[uint64]) {
	m.seq++
	cost := (float64(e.Size)/float64(m.bounds.Bytes) + 1/float64(m.bounds.Count)) / float64(max(1, e.Heads))
	least := e.Owners[0]
	for _, o := range e.Owners {
		if m.costs[o] < m.costs[least] {
			least = o
		}
	}
	m.events = append(m.events, plain{e, mark{m.seq, now}, least, cost})
	m.costs[least] += cost
	m.expire(now)
	for {
		bytes, heaviest := 0, 0
		for i, p := range m.events {
			bytes += p.Size
			if m.costs[p.owner] > m.costs[m.events[heaviest].owner] {
				heaviest = i
			}
		}
		if len(m.events) <= m.bounds.Count && bytes <= m.bounds.Bytes {
			return
		}
		p := m.events[heaviest]
		m.remove(heaviest)
		switch {
		case len(p.Except) > 0:
			m.without = append(m.without, loss{p.mark, p.To, p.Except})
		case len(p.To) == 0:
			m.all = append(m.all, p.mark)
		}
		for _, name := range p.To {
			if len(p.Except) == 0 {
				m.names[name] = append(m.names[name], p.mark)
			}
		}
	}
}

func (m *model) remove(i int) {
	p := m.events[i]
	m.events = slices.Delete(m.events, i, i+1)
	if m.costs[p.owner] -= p.cost; !slices.ContainsFunc(m.events, func(o plain) bool { return o.owner == p.owner }) {
		delete(m.costs, p.owner)
	}
}

func (m *model) expire(now time.Time) {
	for len(m.events) > 0 && now.Sub(m.events[0].at) > m.bounds.Age {
		m.remove(0)
	}
}

func (m *model) forget(owner string) {
	for i := len(m.events) - 1; i >= 0; i-- {
		if m.events[i].owner == (Owner{Name: owner}) {
			m.remove(i)
		}
	}
	delete(m.names, owner)
}

func (m *model) since(now time.Time, from uint64, c Names) (list []uint64, ok bool) {
	concerns := func(l mark) bool { return l.seq > from && now.Sub(l.at) <= m.bounds.Age }
	in := func(seq uint64, names []string) bool {
		return slices.ContainsFunc(names, func(n string) bool { since, ok := c[n]; return ok && seq > since })
	}
	for _, l := range m.all {
		if concerns(l) {
			return nil, false
		}
	}
	for name, since := range c {
		for _, l := range m.names[name] {
			if concerns(l) && l.seq > since {
				return nil, false
			}
		}
	}
	for _, l := range m.without {
		if concerns(l.mark) && (len(l.to) == 0 || in(l.seq, l.to)) && !in(l.seq, l.except) {
			return nil, false
		}
	}
	m.expire(now)
	for _, p := range m.events {
		if p.seq > from && (len(p.To) == 0 || in(p.seq, p.To)) && !in(p.seq, p.Except) {
			list = append(list, p.Value)
		}
	}
	return list, true
}

// TestModel compares a log with its model in many random lives.
func TestModel(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 2))
		b := Bounds{Count: 1 + random.IntN(40), Bytes: 1 + random.IntN(4000), Age: time.Duration(1+random.IntN(200)) * time.Second}
		l := New[uint64](prefix, b)
		m := &model{bounds: b, costs: map[Owner]float64{}, names: map[string][]mark{}}
		now := time.Unix(0, 0)
		name := func() string { return string(rune('a' + random.IntN(8))) }
		some := func(n int) (list []string) {
			for range random.IntN(n) {
				list = append(list, name())
			}
			return list
		}
		place := make([]byte, OffsetLen)
		for step := range 600 {
			now = now.Add(time.Duration(random.IntN(3)) * time.Second)
			switch n := random.IntN(20); {
			case n < 12:
				e := Event[uint64]{Value: m.seq + 1, Size: random.IntN(300), To: some(3), Heads: random.IntN(5)}
				if random.IntN(3) == 0 {
					e.Except = some(3)
				}
				for range 1 + random.IntN(3) {
					e.Owners = append(e.Owners, Owner{name(), random.IntN(2) == 0})
				}
				before := len(m.events)
				given := l.Add(now, e, place)
				m.add(now, e)
				if given > before+1 {
					t.Fatalf("seed %d step %d: gave up %d of %d", seed, step, given, before+1)
				}
				if at, err := l.Find(string(place)); at != m.seq || err != nil {
					t.Fatalf("seed %d step %d: offset %s is %d, not %d: %v", seed, step, place, at, m.seq, err)
				}
			case n == 12:
				name := name()
				l.Forget(name)
				m.forget(name)
			case n == 13:
				l.Mark(place)
				if at, err := l.Find(string(place)); at != m.seq || err != nil {
					t.Fatalf("seed %d step %d: the mark %s is %d, not %d: %v", seed, step, place, at, m.seq, err)
				}
			default:
				from := m.seq - min(m.seq, uint64(random.IntN(30)))
				c := Names{}
				for _, name := range some(6) {
					c[name] = m.seq - min(m.seq, uint64(random.IntN(60)))
				}
				lost := l.Lost(now, from, c)
				got, ok := l.Since(now, from, c)
				want, wantOK := m.since(now, from, c)
				if ok != wantOK || lost == ok || !slices.Equal(got, want) {
					t.Fatalf("seed %d step %d: since %d for %v: %v %v, lost %v, not %v %v", seed, step, from, c, got, ok, lost, want, wantOK)
				}
			}
			bytes := 0
			for _, p := range m.events {
				bytes += p.Size
			}
			if count, size := l.Len(); count != len(m.events) || size != bytes {
				t.Fatalf("seed %d step %d: %d events of %d bytes, not %d of %d", seed, step, count, size, len(m.events), bytes)
			}
		}
	}
}

// TestTogether uses a log from many goroutines: every client hears all that was
// for it, once and in order.
func TestTogether(t *testing.T) {
	const senders, each = 8, 300
	l := New[string](prefix, Bounds{Count: senders * each, Bytes: 1 << 20, Age: time.Hour})
	now := time.Unix(0, 0)
	var all sync.WaitGroup
	for s := range senders {
		name := fmt.Sprint("s", s)
		all.Go(func() {
			place := make([]byte, OffsetLen)
			for i := range each {
				l.Add(now, Event[string]{Value: fmt.Sprint(i), Size: 1, To: []string{name}, Owners: []Owner{{Name: name}}}, place)
				if _, err := l.Find(string(place)); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for from, next := uint64(0), 0; next < each; {
				list, ok := l.Since(now, from, Names{name: 0})
				if !ok || len(list) < next || len(list) > 0 && list[len(list)-1] != fmt.Sprint(len(list)-1) {
					t.Errorf("%s: %v, %v", name, list, ok)
					return
				}
				next = len(list)
				l.Mark(make([]byte, OffsetLen))
			}
		})
		all.Go(func() {
			for range each {
				l.Forget("nobody")
				l.Len()
			}
		})
	}
	all.Wait()
}

// TestOneDoesNotSpendWhatAllShare: who sends the most loses the first, by
// bytes, by count, and under many names.
func TestOneDoesNotSpendWhatAllShare(t *testing.T) {
	now := time.Unix(0, 0)
	for name, flood := range map[string]func(i int) Event[string]{
		"bytes": func(int) Event[string] {
			return Event[string]{Size: 5000, To: []string{"loud"}, Owners: []Owner{{Name: "loud"}}, Heads: 1}
		},
		"count": func(int) Event[string] {
			return Event[string]{Size: 1, To: []string{"loud"}, Owners: []Owner{{Name: "loud"}}, Heads: 1}
		},
		"more than all": func(int) Event[string] {
			return Event[string]{Size: 50_000, To: []string{"loud"}, Owners: []Owner{{Name: "loud"}}, Heads: 1}
		},
		"many rooms": func(i int) Event[string] {
			return Event[string]{Size: 500, To: []string{fmt.Sprint("room", i)}, Owners: []Owner{{Name: "loud"}}, Heads: 1}
		},
		"many rooms of two": func(i int) Event[string] {
			return Event[string]{Size: 1, To: []string{fmt.Sprint("room", i)}, Owners: []Owner{{"loud", true}, {"friend", true}}}
		},
		"a crowd of two": func(i int) Event[string] {
			return Event[string]{Size: 900, To: []string{fmt.Sprint("room", i%5)}, Owners: []Owner{{Name: fmt.Sprint("room", i%5)}}, Heads: 2}
		},
	} {
		l := New[string](prefix, Bounds{Count: 100, Bytes: 20_000, Age: time.Minute})
		l.Add(now, Event[string]{Value: "mine", Size: 300, To: []string{"quiet"}, Owners: []Owner{{Name: "quiet"}}, Heads: 1}, nil)
		l.Add(now, Event[string]{Value: "all", Size: 2000, Heads: 20}, nil)
		for i := range 10_000 {
			l.Add(now, flood(i), nil)
		}
		if list, ok := l.Since(now, 0, Names{"quiet": 0}); !ok || !slices.Equal(list, []string{"mine", "all"}) {
			t.Errorf("%s: %q %v", name, list, ok)
		}
		if name != "many rooms" && name != "many rooms of two" {
			if _, ok := l.Since(now, 0, Names{"loud": 0, "room1": 0}); ok {
				t.Errorf("%s: nothing was lost", name)
			}
		}
	}
}

// TestLossesAreBounded: what is remembered of losses has an end, and it errs on
// the safe side.
func TestLossesAreBounded(t *testing.T) {
	now := time.Unix(0, 0)
	l := New[int](prefix, Bounds{Count: 10, Bytes: 1000, Age: time.Minute})
	const n = 5 * maxLosses
	for i := range n {
		e := Event[int]{Size: 1, To: []string{fmt.Sprint(i)}, Owners: []Owner{{Name: fmt.Sprint(i)}}, Heads: 1}
		if i%4 == 0 {
			e.Except = []string{fmt.Sprint(i + 1)}
		}
		l.Add(now, e, nil)
	}
	if names, except := len(l.lost.names), len(l.lost.except); names > maxLosses || except > maxExceptions {
		t.Errorf("%d names, %d exceptions", names, except)
	}
	for i := range n - 10 {
		if _, ok := l.Since(now, 0, Names{fmt.Sprint(i): 0}); ok {
			t.Fatalf("the loss of %d is forgotten", i)
		}
	}
	if list, ok := l.Since(now, n-10, Names{fmt.Sprint(n - 1): 0}); !ok || len(list) != 1 {
		t.Errorf("%v %v", list, ok)
	}
	// An hour later it concerns nobody.
	if _, ok := l.Since(now.Add(time.Hour), 0, Names{"5": 0}); !ok {
		t.Error("what is too old counts as lost")
	}
}

// TestOffsets: what is no offset has no position.
func TestOffsets(t *testing.T) {
	l := New[int](prefix, Bounds{Count: 10, Bytes: 1000, Age: time.Minute})
	place := make([]byte, OffsetLen)
	l.Mark(place)
	if got := string(place); got != prefix+"0000000000" {
		t.Error(got)
	}
	for range 37 {
		l.Add(time.Unix(0, 0), Event[int]{}, place)
	}
	if got := string(place); got != prefix+"0000000011" {
		t.Error(got)
	}
	for offset, want := range map[string]error{
		prefix + "0000000000": nil,
		prefix + "0000000011": nil,
		prefix + "0000000012": errUnknown, // not given yet
		prefix + "000000000A": errUnknown,
		prefix + "+000000001": errUnknown,
		prefix + "-000000001": errUnknown,
		prefix + "0x00000001": errUnknown,
		prefix + "zzzzzzzzzz": errUnknown,
		prefix + "00000":      errUnknown,
		"defghi0000000001":    ErrForeign,
		"defghi000000000ä":    errUnknown,
		"0-0":                 errUnknown,
		"":                    errUnknown,
	} {
		if _, err := l.Find(offset); err != want {
			t.Errorf("%q: %v, not %v", offset, err, want)
		}
	}
}

// TestAddAllocates little: one item, whatever the log holds.
func TestAddAllocates(t *testing.T) {
	l := New[int](prefix, Bounds{Count: 100, Bytes: 100_000, Age: time.Minute})
	place := make([]byte, OffsetLen)
	to, owners := []string{"room"}, []Owner{{Name: "one", Shared: true}, {Name: "another", Shared: true}}
	if n := testing.AllocsPerRun(1000, func() {
		l.Add(time.Unix(0, 0), Event[int]{Size: 10, To: to, Owners: owners, Heads: 3}, place)
		l.Mark(place)
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}
