package socketio

import (
	"iter"
	"slices"
)

// RoomEventKind says what happened to a room.
type RoomEventKind string

// What happens to rooms.
const (
	RoomCreated RoomEventKind = "create"
	RoomDeleted RoomEventKind = "delete"
	RoomJoined  RoomEventKind = "join"
	RoomLeft    RoomEventKind = "leave"
)

// A RoomEvent tells of a room on this node.
type RoomEvent struct {
	Kind      RoomEventKind
	Namespace *Namespace
	Room      string
	SocketID  string // of joins and leaves
}

// OnRoom has f called when rooms come and go, and when sockets join and leave
// them, the room named by a socket's own id too. It runs on the goroutine that
// caused it, or on one of its own when a socket is disconnected; with no lock
// held, and it must not block.
func (ns *Namespace) OnRoom(f func(RoomEvent)) {
	ns.reg.change(func(h *handlers) { h.room = add(h.room, f) })
}

// room is a set of sockets, as a slice: a broadcast walks it, and a member
// knows its place in it. All of it is guarded by the namespace's mu.
type room struct {
	name    string
	members []*Socket
}

// membership is a socket's side of a room it is in, guarded likewise. A
// socket's own room is not kept: its id says it all.
type membership struct {
	room *room
	at   int // its place among the members
}

// joinLocked reports whether s was not in the room before, and whether the
// room is new.
func (ns *Namespace) joinLocked(s *Socket, name string) (joined, created bool) {
	r := ns.rooms[name]
	if r == nil {
		if ns.rooms == nil {
			ns.rooms = make(map[string]*room)
		}
		r = &room{name: name}
		ns.rooms[name] = r
		created = true
	} else if s.membershipLocked(r) >= 0 {
		return false, false
	}
	s.in = append(s.in, membership{r, len(r.members)})
	r.members = append(r.members, s)
	return true, created
}

// leaveLocked takes the i-th membership of s away and reports whether that
// was the room's end.
func (ns *Namespace) leaveLocked(s *Socket, i int) (deleted bool) {
	m := s.in[i]
	last := len(s.in) - 1
	s.in[i], s.in[last] = s.in[last], membership{}
	if s.in = s.in[:last]; last == 0 {
		s.in = nil
	}
	r := m.room
	end := len(r.members) - 1
	if moved := r.members[end]; moved != s {
		r.members[m.at] = moved
		moved.in[moved.membershipLocked(r)].at = m.at
	}
	r.members[end] = nil
	if r.members = r.members[:end]; end == 0 {
		delete(ns.rooms, r.name)
		return true
	}
	if cap(r.members) > 64 && end < cap(r.members)/4 {
		r.members = slices.Clone(r.members)
	}
	return false
}

func (s *Socket) membershipLocked(r *room) int {
	for i := range s.in {
		if s.in[i].room == r {
			return i
		}
	}
	return -1
}

// roomEvents gathers what to tell when the lock is released; nil if nobody
// listens.
type roomEvents struct {
	ns   *Namespace
	tell []func(RoomEvent)
	list []RoomEvent
}

func (ns *Namespace) roomEvents() *roomEvents {
	if tell := ns.reg.load().room; tell != nil {
		return &roomEvents{ns: ns, tell: tell}
	}
	return nil
}

func (e *roomEvents) add(kind RoomEventKind, room, id string) {
	if e != nil {
		e.list = append(e.list, RoomEvent{kind, e.ns, room, id})
	}
}

// Run is send on a worker, for those that must not run code of the user's.
func (e *roomEvents) Run() { e.send() }

func (e *roomEvents) send() {
	if e == nil {
		return
	}
	for _, ev := range e.list {
		for _, f := range e.tell {
			e.ns.srv.guard("OnRoom", func() { f(ev) })
		}
	}
}

// insert makes s a member of the namespace and of rooms. The caller holds
// ns.mu and sends ev when it has released it.
func (ns *Namespace) insertLocked(s *Socket, rooms []string, ev *roomEvents) {
	if ns.byID == nil {
		ns.byID = make(map[string]*Socket)
	}
	ns.occupyLocked()
	s.at = int32(len(ns.list))
	ns.list = append(ns.list, s)
	ns.byID[s.id] = s
	s.indexed = true
	ev.add(RoomCreated, s.id, "")
	ev.add(RoomJoined, s.id, s.id)
	for _, name := range rooms {
		if joined, created := ns.joinLocked(s, name); joined {
			if created {
				ev.add(RoomCreated, name, "")
			}
			ev.add(RoomJoined, name, s.id)
		}
	}
}

// remove takes s out of the index and its rooms, whose names stay with it. The
// caller sends ev, and prunes the namespace if that was the last socket of a
// dynamic one, when it holds no lock.
func (ns *Namespace) remove(s *Socket, ev *roomEvents) (empty bool) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if !s.indexed {
		return false
	}
	s.indexed = false
	s.lastRooms = s.roomsLocked()
	for len(s.in) > 0 {
		name := s.in[len(s.in)-1].room.name
		deleted := ns.leaveLocked(s, len(s.in)-1)
		ev.add(RoomLeft, name, s.id)
		if deleted {
			ev.add(RoomDeleted, name, "")
		}
	}
	if !s.leftOwn {
		ev.add(RoomLeft, s.id, s.id)
		ev.add(RoomDeleted, s.id, "")
	}
	end := len(ns.list) - 1
	moved := ns.list[end]
	ns.list[s.at], moved.at = moved, s.at
	ns.list[end] = nil
	ns.list = ns.list[:end]
	if cap(ns.list) > 1024 && end < cap(ns.list)/4 {
		ns.list = slices.Clone(ns.list)
	}
	delete(ns.byID, s.id)
	if end == 0 {
		ns.byID = nil // give the memory of a large map back
	}
	return end == 0 && ns.parent != nil
}

// Rooms iterates over the names of the rooms that have members on this node,
// not counting the rooms named by a socket's own id.
func (ns *Namespace) Rooms() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, n := range ns.leaves() {
			n.mu.RLock()
			names := make([]string, 0, len(n.rooms))
			for name := range n.rooms {
				names = append(names, name)
			}
			n.mu.RUnlock()
			for _, name := range names {
				if !yield(name) {
					return
				}
			}
		}
	}
}

// RoomSockets iterates over the sockets that are in a room on this node when
// the loop begins, each once, in no order: those that broadcasts to the room
// reach. The loop holds no lock.
func (ns *Namespace) RoomSockets(room string) iter.Seq[*Socket] {
	return func(yield func(*Socket) bool) {
		to := ns.To(room)
		for _, s := range to.sockets() {
			if !yield(s) {
				return
			}
		}
	}
}

// RoomLen is the number of sockets in a room on this node, 0 if there is no
// such room.
func (ns *Namespace) RoomLen(name string) int {
	total := 0
	for _, n := range ns.leaves() {
		n.mu.RLock()
		if r := n.rooms[name]; r != nil {
			total += len(r.members)
		}
		if s := n.byID[name]; s != nil && !s.leftOwn {
			total++
		}
		n.mu.RUnlock()
	}
	return total
}

// Join adds the socket to rooms, where broadcasts reach it together with
// others. Joining twice is once. Past Limits.MaxRooms it returns
// [ErrTooManyRooms], after the last room that had a place; a socket that is
// not connected any more joins nothing and gets [ErrDisconnected].
func (s *Socket) Join(rooms ...string) error {
	ns := s.ns
	ev := ns.roomEvents()
	var err error
	ns.recovery.lock()
	ns.mu.Lock()
	switch {
	case s.indexed:
		for _, name := range rooms {
			if name == s.id {
				if s.leftOwn {
					s.leftOwn = false
					ev.add(RoomCreated, name, "")
					ev.add(RoomJoined, name, s.id)
				}
				continue
			}
			if len(s.in) >= ns.srv.opts.Limits.MaxRooms {
				if r := ns.rooms[name]; r != nil && s.membershipLocked(r) >= 0 {
					continue // it is there already
				}
				err = ErrTooManyRooms
				break
			}
			if joined, created := ns.joinLocked(s, name); joined {
				ns.recovery.joined(s, name)
				if created {
					ev.add(RoomCreated, name, "")
				}
				ev.add(RoomJoined, name, s.id)
			}
		}
	case s.state.Load() == connecting:
		// In a middleware: it joins when it is let in.
		place := max(0, ns.srv.opts.Limits.MaxRooms-len(s.lastRooms))
		if place < len(rooms) {
			rooms, err = rooms[:place], ErrTooManyRooms
		}
		s.lastRooms = append(s.lastRooms, rooms...)
	default:
		err = ErrDisconnected
	}
	ns.mu.Unlock()
	ns.recovery.unlock()
	if err == ErrTooManyRooms {
		ns.srv.bound("MaxRooms", s)
	}
	ev.send()
	return err
}

// Leave takes the socket out of rooms.
func (s *Socket) Leave(rooms ...string) {
	ns := s.ns
	ev := ns.roomEvents()
	ns.recovery.lock()
	ns.mu.Lock()
	for _, name := range rooms {
		if !s.indexed {
			break
		}
		if name == s.id && !s.leftOwn {
			s.leftOwn = true
			ev.add(RoomLeft, name, s.id)
			ev.add(RoomDeleted, name, "")
		}
		if r := ns.rooms[name]; r != nil {
			if i := s.membershipLocked(r); i >= 0 {
				deleted := ns.leaveLocked(s, i)
				ns.recovery.left(s, name, deleted)
				ev.add(RoomLeft, name, s.id)
				if deleted {
					ev.add(RoomDeleted, name, "")
				}
			}
		}
	}
	ns.mu.Unlock()
	ns.recovery.unlock()
	ev.send()
}

// Rooms lists the rooms the socket is in, the one named by its id first. After
// it was disconnected, until the functions of OnDisconnect have run, these are
// the rooms it was in.
func (s *Socket) Rooms() []string {
	s.ns.mu.RLock()
	defer s.ns.mu.RUnlock()
	if s.indexed {
		return s.roomsLocked()
	}
	return slices.Clone(s.lastRooms)
}

func (s *Socket) roomsLocked() []string {
	names := make([]string, 0, len(s.in)+1)
	if !s.leftOwn {
		names = append(names, s.id)
	}
	for _, m := range s.in {
		names = append(names, m.room.name)
	}
	return names
}

// InRoom reports whether the socket is in the room.
func (s *Socket) InRoom(name string) bool {
	s.ns.mu.RLock()
	defer s.ns.mu.RUnlock()
	if name == s.id && s.indexed && !s.leftOwn {
		return true
	}
	r := s.ns.rooms[name]
	return r != nil && s.membershipLocked(r) >= 0
}
