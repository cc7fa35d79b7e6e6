package outbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/socketio/adapter"
)

func TestMain(m *testing.M) { leak.Main(m) }

// item has a size of its own, whatever buffer it was given.
func item(c adapter.Class, name string, size int) *Item {
	it := Get()
	it.Class, it.Dest = c, name
	it.Data = append(it.Data, make([]byte, size)...)
	return it
}

func names(items []*Item) (all []string) {
	for _, it := range items {
		all = append(all, it.Dest)
	}
	return all
}

func take(t *testing.T, q *Queue) []*Item {
	t.Helper()
	batch, err := q.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// takeAll takes until nothing is there.
func takeAll(t *testing.T, q *Queue) (all []*Item) {
	t.Helper()
	for {
		batch, _ := q.TakeNow(0)
		if len(batch) == 0 {
			return all
		}
		all = append(all, batch...)
	}
}

// sized is an item that counts for exactly n bytes.
func sized(c adapter.Class, name string, n int) *Item {
	return &Item{Class: c, Dest: name, Data: make([]byte, n-overhead-len(name))}
}

func TestFullQueueGivesUpByClass(t *testing.T) {
	const v, b, r, x = adapter.ClassVolatile, adapter.ClassBroadcast, adapter.ClassRequest, adapter.ClassVital
	q := New(10 * 1000)
	add := func(c adapter.Class, name string, n int, want error) {
		t.Helper()
		if err := q.Add(sized(c, name, n)); !errors.Is(err, want) {
			t.Errorf("%s %q of %d: %v, want %v", c, name, n, err, want)
		}
	}
	for i, c := range []adapter.Class{b, v, r, x, b, v, b, b, r, b} {
		add(c, strconv.Itoa(i), 1000, nil)
	}
	add(r, "r", 1000, adapter.ErrFull) // requests push nobody out
	add(b, "b", 1000, nil)             // 1, the oldest volatile one, goes
	add(v, "v", 1000, nil)             // 5 goes
	add(v, "V", 2000, nil)             // there is no place for it: dropped
	add(x, "x", 2000, nil)             // v, then 0, the oldest broadcast, go
	add(b, "B", 2000, nil)             // 4 and 6 go
	add(x, "X", 5000, nil)             // 7, 9, b and B go
	add(x, "y", 1000, adapter.ErrFull) // only requests and vital ones are left
	add(b, "c", 1000, adapter.ErrFull)
	add(v, "d", 1000, nil)
	add(x, "z", 10001, adapter.ErrTooLarge)
	if s := q.Stats(); s.Queued != 10000 || s.Published != 0 ||
		fmt.Sprint(s.Dropped) != "map[broadcast:8 request:1 vital:2 volatile:5]" {
		t.Errorf("%+v", s)
	}
	batch := takeAll(t, q)
	if got := fmt.Sprint(names(batch)); got != "[2 3 8 x X]" {
		t.Errorf("taken %s", got)
	}
	add(b, "e", 1000, adapter.ErrFull) // what the sender holds counts
	q.Sent(batch[:2])
	q.Back(batch[2:4])
	q.Lost(batch[4:])
	add(b, "e", 1000, nil)
	if got := fmt.Sprint(names(takeAll(t, q))); got != "[8 x e]" {
		t.Errorf("taken %s", got)
	}
	if s := q.Stats(); s.Published != 2 || s.Queued != 4000 || s.Dropped["vital"] != 3 {
		t.Errorf("%+v", s)
	}
}

// A queue of plain values does the same, in the most obvious way.
type model struct {
	limit   int
	waiting []*Item // values of ours, not the queue's
	held    []*Item
	dropped [classes]uint64
	sent    uint64
}

func (m *model) bytes() (n int) {
	for _, it := range slices.Concat(m.waiting, m.held) {
		n += it.size
	}
	return n
}

func (m *model) add(it *Item) error {
	victims := map[adapter.Class][]adapter.Class{
		adapter.ClassVolatile:  {adapter.ClassVolatile},
		adapter.ClassBroadcast: {adapter.ClassVolatile, adapter.ClassBroadcast},
		adapter.ClassVital:     {adapter.ClassVolatile, adapter.ClassBroadcast},
	}[it.Class]
	if it.size > m.limit {
		m.dropped[it.Class]++
		return adapter.ErrTooLarge
	}
	before, counts := slices.Clone(m.waiting), m.dropped
	for _, c := range victims {
		for m.bytes()+it.size > m.limit {
			i := slices.IndexFunc(m.waiting, func(it *Item) bool { return it.Class == c })
			if i < 0 {
				break
			}
			m.dropped[c]++
			m.waiting = slices.Delete(m.waiting, i, i+1)
		}
	}
	if m.bytes()+it.size > m.limit {
		m.waiting, m.dropped = before, counts
		m.dropped[it.Class]++
		if it.Class == adapter.ClassVolatile {
			return nil
		}
		return adapter.ErrFull
	}
	m.waiting = append(m.waiting, it)
	return nil
}

func TestModel(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		q, m := New(5000), &model{limit: 5000}
		var held []*Item
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("seed %d: %s", seed, fmt.Sprintf(format, args...))
		}
		for step := range 300 {
			switch op := rnd.IntN(10); {
			case op < 7:
				it := sized(adapter.Class(rnd.IntN(classes)), strconv.Itoa(step), 200+rnd.IntN(5000)/(1+rnd.IntN(20)))
				plain := *it
				plain.fit()
				if got, want := q.Add(it), m.add(&plain); !errors.Is(got, want) {
					fail("step %d, add: %v, want %v", step, got, want)
				}
			case op < 8 && len(m.held) == 0 && len(m.waiting) > 0:
				held = takeAll(t, q)
				m.held, m.waiting = m.waiting, nil
				if !slices.Equal(names(held), names(m.held)) {
					fail("step %d, taken %v, want %v", step, names(held), names(m.held))
				}
			case len(held) > 0:
				a := rnd.IntN(len(held) + 1)
				b := a + rnd.IntN(len(held)-a+1)
				q.Sent(held[:a])
				q.Lost(held[a:b])
				q.Back(held[b:])
				m.sent += uint64(a)
				for _, it := range m.held[a:b] {
					m.dropped[it.Class]++
				}
				m.waiting = slices.Concat(m.held[b:], m.waiting)
				held, m.held = nil, nil
			}
			s := q.Stats()
			if s.Queued != m.bytes() || s.Queued > 5000 || s.Published != m.sent {
				fail("step %d: %+v, want %d bytes, %d sent", step, s, m.bytes(), m.sent)
			}
			for c, n := range m.dropped {
				if s.Dropped[adapter.Class(c).String()] != n {
					fail("step %d: dropped %v, want %v", step, s.Dropped, m.dropped)
				}
			}
		}
	}
}

func TestBatchIsBounded(t *testing.T) {
	q := New(0)
	const n = 40
	for i := range n {
		if err := q.Add(item(adapter.ClassBroadcast, strconv.Itoa(i), 100<<10)); err != nil {
			t.Fatal(err)
		}
	}
	for got := 0; got < n; {
		batch := take(t, q)
		if len(batch) > batchBytes/(100<<10)+1 {
			t.Fatalf("%d in one batch", len(batch))
		}
		for _, it := range batch {
			if it.Dest != strconv.Itoa(got) {
				t.Fatalf("%s comes as number %d", it.Dest, got)
			}
			got++
		}
		q.Sent(batch)
	}
	for range 2 * batchItems {
		_ = q.Add(item(adapter.ClassVital, "x", 1))
	}
	if n := len(take(t, q)); n != batchItems {
		t.Errorf("%d in one batch", n)
	}
}

func TestCloseAndClear(t *testing.T) {
	q := New(0)
	_ = q.Add(item(adapter.ClassBroadcast, "a", 10))
	q.Close()
	if err := q.Add(item(adapter.ClassVital, "b", 10)); !errors.Is(err, adapter.ErrClosed) {
		t.Error(err)
	}
	if got := fmt.Sprint(names(take(t, q))); got != "[a]" {
		t.Error(got)
	}
	if _, err := q.Take(t.Context()); !errors.Is(err, adapter.ErrClosed) {
		t.Error(err)
	}
	q = New(0)
	for range batchItems + 1 {
		_ = q.Add(item(adapter.ClassBroadcast, "a", 10))
	}
	q.Clear()
	if s := q.Stats(); s.Queued != 0 || s.Dropped["broadcast"] != batchItems+1 {
		t.Errorf("%+v", s)
	}
}

func TestTakeWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(0)
		got := make(chan string)
		go func() {
			for {
				batch, err := q.Take(t.Context())
				if err != nil {
					got <- err.Error()
					return
				}
				got <- fmt.Sprint(names(batch))
				q.Sent(batch)
			}
		}()
		synctest.Wait()
		_ = q.Add(item(adapter.ClassBroadcast, "a", 1))
		if s := <-got; s != "[a]" {
			t.Error(s)
		}
		synctest.Wait()
		q.Close()
		if s := <-got; s != adapter.ErrClosed.Error() {
			t.Error(s)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := New(0).Take(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// Many senders of numbered items against one that takes: each one's arrive in
// order, and all are accounted for.
func TestOrderUnderLoad(t *testing.T) {
	const senders, each = 8, 2000
	q := New(256 << 10)
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				it := item(adapter.ClassBroadcast, strconv.Itoa(s), 1+i%1000)
				it.Tag = i
				_ = q.Add(it)
			}
		})
	}
	go func() {
		wg.Wait()
		q.Close()
	}()
	last := map[string]int{}
	for {
		batch, err := q.Take(t.Context())
		if err != nil {
			break
		}
		for _, it := range batch {
			if n, ok := last[it.Dest]; ok && it.Tag <= n {
				t.Fatalf("sender %s: %d after %d", it.Dest, it.Tag, n)
			}
			last[it.Dest] = it.Tag
		}
		q.Sent(batch)
	}
	if s := q.Stats(); s.Published+s.Dropped["broadcast"] != senders*each || s.Queued != 0 {
		t.Errorf("%+v", s)
	}
}

// What waits takes as much memory as it counts for, also where its buffer was
// used for something large before.
func TestBuffersFit(t *testing.T) {
	q := New(0)
	it := &Item{Class: adapter.ClassBroadcast, Data: make([]byte, 100, 60<<10)}
	_ = q.Add(it)
	if s := q.Stats(); s.Queued > 1000 {
		t.Errorf("%d bytes for a message of 100", s.Queued)
	}
}

// Parts share the limit, and keep their order when what waits is divided anew,
// and when something comes back that has another part now.
func TestSplit(t *testing.T) {
	const b, x = adapter.ClassBroadcast, adapter.ClassVital
	q := New(10 * 1000)
	add := func(tag int, c adapter.Class, name string) {
		t.Helper()
		it := sized(c, name, 1000)
		it.Tag = tag
		if err := q.Add(it); err != nil {
			t.Fatal(name, err)
		}
	}
	now := func(part int) []string {
		var all []*Item
		for {
			batch, _ := q.TakeNow(part)
			if all = append(all, batch...); len(batch) == 0 {
				break
			}
		}
		defer q.Back(all)
		return names(all)
	}
	want := func(part int, list ...string) {
		t.Helper()
		if got := now(part); !slices.Equal(got, list) {
			t.Errorf("part %d holds %v, want %v", part, got, list)
		}
	}
	for i, tag := range []int{1, 2, 1, 3, 2} {
		add(tag, []adapter.Class{b, x}[i%2], strconv.Itoa(i))
	}
	want(0, "0", "1", "2", "3", "4")
	q.Split(3, func(it *Item) int { return it.Tag }) // there is no part 3
	want(0, "3")
	want(1, "0", "2")
	want(2, "1", "4")
	select {
	case <-q.Ready(2):
	default:
		t.Error("who waits for a part is not told that there is something")
	}
	held, _ := q.TakeNow(2)
	add(1, x, "5")
	q.Split(3, func(*Item) int { return 0 })
	want(0, "0", "2", "3", "5")
	q.Back(held) // it has another part now
	want(0, "0", "1", "2", "3", "4", "5")
	q.Split(3, func(it *Item) int { return it.Tag - 1 })
	want(0, "0", "2", "5")
	want(1, "1", "4")
	want(2, "3")
	for i := range 5 { // the limit is reached; the oldest broadcasts of all parts go
		add(3, b, strconv.Itoa(6+i))
	}
	want(0, "2", "5")
	add(2, b, "11")
	want(0, "5")
	want(2, "3", "6", "7", "8", "9", "10")
	if err := q.Add(sized(adapter.ClassRequest, "r", 1000)); !errors.Is(err, adapter.ErrFull) {
		t.Error(err)
	}
	q.Close()
	if batch, closed := q.TakeNow(1); !closed || len(batch) != 3 {
		t.Error(names(batch), closed)
	} else {
		q.Sent(batch)
	}
	q.Clear()
	if s := q.Stats(); s.Queued != 0 || s.Published != 3 || s.Dropped["broadcast"] != 2+5 || s.Dropped["vital"] != 2 || s.Dropped["request"] != 1 {
		t.Errorf("%+v", s)
	}
}

// Of the backend's own messages nothing is counted, whatever becomes of them.
func TestOwn(t *testing.T) {
	q := New(1000)
	add := func() {
		it := Get()
		it.Own, it.Class = true, adapter.ClassVital
		if err := q.Add(it); err != nil {
			t.Fatal(err)
		}
	}
	for _, done := range []func([]*Item){q.Sent, q.Lost} {
		add()
		batch, _ := q.TakeNow(0)
		done(batch)
	}
	add()
	q.Clear()
	q.Close()
	if err := q.Add(&Item{Own: true}); !errors.Is(err, adapter.ErrClosed) {
		t.Error(err)
	}
	if s := q.Stats(); s.Published != 0 || s.Queued != 0 || len(s.Dropped) > 0 {
		t.Errorf("%+v", s)
	}
}
