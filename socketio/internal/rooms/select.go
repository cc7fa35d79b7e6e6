package rooms

import "slices"

// Select appends to list who is in one of the rooms to, each once, but nobody
// who is in one of except, and not but, which may be the zero value. Without any
// room, all are selected.
func (x *Index[M]) Select(list []M, to, except []string, but M) []M {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if len(to) == 0 {
		return x.filter(list, x.list, nil, except, but)
	}
	for i, name := range to {
		seen := to[:i]
		if r := x.rooms[name]; r != nil {
			list = x.filter(list, r.members, seen, except, but)
		}
		// The member of that id is in no room of that name but its own.
		if m, ok := x.byID[name]; ok && m != but {
			if k, _ := x.member(m); !k.leftOwn && !x.inAny(m, seen) && !x.inAny(m, except) {
				list = append(list, m)
			}
		}
	}
	return list
}

// filter appends to list those of all who are in none of seen and except, and not
// but. Without rooms to keep out of, nobody is looked at.
func (x *Index[M]) filter(list, all []M, seen, except []string, but M) []M {
	var none M
	if len(seen)+len(except) > 0 {
		for _, m := range all {
			if m != but && !x.inAny(m, seen) && !x.inAny(m, except) {
				list = append(list, m)
			}
		}
		return list
	}
	if but == none {
		return append(list, all...)
	}
	for i, m := range all {
		if m == but {
			return append(append(list, all[:i]...), all[i+1:]...)
		}
	}
	return append(list, all...)
}

func (x *Index[M]) inAny(m M, names []string) bool {
	if len(names) == 0 {
		return false
	}
	k, id := x.member(m)
	for _, name := range names {
		if name == id && !k.leftOwn || k.find(name) >= 0 {
			return true
		}
	}
	return false
}

// All returns all members.
func (x *Index[M]) All() []M {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Clone(x.list)
}

// Find finds a member by its id.
func (x *Index[M]) Find(id string) (M, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	m, ok := x.byID[id]
	return m, ok
}

// Len is the number of members.
func (x *Index[M]) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.list)
}

// RoomLen is the number of members in a room.
func (x *Index[M]) RoomLen(name string) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	n := 0
	if r := x.rooms[name]; r != nil {
		n = len(r.members)
	}
	if x.owned(name) {
		n++
	}
	return n
}

// Rooms lists the rooms that somebody is in, but those named by an id.
func (x *Index[M]) Rooms() []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	names := make([]string, 0, len(x.rooms))
	for name := range x.rooms {
		names = append(names, name)
	}
	return names
}

// Names lists the rooms that m is in, that named by its id first; before and
// after that, those it is to join, and those it was in.
func (x *Index[M]) Names(m M) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	k, id := x.member(m)
	if k.state != inside {
		return slices.Clone(k.names)
	}
	return k.list(id)
}

// In reports whether m is in a room.
func (x *Index[M]) In(m M, name string) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	k, id := x.member(m)
	return k.state == inside && (name == id && !k.leftOwn || k.find(name) >= 0)
}

func (k *Member[M]) list(id string) []string {
	names := make([]string, 0, len(k.in)+1)
	if !k.leftOwn {
		names = append(names, id)
	}
	for i := range k.in {
		names = append(names, k.in[i].room.name)
	}
	return names
}

// find is the place of a membership by its name, -1 if there is none.
func (k *Member[M]) find(name string) int {
	for i := range k.in {
		if k.in[i].room.name == name {
			return i
		}
	}
	return -1
}

func (k *Member[M]) place(r *room[M]) int {
	for i := range k.in {
		if k.in[i].room == r {
			return i
		}
	}
	return -1
}
