package socketio_test

import (
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
)

// drip sends every byte in a segment of its own.
type drip struct{ *wire }

func (d drip) Write(b []byte) (int, error) {
	for i := range b {
		if _, err := d.wire.Conn.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(b), nil
}

// A client whose every byte comes alone is answered as any other is.
func TestOneByteSegments(t *testing.T) {
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			g := newGround(t, way, &socketio.Options{Logger: slog.New(slog.DiscardHandler)})
			whole := converse(g, false)
			single := converse(g, true)
			if !slices.Equal(whole, single) {
				t.Errorf("the answers differ:\n%q\n%q", whole, single)
			}
			if len(whole) < 12 {
				t.Errorf("too few answers: %q", whole)
			}
			g.end()
			checkBooks(t, g.io.Stats())
		})
	}
}

// converse says all there is to say, and returns what is answered.
func converse(g *ground, single bool) (heard []string) {
	dripping := func(w *wire) *wire {
		if single {
			w.Conn = drip{&wire{Conn: w.Conn}}
		}
		return w
	}
	hear := func(s string) { heard = append(heard, ids.ReplaceAllString(s, `"sid":""`)) }
	long := strings.Repeat("long ", 200)

	p := &pollClient{wire: dripping(g.dial())}
	p.put(getRequest(""))
	_, body := p.answer()
	hear(body)
	p.query = "&sid=" + sidOf(body)
	p.post("40")
	hear(p.until("40{"))
	p.post(`421["echo","` + long + `"]`)
	hear(p.until("431"))
	p.post(`451-2["echo",{"_placeholder":true,"num":0}]` + "\x1ebAAEC/w==")
	p.park()
	_, body = p.answer()
	hear(body)

	w := dripping(g.dial())
	w.put(wsRequest(p.query))
	w.answer()
	w.text("2probe")
	hear(w.until("3probe"))
	p.park()
	_, body = p.answer()
	hear(body)
	w.text("5")
	w.text(`422["echo","` + long + `"]`)
	hear(w.until("432"))
	w.text(`451-3["echo",{"_placeholder":true,"num":0}]`)
	w.put(frame(opBinary, "\x00\x01\x02\xff"))
	hear(w.until("461-3"))
	hear(w.until(""))
	w.put(frame(opClose, "\x03\xe8"))
	hear(w.until("close"))
	_, _ = w.Close(), p.Close()

	w = dripping(g.dial())
	w.put(wsRequest(""))
	w.answer()
	hear(w.until("0{"))
	w.text("40")
	hear(w.until("40{"))
	w.text(`424["echo","é😀"]`)
	hear(w.until("434"))
	w.text("41")
	w.put(frame(opClose, "\x03\xe8"))
	hear(w.until("close"))
	_ = w.Close()
	return heard
}

var ids = regexp.MustCompile(`"sid":"[^"]*"`)

func sidOf(body string) string {
	_, sid, _ := strings.Cut(body, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)
	return sid
}
