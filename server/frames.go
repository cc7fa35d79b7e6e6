package server

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio"
)

const framesPerSecond = 200

// frames writes a line for every event of the sockets that were chosen, while the
// program runs, whatever its level of logging is: names, numbers and times, never
// what an event carries. It has a bound of its own, as lines of which most are left
// out would show nothing.
type frames struct {
	io    *socketio.Server
	lines *slog.Logger

	mu      sync.Mutex
	stop    func() // nil while nothing is chosen
	second  int64
	n       int
	skipped int
}

// choose has the events logged of a namespace ("/chat"), of an address or of a
// socket's id, of which the beginning will do; of none with "".
func (f *frames) choose(of string) error {
	var wanted func(s *socketio.Socket) bool
	switch addr, err := netip.ParseAddr(of); {
	case of == "":
	case strings.HasPrefix(of, "/"):
		wanted = func(s *socketio.Socket) bool { return s.Namespace().Name() == of }
	case err == nil:
		wanted = func(s *socketio.Socket) bool {
			host, _, err := net.SplitHostPort(s.Handshake().RemoteAddr())
			if err != nil {
				host = s.Handshake().RemoteAddr()
			}
			got, err := netip.ParseAddr(host)
			return err == nil && got.Unmap() == addr.Unmap()
		}
	case len(of) >= 8:
		wanted = func(s *socketio.Socket) bool { return strings.HasPrefix(s.ID(), of) }
	default:
		return errors.New("whose frames: a namespace with its slash, an address, or 8 characters of an id or more")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
	if wanted != nil {
		f.stop = f.io.Watch(f.trace(wanted))
	}
	return nil
}

func (f *frames) trace(wanted func(s *socketio.Socket) bool) *socketio.Trace {
	tell := func(s *socketio.Socket, what, event string, more ...any) {
		if wanted(s) {
			f.line(what, append(append(who(s), "event", clip.Quoted(event)), more...))
		}
	}
	return &socketio.Trace{
		Handled: func(s *socketio.Socket, r *socketio.Request, took time.Duration) {
			tell(s, "frame: event handled", r.Event(), "arguments", r.Len(), "took", took)
		},
		Unheard: func(s *socketio.Socket, event string) { tell(s, "frame: event without a handler", event) },
		Sent:    func(s *socketio.Socket, event string) { tell(s, "frame: sent", event, "buffered", s.Buffered()) },
		Dropped: func(s *socketio.Socket, event string, why socketio.Drop) {
			tell(s, "frame: dropped", event, "why", string(why))
		},
	}
}

func (f *frames) line(what string, attrs []any) {
	f.mu.Lock()
	if s := time.Now().Unix(); s != f.second {
		f.second, f.n = s, 0
	}
	f.n++
	full := f.n > framesPerSecond
	if full {
		f.skipped++
	}
	skipped := f.skipped
	if !full {
		f.skipped = 0
	}
	f.mu.Unlock()
	if full {
		return
	}
	if skipped > 0 {
		attrs = append(attrs, "skipped", skipped)
	}
	f.lines.Info(what, attrs...)
}
