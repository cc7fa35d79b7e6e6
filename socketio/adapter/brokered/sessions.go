package brokered

import (
	"context"
	"sync"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// mostSessions wait to be stored.
const mostSessions = 100_000

// Sessions wait to be stored, some at a time, by a goroutine that is there while
// any do.
type Sessions struct {
	mu   sync.Mutex
	list []adapter.Session
	busy chan struct{} // closed when all is stored; nil if nothing is
}

// Put has store called with s among others, some at most, and never two calls at
// a time. Where too many wait, s is told that it is not stored.
func (q *Sessions) Put(s adapter.Session, some int, store func([]adapter.Session)) {
	q.mu.Lock()
	if len(q.list) >= mostSessions {
		q.mu.Unlock()
		Tell(s, adapter.NotStored)
		return
	}
	q.list = append(q.list, s)
	start := q.busy == nil
	if start {
		q.busy = make(chan struct{})
	}
	q.mu.Unlock()
	if start {
		go q.run(some, store)
	}
}

// Tell tells a session what has become of it.
func Tell(s adapter.Session, what adapter.Stored) {
	if s.Done != nil {
		s.Done(what)
	}
}

// run stores what waits, and ends.
func (q *Sessions) run(some int, store func([]adapter.Session)) {
	for {
		q.mu.Lock()
		list := q.list
		q.list = nil
		if len(list) == 0 {
			close(q.busy)
			q.busy = nil
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
		for len(list) > 0 {
			n := min(len(list), some)
			store(list[:n])
			list = list[n:]
		}
	}
}

// Await waits until nothing is to be stored, or until ctx ends.
func (q *Sessions) Await(ctx context.Context) {
	q.mu.Lock()
	busy := q.busy
	q.mu.Unlock()
	if busy != nil {
		select {
		case <-busy:
		case <-ctx.Done():
		}
	}
}
