package socketio

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// A gatherer asks for many at once what each wants to know for himself: for the
// first at once, and then for those together who come within a moment. What is
// asked of one does not wait for what is asked of another.
type gatherer[Q, A any] struct {
	of func(q Q) string // who is asked
	// ask answers the first of list, in order, and at least one. It ends with ctx.
	ask func(ctx context.Context, list []Q) ([]A, error)

	mu      sync.Mutex
	waiting []*wish[Q, A]
	busy    bool // run is at work
}

type wish[Q, A any] struct {
	ctx  context.Context // nobody wants to know any more when it has ended
	q    Q
	a    A
	err  error
	done chan struct{}
}

const (
	// gathers is how long what is asked for next is gathered.
	gathers = 20 * time.Millisecond
	// mostGathered are asked for together: sessions are large.
	mostGathered = 64
)

var errNoAnswer = errors.New("socketio: no answer")

func (g *gatherer[Q, A]) init(of func(q Q) string, ask func(ctx context.Context, list []Q) ([]A, error)) {
	g.of, g.ask = of, ask
}

// want returns the answer to q, or fails when ctx ends.
func (g *gatherer[Q, A]) want(ctx context.Context, q Q) (a A, err error) {
	w := &wish[Q, A]{ctx: ctx, q: q, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
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
	for parts := g.next(); len(parts) > 0; parts = g.next() {
		for _, part := range parts {
			go g.serve(part)
		}
		time.Sleep(gathers)
	}
}

// next takes out what is to be asked now, by who is asked.
func (g *gatherer[Q, A]) next() (parts [][]*wish[Q, A]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	by := make(map[string][]*wish[Q, A])
	for _, w := range g.waiting {
		if w.ctx.Err() == nil {
			of := g.of(w.q)
			by[of] = append(by[of], w)
		}
	}
	g.waiting = nil
	for _, list := range by {
		parts = slices.AppendSeq(parts, slices.Chunk(list, mostGathered))
	}
	g.busy = len(parts) > 0
	return parts
}

// serve asks until all of list have an answer: what did not fit into one comes
// with the next.
func (g *gatherer[Q, A]) serve(list []*wish[Q, A]) {
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
}
