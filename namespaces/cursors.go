package namespaces

import (
	"context"
	"slices"
	"unicode/utf16"

	"github.com/sockeye-io/sockeye/socketio"
)

// What the shared editor hears and says.
const (
	EditorJoin   socketio.Call[EditorSeat, Document] = "join"
	EditorEdit   socketio.Call[Edit, int]            = "edit" // answers the new version
	EditorEdited socketio.Event[Edit]                = "edit" // said to all, the editor too
	EditorCursor socketio.Event[Cursor]              = "cursor"
)

const maxText = 20000 // UTF-16 code units, which is how browsers count

// EditorSeat also names the edit that the client never had an answer to.
type EditorSeat struct {
	Seat
	Pending string `json:"pending"`
}

// Document is the text and who is at it.
type Document struct {
	Text    string   `json:"text"`
	Version int      `json:"version"`
	People  []Person `json:"people"`
	Applied bool     `json:"applied"` // the pending edit is part of the text
}

// Edit replaces Cut code units at At by Put. Heard, Version is the one it was
// made on; said, the one it made.
type Edit struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	At      int    `json:"at"`
	Cut     int    `json:"cut"`
	Put     string `json:"put"`
}

// Cursor is where somebody's caret is, counted from 1.
type Cursor struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	UserID string `json:"userId"`
}

// text is a document with the ids of its latest edits.
type text struct {
	units   []uint16
	version int
	recent  []string
}

// Cursors is rooms with one text in each, which all edit at once. An edit says
// which version it was made on. Only one made on the latest is taken, so all
// have the same text after the same edits; the others try again.
func Cursors(ns *socketio.Namespace) {
	texts := keepRooms[text](ns)
	polite(ns, 50, 100)
	chaos(ns)
	noticeLeaving(ns)

	EditorJoin.On(ns, func(ctx context.Context, s *socketio.Socket, want EditorSeat) (d Document, err error) {
		seat, people, err := sit(ctx, s, want.Seat)
		if err != nil {
			return d, err
		}
		return d, texts.in(seat.Room, func(t *text) {
			d = Document{string(utf16.Decode(t.units)), t.version, people, slices.Contains(t.recent, want.Pending)}
		})
	})

	EditorEdit.On(ns, func(_ context.Context, s *socketio.Socket, e Edit) (version int, err error) {
		seat, _ := Place.Get(s)
		inErr := texts.in(seat.Room, func(t *text) {
			put := utf16.Encode([]rune(e.Put))
			switch {
			case e.Version != t.version:
				err = socketio.Errorf("stale", "the text is at version %d", t.version)
			case e.At < 0 || e.Cut < 0 || e.At > len(t.units) || e.Cut > len(t.units)-e.At || len(e.ID) > 40:
				err = socketio.Errorf("edit", "the edit lies outside the text")
			case len(t.units)-e.Cut+len(put) > maxText:
				err = socketio.Errorf("full", "the text may be %d characters long", maxText)
			default:
				t.units = slices.Replace(t.units, e.At, e.At+e.Cut, put...)
				t.version++
				t.recent = append(t.recent, e.ID)
				t.recent = t.recent[max(0, len(t.recent)-100):]
				e.Version, version = t.version, t.version
				err = EditorEdited.Emit(ns.To(seat.Room), e)
			}
		})
		if inErr != nil {
			return 0, inErr
		}
		return version, err
	})

	EditorCursor.On(ns, func(_ context.Context, s *socketio.Socket, c Cursor) error {
		seat, _ := Place.Get(s)
		return EditorCursor.Emit(s.To(seat.Room).Volatile(), Cursor{c.Line, c.Column, s.ID()})
	})
}
