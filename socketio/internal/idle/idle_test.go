package idle

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
)

// Who waits is told at the first moment with none, and not before.
func TestWait(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			var c Count
			var mu sync.Mutex
			n, waiting, told, failed := 0, 0, 0, 0
			ctx, cancel := context.WithCancel(context.Background())
			for range 100 {
				before := told
				switch {
				case r.IntN(3) == 0:
					if n > 0 {
						waiting++
					}
					go func() {
						err := c.Wait(ctx)
						mu.Lock()
						defer mu.Unlock()
						if told++; err != nil {
							failed++
							if !errors.Is(err, context.Canceled) {
								t.Error(err)
							}
						}
					}()
				case n > 0 && r.IntN(2) == 0:
					n--
					c.Add(-1)
				default:
					d := r.IntN(2) + 1
					n += d
					c.Add(d)
				}
				synctest.Wait()
				if n > 0 && told > before || n == 0 && told == before && waiting > 0 {
					t.Fatalf("seed %d: %d go on, %d wait, %d were told", seed, n, waiting, told-before)
				}
				if n == 0 {
					waiting = 0
				}
			}
			if failed > 0 {
				t.Errorf("%d errors", failed)
			}
			cancel()
			synctest.Wait()
			if failed != waiting {
				t.Errorf("seed %d: %d still wait, %d were told that the context has ended", seed, waiting, failed)
			}
		})
	}
}

func TestManyGoroutines(t *testing.T) {
	var c Count
	var all sync.WaitGroup
	c.Add(1)
	for range 8 {
		all.Go(func() {
			for range 1000 {
				c.Add(1)
				c.Add(-1)
			}
		})
	}
	all.Go(func() { c.Add(-1) })
	if err := c.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	all.Wait()
	if c.n != 0 {
		t.Errorf("%d are left", c.n)
	}
}
