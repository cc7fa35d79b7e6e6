// Package quieter keeps clients from filling the log.
package quieter

import (
	"sync"
	"time"
)

// Lines decides which lines are written. Of what clients can cause as often as
// they like, one line a second is, for each kind, and it says how many there
// were that were not. The zero value is ready.
type Lines struct {
	mu   sync.Mutex
	last map[string]*line // by kind, of which there are few
}

type line struct {
	at      time.Time
	skipped int
}

// Allow reports whether a line of this kind is due, and how many were not
// before it.
func (q *Lines) Allow(kind string) (skipped int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	l := q.last[kind]
	switch {
	case l == nil:
		if q.last == nil {
			q.last = make(map[string]*line)
		}
		q.last[kind] = &line{at: now}
		return 0, true
	case now.Sub(l.at) < time.Second:
		l.skipped++
		return 0, false
	}
	skipped, l.skipped, l.at = l.skipped, 0, now
	return skipped, true
}
