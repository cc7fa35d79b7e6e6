package netpoll

import "sync"

// Runner is something to be run once by a worker.
type Runner interface{ Run() }

// pool is the workers and what waits for them, in the order it came, but output
// after the rest: what handlers have to say to the same connection then leaves
// together.
type pool struct {
	// mu is a leaf: nothing is locked, called back or waited for under it.
	mu      sync.Mutex
	tasks   fifo
	output  fifo            // what writes
	passed  int             // tasks that were run while output waited
	held    bool            // more output is coming
	due     int             // so much of it does not wait for that
	idle    []chan struct{} // parked workers, the last parked first
	waking  bool            // a worker was called and has not come yet
	workers int
	stopped bool   // workers without work end
	maxIdle int    // static
	onExit  func() // static; called under mu when a worker ends
}

// Go has r run by a worker, after what is waiting already. A Runner that
// blocks delays nobody. Shutdown waits for it; one that comes after Shutdown
// has returned is run all the same.
func (p *pool) Go(r Runner) { p.push(r) }

func (p *pool) push(r Runner) {
	p.mu.Lock()
	p.tasks.push(r)
	p.callLocked()
	p.mu.Unlock()
}

// pushOutput is push for what can wait until there is nothing else, or until
// maxPassed tasks have passed it.
func (p *pool) pushOutput(r Runner) {
	p.mu.Lock()
	p.output.push(r)
	p.callLocked()
	p.mu.Unlock()
}

const maxPassed = 32

// callLocked keeps the rule on which everything rests: while a task waits, a
// worker is on its way that runs nothing. So a handler that blocks delays
// nobody, and as at most one is on its way, handlers that do not block make no
// more workers than there are processors to run them.
func (p *pool) callLocked() {
	if p.waking || p.tasks.empty() && !p.writesLocked() {
		return
	}
	p.waking = true
	if n := len(p.idle); n > 0 {
		p.idle[n-1] <- struct{}{} // has room
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		return
	}
	p.workers++
	go p.work()
}

func (p *pool) work() {
	wake := make(chan struct{}, 1)
	p.mu.Lock()
	p.waking = false
	for {
		if r := p.nextLocked(); r != nil {
			p.callLocked()
			p.mu.Unlock()
			r.Run()
			p.mu.Lock()
			continue
		}
		if p.stopped || len(p.idle) >= p.maxIdle {
			p.workers--
			p.onExit()
			p.mu.Unlock()
			return
		}
		p.idle = append(p.idle, wake)
		p.mu.Unlock()
		<-wake
		p.mu.Lock()
		p.waking = false
	}
}

// Hold says that more output follows at once (true), from who has messages at
// hand that he hands on without waiting for anything, or that he has no more:
// what he causes to be written to one connection leaves together then. Each true
// must be followed by a false. Several may hold at the same time: what was there
// when somebody says anything waits for nobody any more.
func (p *pool) Hold(more bool) {
	p.mu.Lock()
	p.held = more
	p.pressLocked()
	p.mu.Unlock()
}

// press lets what waits be written, though more follows: there is much of it.
func (p *pool) press() {
	p.mu.Lock()
	p.pressLocked()
	p.mu.Unlock()
}

func (p *pool) pressLocked() {
	p.due = p.output.len()
	p.callLocked()
}

// writesLocked reports whether there is output that may be written now.
func (p *pool) writesLocked() bool { return !p.output.empty() && (!p.held || p.due > 0) }

// nextLocked takes what is to be run next, if there is anything.
func (p *pool) nextLocked() Runner {
	if !p.writesLocked() {
		return p.tasks.pop()
	}
	if p.tasks.empty() || p.passed >= maxPassed {
		p.passed = 0
		p.due = max(p.due-1, 0)
		return p.output.pop()
	}
	p.passed++
	return p.tasks.pop()
}

// stopLocked has the workers end when nothing is left to do.
func (p *pool) stopLocked() {
	p.stopped = true
	for _, wake := range p.idle {
		wake <- struct{}{}
	}
	p.idle = nil
}

// fifo is a queue of Runners.
type fifo struct {
	list []Runner
	head int // what is before has been taken
}

func (q *fifo) empty() bool   { return q.head == len(q.list) }
func (q *fifo) len() int      { return len(q.list) - q.head }
func (q *fifo) push(r Runner) { q.list = append(q.list, r) }

// pop takes the oldest, if there is one.
func (q *fifo) pop() Runner {
	if q.empty() {
		return nil
	}
	const keep = 4096
	r := q.list[q.head]
	q.list[q.head] = nil
	if q.head++; q.empty() {
		q.list, q.head = q.list[:0], 0
		if cap(q.list) > keep {
			q.list = nil
		}
	} else if q.head >= keep && q.head > len(q.list)/2 {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	return r
}
