package eventlog

import (
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/fair"
)

// Bounds are those of a Log. All must be positive.
type Bounds struct {
	Count int
	Bytes int
	Age   time.Duration
}

// An Event is something sent.
type Event[T any] struct {
	Value T
	Size  int // in bytes

	// Whom it was for: those in one of the names To, everybody if there are
	// none, but nobody in one of Except.
	To, Except []string

	// Owners are some of those it was for. It counts against the one of them who
	// has least, with Size divided by Heads (1 if it is less): so what only some
	// have a part in, under whatever names, is theirs.
	Owners []Owner
	Heads  int
}

// An Owner is against whom events count. What is shared with others counts apart
// from what is for one alone, which [Log.Forget] drops.
type Owner struct {
	Name   string
	Shared bool
}

// Names are what a client answers to, each with the position from which on it
// has been its: what was sent to a name before was not for this client.
type Names map[string]uint64

// A Log may be used by many goroutines at once. It calls nobody.
type Log[T any] struct {
	// LostOne, if it was set before the first use, is told of each event that is given
	// up. It must not call the Log.
	LostOne func(T)

	prefix string
	bounds Bounds

	mu    sync.Mutex
	seq   uint64 // of the last event
	queue fair.Queue[Owner, kept[T]]
	bytes int
	lost  losses
}

type kept[T any] struct {
	seq        uint64
	at         time.Time
	value      T
	size       int
	to, except []string
}

// New returns an empty Log, whose offsets begin with prefix: six characters
// that no other log has.
func New[T any](prefix string, b Bounds) *Log[T] {
	if len(prefix) != PrefixLen {
		panic("eventlog: a prefix has six characters")
	}
	return &Log[T]{prefix: prefix, bounds: b}
}

// Add keeps an event, writes its offset to place, and returns how many events
// had to be given up for it.
func (l *Log[T]) Add(now time.Time, e Event[T], place []byte) (givenUp int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	l.write(place, l.seq)
	cost := (float64(e.Size)/float64(l.bounds.Bytes) + 1/float64(l.bounds.Count)) / float64(max(1, e.Heads))
	l.queue.Add(l.lightest(e.Owners), cost, &fair.Item[Owner, kept[T]]{Value: kept[T]{seq: l.seq, at: now, value: e.Value, size: e.Size, to: e.To, except: e.Except}})
	l.bytes += e.Size
	l.expire(now)
	for l.queue.Len() > l.bounds.Count || l.bytes > l.bounds.Bytes {
		it := l.queue.Next()
		k := &it.Value
		l.lost.add(loss{mark{k.seq, k.at}, k.to, k.except}, now, l.bounds.Age)
		l.remove(it)
		givenUp++
		if l.LostOne != nil {
			l.LostOne(k.value)
		}
	}
	return givenUp
}

func (l *Log[T]) lightest(owners []Owner) (least Owner) {
	for i, o := range owners {
		if i == 0 || l.queue.Cost(o) < l.queue.Cost(least) {
			least = o
		}
	}
	return least
}

// expire drops what is so old that all who are still known have received it.
func (l *Log[T]) expire(now time.Time) {
	for it := l.queue.First(); it != nil && now.Sub(it.Value.at) > l.bounds.Age; it = l.queue.First() {
		l.remove(it)
	}
}

func (l *Log[T]) remove(it *fair.Item[Owner, kept[T]]) {
	l.bytes -= it.Value.size
	l.queue.Remove(it)
}

// Mark writes the offset of the last event to place.
func (l *Log[T]) Mark(place []byte) {
	l.mu.Lock()
	l.write(place, l.seq)
	l.mu.Unlock()
}

// Position is the position of the last event, 0 before the first.
func (l *Log[T]) Position() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq
}

// Forget drops what was for a name alone, and that something was lost that was
// for it, as nobody can miss it any more.
func (l *Log[T]) Forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for it := range l.queue.Of(Owner{Name: name}) {
		l.remove(it)
	}
	l.lost.forget(name)
}

// Lost reports whether something that was for a client, sent after from, has
// been given up.
func (l *Log[T]) Lost(now time.Time, from uint64, client Names) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost.concern(now, l.bounds.Age, from, client)
}

// Since lists what was for a client and was sent after from, in order. It
// reports false if some of that has been given up.
func (l *Log[T]) Since(now time.Time, from uint64, client Names) ([]T, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost.concern(now, l.bounds.Age, from, client) {
		return nil, false
	}
	l.expire(now)
	start := l.queue.Last()
	for start != nil && start.Before() != nil && start.Before().Value.seq > from {
		start = start.Before()
	}
	var list []T
	for it := start; it != nil; it = it.After() {
		if k := &it.Value; k.seq > from && client.addressed(k.seq, k.to, k.except) {
			list = append(list, k.value)
		}
	}
	return list, true
}

// A Kept is an event as the log has it.
type Kept[T any] struct {
	Position   uint64
	Value      T
	To, Except []string
}

// Back calls f with what is kept, the last event first, until that returns
// false. f must not call the Log.
func (l *Log[T]) Back(now time.Time, f func(Kept[T]) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expire(now)
	for it := l.queue.Last(); it != nil; it = it.Before() {
		if k := &it.Value; !f(Kept[T]{k.seq, k.value, k.to, k.except}) {
			return
		}
	}
}

// Len is the number of events kept, and their size.
func (l *Log[T]) Len() (count, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queue.Len(), l.bytes
}

// addressed reports whether an event was for the client.
func (c Names) addressed(seq uint64, to, except []string) bool {
	return (len(to) == 0 || c.had(seq, to)) && !c.had(seq, except)
}

func (c Names) had(seq uint64, names []string) bool {
	for _, name := range names {
		if since, ok := c[name]; ok && seq > since {
			return true
		}
	}
	return false
}
