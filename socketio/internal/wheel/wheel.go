package wheel

import (
	"math/bits"
	"sync"
	"time"
)

// Tick is how late a timer may run.
const Tick = 2 * time.Millisecond

const (
	levels   = 8
	slots    = 256
	shift    = 2 // each level is four times coarser than the one before
	furthest = (slots - 1) << (shift * (levels - 1))
	tick     = int64(Tick / time.Millisecond)
)

// Runner is what a Timer runs. Run must not block, and must not call Wheel.Stop.
type Runner interface{ Run() }

// Timer is one deadline. The zero value is ready. A Timer must not be copied,
// nor used with two wheels. Calls that concern one Timer are made one at a time,
// under a lock of the caller's.
type Timer struct {
	w    *Wheel
	next *Timer
	prev **Timer // nil while not pending
	run  Runner
	when int64 // in ms since the wheel's start
	pos  int16 // level*slots+slot, -1 on the list of those that are due
}

// Wheel holds timers. The zero value is ready.
type Wheel struct {
	mu      sync.Mutex
	start   time.Time // set on first use, so that a clock in a test bubble is its own
	now     int64     // everything due until here, in ms since start, has been taken out
	levels  []level   // nil until first use
	due     *Timer
	n       int
	timer   *time.Timer
	armed   int64 // when timer fires; 0 if it is not set
	running bool
	stopped bool
	ended   sync.Cond // running has become false
}

type level struct {
	used  [slots / 64]uint64
	slots [slots]*Timer
}

// After has r.Run called once d has passed. A pending t is set anew. Its Run
// may still be under way, or about to start, from before: what must be told
// apart is for the caller's own lock. On a stopped wheel nothing happens.
func (w *Wheel) After(d time.Duration, t *Timer, r Runner) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.prev != nil {
		w.remove(t)
	}
	if w.stopped {
		return
	}
	if w.levels == nil {
		w.levels, w.start = make([]level, levels), time.Now()
		w.ended.L = &w.mu
	}
	since := time.Since(w.start)
	now := since.Milliseconds()
	if w.n == 0 || w.armed > now {
		w.now = max(now, w.now) // nothing is due until now
	}
	t.w, t.run = w, r
	t.when = int64((since + max(d, 0) + time.Millisecond - 1) / time.Millisecond)
	if d >= slots*time.Millisecond {
		t.when = (t.when + tick - 1) / tick * tick
	}
	if at := w.insert(t); !w.running && (w.armed == 0 || at < w.armed) {
		w.arm(at)
	}
}

// Stop reports whether it kept t from running.
func (t *Timer) Stop() bool {
	if t.w == nil {
		return false
	}
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	if t.prev == nil {
		return false
	}
	t.w.remove(t)
	return true
}

// Pending reports whether t is set and has not run.
func (t *Timer) Pending() bool {
	if t.w == nil {
		return false
	}
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	return t.prev != nil
}

// Pending is the number of timers that have not run.
func (w *Wheel) Pending() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}

// Stop forgets all timers and waits until none runs any more.
func (w *Wheel) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
	for w.running {
		w.ended.Wait()
	}
	for t := range w.all() {
		w.remove(t)
	}
}

func (w *Wheel) all() func(func(*Timer) bool) {
	return func(yield func(*Timer) bool) {
		heads := []*Timer{w.due}
		for i := range w.levels {
			heads = append(heads, w.levels[i].slots[:]...)
		}
		for _, t := range heads {
			for t != nil {
				next := t.next
				if !yield(t) {
					return
				}
				t = next
			}
		}
	}
}

// insert puts t into the finest level that reaches so far, and returns when the
// slot comes up: then t is due, or is moved to a finer level.
func (w *Wheel) insert(t *Timer) int64 {
	when := max(t.when, w.now+1)
	when = min(when, w.now+furthest-1<<(shift*(levels-1))) // looked at again then
	l := 0
	for when>>(shift*l)-w.now>>(shift*l) >= slots {
		l++
	}
	at := when >> (shift * l)
	i := at & (slots - 1)
	lv := &w.levels[l]
	lv.used[i/64] |= 1 << (i % 64)
	t.pos = int16(int64(l)*slots + i)
	push(&lv.slots[i], t)
	w.n++
	return at << (shift * l)
}

func push(head **Timer, t *Timer) {
	t.next, t.prev = *head, head
	if t.next != nil {
		t.next.prev = &t.next
	}
	*head = t
}

func (w *Wheel) remove(t *Timer) {
	*t.prev = t.next
	if t.next != nil {
		t.next.prev = t.prev
	}
	if t.pos >= 0 {
		lv, i := &w.levels[t.pos/slots], t.pos%slots
		if lv.slots[i] == nil {
			lv.used[i/64] &^= 1 << (i % 64)
		}
	}
	t.next, t.prev = nil, nil
	w.n--
}

func (w *Wheel) arm(at int64) {
	w.armed = at
	d := time.Until(w.start.Add(time.Duration(at) * time.Millisecond))
	if w.timer == nil {
		w.timer = time.AfterFunc(d, w.expire)
		return
	}
	w.timer.Reset(d)
}

// expire runs what is due and sets the runtime timer for what comes next.
func (w *Wheel) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped || w.running {
		return
	}
	w.running, w.armed = true, 0
	for !w.stopped {
		w.take(time.Since(w.start).Milliseconds())
		if w.due == nil {
			break
		}
		for t := w.due; t != nil && !w.stopped; t = w.due {
			w.remove(t)
			r := t.run
			w.mu.Unlock()
			r.Run()
			w.mu.Lock()
		}
	}
	w.running = false
	w.ended.Broadcast()
	if w.n > 0 && !w.stopped {
		w.arm(w.next())
	}
}

// take moves the timers that are due until now to the list due, and those whose
// slot was coarser than a millisecond to a finer one.
func (w *Wheel) take(now int64) {
	from := w.now
	w.now = max(w.now, now)
	var moved *Timer
	for l := range w.levels {
		lv, g := &w.levels[l], shift*l
		first, last := from>>g+1, w.now>>g
		for a := first; a <= min(last, first+slots-1); a++ {
			i := a & (slots - 1)
			if lv.used[i/64]&(1<<(i%64)) == 0 {
				continue
			}
			lv.used[i/64] &^= 1 << (i % 64)
			for t := lv.slots[i]; t != nil; {
				next := t.next
				t.pos = -1
				if t.when <= w.now {
					push(&w.due, t)
				} else {
					push(&moved, t)
				}
				t = next
			}
			lv.slots[i] = nil
		}
	}
	for t := moved; t != nil; t = moved {
		w.remove(t)
		w.insert(t)
	}
}

// next is when the first slot that is in use comes up.
func (w *Wheel) next() int64 {
	first := int64(-1)
	for l := range w.levels {
		lv, g := &w.levels[l], shift*l
		cur := w.now>>g + 1
		for n := int64(0); n < slots; {
			i := (cur + n) & (slots - 1)
			if rest := lv.used[i/64] >> (i % 64); rest != 0 {
				if at := (cur + n + int64(bits.TrailingZeros64(rest))) << g; first < 0 || at < first {
					first = at
				}
				break
			}
			n += 64 - i%64
		}
	}
	return first
}
