package namespaces

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio"
)

// SlowDown tells a client why what it sent went nowhere.
const SlowDown socketio.Event[string] = "slow down"

// allowance is what a socket may still send, as of a moment.
type allowance struct {
	left     float64
	at, told time.Time
}

const allowed socketio.Key[*allowance] = "allowed"

// polite bounds what each socket of ns sends: rate events a second on average,
// burst at once, and what they cost, see budget. What is above reaches no
// handler and nobody else; the client is told, once a second. An event is
// charged with its bytes for everybody else in its sender's room; handlers
// charge what their answers cost.
func polite(ns *socketio.Namespace, rate, burst float64) *budget {
	costs := newBudget(purse)
	ns.UsePacket(func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
		now := time.Now()
		a, ok := allowed.Get(s)
		if !ok {
			a = &allowance{left: burst, at: now}
			allowed.Set(s, a)
		}
		a.left = min(burst, a.left+now.Sub(a.at).Seconds()*rate)
		a.at = now
		if a.left >= 1 && costs.solvent(s) {
			a.left--
			if seat, ok := Place.Get(s); ok {
				costs.charge(s, (size(r)+overhead)*max(0, ns.RoomLen(seat.Room)-1))
			}
			return nil
		}
		err := socketio.Errorf("slow_down", "too fast, wait a moment")
		if now.Sub(a.told) > time.Second {
			a.told = now
			ns.Server().Logger().Warn("a client is too fast for a demo: what is above its rate goes nowhere", "namespace", ns.Name(), "event", clip.Quoted(r.Event()), "client", s.Handshake().RemoteAddr())
			_ = SlowDown.Emit(s, err.Message) // a client that has left need not know
		}
		if r.WantsAck() {
			_ = r.Ack(map[string]any{"error": map[string]any{"code": err.Code, "message": err.Message}}) // likewise
		}
		return err
	})
	ns.OnError(func(_ context.Context, s *socketio.Socket, event string, err error) {
		var public *socketio.Error
		if !errors.As(err, &public) && !errors.Is(err, socketio.ErrEventRate) { // what a client did wrong it has been told; the rest is ours
			ns.Server().Logger().Warn("a demo's handler failed", "namespace", ns.Name(), "event", event, "error", err, "client", s.Handshake().RemoteAddr())
		}
	})
	return costs
}

// size is how many bytes of arguments an event has brought.
func size(r *socketio.Request) (bytes int) {
	for _, arg := range r.Args().All() {
		if text, ok := arg.JSON(); ok {
			bytes += len(text)
		} else if data, ok := arg.Bytes(); ok {
			bytes += len(data)
		}
	}
	return bytes
}

// limit is what a refusal carries for a page to tell in its reader's language.
func limit(n int) map[string]any { return map[string]any{"limit": n} }

// tidy makes a name fit for display: one line without control or direction
// characters, of at most longest characters. It refuses an empty one.
func tidy(what, text string, longest int) (string, error) {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError, unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, text)), " ")
	switch n := utf8.RuneCountInString(text); {
	case n == 0:
		return "", socketio.Errorf("empty", "the %s is empty", what)
	case n > longest:
		return "", socketio.Errorf("too_long", "a %s has %d characters at most, this has %d", what, longest, n).With(limit(longest))
	}
	return text, nil
}
