package mesh

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// logger takes what the server inside has to say. Errors are told, of each kind
// one in a while, since a node that is away or refused is tried each second; the
// rest is for debugging, and so are its warnings, which are about options that
// were chosen here.
type logger struct {
	log   *slog.Logger
	every time.Duration

	mu   sync.Mutex
	told map[string]time.Time // by format
}

func newLogger(log *slog.Logger) *logger {
	return &logger{log: log, every: time.Minute, told: make(map[string]time.Time)}
}

// due reports whether an error of this format is to be told.
func (l *logger) due(format string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, ok := l.told[format]; ok && time.Since(last) < l.every || len(l.told) > 1000 {
		return false
	}
	l.told[format] = time.Now()
	return true
}

func (l *logger) Errorf(format string, v ...any) {
	if !l.due(format) {
		l.Noticef(format, v...)
		return
	}
	what, _, _ := strings.Cut(strings.TrimPrefix(format, "%s - "), "%")
	l.log.Warn("cluster: trouble in the mesh", "at", strings.TrimRight(what, " :-(\""), "error", fmt.Sprintf(format, v...))
}

func (l *logger) Fatalf(format string, v ...any) { l.Errorf(format, v...) }
func (l *logger) Warnf(format string, v ...any)  { l.Noticef(format, v...) }
func (l *logger) Noticef(format string, v ...any) {
	l.log.Debug("cluster: mesh: " + fmt.Sprintf(format, v...))
}
func (l *logger) Debugf(string, ...any) {}
func (l *logger) Tracef(string, ...any) {}
