package namespaces

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/socketio"
)

// What the chat hears and says.
const (
	ChatJoin   socketio.Call[Seat, Arrival] = "join"
	ChatSay    socketio.Call[string, Line]  = "say"
	ChatLine   socketio.Event[Line]         = "line"
	ChatType   socketio.Event[bool]         = "typing" // heard
	ChatTyping socketio.Event[Typing]       = "typing" // said
)

const maxLine = 500 // characters

// Arrival is what a newcomer is told.
type Arrival struct {
	Seat
	People  []Person     `json:"people"`
	History socketio.Raw `json:"history"` // of Lines
}

// Line is something said, At Unix milliseconds.
type Line struct {
	From string `json:"from"`
	Name string `json:"name"`
	Text string `json:"text"`
	At   int64  `json:"at"`
}

// Typing is somebody who has begun, or ceased, to write.
type Typing struct {
	Person
	On bool `json:"on"`
}

// Chat is rooms in which people talk. A room remembers its last 50 lines for
// as long as somebody is in it, or may come back.
func Chat(ns *socketio.Namespace) {
	history := keepRooms[kept[Line]](ns)
	costs := polite(ns, 5, 15)
	here := seats(ns)

	ChatJoin.On(ns, func(_ context.Context, s *socketio.Socket, want Seat) (a Arrival, err error) {
		var cost int
		if a.Seat, a.People, cost, err = here.sit(s, want); err != nil {
			return a, err
		}
		err = history.in(a.Room, func(lines *kept[Line]) {
			a.History = lines.encoded()
			cost += len(lines.json)
		})
		costs.charge(s, cost)
		return a, err
	})

	ChatSay.On(ns, func(_ context.Context, s *socketio.Socket, text string) (Line, error) {
		seat, _ := Place.Get(s)
		if n := utf8.RuneCountInString(text); n == 0 || n > maxLine {
			return Line{}, socketio.Errorf("length", "a line has 1 to %d characters, this has %d", maxLine, n).With(limit(maxLine))
		}
		line := Line{From: s.ID(), Name: seat.Name, Text: text, At: time.Now().UnixMilli()}
		err := history.in(seat.Room, func(lines *kept[Line]) {
			all := append(lines.list, line)
			lines.set(all[max(0, len(all)-50):])
			_ = ChatLine.Emit(s.To(seat.Room), line) // text can be encoded
		})
		return line, err
	})

	ChatType.On(ns, func(_ context.Context, s *socketio.Socket, on bool) error {
		seat, _ := Place.Get(s)
		return ChatTyping.Emit(s.To(seat.Room).Volatile(), Typing{Person{s.ID(), seat.Name}, on})
	})
}
