package namespaces

import (
	"fmt"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// A stroke whose answer was lost is sent again, and is on the board once.
func TestStrokeComesAgain(t *testing.T) {
	in(t, Whiteboard, func(t *testing.T, _ *socketio.Namespace, join func() *socketiotest.Client) {
		ann, ben := join(), join()
		for _, c := range []*socketiotest.Client{ann, ben} {
			if _, err := socketiotest.Ask(c, BoardJoin, "a"); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range []string{".1", ".1", ".2"} {
			if _, err := socketiotest.Ask(ann, BoardStroke, Stroke{ann.ID() + id, "ink", 5, []float32{0, 0}}); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range []string{".1", ".2"} {
			if stroke := socketiotest.Next(ben, BoardDrawn); stroke.ID != ann.ID()+id {
				t.Errorf("heard %s, want %s", stroke.ID, id)
			}
		}
		if b, err := socketiotest.Ask(ben, BoardJoin, "a"); err != nil || len(list[Stroke](t, b.Strokes)) != 2 {
			t.Errorf("%v: %v", err, b.Strokes)
		}
	})
}

// Many small strokes are no way to a picture that is large to send.
func TestPictureOfDots(t *testing.T) {
	var p picture
	for i := range 2 * maxBoard / strokeWeight {
		p.add(Stroke{fmt.Sprint("aaaaaaaaaaaaaaaaaaaa.", i), "ink", 5, []float32{.1234567, .1234567}})
	}
	for range 100 { // what is undone weighs nothing
		id, _ := p.last("aaaaaaaaaaaaaaaaaaaa")
		p.remove(id)
	}
	for i := range 100 {
		p.add(Stroke{fmt.Sprint("b.", i), "ink", 5, []float32{0, 0}})
	}
	p.encoded()
	if len(p.list) != maxBoard/(2+strokeWeight) || len(p.json) > 600_000 {
		t.Errorf("%d strokes, %d bytes", len(p.list), len(p.json))
	}
}
