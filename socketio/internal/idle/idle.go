package idle

import (
	"context"
	"sync"
)

// A Count is how many things go on. The zero Count is ready; it must not be
// copied. Its methods may be called from any goroutine.
type Count struct {
	mu   sync.Mutex
	n    int
	none chan struct{} // closed when there are none; made when somebody waits for that
}

// Add counts n more, or fewer.
func (c *Count) Add(n int) {
	c.mu.Lock()
	if c.n += n; c.n == 0 && c.none != nil {
		close(c.none)
		c.none = nil
	}
	c.mu.Unlock()
}

// Wait waits for a moment at which nothing goes on, or until ctx ends: then it
// returns the error of ctx.
func (c *Count) Wait(ctx context.Context) error {
	c.mu.Lock()
	if c.n == 0 {
		c.mu.Unlock()
		return nil
	}
	if c.none == nil {
		c.none = make(chan struct{})
	}
	none := c.none
	c.mu.Unlock()
	select {
	case <-none:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
