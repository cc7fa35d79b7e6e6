package namespaces

import (
	"context"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/socketio"
)

// What the whiteboard hears and says. Strokes that are being drawn travel as
// moves, which may get lost; finished ones are kept.
const (
	BoardJoin   socketio.Call[string, Board]         = "join"
	BoardStroke socketio.Call[Stroke, socketio.None] = "stroke"
	BoardDrawn  socketio.Event[Stroke]               = "stroke" // said
	BoardMove   socketio.Event[Stroke]               = "move"
	BoardUndo   socketio.Event[socketio.None]        = "undo" // heard
	BoardUndone socketio.Event[string]               = "undo" // said: a stroke's id
	BoardClear  socketio.Event[socketio.None]        = "clear"
	BoardPeople socketio.Event[int]                  = "people"
)

const (
	maxNumbers = 2002  // of one stroke: two for each point, from 0 to 1
	maxBoard   = 60000 // of all strokes of a board; the oldest go
)

// Stroke is a line. Its id begins with that of the socket that drew it.
type Stroke struct {
	ID     string    `json:"id"`
	Pen    string    `json:"pen"`
	Width  float32   `json:"width"`
	Points []float32 `json:"points"`
}

// Board is the picture so far.
type Board struct {
	Strokes []Stroke `json:"strokes"`
	People  int      `json:"people"`
}

func (t *Stroke) check(s *socketio.Socket) error {
	switch {
	case !strings.HasPrefix(t.ID, s.ID()+".") || len(t.ID) > 40 || len(t.Pen) > 12:
		return socketio.Errorf("stroke", "this is not a stroke of yours")
	case t.Width < 1 || t.Width > 40 || len(t.Points) < 2 || len(t.Points)%2 != 0 || len(t.Points) > maxNumbers:
		return socketio.Errorf("stroke", "a stroke is 1 to %d points, 1 to 40 wide", maxNumbers/2)
	case slices.ContainsFunc(t.Points, func(v float32) bool { return v < -1 || v > 2 }):
		return socketio.Errorf("stroke", "a point lies far outside the board")
	}
	return nil
}

// Whiteboard is rooms with a picture in each, gone with the last who watches.
func Whiteboard(ns *socketio.Namespace) {
	boards := keepRooms[[]Stroke](ns)
	polite(ns, 45, 90)
	chaos(ns)
	count := func(room string) {
		telling.Lock()
		defer telling.Unlock()
		_ = BoardPeople.Emit(ns.To(room), max(0, ns.RoomLen(room)))
	}
	place := func(s *socketio.Socket) string { seat, _ := Place.Get(s); return seat.Room }

	BoardJoin.On(ns, func(_ context.Context, s *socketio.Socket, room string) (b Board, err error) {
		if room, err = tidy("room", room, 32); err != nil {
			return b, err
		}
		if place(s) != room {
			s.Leave(place(s))
		}
		Place.Set(s, Seat{Room: room})
		if err = s.Join(room); err != nil {
			return b, err
		}
		count(room)
		b.People = ns.RoomLen(room)
		return b, boards.in(room, func(strokes *[]Stroke) { b.Strokes = append([]Stroke{}, *strokes...) })
	})
	ns.OnDisconnect(func(_ context.Context, s *socketio.Socket, _ socketio.DisconnectReason) { count(place(s)) })

	BoardMove.On(ns, func(_ context.Context, s *socketio.Socket, t Stroke) error {
		if err := t.check(s); err != nil {
			return err
		}
		return BoardMove.Emit(s.To(place(s)).Volatile(), t)
	})

	BoardStroke.On(ns, func(_ context.Context, s *socketio.Socket, t Stroke) (none socketio.None, err error) {
		if err = t.check(s); err != nil {
			return none, err
		}
		return none, boards.in(place(s), func(strokes *[]Stroke) {
			*strokes = append(*strokes, t)
			sum := 0
			for i, old := range slices.Backward(*strokes) {
				if sum += len(old.Points); sum > maxBoard {
					*strokes = slices.Clone((*strokes)[i+1:])
					break
				}
			}
			_ = BoardDrawn.Emit(s.To(place(s)), t) // has been decoded, so can be encoded
		})
	})

	BoardUndo.On(ns, func(_ context.Context, s *socketio.Socket, _ socketio.None) error {
		return boards.in(place(s), func(strokes *[]Stroke) {
			for i, t := range slices.Backward(*strokes) {
				if strings.HasPrefix(t.ID, s.ID()+".") {
					*strokes = slices.Delete(*strokes, i, i+1)
					_ = BoardUndone.Emit(ns.To(place(s)), t.ID)
					return
				}
			}
		})
	})

	BoardClear.On(ns, func(_ context.Context, s *socketio.Socket, _ socketio.None) error {
		return boards.in(place(s), func(strokes *[]Stroke) {
			*strokes = nil
			_ = BoardClear.Emit(ns.To(place(s)), socketio.None{})
		})
	})
}
