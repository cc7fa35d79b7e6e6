package socketio

import (
	"iter"

	"github.com/sockeye-io/sockeye/socketio/internal/rooms"
)

// RoomEventKind says what happened to a room on this node.
type RoomEventKind string

// What happens to rooms: they are created before their first socket joins, and
// deleted after their last has left.
const (
	RoomCreated RoomEventKind = "create"
	RoomDeleted RoomEventKind = "delete"
	RoomJoined  RoomEventKind = "join"
	RoomLeft    RoomEventKind = "leave"
)

// A RoomEvent tells of a room on this node; see [Namespace.OnRoom].
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

// seat is what the index keeps for a socket.
func seat(s *Socket) (*rooms.Member[*Socket], string) { return &s.seat, s.id }

// roomEvents gathers what to tell when no lock is held; nil if nobody listens.
type roomEvents struct {
	ns   *Namespace
	tell []func(RoomEvent)
	list rooms.Changes
}

func (ns *Namespace) roomEvents() *roomEvents {
	tell := ns.reg.load().room
	if tell == nil && ns.recovery == nil && !ns.srv.cluster.wantsRooms() {
		return nil
	}
	return &roomEvents{ns: ns, tell: tell}
}

// changes is where the index tells what it does; nil if nobody listens.
func (e *roomEvents) changes() *rooms.Changes {
	if e == nil {
		return nil
	}
	return &e.list
}

// route tells the other nodes of a cluster, as far as they want to know. It runs
// no code of the user's.
func (e *roomEvents) route() {
	if e != nil && e.ns.srv.cluster.wantsRooms() {
		e.ns.srv.cluster.roomsChanged(e.ns, e.list)
	}
}

// Run is send on a worker, for those that must not run code of the user's.
func (e *roomEvents) Run() { e.send() }

func (e *roomEvents) send() {
	if e == nil || e.tell == nil {
		return
	}
	for _, c := range e.list {
		ev := RoomEvent{Namespace: e.ns, Room: c.Room, SocketID: c.Who}
		switch c.Kind {
		case rooms.First:
			ev.Kind = RoomCreated
		case rooms.Joined:
			ev.Kind = RoomJoined
		case rooms.Left:
			ev.Kind = RoomLeft
		case rooms.Last:
			ev.Kind = RoomDeleted
		}
		for _, f := range e.tell {
			e.ns.srv.guard("OnRoom", func() { f(ev) })
		}
	}
}

// Rooms iterates over the names of the rooms that have members on this node
// when the loop begins, in no order, and not counting the rooms named by a
// socket's own id. [Namespace.AllRooms] are those of all nodes.
func (ns *Namespace) Rooms() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, n := range ns.leaves() {
			for _, name := range n.index.Rooms() {
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
		total += n.index.RoomLen(name)
	}
	return total
}

// Join adds the socket to rooms, where broadcasts reach it together with
// others. Joining twice is once. Past Limits.MaxRooms it returns
// [ErrTooManyRooms], after the last room that had a place; a socket that is
// not connected any more joins nothing and gets [ErrDisconnected]. In a
// middleware, it joins when it is let in. There is no need to leave: a socket
// that is disconnected is in no room any more.
func (s *Socket) Join(names ...string) error {
	ev, err := s.enterRooms(names)
	ev.send()
	if err == ErrTooManyRooms {
		s.bound(BoundMaxRooms)
	}
	return err
}

// enterRooms is Join without its calls of user code: the caller sends ev, and tells
// of the bound.
func (s *Socket) enterRooms(names []string) (ev *roomEvents, err error) {
	if s.state.Load() == disconnected {
		return nil, ErrDisconnected
	}
	ns := s.ns
	ev = ns.roomEvents()
	ns.recovery.lock()
	err = ns.index.Join(s, names, ns.srv.opts.Limits.MaxRooms, ev.changes())
	ns.recovery.moved(s, ev)
	ns.recovery.unlock()
	ev.route()
	switch err {
	case rooms.ErrFull:
		return ev, ErrTooManyRooms
	case rooms.ErrGone:
		return ev, ErrDisconnected
	}
	return ev, nil
}

// Leave takes the socket out of rooms.
func (s *Socket) Leave(names ...string) { s.leaveRooms(names).send() }

// leaveRooms is Leave without its calls of user code: the caller sends ev.
func (s *Socket) leaveRooms(names []string) (ev *roomEvents) {
	ns := s.ns
	ev = ns.roomEvents()
	ns.recovery.lock()
	ns.index.Leave(s, names, ev.changes())
	ns.recovery.moved(s, ev)
	ns.recovery.unlock()
	ev.route()
	return ev
}

// Rooms lists the rooms the socket is in, the one named by its id first. After
// it was disconnected, until the functions of OnDisconnect have run, these are
// the rooms it was in.
func (s *Socket) Rooms() []string { return s.ns.index.Names(s) }

// InRoom reports whether the socket is in the room.
func (s *Socket) InRoom(name string) bool { return s.ns.index.In(s, name) }
