package waits

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// told is a Waiter that notes what it is told.
type told struct {
	id  uint64
	log map[uint64]string
}

func (w told) Answered(a int, err error) {
	if was, ok := w.log[w.id]; ok {
		w.log[w.id] = was + ", and again"
	}
	w.log[w.id] = fmt.Sprint(a, " ", err)
}

var (
	errLate = errors.New("late")
	errGone = errors.New("gone")
	errNo   = errors.New("no")
)

// TestTableAgainstModel does random things to a Table, in fake time, and compares
// what everybody is told with a plain model.
func TestTableAgainstModel(t *testing.T) {
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			const most = 5
			var table Table[int]
			got, want := map[uint64]string{}, map[uint64]string{} // got is guarded by the table's lock
			same := func() bool {
				table.mu.Lock()
				defer table.mu.Unlock()
				return maps.Equal(got, want)
			}
			deadlines := map[uint64]time.Time{} // of those who wait; zero without
			closed := false
			end := func(id uint64, text string) bool {
				if _, ok := deadlines[id]; !ok {
					return false
				}
				delete(deadlines, id)
				if text != "" {
					want[id] = text
				}
				return true
			}
			next := uint64(0)
			for step := range 200 {
				id := uint64(0)
				if next > 0 {
					id = next - min(next, r.Uint64N(8))
				}
				ok, expected := true, true
				switch op := r.IntN(100); {
				case op < 40:
					err := table.Expect(next, told{next, got}, most)
					switch {
					case closed:
						ok = err == ErrClosed
					case len(deadlines) >= most:
						ok = err == ErrFull
					default:
						ok = err == nil
						deadlines[next] = time.Time{}
					}
					next++
				case op < 55:
					ok, expected = table.Answer(id, step), end(id, fmt.Sprint(step, " <nil>"))
				case op < 65:
					ok, expected = table.Fail(id, errNo), end(id, "0 no")
				case op < 75:
					ok, expected = table.Forget(id), end(id, "")
				case op < 85:
					d := time.Duration(1+r.IntN(5)) * time.Second
					table.Limit(id, d, errLate)
					if _, waits := deadlines[id]; waits {
						deadlines[id] = time.Now().Add(d)
					}
				case op < 99:
					time.Sleep(time.Duration(r.IntN(3)) * 700 * time.Millisecond)
					synctest.Wait()
					for id, at := range deadlines {
						if !at.IsZero() && !time.Now().Before(at) {
							end(id, "0 late")
						}
					}
				default:
					table.Close(errGone)
					for id := range deadlines {
						end(id, "0 gone")
					}
					closed = true
				}
				_, waits := deadlines[id]
				if ok != expected || table.Waits(id) != waits || table.Len() != len(deadlines) || !same() {
					t.Fatalf("seed %d, step %d: %v, %d wait, told %v; want %v, %d, %v", seed, step, ok, table.Len(), got, expected, len(deadlines), want)
				}
			}
			table.Close(errGone)
			time.Sleep(time.Minute) // no timer tells anybody
			for id := range deadlines {
				want[id] = "0 gone"
			}
			if !same() || table.waits != nil {
				t.Fatalf("seed %d: told %v, want %v", seed, got, want)
			}
		})
	}
}

type counted struct{ n atomic.Int32 }

func (c *counted) Answered(int, error) { c.n.Add(1) }

// TestEverybodyIsToldOnce: answers, deadlines and the end come at once, from many
// goroutines.
func TestEverybodyIsToldOnce(t *testing.T) {
	for range 50 {
		var table Table[int]
		const n = 40
		waiters := make([]counted, n)
		expected := make([]atomic.Bool, n)
		var all sync.WaitGroup
		for i := range uint64(n) {
			all.Go(func() {
				if table.Expect(i, &waiters[i], n) == nil {
					expected[i].Store(true)
					table.Limit(i, time.Microsecond*time.Duration(i), errLate)
				}
			})
			all.Go(func() { table.Answer(i, 1) })
			all.Go(func() { table.Fail(i, errNo) })
		}
		all.Go(func() { table.Close(errGone) })
		all.Wait()
		table.Close(errGone)
		for i := range waiters {
			want := int32(0)
			if expected[i].Load() {
				want = 1
			}
			if got := waiters[i].n.Load(); got != want {
				t.Errorf("waiter %d was told %d times, want %d", i, got, want)
			}
		}
	}
}

func TestClosed(t *testing.T) {
	var table Table[int]
	table.Close(errGone)
	if err := table.Expect(1, &counted{}, 1); err != ErrClosed || table.Answer(1, 1) || table.Forget(1) {
		t.Errorf("a closed table: %v", err)
	}
}
