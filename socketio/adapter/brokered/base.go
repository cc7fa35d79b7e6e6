package brokered

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

// A Base is an adapter's queue and inbox, and what runs between Start and Close.
type Base struct {
	Out *outbox.Queue
	In  Inbox

	largest int
	begun   atomic.Bool
	closing atomic.Bool
	stop    context.CancelFunc // nil before Start
	done    chan struct{}      // closed when all goroutines have ended
	drained chan struct{}      // closed when all that was queued is sent, after Drain
	drain   sync.Once
}

// New returns a base whose queue takes queueBytes, and whose messages have
// maxMessage bytes at most.
func New(queueBytes, maxMessage int) *Base {
	return &Base{
		Out:     outbox.New(queueBytes),
		largest: max(min(maxMessage, queueBytes-8<<10), 0), // the queue counts a little more for each
		done:    make(chan struct{}),
		drained: make(chan struct{}),
	}
}

// Largest is the size of the largest message that can be sent.
func (b *Base) Largest() int { return b.largest }

// Begin is what an adapter's Start begins with: the second gets
// [adapter.ErrStarted], and must leave everything as it is.
func (b *Base) Begin() error {
	if b.begun.Swap(true) {
		return adapter.ErrStarted
	}
	return nil
}

// Start opens the inbox and runs the functions, each in a goroutine of its own
// and with a context that lasts until End, whatever becomes of ctx.
func (b *Base) Start(ctx context.Context, in adapter.Inbox, run ...func(context.Context)) {
	ctx, b.stop = context.WithCancel(context.WithoutCancel(ctx))
	b.In.Open(in)
	var all sync.WaitGroup
	for _, f := range run {
		all.Go(func() { f(ctx) })
	}
	go func() {
		all.Wait()
		close(b.done)
	}()
}

// Add queues what encode makes of a message.
func (b *Base) Add(m *adapter.Message, encode func(*outbox.Item, *adapter.Message) error) error {
	it := outbox.Get()
	it.Class = m.Class()
	err := encode(it, m)
	if err == nil && len(it.Data) > b.largest {
		err = adapter.ErrTooLarge
	}
	if err != nil {
		outbox.Drop(it)
		return err
	}
	return b.Out.Add(it)
}

// Stats is what has become of messages so far.
func (b *Base) Stats() adapter.Stats {
	s := b.Out.Stats()
	s.Received, s.Skipped = b.In.Received.Load(), b.In.Skipped.Load()
	return s
}

// Send writes what gathers in the queue, until ctx ends, the queue is closed and
// empty, or write fails, whose error it returns.
func (b *Base) Send(ctx context.Context, write func([]*outbox.Item) error) error {
	for {
		batch, err := b.Out.Take(ctx)
		if errors.Is(err, adapter.ErrClosed) {
			b.drain.Do(func() { close(b.drained) })
			return nil
		}
		if err != nil {
			return nil
		}
		if err := write(batch); err != nil {
			return err
		}
	}
}

// Empty ends Drain's wait for what is queued if nothing is, and no more can be.
func (b *Base) Empty() {
	if b.closing.Load() && b.Out.Stats().Queued == 0 {
		b.drain.Do(func() { close(b.drained) })
	}
}

// Drain closes the queue and waits until all that it holds is sent, or until ctx
// ends, whose error it returns then.
func (b *Base) Drain(ctx context.Context) error {
	b.Out.Close()
	if b.stop == nil {
		return nil
	}
	b.closing.Store(true)
	b.Empty()
	select {
	case <-b.drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// End ends what Start has begun, waits until it has, and counts what is still
// queued as dropped.
func (b *Base) End() {
	if b.stop != nil {
		b.stop()
		<-b.done
	}
	b.Out.Clear()
}

// Close is Drain and End.
func (b *Base) Close(ctx context.Context) error {
	err := b.Drain(ctx)
	b.End()
	return err
}

// A Link is a set of connections, which live and end together.
type Link interface {
	// Serve uses them until they fail, and returns why, and whether messages could
	// be sent and received at all. They may be silent for patience; again tells
	// that a link before this one has worked.
	Serve(patience time.Duration, again bool) (worked bool, err error)
}

// Run makes one link after the other until ctx ends, and tells the inbox when
// there is none.
func (b *Base) Run(ctx context.Context, p *Pace, connect func(context.Context) (Link, error)) {
	pause, patience, again := p.Backoff(), p.Patience, false
	for {
		l, err := connect(ctx)
		if err == nil {
			var worked bool
			worked, err = l.Serve(patience, again)
			patience = p.Next(patience, err)
			if worked {
				again = true
				pause.Reset()
			}
		}
		if ctx.Err() != nil {
			return
		}
		b.In.Down(err)
		b.Empty()
		select {
		case <-time.After(pause.Next()):
		case <-ctx.Done():
			return
		}
	}
}
