package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
	"github.com/sockeye-io/sockeye/socketio"
)

const framesPerSecond = 200

// frames writes a line for every packet of the sockets that were chosen, while the
// program runs, at debug and whatever its level of logging is: names, lengths and
// times, never what an event carries. It has a bound of its own, as lines of which
// most are left out would show nothing.
type frames struct {
	io    *socketio.Server
	lines *slog.Logger // the limits of others do not hold here

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
			tell(s, "frame: handled", r.Event(), "arguments", r.Len(), "took", took)
		},
		Unheard: func(s *socketio.Socket, event string) { tell(s, "frame: no handler", event) },
		Frame: func(s *socketio.Socket, p socketio.Frame) {
			what, kind := "frame: in", "event"
			if p.Out {
				what = "frame: out"
			}
			if p.Event == "" {
				kind = "ack"
			}
			tell(s, what, p.Event, "type", kind, "bytes", p.Bytes, "buffered", s.Buffered())
		},
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
	r := slog.NewRecord(time.Now(), slog.LevelDebug, what, 0)
	r.Add(attrs...)
	_ = f.lines.Handler().Handle(context.Background(), r) // a log that cannot be written has nowhere to say so
}

// readFrames has those frames logged that are named by the file of --log-frames.
// If that makes no sense, it is as it was.
func (s *Server) readFrames() {
	name := s.config.LogFrames
	log := s.frames.lines // no client can cause these lines
	of, err := readChoice(name)
	if err == nil {
		err = s.frames.choose(of)
	}
	switch {
	case err != nil:
		log.Warn("whose frames are logged stays as it was", "file", name, "error", clip.Text(err.Error()))
	case of == "":
		log.Info("nobody's frames are logged", "file", name)
	default:
		log.Info("frames are logged", "of", clip.Whom(of), "file", name)
	}
}

const maxChoice = 1 << 10 // bytes of the file

func readChoice(name string) (string, error) {
	if name == "" {
		return "", errors.New("no file says whose: start with --log-frames FILE")
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is no plain file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxChoice+1))
	if err != nil {
		return "", err
	}
	of := strings.TrimSpace(string(text))
	if len(text) > maxChoice || strings.ContainsAny(of, "\r\n") {
		return "", errors.New("the file has one line: a namespace, an address, or the beginning of an id")
	}
	return of, nil
}

// listenForFrames reads the file again whenever the system has such a signal and
// somebody sends it. It returns how to end that.
func (s *Server) listenForFrames() (stop func()) {
	if s.config.LogFrames != "" {
		s.readFrames()
	}
	if len(framesSignals) == 0 {
		return func() {}
	}
	asked, ended := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(asked, framesSignals...)
	go func() {
		defer close(ended)
		for range asked {
			s.readFrames()
		}
	}()
	return func() {
		signal.Stop(asked)
		close(asked)
		<-ended
	}
}
