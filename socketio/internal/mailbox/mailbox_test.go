package mailbox

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

type entry struct{ n, more int }

// model is what a Box is meant to do, in the plainest words.
type model struct {
	k       *Kind[entry]
	list    []entry
	sizes   []int
	running bool
	full    bool
	closed  bool
}

func (m *model) bytes() (sum int) {
	for _, n := range m.sizes {
		sum += n
	}
	return sum
}

func (m *model) push(v entry, size int) (start bool) {
	m.list, m.sizes = append(m.list, v), append(m.sizes, size)
	start, m.running = !m.running, true
	return start
}

func (m *model) put(v entry, size int) (full, start bool) {
	if m.closed {
		return false, false
	}
	start = m.push(v, size)
	full = !m.full && (len(m.list) >= m.k.Max || m.bytes() >= m.k.MaxBytes)
	m.full = m.full || full
	return full, start
}

func (m *model) next() (v entry, ok, resume bool) {
	if len(m.list) == 0 {
		m.running = false
		return v, false, false
	}
	v = m.list[0]
	m.list, m.sizes = m.list[1:], m.sizes[1:]
	resume = m.full && len(m.list) <= m.k.Max/2 && m.bytes() <= m.k.MaxBytes/2
	m.full = m.full && !resume
	return v, true, resume
}

// TestBoxAgainstModel does random things to a Box and to the model, and compares
// every answer.
func TestBoxAgainstModel(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		k := &Kind[entry]{Max: 1 + r.IntN(8), MaxBytes: 1 + r.IntN(100)}
		var b Box[entry]
		m := &model{k: k}
		for i := range 300 {
			v := entry{n: i}
			var got, want [2]bool
			op := r.IntN(100)
			switch {
			case op < 40:
				size := r.IntN(40)
				got[0], got[1] = b.Put(k, &v, size)
				want[0], want[1] = m.put(v, size)
			case op < 50:
				got[0], got[1] = b.Add(k, &v)
				if !m.closed {
					want = [2]bool{m.push(v, 0), true}
				}
			case op < 60:
				even := r.IntN(2) == 0
				got[0], got[1] = b.Offer(k, &v, func(last *entry) bool {
					if even {
						last.more++
					}
					return even
				})
				switch {
				case m.closed:
				case len(m.list) > 0 && even:
					m.list[len(m.list)-1].more++
					want = [2]bool{false, true}
				case len(m.list) < k.Max:
					want = [2]bool{m.push(v, 0), true}
				}
			case op < 99:
				var taken entry
				got[0], got[1] = b.Next(k, &taken)
				var expected entry
				if expected, want[0], want[1] = m.next(); taken != expected {
					t.Fatalf("seed %d, step %d: took %v, want %v", seed, i, taken, expected)
				}
			default:
				got[0] = b.Close(k, &v)
				if !m.closed {
					want[0] = m.push(v, 0)
				}
				m.closed = true
			}
			if got != want || b.Full() != m.full || b.running != m.running {
				t.Fatalf("seed %d, step %d (%d): %v, full %v, running %v; want %v, %v, %v", seed, i, op, got, b.Full(), b.running, want, m.full, m.running)
			}
		}
	}
}

// TestBoxManySources: entries of each source come out once and in order, never
// two workers are at it, and the one that heeds the pause keeps the bound.
func TestBoxManySources(t *testing.T) {
	const others, each = 3, 2000
	k := &Kind[[2]int]{Max: 16, MaxBytes: 1 << 20}
	var b Box[[2]int]
	var got [others + 1][]int
	var all, workers sync.WaitGroup
	var waiting atomic.Int64 // of the source's
	resumed := make(chan struct{}, 1)
	atWork := false
	work := func() {
		var v [2]int
		for {
			ok, resume := b.Next(k, &v)
			if resume {
				resumed <- struct{}{}
			}
			if !ok {
				return
			}
			if atWork { // -race says so, too
				t.Error("two workers")
			}
			atWork = true
			if got[v[0]] = append(got[v[0]], v[1]); v[0] == others {
				waiting.Add(-1)
			}
			runtime.Gosched()
			atWork = false
		}
	}
	for id := range others {
		all.Go(func() {
			for i := range each {
				if start, _ := b.Add(k, &[2]int{id, i}); start {
					workers.Go(work)
				}
			}
		})
	}
	all.Go(func() {
		for i := range each {
			if n := waiting.Add(1); int(n) > k.Max+1 { // one may be at work
				t.Errorf("%d entries of the source wait", n)
			}
			full, start := b.Put(k, &[2]int{others, i}, 1)
			if start {
				workers.Go(work)
			}
			if full {
				<-resumed
			}
		}
	})
	all.Wait()
	b.Settle(context.Background(), k)
	workers.Wait()
	for id := range got {
		if len(got[id]) != each || !slices.IsSorted(got[id]) {
			t.Errorf("source %d: %d entries, in order: %v", id, len(got[id]), slices.IsSorted(got[id]))
		}
	}
}

// TestSettle: it waits for the worker, or until the context ends.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &Kind[int]{Max: 4, MaxBytes: 4}
		var b Box[int]
		b.Settle(context.Background(), k) // there is nothing to wait for
		b.Add(k, new(int))
		ctx, cancel := context.WithCancel(context.Background())
		settled := 0
		var all sync.WaitGroup
		all.Go(func() { b.Settle(ctx, k); settled++ })
		synctest.Wait()
		if settled != 0 {
			t.Error("settled while an entry waits")
		}
		cancel()
		all.Wait()
		all.Go(func() { b.Settle(context.Background(), k); settled++ })
		var v int
		b.Next(k, &v)
		synctest.Wait()
		if settled != 1 {
			t.Error("settled while the worker is at it")
		}
		if ok, _ := b.Next(k, &v); ok {
			t.Error("there is one more")
		}
		all.Wait()
		if settled != 2 {
			t.Errorf("settled %d times", settled)
		}
	})
}

// TestSettleAtTheLastMoment: whoever waits while the box empties and fills again
// gets through, and the kind forgets the box.
func TestSettleAtTheLastMoment(t *testing.T) {
	k := &Kind[int]{Max: 4, MaxBytes: 4}
	var b Box[int]
	var all, workers sync.WaitGroup
	work := func() {
		var v int
		for ok := true; ok; {
			ok, _ = b.Next(k, &v)
		}
	}
	for range 4 {
		all.Go(func() {
			for range 500 {
				if start, _ := b.Add(k, new(int)); start {
					workers.Go(work)
				}
				b.Settle(context.Background(), k)
			}
		})
	}
	all.Wait()
	workers.Wait()
	if err := k.Wait(context.Background()); err != nil || len(k.awaited) != 0 {
		t.Errorf("%d boxes are awaited: %v", len(k.awaited), err)
	}
}
