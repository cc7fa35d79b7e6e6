package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// verdicts are the states that an inbox is told, in words.
type verdicts []string

func (v *verdicts) Message(*adapter.Message)  {}
func (v *verdicts) Wants(string, string) bool { return true }
func (v *verdicts) Malformed(string)          {}
func (v *verdicts) State(s adapter.State) {
	word := s.Connection.String()
	if s.MayMiss {
		word += ", may miss"
	}
	*v = append(*v, word)
}

// oneShard is an adapter that has one master, with a link, and hears some channels
// there; nothing runs.
func oneShard(t *testing.T, channels ...string) (a *Sharded, l *shardLink, told *verdicts) {
	t.Helper()
	a, err := NewSharded(Options{Addrs: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	told = new(verdicts)
	a.base.In.Open(told)
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.newShardLocked("127.0.0.1:1")
	l = &shardLink{
		s: s, changed: make(chan struct{}, 1), located: make(chan struct{}, 1), ready: make(chan struct{}),
		have: make(map[string]bool), marked: make(map[string]bool), failed: make(map[string]bool),
	}
	l.ctx, l.fail = context.WithCancelCause(t.Context())
	s.link, s.well, s.err = l, true, nil
	a.table = new([slots]uint16)
	for slot := range a.table {
		a.table[slot] = uint16(s.part)
	}
	for _, channel := range channels {
		a.wantLocked(channel, "/", 0)
		l.have[channel] = true
		a.confirmedLocked(a.subs[channel])
	}
	clear(l.marked)
	return a, l, told
}

// That something may have been missed is told once all is heard again, whatever
// happens meanwhile.
func TestWhatMayBeMissedIsTold(t *testing.T) {
	up, down, missed := "up", "degraded", "up, may miss"
	for name, c := range map[string]struct {
		then func(a *Sharded, l *shardLink)
		want []string
	}{
		"heard again": {func(a *Sharded, l *shardLink) {
			if l.answered("x", false) || !l.answered("y", false) {
				t.Error("answered does not tell when all are there again")
			}
			a.judge()
		}, []string{up, missed}},
		"not subscribed to anew": {func(a *Sharded, l *shardLink) {
			l.have["x"], l.have["y"] = true, true
			a.mu.Lock()
			for _, channel := range []string{"x", "y"} {
				l.markLocked(channel)
			}
			_, settled := l.composeLocked()
			a.mu.Unlock()
			if !settled {
				t.Error("composeLocked does not tell that all are there again")
			}
			a.judge()
		}, []string{up, missed}},
		"not wanted any more": {func(a *Sharded, l *shardLink) {
			l.answered("x", false)
			a.mu.Lock()
			a.unwantLocked("y", "/", 0)
			a.mu.Unlock()
			select {
			case <-a.stale: // it asks, and judges
			default:
				t.Error("nobody looks how it stands")
			}
			a.judge()
		}, []string{up, missed}},
		"while the master ails": {func(a *Sharded, l *shardLink) {
			l.Ailing(errors.New("silent"))
			l.answered("x", false)
			l.answered("y", false)
			a.judge()
			l.Ailing(nil)
		}, []string{up, down, missed}},
		"after the master has ailed": {func(a *Sharded, l *shardLink) {
			l.Ailing(errors.New("silent"))
			l.Ailing(nil)
			l.answered("x", false)
			l.answered("y", false)
			a.judge()
		}, []string{up, down, missed, missed}},
	} {
		t.Run(name, func(t *testing.T) {
			a, l, told := oneShard(t, "x", "y")
			a.judge()
			a.mu.Lock()
			for _, channel := range []string{"x", "y"} {
				a.lostLocked(a.subs[channel], true)
				l.have[channel] = false
			}
			a.mu.Unlock()
			a.judge() // now and then
			c.then(a, l)
			a.judge()
			if !slices.Equal(*told, c.want) {
				t.Errorf("it was told %q, want %q", *told, c.want)
			}
		})
	}
}

// Nobody is told how far the numbers are while something waits that others do not
// wait for.
func TestShardedLags(t *testing.T) {
	a, l, _ := oneShard(t)
	for _, c := range []struct {
		what string
		do   func()
		want bool
	}{
		{"all is well", func() {}, false},
		{"a slot rests", func() { a.resting[7] = time.Now().Add(time.Hour) }, true},
		{"none rests", func() { delete(a.resting, 7) }, false},
		{"a master takes nothing for a while", func() { l.behind.Store(true) }, true},
		{"it takes all", func() { l.behind.Store(false) }, false},
		{"it is not there", func() { l.s.well = false }, true},
	} {
		if c.do(); a.Lags() != c.want {
			t.Errorf("%s: it lags: %v", c.what, !c.want)
		}
	}
}

// A master that is slow with what is on its way when some of its slots move keeps
// its link, and with that the rooms that stay; one that is silent does not.
func TestHoldWaits(t *testing.T) {
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprint("late ", late), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, l, _ := oneShard(t)
				slow := a.pace.Patience - time.Second
				if late {
					slow = a.pace.Patience + time.Second
				}
				l.s.turn <- struct{}{}
				time.AfterFunc(slow, func() { <-l.s.turn })
				l.s.hold(t.Context())
				if failed := l.ctx.Err() != nil; failed != late {
					t.Errorf("the link ended: %v", failed)
				}
				if len(l.s.turn) != 1 {
					t.Error("nobody holds it")
				}
			})
		})
	}
}
