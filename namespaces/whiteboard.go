package namespaces

import (
	"context"

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

// Board is the picture so far.
type Board struct {
	Strokes socketio.Raw `json:"strokes"` // of Strokes
	People  int          `json:"people"`
}

// Whiteboard is rooms with a picture in each, gone with the last who watches, or
// might again.
func Whiteboard(ns *socketio.Namespace) {
	boards := keepRooms[picture](ns)
	costs := polite(ns, 45, 90)
	chaos(ns)
	place := func(s *socketio.Socket) string { seat, _ := Place.Get(s); return seat.Room }
	watching := newNews(ns, func(room string) {
		_ = BoardPeople.Emit(ns.To(room), ns.RoomLen(room)) // a number can be encoded
	})

	BoardJoin.On(ns, func(_ context.Context, s *socketio.Socket, room string) (b Board, err error) {
		if room, err = tidy("room", room, 32); err != nil {
			return b, err
		}
		if old := place(s); old != room {
			s.Leave(old)
			if err = s.Join(room); err != nil {
				return b, err
			}
			Place.Set(s, Seat{Room: room})
			watching.of(old)
			watching.of(room)
		}
		b.People = ns.RoomLen(room)
		err = boards.in(room, func(p *picture) {
			b.Strokes = p.encoded()
			costs.charge(s, len(p.json)+overhead*b.People)
		})
		return b, err
	})

	BoardMove.On(ns, func(_ context.Context, s *socketio.Socket, t Stroke) error {
		if err := t.check(s.ID()); err != nil {
			return err
		}
		return BoardMove.Emit(s.To(place(s)).Volatile(), t)
	})

	BoardStroke.On(ns, func(_ context.Context, s *socketio.Socket, t Stroke) (none socketio.None, err error) {
		if err = t.check(s.ID()); err != nil {
			return none, err
		}
		return none, boards.in(place(s), func(p *picture) {
			if draw(boards, p, t) {
				_ = BoardDrawn.Emit(s.To(place(s)), t) // has been decoded, so can be encoded
			}
		})
	})

	BoardUndo.On(ns, func(_ context.Context, s *socketio.Socket, _ socketio.None) error {
		return boards.in(place(s), func(p *picture) {
			if id, ok := p.undo(s.ID()); ok {
				_ = BoardUndone.Emit(ns.To(place(s)), id)
			}
		})
	})

	BoardClear.On(ns, func(_ context.Context, s *socketio.Socket, _ socketio.None) error {
		return boards.in(place(s), func(p *picture) {
			p.clear()
			_ = BoardClear.Emit(ns.To(place(s)), socketio.None{})
		})
	})
}

// draw adds t to p, one of boards. It reports whether t is new. It is for an f
// of in.
func draw(boards *rooms[picture], p *picture, t Stroke) bool {
	if !p.add(t) {
		return false
	}
	boards.lightenLocked(maxBoards, func(p *picture) int { return p.weight }, (*picture).clear)
	return true
}
