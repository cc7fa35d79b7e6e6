package simulation

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/internal/history"
	"github.com/sockeye-io/sockeye/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// number is what the environment says, or else.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// run lives one life, and has it checked.
func run(t *testing.T, seed uint64, print bool) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed)
		w.live()
		synctest.Wait()
		wrong := history.Check(w.Events(), w.rules)
		for i, text := range wrong {
			if i == 5 && !print {
				t.Errorf("and %d more", len(wrong)-i)
				break
			}
			t.Error(text)
		}
		if print {
			w.print(os.Stdout)
		}
		if t.Failed() {
			t.Errorf("a cluster of kind %q; again: SEED=%d make simulate", w.kind.name, seed)
		}
	})
}

// TestSeeds lives SEEDS lives from 0 on, 200 if it is not set, or that of SEED
// alone.
func TestSeeds(t *testing.T) {
	if os.Getenv("SEED") != "" {
		run(t, number(t, "SEED", 0), true)
		return
	}
	count := number(t, "SEEDS", 200)
	start := time.Now()
	var next, done atomic.Uint64
	t.Run("all", func(t *testing.T) {
		for worker := range 2 {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				for {
					seed := next.Add(1) - 1
					if seed >= count {
						return
					}
					t.Run(fmt.Sprint(seed), func(t *testing.T) { run(t, seed, false) })
					if n := done.Add(1); n%500 == 0 {
						fmt.Fprintf(os.Stderr, "%6d of %d seeds, %v\n", n, count, time.Since(start).Round(time.Second))
					}
				}
			})
		}
	})
}
