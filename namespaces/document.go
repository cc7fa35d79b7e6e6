package namespaces

import (
	"slices"
	"unicode/utf16"

	"github.com/sockeye-io/sockeye/socketio"
)

const maxText = 20000 // UTF-16 code units, which is how browsers count

// Edit replaces Cut code units at At by Put. Heard, Version is the one it was
// made on; said, the one it made.
type Edit struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	At      int    `json:"at"`
	Cut     int    `json:"cut"`
	Put     string `json:"put"`
}

// text is a document with the ids of its latest edits.
type text struct {
	units   []uint16
	version int
	recent  []string
}

func (t *text) String() string { return string(utf16.Decode(t.units)) }

// apply makes the next version of the text, or says why e cannot be part of it.
func (t *text) apply(e Edit) error {
	put := utf16.Encode([]rune(e.Put))
	switch {
	case e.Version != t.version:
		return socketio.Errorf("stale", "the text is at version %d", t.version)
	case e.At < 0 || e.Cut < 0 || e.At > len(t.units) || e.Cut > len(t.units)-e.At || len(e.ID) > 40:
		return socketio.Errorf("edit", "the edit lies outside the text")
	case len(t.units)-e.Cut+len(put) > maxText:
		return socketio.Errorf("full", "the text may be %d characters long", maxText).With(limit(maxText))
	}
	t.units = slices.Replace(t.units, e.At, e.At+e.Cut, put...)
	t.version++
	t.recent = append(t.recent, e.ID)
	t.recent = t.recent[max(0, len(t.recent)-100):]
	return nil
}

// whole is the text for another node.
func (t *text) whole() wholeText { return wholeText{t.String(), t.version, t.recent} }

// take is another node's text, if that is newer.
func (t *text) take(theirs socketio.Raw) error {
	var w wholeText
	if err := theirs.Decode(&w); err != nil || w.Version <= t.version || len(w.Text) > 4*maxText || len(w.Recent) > 100 {
		return err
	}
	*t = text{units: utf16.Encode([]rune(w.Text)), version: w.Version, recent: w.Recent}
	return nil
}
