package mesh

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// logger takes what the server inside has to say. Errors are told, of each kind
// one in a while, since a node that is away or refused is tried each second; the
// rest is for debugging, and so are its warnings, which are about options that
// were chosen here.
type logger struct {
	log   *slog.Logger
	every time.Duration

	unreached atomic.Int64 // nodes to which a first attempt to connect has failed

	mu   sync.Mutex
	told map[string]time.Time // by kind
}

func newLogger(log *slog.Logger) *logger {
	return &logger{log: log, every: time.Minute, told: make(map[string]time.Time)}
}

// kindOf is what all lines of a format have in common: it begins with the address
// and number of a connection, which are others at each attempt, and may hold
// words of the other side.
func kindOf(format string) string {
	if _, rest, ok := strings.Cut(format, " - rid:"); ok {
		if _, rest, ok = strings.Cut(rest, " - "); ok {
			format = rest
		}
	}
	kind, _, _ := strings.Cut(format, "%")
	return strings.TrimRight(kind, " :-(\"'")
}

// due reports whether an error of this kind is to be told.
func (l *logger) due(kind string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if last, ok := l.told[kind]; ok && now.Sub(last) < l.every {
		return false
	}
	if len(l.told) >= kinds {
		clear(l.told)
	}
	l.told[kind] = now
	return true
}

// kinds is how many are remembered; the server has fewer.
const kinds = 1000

func (l *logger) Errorf(format string, v ...any) {
	away := strings.HasPrefix(format, "Error trying to connect to route (")
	if away && len(v) > 0 && v[0] == 1 {
		l.unreached.Add(1)
	}
	kind := kindOf(format)
	if !l.due(kind) {
		l.Noticef(format, v...)
		return
	}
	text := fmt.Sprintf(format, v...)
	if _, why, ok := strings.Cut(text, "): "); ok && away {
		l.log.Warn("cluster: a node of the mesh is not reached; it is tried on", "error", why)
		return
	}
	l.log.Warn("cluster: trouble in the mesh", "at", kind, "error", text)
}

func (l *logger) Fatalf(format string, v ...any) { l.Errorf(format, v...) }
func (l *logger) Warnf(format string, v ...any)  { l.Noticef(format, v...) }
func (l *logger) Noticef(format string, v ...any) {
	l.log.Debug("cluster: mesh: " + fmt.Sprintf(format, v...))
}
func (l *logger) Debugf(string, ...any) {}
func (l *logger) Tracef(string, ...any) {}
