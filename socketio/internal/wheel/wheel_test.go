package wheel

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

type runFunc func()

func (f runFunc) Run() { f() }

// Timers run never early, and late by at most a tick, whatever is pending beside
// them; short ones by a millisecond.
func TestPrecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Wheel
		defer w.Stop()
		rnd := rand.New(rand.NewPCG(1, 2))
		var ran atomic.Int32
		const n = 20_000
		timers := make([]Timer, n)
		for i := range timers {
			d := time.Duration(rnd.ExpFloat64() * float64(20*time.Second))
			if i%100 == 0 {
				d *= 1000 // further than the wheel reaches
			}
			begin := time.Now()
			w.After(d, &timers[i], runFunc(func() {
				ran.Add(1)
				if late := time.Since(begin) - d; late < 0 || late > Tick || d < 256*time.Millisecond && late > time.Millisecond {
					t.Errorf("%v came %v late", d, late)
				}
			}))
			if i%50 == 0 {
				time.Sleep(time.Duration(rnd.IntN(int(200 * time.Millisecond))))
			}
		}
		time.Sleep(200 * time.Hour)
		if ran.Load() != n || w.Pending() != 0 {
			t.Errorf("%d of %d ran, %d pending", ran.Load(), n, w.Pending())
		}
	})
}

func TestStopTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Wheel
		defer w.Stop()
		var timers [1000]Timer
		var ran [1000]bool
		for i := range timers {
			w.After(time.Duration(i)*time.Millisecond, &timers[i], runFunc(func() { ran[i] = true }))
		}
		for i := 500; i < 1000; i += 2 {
			if !timers[i].Stop() || timers[i].Stop() {
				t.Error("Stop: not exactly once")
			}
		}
		time.Sleep(2 * time.Second)
		if timers[1].Stop() {
			t.Error("stopped what had run")
		}
		w.Stop()
		for i, r := range ran {
			if want := i < 500 || i%2 == 1; r != want {
				t.Errorf("timer %d: ran %v", i, r)
			}
		}
	})
}

// A heartbeat: set anew from its own Run, and from outside before it comes up.
func TestSetAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Wheel
		defer w.Stop()
		var beat, moved Timer
		var beats, moves int
		var again runFunc
		again = func() {
			beats++
			w.After(300*time.Millisecond, &beat, again)
		}
		w.After(300*time.Millisecond, &beat, again)
		for range 100 {
			w.After(200*time.Millisecond, &moved, runFunc(func() { moves++ }))
			time.Sleep(100 * time.Millisecond)
		}
		w.Stop()
		if beats < 32 || beats > 33 || moves != 0 {
			t.Errorf("%d beats, %d moves", beats, moves)
		}
	})
}

// Stop of the wheel forgets what is pending, and After on it does nothing.
func TestStopWheel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Wheel
		var a, b Timer
		w.After(time.Second, &a, runFunc(func() { t.Error("ran") }))
		w.Stop()
		w.After(time.Second, &b, runFunc(func() { t.Error("ran") }))
		time.Sleep(time.Minute)
		if a.Stop() || b.Stop() || w.Pending() != 0 {
			t.Error("something is pending")
		}
		w.Stop()
	})
	var unused Wheel
	unused.Stop()
}

// Stop waits for a Run that is under way.
func TestStopWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Wheel
		var a Timer
		var done atomic.Bool
		w.After(time.Second, &a, runFunc(func() {
			time.Sleep(time.Minute)
			done.Store(true)
		}))
		time.Sleep(2 * time.Second)
		w.Stop()
		if !done.Load() {
			t.Error("Run was still under way")
		}
	})
}

func TestConcurrent(t *testing.T) {
	var w Wheel
	defer w.Stop()
	stop := make(chan struct{})
	time.AfterFunc(200*time.Millisecond, func() { close(stop) })
	done := make(chan int)
	for g := range 4 {
		go func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 0))
			timers := make([]Timer, 100)
			n := 0
			for {
				select {
				case <-stop:
					for i := range timers {
						timers[i].Stop()
					}
					done <- n
					return
				default:
				}
				i := rnd.IntN(len(timers))
				if rnd.IntN(3) == 0 {
					timers[i].Stop()
				} else {
					w.After(time.Duration(rnd.IntN(20))*time.Millisecond, &timers[i], runFunc(func() {}))
				}
				n++
			}
		}()
	}
	for range 4 {
		<-done
	}
	if w.Pending() != 0 {
		t.Errorf("%d pending", w.Pending())
	}
}

func TestSize(t *testing.T) {
	if s := unsafe.Sizeof(Timer{}); s > 64 {
		t.Errorf("a Timer has %d bytes", s)
	}
	var w Wheel
	defer w.Stop()
	var tm Timer
	var r Runner = runFunc(func() {})
	w.After(time.Minute, &tm, r)
	if n := testing.AllocsPerRun(100, func() { w.After(time.Minute, &tm, r) }); n != 0 {
		t.Errorf("After: %v allocations", n)
	}
}

func BenchmarkAfter(b *testing.B) {
	var w Wheel
	defer w.Stop()
	timers := make([]Timer, 10_000)
	var r Runner = runFunc(func() {})
	for i := 0; b.Loop(); i++ {
		w.After(25*time.Second, &timers[i%len(timers)], r)
	}
}
