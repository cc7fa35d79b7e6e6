package client

import "sync"

// inbox is what a socket's goroutine has to do, in order. There is one while
// there is something to do. Who puts more than its bound waits: so a slow
// handler slows down the reader, and through it the server.
type inbox struct {
	mu      sync.Mutex
	room    sync.Cond
	tasks   []func()
	most    int
	working bool
}

func (b *inbox) init(most int) {
	b.most = most
	b.room.L = &b.mu
}

func (b *inbox) put(c *Client, f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.tasks) >= b.most && b.working && c.ctx.Err() == nil {
		b.room.Wait()
	}
	b.tasks = append(b.tasks, f)
	if !b.working {
		b.working = c.goFunc(func() { b.work() })
	}
}

func (b *inbox) work() {
	for {
		b.mu.Lock()
		if len(b.tasks) == 0 {
			b.tasks, b.working = nil, false
			b.mu.Unlock()
			return
		}
		f := b.tasks[0]
		b.tasks = b.tasks[1:]
		b.room.Broadcast()
		b.mu.Unlock()
		f()
	}
}
