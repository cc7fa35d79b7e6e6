package eventlog

import (
	"slices"
	"time"
)

// What is remembered: losses by name, and those that have exceptions, which are
// looked through for each that is added.
const (
	maxLosses     = 10_000
	maxExceptions = 256
)

// losses remember for whom something was given up, up to which event. What is
// older than the log's age concerns nobody any more. When there are too many,
// they become less exact, and concern more.
type losses struct {
	everybody mark
	names     map[string]mark
	except    []loss
}

type mark struct {
	seq uint64
	at  time.Time // of the event
}

// loss is an event that some of its names were not to get.
type loss struct {
	mark
	to, except []string
}

func (m mark) fresh(now time.Time, age time.Duration) bool { return now.Sub(m.at) <= age }

func (m *mark) raise(by mark) {
	if by.seq > m.seq {
		*m = by
	}
}

// add remembers a loss.
func (l *losses) add(lost loss, now time.Time, age time.Duration) {
	if len(lost.except) == 0 {
		l.addNames(lost.to, lost.mark)
	} else if i := slices.IndexFunc(l.except, lost.same); i >= 0 {
		l.except[i].raise(lost.mark)
	} else {
		l.except = append(l.except, lost)
	}
	l.trim(now, age)
}

// same looks whether another loss was for the same.
func (l loss) same(o loss) bool { return slices.Equal(l.to, o.to) && slices.Equal(l.except, o.except) }

func (l *losses) addNames(names []string, m mark) {
	if len(names) == 0 {
		l.everybody.raise(m)
	}
	for _, name := range names {
		if l.names == nil {
			l.names = make(map[string]mark)
		}
		n := l.names[name]
		n.raise(m)
		l.names[name] = n
	}
}

// trim keeps the bounds. It halves what is too much, so that it costs little
// for each.
func (l *losses) trim(now time.Time, age time.Duration) {
	if len(l.except) > maxExceptions {
		old := l.except
		l.except = nil
		for i, e := range old {
			switch {
			case !e.fresh(now, age):
			case i < len(old)/2:
				l.addNames(e.to, e.mark)
			default:
				l.except = append(l.except, e)
			}
		}
	}
	if len(l.names) <= maxLosses {
		return
	}
	var seqs []uint64
	for name, m := range l.names {
		if m.fresh(now, age) {
			seqs = append(seqs, m.seq)
		} else {
			delete(l.names, name)
		}
	}
	if len(seqs) <= maxLosses/2 {
		return
	}
	slices.Sort(seqs)
	limit := seqs[len(seqs)/2]
	for name, m := range l.names {
		if m.seq <= limit {
			l.everybody.raise(m)
			delete(l.names, name)
		}
	}
}

func (l *losses) forget(name string) { delete(l.names, name) }

// concern reports whether something lost was for the client, after from.
func (l *losses) concern(now time.Time, age time.Duration, from uint64, client Names) bool {
	concerns := func(m mark) bool { return m.seq > from && m.fresh(now, age) }
	if concerns(l.everybody) {
		return true
	}
	if len(l.names) > 0 {
		for name, since := range client {
			if m := l.names[name]; m.seq > since && concerns(m) {
				return true
			}
		}
	}
	for _, e := range l.except {
		if concerns(e.mark) && client.addressed(e.seq, e.to, e.except) {
			return true
		}
	}
	return false
}
