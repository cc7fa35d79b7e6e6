package emitapi

import (
	"net/netip"
	"sync"
	"time"
)

// maxGuessers is how many addresses are told apart; those beyond share a count.
const maxGuessers = 10_000

// guesses counts requests with wrong credentials, by address, for a minute.
type guesses struct {
	most int

	mu    sync.Mutex
	since time.Time
	by    map[netip.Prefix]int // the zero Prefix is all that have no place
}

// wait is how long an address may not ask; 0 if it may.
func (g *guesses) wait(from netip.Prefix) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.turnLocked()
	n, there := g.by[from]
	if !there && len(g.by) >= maxGuessers {
		n = g.by[netip.Prefix{}]
	}
	if n < g.most {
		return 0
	}
	return g.since.Add(time.Minute).Sub(now)
}

func (g *guesses) add(from netip.Prefix) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turnLocked()
	if _, there := g.by[from]; !there && len(g.by) >= maxGuessers {
		from = netip.Prefix{}
	}
	g.by[from]++
}

// turnLocked begins a new minute if the old one is over.
func (g *guesses) turnLocked() time.Time {
	now := time.Now()
	if now.Sub(g.since) >= time.Minute {
		g.since, g.by = now, make(map[netip.Prefix]int)
	}
	return now
}
