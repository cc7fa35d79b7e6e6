package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

const (
	// hope is how long a node that stops waits for a broker that it has lost, and
	// strangers for one that has never been there: nobody there knows of this node.
	hope      = 2 * time.Second
	strangers = time.Second
)

// A parting ends the wait of a node that stops once its broker is away for longer
// than there is hope.
type parting struct {
	mu   sync.Mutex
	end  context.CancelCauseFunc // nil: it does not stop
	wait *time.Timer             // runs while the broker is away
}

// part has ctx end with adapter.ErrAway as its cause when there is no hope any
// more. over must be called.
func (c *Core) part(ctx context.Context) (_ context.Context, over func()) {
	ctx, end := context.WithCancelCause(ctx)
	p := &c.parting
	p.mu.Lock()
	p.end = end
	p.mu.Unlock()
	c.parts()
	return ctx, func() {
		p.mu.Lock()
		p.end = nil
		p.stopLocked()
		p.mu.Unlock()
		end(nil)
	}
}

// parts looks at a state that may be another. It is called after that is stored.
func (c *Core) parts() {
	p := &c.parting
	p.mu.Lock()
	defer p.mu.Unlock()
	switch s := c.State(); {
	case p.end == nil:
	case s.Connection == adapter.Up:
		p.stopLocked()
	case p.wait == nil:
		end, long := p.end, hope
		if s.Connection == adapter.Connecting {
			long = strangers
		}
		p.wait = time.AfterFunc(long, func() { end(adapter.ErrAway) })
	}
}

func (p *parting) stopLocked() {
	if p.wait != nil {
		p.wait.Stop()
		p.wait = nil
	}
}
