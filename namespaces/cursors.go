package namespaces

import (
	"context"
	"slices"

	"github.com/sockeye-io/sockeye/socketio"
)

// What the shared editor hears and says.
const (
	EditorJoin   socketio.Call[EditorSeat, Document] = "join"
	EditorEdit   socketio.Call[Edit, int]            = "edit"   // answers the new version
	EditorEdited socketio.Event[Edit]                = "edit"   // said to all, the editor too
	EditorCaret  socketio.Event[Caret]               = "cursor" // heard
	EditorCursor socketio.Event[Cursor]              = "cursor" // said
)

// EditorSeat also names the edit that the client never had an answer to.
type EditorSeat struct {
	Seat
	Pending string `json:"pending"`
}

// Document is the text and who is at it.
type Document struct {
	Text    string `json:"text"`
	Version int    `json:"version"`
	//sockeye:nonnull
	People  []Person `json:"people"`
	Applied bool     `json:"applied"` // the pending edit is part of the text
}

// Caret is where a caret is, counted from 1.
type Caret struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// Cursor is where somebody's caret is.
type Cursor struct {
	Caret
	UserID string `json:"userId"`
}

// Cursors is rooms with one text in each, which all edit at once. An edit says
// which version it was made on. Only one made on the latest is taken, so all
// have the same text after the same edits; the others try again.
func Cursors(ns *socketio.Namespace) {
	texts := editTogether(ns)
	costs := polite(ns, 50, 100)
	chaos(ns)
	here := seats(ns)

	EditorJoin.On(ns, func(_ context.Context, s *socketio.Socket, want EditorSeat) (d Document, err error) {
		seat, people, cost, err := here.sit(s, want.Seat)
		if err != nil {
			return d, err
		}
		err = texts.in(seat.Room, func(t *text) {
			d = Document{t.String(), t.version, people, slices.Contains(t.recent, want.Pending)}
		})
		costs.charge(s, cost+len(d.Text))
		return d, err
	})

	EditorEdit.On(ns, func(_ context.Context, s *socketio.Socket, e Edit) (int, error) {
		seat, _ := Place.Get(s)
		return texts.edit(seat.Room, e)
	})

	EditorCaret.On(ns, func(_ context.Context, s *socketio.Socket, c Caret) error {
		seat, _ := Place.Get(s)
		return EditorCursor.Emit(s.To(seat.Room).Volatile(), Cursor{c, s.ID()})
	})
}
