package namespaces

import (
	"cmp"
	"context"
	"slices"
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
	//sockeye:nonnull
	People []Person `json:"people"`
	//sockeye:type []Line
	//sockeye:nonnull
	History socketio.Raw `json:"history"`
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
	history := keepTogether(ns, together[kept[Line], Line]{
		do: func(room string, lines *kept[Line], line Line) {
			remember(lines, line)
			_ = ChatLine.Emit(ns.To(room).Except(line.From).Local(), line) // text can be encoded
		},
		give: func(lines *kept[Line]) any { return lines.encoded() },
		take: func(lines *kept[Line], theirs socketio.Raw) error {
			var list []Line
			err := theirs.Decode(&list)
			remember(lines, list...)
			return err
		},
	})
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
			history.do(seat.Room, lines, line)
			history.tell(seat.Room, line)
		})
		return line, err
	})

	ChatType.On(ns, func(_ context.Context, s *socketio.Socket, on bool) error {
		seat, _ := Place.Get(s)
		return ChatTyping.Emit(s.To(seat.Room).Volatile(), Typing{Person{s.ID(), seat.Name}, on})
	})
}

// remember adds lines to those that are kept, in order of time: the last 50.
func remember(lines *kept[Line], more ...Line) {
	all := slices.Concat(lines.list, more)
	slices.SortStableFunc(all, func(a, b Line) int { return cmp.Compare(a.At, b.At) })
	all = slices.Compact(all) // what two nodes have told
	lines.set(all[max(0, len(all)-50):])
}
