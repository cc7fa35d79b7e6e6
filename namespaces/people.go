package namespaces

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/sockeye-io/sockeye/socketio"
)

// People says to a room who is in it.
const People socketio.Event[[]Person] = "people"

// Place is the seat a socket has taken.
const Place socketio.Key[Seat] = "seat"

// Seat is a room and the name under which somebody is in it.
type Seat struct {
	Room string `json:"room"`
	Name string `json:"name"`
}

// Person is somebody in a room.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// sit gives s a seat instead of the one it had, and tells both rooms.
func sit(ctx context.Context, s *socketio.Socket, want Seat) (seat Seat, people []Person, err error) {
	if seat.Room, err = tidy("room", want.Room, 32); err != nil {
		return seat, nil, err
	}
	if seat.Name, err = tidy("name", want.Name, 24); err != nil {
		return seat, nil, err
	}
	if old, ok := Place.Get(s); ok && old.Room != seat.Room {
		s.Leave(old.Room)
		tell(s.Namespace(), old.Room)
	}
	if err = s.Join(seat.Room); err != nil {
		return seat, nil, err
	}
	Place.Set(s, seat)
	return seat, tell(s.Namespace(), seat.Room), nil
}

// noticeLeaving has the room told when somebody's connection ends.
func noticeLeaving(ns *socketio.Namespace) {
	ns.OnDisconnect(func(_ context.Context, s *socketio.Socket, _ socketio.DisconnectReason) {
		if seat, ok := Place.Get(s); ok {
			tell(ns, seat.Room)
		}
	})
}

// telling is held while it is counted who is in a room and the room is told,
// so that what a room hears last is how it is.
var telling sync.Mutex

func tell(ns *socketio.Namespace, room string) []Person {
	telling.Lock()
	defer telling.Unlock()
	people := []Person{}
	for s := range ns.Sockets() {
		if seat, ok := Place.Get(s); ok && seat.Room == room {
			people = append(people, Person{s.ID(), seat.Name})
		}
	}
	slices.SortFunc(people, func(a, b Person) int { return cmp.Compare(a.Name+a.ID, b.Name+b.ID) })
	people = people[:min(len(people), 100)]
	_ = People.Emit(ns.To(room), people) // it can be encoded, and who does not take it is counted elsewhere
	return people
}
