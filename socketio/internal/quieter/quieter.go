package quieter

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// Lines decides which lines are written. Of what clients can cause as often as
// they like, one line a second is, for each kind, and up to four if they are
// about different clients: one that fills the log does not hide what happens to
// others. It says how many there were that were not written. The zero value is
// ready.
type Lines struct {
	mu    sync.Mutex
	seed  maphash.Seed
	kinds map[string]*line // there are few; if not, those that come late share one
}

type line struct {
	at      time.Time // when its second began
	skipped int
	clients []uint64 // those that this second has a line about, by hash
}

const (
	every     = time.Second
	perSecond = 4
	maxKinds  = 256
)

// Allow is allowFrom for a line that is about nobody.
func (q *Lines) Allow(kind string) (skipped int, ok bool) { return q.allowFrom(kind, "") }

// allowFrom reports whether a line of this kind about this client is due, and
// how many were not before it.
func (q *Lines) allowFrom(kind, client string) (skipped int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	l := q.lineLocked(kind, now)
	if now.Sub(l.at) >= every {
		l.at, l.clients = now, l.clients[:0]
	}
	who := maphash.String(q.seed, client)
	if len(l.clients) == perSecond || slices.Contains(l.clients, who) || client == "" && len(l.clients) > 0 {
		l.skipped++
		return 0, false
	}
	l.clients = append(l.clients, who)
	skipped, l.skipped = l.skipped, 0
	return skipped, true
}

func (q *Lines) lineLocked(kind string, now time.Time) *line {
	if q.kinds == nil {
		q.kinds, q.seed = make(map[string]*line), maphash.MakeSeed()
	}
	if l := q.kinds[kind]; l != nil {
		return l
	}
	if len(q.kinds) >= maxKinds {
		for k, l := range q.kinds {
			if now.Sub(l.at) >= every {
				delete(q.kinds, k)
			}
		}
		if len(q.kinds) >= maxKinds {
			if kind = "\x00other"; q.kinds[kind] != nil {
				return q.kinds[kind]
			}
		}
	}
	l := &line{at: now}
	q.kinds[kind] = l
	return l
}
