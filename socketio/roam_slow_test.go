package socketio_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// A slowStore is a node of a bus that takes its time to store sessions, one
// after the other, and to look at them.
type slowStore struct {
	adapter.Adapter
	adapter.Log
	most time.Duration

	mu      sync.Mutex
	r       *rand.Rand
	waiting []adapter.Session
	busy    bool
	all     sync.WaitGroup
}

func newSlowStore(a adapter.Adapter, most time.Duration, seed uint64) *slowStore {
	return &slowStore{Adapter: a, Log: a.(adapter.Log), most: most, r: rand.New(rand.NewPCG(seed, 11))}
}

func (s *slowStore) wait() {
	s.mu.Lock()
	d := time.Duration(s.r.Int64N(int64(s.most)))
	s.mu.Unlock()
	time.Sleep(d)
}

func (s *slowStore) PutSession(p adapter.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, p)
	if !s.busy {
		s.busy = true
		s.all.Go(s.store)
	}
}

func (s *slowStore) Close(ctx context.Context) error {
	s.all.Wait()
	return s.Adapter.Close(ctx)
}

func (s *slowStore) store() {
	for {
		s.mu.Lock()
		list := s.waiting
		s.waiting = nil
		s.busy = len(list) > 0
		s.mu.Unlock()
		if len(list) == 0 {
			return
		}
		s.wait()
		for _, p := range list {
			s.Log.PutSession(p)
		}
	}
}

func (s *slowStore) PeekSessions(ctx context.Context, keys []string) ([]adapter.Kept, error) {
	s.wait()
	list, err := s.Log.PeekSessions(ctx, keys)
	s.wait()
	return list, err
}
