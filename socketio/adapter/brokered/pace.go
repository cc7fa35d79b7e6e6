package brokered

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"
)

// A Pace is how fast things happen; tests have their own.
type Pace struct {
	Tick, Probe, Patience, Grace, Longest time.Duration // of a vigil
	Soonest, Latest                       time.Duration // between attempts to connect
}

// DefaultPace is that of adapters.
var DefaultPace = Pace{Tick: 500 * time.Millisecond, Probe: 3 * time.Second, Patience: 5 * time.Second, Grace: time.Second,
	Longest: time.Minute, Soonest: 50 * time.Millisecond, Latest: 5 * time.Second}

// Next is how long a link may be silent that follows one that could be for as
// long as last and has ended for err.
func (p *Pace) Next(last time.Duration, err error) time.Duration {
	if errors.Is(err, ErrStalled) {
		return min(2*last, p.Longest)
	}
	return p.Patience
}

// Backoff returns the pauses between attempts to connect.
func (p *Pace) Backoff() *Backoff { return &Backoff{Soonest: p.Soonest, Latest: p.Latest} }

// A Backoff is pauses of which each is about twice as long as the one before.
type Backoff struct {
	Soonest, Latest time.Duration
	next            time.Duration
}

// Next is the next pause.
func (b *Backoff) Next() time.Duration {
	d := max(b.next, b.Soonest)
	b.next = min(2*d, b.Latest)
	return Jitter(d)
}

// Reset begins with Soonest again.
func (b *Backoff) Reset() { b.next = 0 }

// Jitter is a time between half of d and d, so that nodes that lost the same
// server do not come back as one.
func Jitter(d time.Duration) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return d/2 + time.Duration(binary.NativeEndian.Uint64(b[:])%uint64(d/2+1))
}
