package waits

import (
	"errors"
	"sync"
	"time"
)

var (
	// ErrClosed: whoever would answer is gone.
	ErrClosed = errors.New("waits: closed")
	// ErrFull: as many wait as may.
	ErrFull = errors.New("waits: full")
)

// A Waiter gets the answer to one request, or the error in its place; once.
// Answered runs with the table's lock held, so that whoever closes the table
// knows that it is over: it must not block, nor use the table.
type Waiter[A any] interface {
	Answered(a A, err error)
}

// A Table is what is waited for from one source. The zero Table is empty and
// ready; it must not be copied. All methods may be called from any goroutine.
type Table[A any] struct {
	mu     sync.Mutex
	waits  map[uint64]wait[A]
	closed bool
}

type wait[A any] struct {
	w     Waiter[A]
	timer *time.Timer // nil without a deadline
}

// Expect notes that the answer with this id is for w, if not more than most wait
// then. An id must not be used again while somebody waits for it.
func (t *Table[A]) Expect(id uint64, w Waiter[A], most int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return ErrClosed
	case len(t.waits) >= most:
		return ErrFull
	}
	if t.waits == nil {
		t.waits = make(map[uint64]wait[A])
	}
	t.waits[id] = wait[A]{w: w}
	return nil
}

// Limit ends the wait with err if there is no answer within d. It does nothing
// if nobody waits any more.
func (t *Table[A]) Limit(id uint64, d time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w, ok := t.waits[id]
	if !ok {
		return
	}
	if w.timer != nil {
		w.timer.Stop()
	}
	var timer *time.Timer
	timer = time.AfterFunc(d, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if w, ok := t.waits[id]; ok && w.timer == timer { // it may have ended at the last moment
			t.endLocked(id, w, *new(A), err)
		}
	})
	w.timer = timer
	t.waits[id] = w
}

// Waits reports whether somebody waits for the answer with this id.
func (t *Table[A]) Waits(id uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.waits[id]
	return ok
}

// Answer hands the answer to who waits for it, and reports false if nobody does.
func (t *Table[A]) Answer(id uint64, a A) bool { return t.end(id, a, nil) }

// Fail ends the wait with an error, and reports false if nobody waits any more.
func (t *Table[A]) Fail(id uint64, err error) bool { return t.end(id, *new(A), err) }

func (t *Table[A]) end(id uint64, a A, err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	w, ok := t.waits[id]
	if !ok {
		return false
	}
	t.endLocked(id, w, a, err)
	return true
}

func (t *Table[A]) endLocked(id uint64, w wait[A], a A, err error) {
	t.dropLocked(id, w)
	w.w.Answered(a, err)
}

func (t *Table[A]) dropLocked(id uint64, w wait[A]) {
	if w.timer != nil {
		w.timer.Stop()
	}
	if delete(t.waits, id); len(t.waits) == 0 {
		t.waits = nil
	}
}

// Forget ends the wait without a word, for the one who waits. It reports false
// if the answer, or an error, has been handed over.
func (t *Table[A]) Forget(id uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	w, ok := t.waits[id]
	if !ok {
		return false
	}
	t.dropLocked(id, w)
	return true
}

// Close ends all waits with err; nothing can be expected any more. When it
// returns, everybody who waited has been told.
func (t *Table[A]) Close(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for id, w := range t.waits {
		t.endLocked(id, w, *new(A), err)
	}
}

// Len is the number of those who wait.
func (t *Table[A]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waits)
}
