package namespaces

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/presence"
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

// seating tells the rooms of a namespace who is in them, on all nodes.
type seating struct {
	people *presence.Presence
	news   *news
}

func seats(ns *socketio.Namespace) *seating {
	p := &seating{}
	p.news = newNews(ns, func(room string) int {
		people := p.in(room)
		if len(people) > 0 {
			// It can be encoded, and who does not take it is counted elsewhere. Other
			// nodes tell their own.
			_ = People.Emit(ns.To(room).Local(), people)
		}
		return len(people)
	})
	p.people = presence.New(ns, &presence.Options{
		Describe: func(s *socketio.Socket) any {
			seat, _ := Place.Get(s)
			return seat
		},
	})
	p.people.OnChange(p.news.of)
	return p
}

// sit gives s a seat instead of the one it had, and tells both rooms. It
// answers who is in the room, and with how many bytes: as many as everybody in
// it is now told.
func (p *seating) sit(s *socketio.Socket, want Seat) (seat Seat, people []Person, bytes int, err error) {
	if seat.Room, err = tidy("room", want.Room, 32); err != nil {
		return seat, nil, 0, err
	}
	if seat.Name, err = tidy("name", want.Name, 24); err != nil {
		return seat, nil, 0, err
	}
	old, _ := Place.Get(s)
	Place.Set(s, seat)
	if err = s.Join(seat.Room); err != nil {
		Place.Set(s, old)
		return seat, nil, 0, err
	}
	if old.Room != "" && old.Room != seat.Room {
		s.Leave(old.Room)
	}
	p.people.Update(s)
	people = p.in(seat.Room)
	for _, person := range people {
		bytes += len(person.ID) + len(person.Name) + 20
	}
	if old != seat {
		bytes += bytes * len(people)
	}
	return seat, people, bytes, nil
}

// in are the people in a room, a hundred of them at most.
func (p *seating) in(room string) []Person {
	people := []Person{}
	for _, m := range p.people.In(room) {
		var seat Seat
		if err := json.Unmarshal(m.Data, &seat); err == nil && seat.Room == room {
			people = append(people, Person{m.ID, seat.Name})
		}
	}
	slices.SortFunc(people, func(a, b Person) int { return cmp.Compare(a.Name+a.ID, b.Name+b.ID) })
	return people[:min(len(people), 100)]
}
