package socketio

import (
	"slices"
	"sync"
	"sync/atomic"
)

// watchers are those who are told of what happens: Options.Trace first, then
// those of Watch in their order.
type watchers struct {
	told atomic.Pointer[Trace] // all of them as one; never nil

	mu   sync.Mutex
	list []*Trace
}

func (w *watchers) init(first *Trace) {
	if first != nil {
		w.list = append(w.list, first)
	}
	w.join()
}

// join makes one Trace of all. w.mu is held, or nobody else knows w yet.
func (w *watchers) join() {
	all := new(Trace)
	for _, t := range w.list {
		all = all.and(t)
	}
	w.told.Store(all)
}

// Watch has t told of what happens from now on, after Options.Trace and those
// who watch already. stop ends it; what is under way at that moment may still be
// told. Functions of t that nobody wants should be nil: they cost nothing then,
// while one of Sent or Frame is called for every receiver of every emit.
func (srv *Server) Watch(t *Trace) (stop func()) {
	own := *t // of its own, so that stop finds it
	w := &srv.watched
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(slices.Clip(w.list), &own)
	w.join()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.list = slices.DeleteFunc(slices.Clone(w.list), func(t *Trace) bool { return t == &own })
		w.join()
	}
}

func (srv *Server) trace() *Trace { return srv.watched.told.Load() }

// and is t and then u. A panic of t's functions keeps nothing from u's.
func (t *Trace) and(u *Trace) *Trace {
	return &Trace{
		Connected:    one(t.Connected, u.Connected),
		Disconnected: three(t.Disconnected, u.Disconnected),
		Panicked:     two(t.Panicked, u.Panicked),
		Changed:      one(t.Changed, u.Changed),
		Bound:        two(t.Bound, u.Bound),
		Cluster:      one(t.Cluster, u.Cluster),
		Sent:         two(t.Sent, u.Sent),
		Frame:        two(t.Frame, u.Frame),
		Dropped:      three(t.Dropped, u.Dropped),
		Broadcast:    three(t.Broadcast, u.Broadcast),
		Handled:      three(t.Handled, u.Handled),
		Unheard:      two(t.Unheard, u.Unheard),
	}
}

func one[A any](f, g func(A)) func(A) {
	if f == nil || g == nil {
		return either(f == nil, g, f)
	}
	return func(a A) {
		defer g(a)
		f(a)
	}
}

func two[A, B any](f, g func(A, B)) func(A, B) {
	if f == nil || g == nil {
		return either(f == nil, g, f)
	}
	return func(a A, b B) {
		defer g(a, b)
		f(a, b)
	}
}

func three[A, B, C any](f, g func(A, B, C)) func(A, B, C) {
	if f == nil || g == nil {
		return either(f == nil, g, f)
	}
	return func(a A, b B, c C) {
		defer g(a, b, c)
		f(a, b, c)
	}
}

func either[F any](first bool, f, g F) F {
	if first {
		return f
	}
	return g
}
