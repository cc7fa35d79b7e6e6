package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// claim: of all who claim a key at once one gets it, until its time is over.
func (s *suite) claim() {
	if _, ok := s.Adapter().(adapter.Claimer); !ok {
		return
	}
	all := s.nodes(3)
	if _, err := all[0].a.(adapter.Claimer).Claim(context.Background(), "who", time.Second); errors.Is(err, adapter.ErrNoClaims) {
		return
	}
	take := func(p *peer, key string, ttl time.Duration) (bool, error) {
		ctx, cancel := context.WithTimeout(context.Background(), s.patience)
		defer cancel()
		return p.a.(adapter.Claimer).Claim(ctx, key, ttl)
	}
	for i := range 20 {
		key := fmt.Sprint(odd[i%len(odd)], i)
		var mine atomic.Int32
		var wait sync.WaitGroup
		for _, p := range append(all, all...) {
			wait.Go(func() {
				ok, err := take(p, key, time.Hour)
				if err != nil {
					s.t.Errorf("Claim of %q: %v", key, err)
				}
				if ok {
					mine.Add(1)
				}
			})
		}
		wait.Wait()
		if n := mine.Load(); n != 1 {
			s.t.Errorf("%q is claimed by %d of six", key, n)
		}
	}
	const short = 50 * time.Millisecond
	key := strings.Repeat("short", 200)
	began := time.Now() // and not when the answer has come, which may be late
	if ok, err := take(all[0], key, short); !ok || err != nil {
		s.t.Errorf("Claim: %v, %v", ok, err)
	}
	all[1].until("the claim's end", func() bool {
		ok, err := take(all[1], key, short)
		if err != nil {
			s.t.Errorf("Claim: %v", err)
		}
		return ok
	})
	if time.Since(began) < short/2 {
		s.t.Errorf("a claim for %v ended after %v", short, time.Since(began))
	}
	if s.Stop == nil {
		return
	}
	s.Stop()
	for _, p := range all[:2] {
		p.until("Degraded", func() bool { return p.state().Connection == adapter.Degraded })
		if ok, err := take(p, "nobody's", time.Hour); ok || err == nil {
			s.t.Errorf("Claim without a broker: %v, %v", ok, err)
		}
	}
	s.Start()
}
