package tally

import "sync/atomic"

// List is all reasons of one kind, each with a sentence that says what it means.
type List[K ~string] [][2]K

// Text is the sentence of a reason; "" if it is not in the list.
func (l List[K]) Text(name K) string {
	for i := range l {
		if l[i][0] == name {
			return string(l[i][1])
		}
	}
	return ""
}

// Has reports whether the list has a reason.
func (l List[K]) Has(name K) bool { return l.Text(name) != "" }

// Counts counts by the reasons of a list. It takes no lock.
type Counts[K ~string] struct {
	list List[K]
	n    []atomic.Uint64
}

// New returns Counts that are all zero.
func New[K ~string](list List[K]) *Counts[K] {
	return &Counts[K]{list, make([]atomic.Uint64, len(list))}
}

// Add counts one more. A reason that is not in the list is a mistake of the
// program's, which its tests find; it counts as the last of the list.
func (c *Counts[K]) Add(name K) {
	for i := range c.list {
		if c.list[i][0] == name || i == len(c.list)-1 {
			c.n[i].Add(1)
			return
		}
	}
}

// All returns the counts, those that are zero too.
func (c *Counts[K]) All() map[K]uint64 {
	m := make(map[K]uint64, len(c.list))
	for i := range c.list {
		m[c.list[i][0]] = c.n[i].Load()
	}
	return m
}
