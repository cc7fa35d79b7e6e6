package redis

import (
	"context"
	"errors"
)

// errNotYet: there is no link with a master that was found.
var errNotYet = errors.New("redis: not connected with a master yet")

// causeLocked is why it is not well, nil if it is.
func (a *Sharded) causeLocked() error {
	if a.table == nil {
		if a.cause != nil {
			return a.cause
		}
		return errNotYet
	}
	for _, s := range a.parts {
		if s != nil && !s.well {
			if s.err != nil {
				return s.err
			}
			return errNotYet
		}
	}
	if a.bare > 0 {
		return errNoSlots
	}
	return nil
}

// judge tells how it stands, and that something may have been missed: when all is
// well again, and when all channels that have moved are heard again.
func (a *Sharded) judge() {
	a.verdict.Lock()
	defer a.verdict.Unlock()
	a.mu.Lock()
	cause, missed, moving, began := a.causeLocked(), a.missed, a.moving > 0, a.began
	if cause == nil {
		a.missed, a.began = missed && moving, true
	}
	a.mu.Unlock()
	switch {
	case cause == nil:
		if !a.base.In.Up(missed) && missed && !moving {
			a.base.In.Again()
		}
	case errors.Is(cause, context.Canceled): // it is closed
	case began || !errors.Is(cause, errNotYet):
		a.base.In.Down(cause)
	}
}
