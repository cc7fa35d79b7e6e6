package namespaces

import (
	"cmp"
	"slices"

	"github.com/sockeye-io/sockeye/socketio"
)

// People says to a room who is in it.
//
//sockeye:nonnull
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

// presence tells the rooms of a namespace who is in them.
type presence struct {
	ns   *socketio.Namespace
	news *news
}

func seats(ns *socketio.Namespace) *presence {
	p := &presence{ns: ns}
	p.news = newNews(ns, func(room string) int {
		people := p.in(room)
		if len(people) > 0 {
			_ = People.Emit(ns.To(room), people) // it can be encoded, and who does not take it is counted elsewhere
		}
		return len(people)
	})
	return p
}

// sit gives s a seat instead of the one it had, and tells both rooms. It
// answers who is in the room, and with how many bytes: as many as everybody in
// it is now told.
func (p *presence) sit(s *socketio.Socket, want Seat) (seat Seat, people []Person, bytes int, err error) {
	if seat.Room, err = tidy("room", want.Room, 32); err != nil {
		return seat, nil, 0, err
	}
	if seat.Name, err = tidy("name", want.Name, 24); err != nil {
		return seat, nil, 0, err
	}
	old, _ := Place.Get(s)
	if old.Room != "" && old.Room != seat.Room {
		s.Leave(old.Room)
		p.news.of(old.Room)
	}
	if err = s.Join(seat.Room); err != nil {
		return seat, nil, 0, err
	}
	Place.Set(s, seat)
	people = p.in(seat.Room)
	for _, person := range people {
		bytes += len(person.ID) + len(person.Name) + 20
	}
	if old != seat {
		p.news.of(seat.Room)
		bytes += bytes * len(people)
	}
	return seat, people, bytes, nil
}

// in are the people in a room, a hundred of them at most.
func (p *presence) in(room string) []Person {
	people := []Person{}
	for _, s := range everybody(p.ns, room) {
		if seat, ok := seatOf(s); ok && seat.Room == room {
			people = append(people, Person{s.ID(), seat.Name})
		}
	}
	slices.SortFunc(people, func(a, b Person) int { return cmp.Compare(a.Name+a.ID, b.Name+b.ID) })
	return people[:min(len(people), 100)]
}
