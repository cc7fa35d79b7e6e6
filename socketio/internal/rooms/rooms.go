package rooms

import (
	"errors"
	"slices"
	"sync"
)

// Why a member cannot join.
var (
	ErrFull = errors.New("rooms: as many rooms as there may be")
	ErrGone = errors.New("rooms: the member has left")
)

// An Index may be used by many goroutines at once. It calls nobody under its
// lock but the function that Insert is given.
type Index[M comparable] struct {
	member func(M) (*Member[M], string)

	mu     sync.RWMutex
	list   []M          // all members, in no order
	byID   map[string]M // the same
	rooms  map[string]*room[M]
	closed bool // nobody may be inserted any more
}

// A Member is an index's side of a member, which its owner keeps for it and
// does not touch. The zero value is one that has not been inserted yet.
type Member[M comparable] struct {
	in      []membership[M]
	names   []string // the rooms to join with Insert, and after Remove those it was in
	at      int32    // its place in the list
	state   state
	leftOwn bool // it has left the room named by its id
}

type state uint8

const (
	outside state = iota
	inside
	gone
)

// room is a set of members, as a slice: a selection walks it, and a member
// knows its place in it.
type room[M comparable] struct {
	name    string
	members []M
}

// membership is a member's side of a room it is in. Its own room is not kept:
// its id says it all.
type membership[M comparable] struct {
	room *room[M]
	at   int // its place among the members
}

// New returns an empty index. member finds what is kept for a member, and its
// id, which no other has and which does not change while it is inserted.
func New[M comparable](member func(M) (*Member[M], string)) *Index[M] {
	return &Index[M]{member: member}
}

// A Kind says what happened to a room.
type Kind uint8

// What happens to rooms: somebody is the first in one, joins it, leaves it, was
// the last in it.
const (
	First Kind = iota
	Joined
	Left
	Last
)

// A Change of a room. Who is the id of who joined or left.
type Change struct {
	Kind      Kind
	Room, Who string
}

// Changes gathers what happened, in order, for whoever asks: a nil *Changes is
// told nothing.
type Changes []Change

func (c *Changes) add(k Kind, room, who string) {
	if c != nil {
		*c = append(*c, Change{k, room, who})
	}
}

// Insert makes m a member, in the rooms named and those it has joined before.
// enter is called at the moment when that takes effect: what it does comes
// before everything that is sent to a selection with m in it. It is told what m
// has joined before, and must call neither the index nor anything that waits for
// it. If it returns false, m is not inserted. Insert reports false, and does not
// call it, if the index is closed.
func (x *Index[M]) Insert(m M, names []string, told *Changes, enter func(joined []string) bool) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return false
	}
	k, id := x.member(m)
	before := k.names
	if !enter(before) {
		return true
	}
	k.names = nil
	if x.byID == nil {
		x.byID = make(map[string]M)
	}
	k.at, k.state = int32(len(x.list)), inside
	x.list = append(x.list, m)
	x.byID[id] = m
	x.enterOwn(id, told)
	for _, name := range before {
		x.join(m, k, id, name, told)
	}
	for _, name := range names {
		x.join(m, k, id, name, told)
	}
	return true
}

// Remove takes m out of the index and its rooms, whose names stay with it until
// Forget. It reports whether m was a member.
func (x *Index[M]) Remove(m M, told *Changes) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	k, id := x.member(m)
	was := k.state
	k.state = gone
	if was != inside {
		return false
	}
	k.names = k.list(id)
	for len(k.in) > 0 {
		x.leave(m, k, id, len(k.in)-1, told)
	}
	if !k.leftOwn {
		x.leaveOwn(id, told)
	}
	end := len(x.list) - 1
	moved := x.list[end]
	other, _ := x.member(moved)
	x.list[k.at], other.at = moved, k.at
	var none M
	x.list[end] = none
	x.list = x.list[:end]
	if cap(x.list) > 1024 && end < cap(x.list)/4 {
		x.list = slices.Clone(x.list)
	}
	if delete(x.byID, id); end == 0 {
		x.byID = nil // give the memory of a large map back
	}
	return true
}

// Forget drops the names that Remove has kept, or those that m was to join.
func (x *Index[M]) Forget(m M) {
	x.mu.Lock()
	k, _ := x.member(m)
	k.names = nil
	x.mu.Unlock()
}

// Join has m join rooms, at most so many, but those it is in already. What has
// not been inserted yet joins them then. The error is ErrFull or ErrGone; m has
// joined the rooms before the first that had no place.
func (x *Index[M]) Join(m M, names []string, most int, told *Changes) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	k, id := x.member(m)
	switch k.state {
	case gone:
		return ErrGone
	case outside:
		place := max(0, most-len(k.names))
		k.names = append(k.names, names[:min(place, len(names))]...)
		if place < len(names) {
			return ErrFull
		}
		return nil
	}
	for _, name := range names {
		if name != id && len(k.in) >= most && k.find(name) < 0 {
			return ErrFull
		}
		x.join(m, k, id, name, told)
	}
	return nil
}

func (x *Index[M]) join(m M, k *Member[M], id, name string, told *Changes) {
	if name == id {
		if k.leftOwn {
			k.leftOwn = false
			x.enterOwn(id, told)
		}
		return
	}
	r := x.rooms[name]
	switch {
	case r == nil:
		if x.rooms == nil {
			x.rooms = make(map[string]*room[M])
		}
		r = &room[M]{name: name}
		x.rooms[name] = r
		if !x.owned(name) {
			told.add(First, name, "")
		}
	case k.place(r) >= 0:
		return
	}
	k.in = append(k.in, membership[M]{r, len(r.members)})
	r.members = append(r.members, m)
	told.add(Joined, name, id)
}

// owned reports whether somebody whose id that is is in their own room.
func (x *Index[M]) owned(id string) bool {
	m, ok := x.byID[id]
	if !ok {
		return false
	}
	k, _ := x.member(m)
	return !k.leftOwn
}

func (x *Index[M]) enterOwn(id string, told *Changes) {
	if x.rooms[id] == nil { // others may be in a room of that name
		told.add(First, id, "")
	}
	told.add(Joined, id, id)
}

func (x *Index[M]) leaveOwn(id string, told *Changes) {
	told.add(Left, id, id)
	if x.rooms[id] == nil {
		told.add(Last, id, "")
	}
}

// Leave takes m out of rooms.
func (x *Index[M]) Leave(m M, names []string, told *Changes) {
	x.mu.Lock()
	defer x.mu.Unlock()
	k, id := x.member(m)
	if k.state != inside {
		return
	}
	for _, name := range names {
		if name == id && !k.leftOwn {
			k.leftOwn = true
			x.leaveOwn(id, told)
		}
		if i := k.find(name); i >= 0 {
			x.leave(m, k, id, i, told)
		}
	}
}

// leave takes the i-th membership of m away.
func (x *Index[M]) leave(m M, k *Member[M], id string, i int, told *Changes) {
	gone := k.in[i]
	last := len(k.in) - 1
	k.in[i], k.in[last] = k.in[last], membership[M]{}
	if k.in = k.in[:last]; last == 0 {
		k.in = nil
	}
	r := gone.room
	end := len(r.members) - 1
	if moved := r.members[end]; moved != m {
		r.members[gone.at] = moved
		other, _ := x.member(moved)
		other.in[other.place(r)].at = gone.at
	}
	var none M
	r.members[end] = none
	r.members = r.members[:end]
	told.add(Left, r.name, id)
	if end == 0 {
		delete(x.rooms, r.name)
		if !x.owned(r.name) {
			told.add(Last, r.name, "")
		}
		return
	}
	if cap(r.members) > 64 && end < cap(r.members)/4 {
		r.members = slices.Clone(r.members)
	}
}

// Close closes an index that is empty, or any if forced, and reports whether it
// is closed now.
func (x *Index[M]) Close(force bool) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = x.closed || force || len(x.list) == 0
	return x.closed
}

// Closed reports whether nobody can be inserted any more.
func (x *Index[M]) Closed() bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.closed
}
