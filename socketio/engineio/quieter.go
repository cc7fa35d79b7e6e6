package engineio

import (
	"sync"
	"time"
)

// quieter keeps clients from filling the log: of what they can cause as often
// as they like, one line a second is written for each kind, which says how many
// there were that were not.
type quieter struct {
	mu   sync.Mutex
	last map[string]*quietLine // by kind, of which there are few
}

type quietLine struct {
	at      time.Time
	skipped int
}

func (q *quieter) allow(kind string) (skipped int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	l := q.last[kind]
	switch {
	case l == nil:
		if q.last == nil {
			q.last = make(map[string]*quietLine)
		}
		q.last[kind] = &quietLine{at: now}
		return 0, true
	case now.Sub(l.at) < time.Second:
		l.skipped++
		return 0, false
	}
	skipped, l.skipped, l.at = l.skipped, 0, now
	return skipped, true
}
