package mesh

import (
	"fmt"
	"log/slog"
	"strings"
)

// logger takes what the server inside has to say. Errors are told, as one kind
// of line for each thing it says; the rest is for debugging, and so are its
// warnings, which are about options that were chosen here.
type logger struct{ log *slog.Logger }

func (l *logger) trouble(format string, v []any) {
	what, _, _ := strings.Cut(strings.TrimPrefix(format, "%s - "), "%")
	l.log.Warn("cluster: trouble in the mesh", "at", strings.TrimRight(what, " :-(\""), "error", fmt.Sprintf(format, v...))
}

func (l *logger) Warnf(format string, v ...any)  { l.Noticef(format, v...) }
func (l *logger) Errorf(format string, v ...any) { l.trouble(format, v) }
func (l *logger) Fatalf(format string, v ...any) { l.trouble(format, v) }
func (l *logger) Noticef(format string, v ...any) {
	l.log.Debug("cluster: mesh: " + fmt.Sprintf(format, v...))
}
func (l *logger) Debugf(string, ...any) {}
func (l *logger) Tracef(string, ...any) {}
