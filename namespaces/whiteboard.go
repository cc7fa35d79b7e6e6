package namespaces

import (
	"context"
	"strings"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/presence"
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
	//sockeye:type []Stroke
	//sockeye:nonnull
	Strokes socketio.Raw `json:"strokes"`
	People  int          `json:"people"`
}

// boardOp is what happens to a picture: a stroke, one less, or none any more.
type boardOp struct {
	Stroke *Stroke `json:"stroke,omitempty"`
	Undo   string  `json:"undo,omitempty"`
}

// Whiteboard is rooms with a picture in each, gone with the last who watches, or
// might again.
func Whiteboard(ns *socketio.Namespace) {
	boards := keepTogether(ns, together[picture, boardOp]{
		give: func(p *picture) any { return p.encoded() },
	})
	boards.do = func(room string, p *picture, op boardOp) {
		to := ns.To(room).Local() // what is emitted has been decoded, so it can be encoded
		switch {
		case op.Stroke != nil:
			if draw(boards.rooms, p, *op.Stroke) {
				owner, _, _ := strings.Cut(op.Stroke.ID, ".")
				_ = BoardDrawn.Emit(to.Except(owner), *op.Stroke)
			}
		case op.Undo != "":
			if p.remove(op.Undo) {
				_ = BoardUndone.Emit(to, op.Undo)
			}
		default:
			p.clear()
			_ = BoardClear.Emit(to, socketio.None{})
		}
	}
	boards.take = func(p *picture, theirs socketio.Raw) error {
		var list []Stroke
		err := theirs.Decode(&list)
		for _, t := range list {
			draw(boards.rooms, p, t)
		}
		return err
	}
	costs := polite(ns, 45, 90)
	chaos(ns)
	did := func(room string, op boardOp) error {
		return boards.in(room, func(p *picture) {
			boards.do(room, p, op)
			boards.tell(room, op)
		})
	}
	place := func(s *socketio.Socket) string { seat, _ := Place.Get(s); return seat.Room }
	watchers := presence.New(ns, nil)
	watching := newNews(ns, func(room string) int {
		people := len(watchers.In(room))
		if people > 0 {
			_ = BoardPeople.Emit(ns.To(room).Local(), people) // a number can be encoded; other nodes tell their own
		}
		return people
	})
	watchers.OnChange(watching.of)

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
		}
		b.People = len(watchers.In(room))
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
		return none, did(place(s), boardOp{Stroke: &t})
	})

	BoardUndo.On(ns, func(_ context.Context, s *socketio.Socket, _ socketio.None) error {
		return boards.in(place(s), func(p *picture) {
			if id, ok := p.last(s.ID()); ok {
				boards.do(place(s), p, boardOp{Undo: id})
				boards.tell(place(s), boardOp{Undo: id})
			}
		})
	})

	BoardClear.On(ns, func(_ context.Context, s *socketio.Socket, _ socketio.None) error {
		return did(place(s), boardOp{})
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
