package socketio

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// A gatherer asks for many at once what each wants to know for himself: for the
// first at once, and then for those together who come until there is an answer,
// and for a moment at least. What is asked of one does not wait for what is asked
// of another.
type gatherer[Q, A any] struct {
	of func(q Q) string // who is asked
	// ask answers the first of list, in order, and at least one. It ends with ctx.
	ask  func(ctx context.Context, list []Q) ([]A, error)
	mute error // of ask: whoever waits to ask the same one has waited long enough

	mu       sync.Mutex
	waiting  []*wish[Q, A]
	underWay map[string]int // how many questions, by who is asked
	busy     bool           // run is at work
	enough   chan struct{}  // has an entry when as many wait as are asked for together
}

type wish[Q, A any] struct {
	ctx  context.Context // nobody wants to know any more when it has ended
	q    Q
	a    A
	err  error
	done chan struct{}
}

const (
	// gathers is how long what is asked for next is gathered at least.
	gathers = 20 * time.Millisecond
	// mostGathered are asked for together: sessions are large.
	mostGathered = 64
)

var errNoAnswer = errors.New("socketio: no answer")

func (g *gatherer[Q, A]) init(of func(q Q) string, ask func(ctx context.Context, list []Q) ([]A, error)) {
	g.of, g.ask, g.underWay, g.enough = of, ask, make(map[string]int), make(chan struct{}, 1)
}

// want returns the answer to q, or fails when ctx ends.
func (g *gatherer[Q, A]) want(ctx context.Context, q Q) (a A, err error) {
	w := &wish[Q, A]{ctx: ctx, q: q, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
	if len(g.waiting)%mostGathered == 0 {
		select {
		case g.enough <- struct{}{}:
		default:
		}
	}
	start := !g.busy
	g.busy = true
	g.mu.Unlock()
	if start {
		go g.run()
	}
	select {
	case <-w.done:
		return w.a, w.err
	case <-ctx.Done():
		return a, ctx.Err()
	}
}

// run asks until nobody wants to know anything.
func (g *gatherer[Q, A]) run() {
	for {
		parts, more := g.next()
		if !more {
			return
		}
		for _, part := range parts {
			go g.serve(part)
		}
		t := time.NewTimer(gathers)
		select {
		case <-t.C:
		case <-g.enough:
			t.Stop()
		}
	}
}

// next takes out what is to be asked now: all that makes up a full question, and
// what is for those who are not asked anything yet. more reports whether there is
// such, or what waits for an answer to others.
func (g *gatherer[Q, A]) next() (parts [][]*wish[Q, A], more bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	by := make(map[string][]*wish[Q, A])
	for _, w := range g.waiting {
		if w.ctx.Err() != nil {
			continue
		}
		of := g.of(w.q)
		if by[of] = append(by[of], w); len(by[of]) == mostGathered {
			parts = append(parts, by[of])
			g.underWay[of]++
			delete(by, of)
		}
	}
	g.waiting = nil
	for of, part := range by {
		if g.underWay[of] > 0 {
			g.waiting = append(g.waiting, part...)
			continue
		}
		parts = append(parts, part)
		g.underWay[of]++
	}
	g.busy = len(parts)+len(g.waiting) > 0
	return parts, g.busy
}

// serve asks until all of list have an answer: what did not fit into one comes
// with the next.
func (g *gatherer[Q, A]) serve(list []*wish[Q, A]) {
	of := g.of(list[0].q)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for len(list) > 0 {
		var questions []Q
		for _, w := range list {
			questions = append(questions, w.q)
		}
		answers, err := g.ask(ctx, questions)
		n := min(len(answers), len(list))
		if n == 0 && err == nil {
			err = errNoAnswer
		}
		if err != nil {
			if err == g.mute {
				list = append(list, g.others(of)...)
			}
			n = len(list)
		}
		for i, w := range list[:n] {
			if w.err = err; err == nil {
				w.a = answers[i]
			}
			close(w.done)
		}
		list = slices.DeleteFunc(list[n:], func(w *wish[Q, A]) bool { return w.ctx.Err() != nil })
	}
	g.mu.Lock()
	if g.underWay[of]--; g.underWay[of] == 0 {
		delete(g.underWay, of)
	}
	g.mu.Unlock()
}

// others takes out those who wait to ask the same one.
func (g *gatherer[Q, A]) others(of string) (list []*wish[Q, A]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = slices.DeleteFunc(g.waiting, func(w *wish[Q, A]) bool {
		if g.of(w.q) != of {
			return false
		}
		list = append(list, w)
		return true
	})
	return list
}
