package fair

import (
	"container/heap"
	"iter"
)

// A Queue holds the items of all owners. The zero value is empty. It takes no
// lock: it is a part of what its user guards.
type Queue[K comparable, T any] struct {
	owners      map[K]*owner[K, T]
	order       byCost[K, T]
	first, last *Item[K, T] // of all
	items       int
	serial      uint64
}

// An Item is something kept. It is made with the Value, and may be added again once
// it was taken out.
type Item[K comparable, T any] struct {
	Value T

	cost          float64
	serial        uint64
	owner         *owner[K, T] // nil before, and when it was taken out
	prev, next    *Item[K, T]  // of the same owner, by age
	before, after *Item[K, T]  // of all, by age
}

type owner[K comparable, T any] struct {
	key         K
	cost        float64
	at          int // its place in the heap
	first, last *Item[K, T]
}

// Add keeps an item, which counts cost against its owner.
func (q *Queue[K, T]) Add(key K, cost float64, it *Item[K, T]) {
	if q.owners == nil {
		q.owners = make(map[K]*owner[K, T])
	}
	q.serial++
	it.cost, it.serial, it.before = cost, q.serial, q.last
	if q.last == nil {
		q.first = it
	} else {
		q.last.after = it
	}
	q.last = it
	q.items++
	o := q.owners[key]
	if o == nil {
		o = &owner[K, T]{key: key, cost: cost, first: it, last: it}
		it.owner = o
		q.owners[key] = o
		heap.Push(&q.order, o)
		return
	}
	it.owner, it.prev = o, o.last
	o.last.next = it
	o.last = it
	o.cost += cost
	heap.Fix(&q.order, o.at)
}

// Remove takes an item out, and reports whether it was there.
func (q *Queue[K, T]) Remove(it *Item[K, T]) bool {
	o := it.owner
	if o == nil {
		return false
	}
	if it.prev == nil {
		o.first = it.next
	} else {
		it.prev.next = it.next
	}
	if it.next == nil {
		o.last = it.prev
	} else {
		it.next.prev = it.prev
	}
	if it.before == nil {
		q.first = it.after
	} else {
		it.before.after = it.after
	}
	if it.after == nil {
		q.last = it.before
	} else {
		it.after.before = it.before
	}
	it.owner, it.prev, it.next, it.before, it.after = nil, nil, nil, nil, nil
	q.items--
	if o.first == nil {
		heap.Remove(&q.order, o.at)
		delete(q.owners, o.key)
		return true
	}
	o.cost -= it.cost
	heap.Fix(&q.order, o.at)
	return true
}

// Next is the item that has to go if one has to: the oldest of the owner who
// holds most. It is nil if there is none.
func (q *Queue[K, T]) Next() *Item[K, T] {
	if len(q.order) == 0 {
		return nil
	}
	return q.order[0].first
}

// Most is what the owner holds who holds most, and the youngest of that; nil if
// there is none.
func (q *Queue[K, T]) Most() (cost float64, youngest *Item[K, T]) {
	if len(q.order) == 0 {
		return 0, nil
	}
	return q.order[0].cost, q.order[0].last
}

// Cost is what an owner holds.
func (q *Queue[K, T]) Cost(key K) float64 {
	if o := q.owners[key]; o != nil {
		return o.cost
	}
	return 0
}

// Of iterates over an owner's items, the oldest first. The loop may remove the
// item it is given.
func (q *Queue[K, T]) Of(key K) iter.Seq[*Item[K, T]] {
	return func(yield func(*Item[K, T]) bool) {
		o := q.owners[key]
		if o == nil {
			return
		}
		for it := o.first; it != nil; {
			next := it.next
			if !yield(it) {
				return
			}
			it = next
		}
	}
}

// First is the oldest of all items; nil if there is none.
func (q *Queue[K, T]) First() *Item[K, T] { return q.first }

// Last is the youngest of all items; nil if there is none.
func (q *Queue[K, T]) Last() *Item[K, T] { return q.last }

// Before is the next older item of all, nil if there is none.
func (it *Item[K, T]) Before() *Item[K, T] { return it.before }

// After is the next younger item of all, nil if there is none.
func (it *Item[K, T]) After() *Item[K, T] { return it.after }

// Len is the number of items.
func (q *Queue[K, T]) Len() int { return q.items }

// byCost is a heap with the owner on top that holds most; of equals, the one
// with the oldest item.
type byCost[K comparable, T any] []*owner[K, T]

func (h byCost[K, T]) Len() int { return len(h) }

func (h byCost[K, T]) Less(i, j int) bool {
	if h[i].cost != h[j].cost {
		return h[i].cost > h[j].cost
	}
	return h[i].first != nil && h[j].first != nil && h[i].first.serial < h[j].first.serial
}

func (h byCost[K, T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h *byCost[K, T]) Push(x any) {
	o := x.(*owner[K, T])
	o.at = len(*h)
	*h = append(*h, o)
}

func (h *byCost[K, T]) Pop() any {
	old := *h
	last := len(old) - 1
	o := old[last]
	old[last] = nil
	*h = old[:last]
	return o
}
