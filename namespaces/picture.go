package namespaces

import (
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/socketio"
)

const (
	maxNumbers = 2002          // of one stroke: two for each point, from 0 to 1
	maxBoard   = 60000         // of all strokes of a picture; the oldest go
	maxBoards  = 30 * maxBoard // of the pictures of all rooms; one that has to give way goes as a whole

	strokeWeight = 20 // numbers that a stroke counts for beside its points: it has an id, too
)

// Stroke is a line. Its id begins with that of the socket that drew it.
type Stroke struct {
	ID    string  `json:"id"`
	Pen   string  `json:"pen"`
	Width float32 `json:"width"`
	//sockeye:nonnull
	Points []float32 `json:"points"`
}

func (t *Stroke) by(owner string) bool { return strings.HasPrefix(t.ID, owner+".") }

// check refuses what is no stroke of owner's.
func (t *Stroke) check(owner string) error {
	switch {
	case !t.by(owner) || len(t.ID) > 40 || len(t.Pen) > 12:
		return socketio.Errorf("stroke", "this is not a stroke of yours")
	case t.Width < 1 || t.Width > 40 || len(t.Points) < 2 || len(t.Points)%2 != 0 || len(t.Points) > maxNumbers:
		return socketio.Errorf("stroke", "a stroke is 1 to %d points, 1 to 40 wide", maxNumbers/2)
	case slices.ContainsFunc(t.Points, func(v float32) bool { return v < -1 || v > 2 }):
		return socketio.Errorf("stroke", "a point lies far outside the board")
	}
	return nil
}

// picture is strokes, the oldest first.
type picture struct {
	kept[Stroke]
	weight int // of all
}

func (t *Stroke) weight() int { return len(t.Points) + strokeWeight }

// add reports whether t is new: who had no answer sends it again.
func (p *picture) add(t Stroke) bool {
	if slices.ContainsFunc(p.list, func(old Stroke) bool { return old.ID == t.ID }) {
		return false
	}
	all, gone := append(p.list, t), 0
	for p.weight += t.weight(); p.weight > maxBoard; gone++ {
		p.weight -= all[gone].weight()
	}
	p.set(slices.Delete(all, 0, gone))
	return true
}

// last is the id of owner's last stroke.
func (p *picture) last(owner string) (id string, ok bool) {
	for _, t := range slices.Backward(p.list) {
		if t.by(owner) {
			return t.ID, true
		}
	}
	return "", false
}

// remove takes a stroke away, and reports whether it was there.
func (p *picture) remove(id string) bool {
	i := slices.IndexFunc(p.list, func(t Stroke) bool { return t.ID == id })
	if i < 0 {
		return false
	}
	p.weight -= p.list[i].weight()
	p.set(slices.Delete(p.list, i, i+1))
	return true
}

func (p *picture) clear() {
	p.weight = 0
	p.set(nil)
}
