package mailbox

import (
	"context"
	"sync"

	"github.com/sockeye-io/sockeye/socketio/internal/idle"
)

// A Kind is what many boxes share: the bounds, and spare memory. It must not be
// copied, nor changed once it is used.
type Kind[T any] struct {
	// Max and MaxBytes are how many entries of the source, and of what size
	// together, make a box full: the source then pauses, until half is left.
	Max      int
	MaxBytes int

	spare sync.Pool // of *node[T]

	busy idle.Count // boxes with a worker

	mu      sync.Mutex
	awaited map[*Box[T]]chan struct{} // closed when that box has no work; of those that somebody waits for
}

// Wait waits until no box of this kind has work, or ctx ends: then it returns
// the error of ctx.
func (k *Kind[T]) Wait(ctx context.Context) error { return k.busy.Wait(ctx) }

// A Box is one queue. The zero Box is ready; it must not be copied. All methods
// may be called from any goroutine, and call nothing of the caller's but merge.
type Box[T any] struct {
	mu         sync.Mutex
	head, tail *node[T]
	bytes      int
	n          int32
	running    bool // somebody works it off, or is on the way
	full       bool // the source pauses
	closed     bool
	awaited    bool // somebody waits for its worker to finish: see Kind.awaited
}

type node[T any] struct {
	next *node[T]
	size int
	v    T
}

// Put puts in what has come from the source; v is copied. full is true when this
// has made the box full: the source has to pause until Next tells it to resume.
// A closed box takes nothing.
func (b *Box[T]) Put(k *Kind[T], v *T, size int) (full, start bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false, false
	}
	start = b.pushLocked(k, v, size)
	if !b.full && (int(b.n) >= k.Max || b.bytes >= k.MaxBytes) {
		b.full, full = true, true
	}
	return full, start
}

// Add puts in something of one's own, which never makes the source pause. ok is
// false if the box is closed.
func (b *Box[T]) Add(k *Kind[T], v *T) (start, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false, false
	}
	return b.pushLocked(k, v, 0), true
}

// Offer puts v in if there is room for it, without making the source pause. If
// the last entry takes it in (merge, which must do no more than that, returns
// true), it needs none. ok is false if v found no place.
func (b *Box[T]) Offer(k *Kind[T], v *T, merge func(last *T) bool) (start, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return false, false
	case b.tail != nil && merge(&b.tail.v):
		return false, true
	case int(b.n) >= k.Max:
		return false, false
	}
	return b.pushLocked(k, v, 0), true
}

// Close puts the last entry in. It does nothing if the box is closed already.
func (b *Box[T]) Close(k *Kind[T], v *T) (start bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.closed = true
	return b.pushLocked(k, v, 0)
}

func (b *Box[T]) pushLocked(k *Kind[T], v *T, size int) (start bool) {
	n, _ := k.spare.Get().(*node[T])
	if n == nil {
		n = new(node[T])
	}
	n.v, n.size = *v, size
	if b.tail == nil {
		b.head = n
	} else {
		b.tail.next = n
	}
	b.tail = n
	b.n++
	b.bytes += size
	if start = !b.running; start {
		b.running = true
		k.busy.Add(1)
	}
	return start
}

// Next takes the next entry out, for the one worker. resume is true when the
// source may go on. If ok is false the box is empty: the worker's work is over.
func (b *Box[T]) Next(k *Kind[T], v *T) (ok, resume bool) {
	b.mu.Lock()
	n := b.head
	if n == nil {
		b.running = false
		if b.awaited {
			b.awaited = false
			k.mu.Lock()
			close(k.awaited[b])
			delete(k.awaited, b)
			k.mu.Unlock()
		}
		b.mu.Unlock()
		k.busy.Add(-1)
		return false, false
	}
	if b.head = n.next; b.head == nil {
		b.tail = nil
	}
	b.n--
	b.bytes -= n.size
	if b.full && int(b.n) <= k.Max/2 && b.bytes <= k.MaxBytes/2 {
		b.full, resume = false, true
	}
	b.mu.Unlock()
	*v = n.v
	*n = node[T]{}
	k.spare.Put(n)
	return true, resume
}

// Full reports whether the source pauses.
func (b *Box[T]) Full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.full
}

// Settle waits until the box is empty and its worker has finished, or ctx ends.
func (b *Box[T]) Settle(ctx context.Context, k *Kind[T]) {
	b.mu.Lock()
	if !b.running {
		b.mu.Unlock()
		return
	}
	k.mu.Lock()
	done := k.awaited[b]
	if done == nil {
		if k.awaited == nil {
			k.awaited = make(map[*Box[T]]chan struct{})
		}
		done = make(chan struct{})
		k.awaited[b] = done
	}
	k.mu.Unlock()
	b.awaited = true
	b.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
