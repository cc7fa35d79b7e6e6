package peers

import (
	"container/heap"
	"sync"
)

// Table is a bound on what clients make a server hold, in which every address
// has its share: while there is room, anybody may have all of it; when there is
// none, the address that has most of it gives something back. So one address
// can use a bound up, and keep nobody out by that.
//
// Its methods may be called from any goroutine, cost O(log n) of the addresses,
// and call nothing of the user's: what was pushed out is returned, and is the
// caller's to end.
type Table[T any] struct {
	max int

	mu     sync.Mutex
	n      int
	serial uint64
	by     map[Key]*share[T]
	order  shares[T]
}

// Place is where one member of a Table stands. It is made with the Value and
// used once.
type Place[T any] struct {
	Value T

	// Guarded by the table's mu.
	of         *share[T] // nil before, and when it has left
	prev, next *Place[T]
	serial     uint64
}

// share is what one address has, the oldest first.
type share[T any] struct {
	key         Key
	n           int
	first, last *Place[T]
	at          int // in order
}

// NewTable makes a Table for so many members. If that is no bound, Full is
// never true, and nothing is pushed out.
func NewTable[T any](max int) *Table[T] {
	return &Table[T]{max: max, by: make(map[Key]*share[T])}
}

// Len is how many members there are.
func (t *Table[T]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n
}

// Full reports whether there is room for no more.
func (t *Table[T]) Full() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n >= t.max
}

// Push adds a member. If there was no room, the oldest member of the address
// that has most is taken out and returned: it is for what is young and costs
// little to lose.
func (t *Table[T]) Push(k Key, p *Place[T]) (out T, pushed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.addLocked(k, p)
	if t.n <= t.max {
		return out, false
	}
	return t.takeLocked(t.order[0].first), true
}

// Enter adds a member if there is room, or if another address has at least two
// more than k: then that one's youngest member is taken out and returned. It is
// for what is in use: who has little does not lose it to somebody who has more,
// and those who have the same do not push each other out in turns.
func (t *Table[T]) Enter(k Key, p *Place[T]) (out T, pushed, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n >= t.max {
		has := 0
		if s := t.by[k]; s != nil {
			has = s.n
		}
		if len(t.order) == 0 || t.order[0].n < has+2 {
			return out, false, false
		}
		out, pushed = t.takeLocked(t.order[0].last), true
	}
	t.addLocked(k, p)
	return out, pushed, true
}

// Pop takes out the oldest member of the address that has most.
func (t *Table[T]) Pop() (out T, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		return out, false
	}
	return t.takeLocked(t.order[0].first), true
}

// Leave takes a member out, and reports whether it was in.
func (t *Table[T]) Leave(p *Place[T]) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p == nil || p.of == nil {
		return false
	}
	t.takeLocked(p)
	return true
}

func (t *Table[T]) addLocked(k Key, p *Place[T]) {
	s := t.by[k]
	if s == nil {
		s = &share[T]{key: k}
		t.by[k] = s
	}
	t.serial++
	p.of, p.prev, p.serial = s, s.last, t.serial
	if s.last == nil {
		s.first = p
	} else {
		s.last.next = p
	}
	s.last = p
	s.n++
	t.n++
	if s.n == 1 {
		heap.Push(&t.order, s)
	} else {
		heap.Fix(&t.order, s.at)
	}
}

func (t *Table[T]) takeLocked(p *Place[T]) T {
	s := p.of
	if p.prev == nil {
		s.first = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		s.last = p.prev
	} else {
		p.next.prev = p.prev
	}
	p.of, p.prev, p.next = nil, nil, nil
	s.n--
	t.n--
	if s.n == 0 {
		heap.Remove(&t.order, s.at)
		delete(t.by, s.key)
	} else {
		heap.Fix(&t.order, s.at)
	}
	return p.Value
}

// shares is a heap: the largest first, of equal ones that with the oldest
// member.
type shares[T any] []*share[T]

func (h shares[T]) Len() int { return len(h) }

func (h shares[T]) Less(i, j int) bool {
	if h[i].n != h[j].n {
		return h[i].n > h[j].n
	}
	return h[i].first.serial < h[j].first.serial
}

func (h shares[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h *shares[T]) Push(x any) {
	s := x.(*share[T])
	s.at = len(*h)
	*h = append(*h, s)
}

func (h *shares[T]) Pop() any {
	old := *h
	n := len(old) - 1
	s := old[n]
	old[n] = nil
	*h = old[:n]
	return s
}
