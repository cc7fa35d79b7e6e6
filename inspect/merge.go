package inspect

import (
	"cmp"
	"slices"
)

// merge puts the answers of nodes together.
func (a *answers) merge(q question, list []answer) {
	for _, one := range list {
		a.Nodes = append(a.Nodes, one.Node)
		a.Spaces = append(a.Spaces, one.Spaces...)
		a.Rooms = append(a.Rooms, one.Rooms...)
		a.Sockets = append(a.Sockets, one.Sockets...)
		a.Events = append(a.Events, one.Events...)
		a.Total += one.Total
		a.Skipped += one.Skipped
		a.Done += one.Done
		a.SeenBy[one.Node.ID] = one.Seen
		if one.Detail != nil {
			a.Detail = one.Detail
		}
		if a.Error == "" {
			a.Error = one.Error
		}
	}
	slices.SortFunc(a.Nodes, func(x, y node) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID)) })
	a.Spaces = together(a.Spaces, func(s space) string { return s.Name }, func(s *space, o space) {
		s.Sockets += o.Sockets
		s.Rooms += o.Rooms
	})
	slices.SortStableFunc(a.Spaces, func(x, y space) int { return cmp.Compare(y.Sockets, x.Sockets) })
	// A room that is among the first of all is among the first of each node.
	a.Rooms = together(a.Rooms, func(r room) string { return r.Name }, func(r *room, o room) { r.Sockets += o.Sockets })
	slices.SortFunc(a.Sockets, func(x, y socket) int {
		return cmp.Or(cmp.Compare(y.of(q.Sort), x.of(q.Sort)), cmp.Compare(x.ID, y.ID))
	})
	a.Rooms, a.Sockets = first(a.Rooms, q.Limit), first(a.Sockets, q.Limit)
	slices.SortStableFunc(a.Events, func(x, y happening) int { return cmp.Compare(x.At, y.At) })
}

func first[T any](list []T, n int) []T { return list[:min(n, len(list))] }

// together sorts by key, and makes one of those with the same.
func together[T any](list []T, key func(T) string, add func(to *T, other T)) []T {
	slices.SortStableFunc(list, func(x, y T) int { return cmp.Compare(key(x), key(y)) })
	out := list[:0]
	for _, one := range list {
		if n := len(out); n > 0 && key(out[n-1]) == key(one) {
			add(&out[n-1], one)
		} else {
			out = append(out, one)
		}
	}
	return out
}

// smallest keeps the n smallest of what comes, by key. Keys are told once.
type smallest[T any] struct {
	n    int
	keys []string // sorted
	of   map[string]T
}

func (s *smallest[T]) add(key string, v func() T) {
	if len(s.keys) == s.n && key >= s.keys[s.n-1] {
		return
	}
	at, there := slices.BinarySearch(s.keys, key)
	if there {
		return
	}
	if len(s.keys) == s.n {
		delete(s.of, s.keys[s.n-1])
		s.keys = s.keys[:s.n-1]
	}
	s.keys = slices.Insert(s.keys, at, key)
	if s.of == nil {
		s.of = make(map[string]T, s.n)
	}
	s.of[key] = v()
}

func (s *smallest[T]) list() []T {
	list := make([]T, 0, len(s.keys))
	for _, key := range s.keys {
		list = append(list, s.of[key])
	}
	return list
}
