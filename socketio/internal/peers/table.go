package peers

import (
	"sync"

	"github.com/sockeye-io/sockeye/socketio/internal/fair"
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

	mu sync.Mutex
	q  fair.Queue[Key, T] // each member costs 1
}

// Place is where one member of a Table stands. It is made with the Value, and may
// be used again once the member has left.
type Place[T any] = fair.Item[Key, T]

// NewTable makes a Table for so many members. If that is no bound, Full is
// never true, and nothing is pushed out.
func NewTable[T any](max int) *Table[T] { return &Table[T]{max: max} }

// Len is how many members there are.
func (t *Table[T]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.q.Len()
}

// Full reports whether there is room for no more.
func (t *Table[T]) Full() bool { return t.Len() >= t.max }

// Push adds a member. If there was no room, the oldest member of the address
// that has most is taken out and returned: it is for what is young and costs
// little to lose.
func (t *Table[T]) Push(k Key, p *Place[T]) (out T, pushed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.q.Add(k, 1, p)
	if t.q.Len() <= t.max {
		return out, false
	}
	return t.takeLocked(t.q.Next()), true
}

// Enter adds a member if there is room, or if another address has at least two
// more than k: then that one's youngest member is taken out and returned. It is
// for what is in use: who has little does not lose it to somebody who has more,
// and those who have the same do not push each other out in turns.
func (t *Table[T]) Enter(k Key, p *Place[T]) (out T, pushed, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.q.Len() >= t.max {
		most, youngest := t.q.Most()
		if most < t.q.Cost(k)+2 {
			return out, false, false
		}
		out, pushed = t.takeLocked(youngest), true
	}
	t.q.Add(k, 1, p)
	return out, pushed, true
}

// Pop takes out the oldest member of the address that has most.
func (t *Table[T]) Pop() (out T, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.q.Len() == 0 {
		return out, false
	}
	return t.takeLocked(t.q.Next()), true
}

// Leave takes a member out, and reports whether it was in.
func (t *Table[T]) Leave(p *Place[T]) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return p != nil && t.q.Remove(p)
}

func (t *Table[T]) takeLocked(p *Place[T]) T {
	t.q.Remove(p)
	return p.Value
}
