package socketio

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/internal/clip"
)

// hints are the lines of Options.Dev: what a client did that nobody waits for,
// which is mostly a misspelt name. Each is written once in a minute, and so many
// in all.
type hints struct {
	mu    sync.Mutex
	since time.Time
	told  map[string]bool
}

const hintsPerMinute = 20

// due reports whether a line is to be written, and whether it is the last for a
// while.
func (h *hints) due(key string) (due, last bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); h.told == nil || now.Sub(h.since) >= time.Minute {
		h.since, h.told = now, make(map[string]bool)
	}
	if len(h.told) >= hintsPerMinute || h.told[key] {
		return false, false
	}
	h.told[key] = true
	return true, len(h.told) == hintsPerMinute
}

// unheard counts an event that nobody handles, and says so to developers.
func (srv *Server) unheard(s *Socket, event string) {
	srv.stats.ignored(IgnoreUnheard)
	srv.traceUnheard(s, event)
	if !srv.opts.Dev {
		return
	}
	what := clip.Quoted(event)
	srv.hint("nobody handles "+what+" in "+bare(s.name), " (there are %s)", event, func() []string {
		names := slices.Collect(maps.Keys(s.ns.reg.load().events))
		return append(names, s.ownHandlers().names()...)
	}, clip.Quoted)
}

// hintNamespace says to developers that a client has asked for a namespace that
// there is not.
func (srv *Server) hintNamespace(name string) {
	if !srv.opts.Dev {
		return
	}
	srv.hint("a client asked for "+bare(name), "; there are %s", name, func() []string {
		srv.mu.RLock()
		defer srv.mu.RUnlock()
		names := slices.Collect(maps.Keys(srv.nsps))
		for _, p := range srv.parents {
			if p.name != "func" {
				names = append(names, p.name)
			}
		}
		return names
	}, bare)
}

// hint writes what happened, with the names that there are and the one of them
// that was perhaps meant.
func (srv *Server) hint(what, form, name string, there func() []string, show func(string) string) {
	due, last := srv.hints.due(what)
	if !due {
		return
	}
	names := there()
	slices.Sort(names)
	names = slices.Compact(names)
	var b strings.Builder
	b.WriteString("socketio: " + what)
	list := make([]string, 0, 12)
	for i, n := range names {
		if i == 10 {
			list = append(list, fmt.Sprintf("%d more", len(names)-i))
			break
		}
		list = append(list, show(n))
	}
	if len(list) == 0 {
		list = append(list, "none")
	}
	fmt.Fprintf(&b, form, strings.Join(list, ", "))
	if best := nearest(name, names); best != "" {
		b.WriteString("; did you mean " + show(best) + "?")
	}
	if last {
		b.WriteString(" (no more of these lines for a minute)")
	}
	srv.log.Warn(b.String())
}

// bare is a name as it is if it can do no harm in a log, quoted otherwise.
func bare(name string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/-_.", r)
	}
	if len(name) <= 64 && strings.IndexFunc(name, func(r rune) bool { return !safe(r) }) < 0 {
		return name
	}
	return clip.Quoted(name)
}

// nearest is the name that a misspelt one is most like; "" if it is like none.
func nearest(name string, names []string) string {
	const longest = 64
	if len(name) > longest {
		return ""
	}
	best, least := "", 1+max(1, min(3, len(name)/3))
	for _, n := range names {
		if len(n) > longest {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is how many bytes have to be changed, put in, taken out, or swapped
// with their neighbour, to make b of a.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
