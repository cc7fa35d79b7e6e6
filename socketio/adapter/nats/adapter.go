package nats

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/brokered"
	"github.com/sockeye-io/sockeye/socketio/adapter/joined"
	"github.com/sockeye-io/sockeye/socketio/adapter/nativewire"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
	"github.com/sockeye-io/sockeye/socketio/internal/quieter"
)

// An Adapter connects a node with others by NATS. Make one with [New].
type Adapter struct {
	opts     Options
	log      *slog.Logger
	form     *nativewire.Form
	subjects *subjects
	queue    *outbox.Queue
	interest interest
	joined   joined.Rooms

	self     adapter.Node
	in       adapter.Inbox
	all      adapter.Gatherer // in, or nil
	gathered bool             // all was told that there is more at hand
	msg      adapter.Message  // the receiving goroutine's, as is
	names    names

	logs     bool                  // there is a log, or will be; does not change after Start
	reader   logReader             // the receiving goroutine's
	writer   logWriter             // the link's that there is
	at       atomic.Pointer[place] // how far the log was read; nil: not known yet
	logOpen  atomic.Bool
	storing  atomic.Pointer[time.Time] // since when an entry is being stored; nil: none is
	sessions brokered.Sessions

	payload           atomic.Int64 // the largest message that the server has taken last; 0: not known yet
	received, skipped atomic.Uint64
	refused           [adapter.ClassVital + 1]atomic.Uint64 // before they were queued
	poked             atomic.Bool                           // an item is queued that tells the sender of changed interest
	pokes             atomic.Uint64                         // of those that were sent

	begun   atomic.Bool
	stop    context.CancelFunc
	done    sync.WaitGroup
	over    chan struct{} // closed when all has ended
	drained chan error    // from a sender that has found the queue closed and empty

	mu   sync.Mutex
	link *link // nil: there is no connection
}

// New checks the options. An error says what to write.
func New(o Options) (*Adapter, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	a := &Adapter{
		opts: o, log: quieter.Logger(o.Logger),
		form: nativewire.New(o.MaxMessage, o.Key), subjects: newSubjects(o.Prefix), queue: outbox.New(o.QueueBytes), names: names{}, over: make(chan struct{}), drained: make(chan error),
	}
	a.interest.init()
	a.logs = o.JetStream == On
	a.reader.a = a
	a.queue.Split(2, func(it *outbox.Item) int {
		if it.Tag == tagLog {
			return partLog
		}
		return partBeside
	})
	return a, nil
}

// Traits says what the backend promises.
func (a *Adapter) Traits() adapter.Traits {
	return adapter.Traits{
		Name: "nats", Ordered: !a.logs, AtLeastOnce: a.logs, Log: a.logs, Routes: true, AllRooms: true, MaxMessage: a.opts.MaxMessage,
	}
}

// Start connects, in the background and until Close, whatever becomes of ctx. It
// fails if the log is to be kept by JetStream and the server says that it has none.
func (a *Adapter) Start(ctx context.Context, self adapter.Node, in adapter.Inbox) error {
	if a.begun.Swap(true) {
		return adapter.ErrStarted
	}
	if a.opts.JetStream == On && !a.opts.Local {
		if err := a.probe(usable); errors.Is(err, errMissing) || errors.Is(err, errOld) {
			return err
		}
	}
	if self.Deaf && a.opts.JetStream == Auto { // it does as the nodes do that it speaks to
		a.logs = a.probe(a.there) == nil
	}
	a.self, a.in = self, in
	a.all, _ = in.(adapter.Gatherer)
	ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.done.Go(func() {
		defer close(a.over)
		a.run(ctx)
	})
	return nil
}

// Lane is 0 for what goes to all nodes, and another number for each bucket of
// rooms. Where there is a log, 0 is what it keeps, and 1 what else is for all. Of
// a message without a sender it is where those of other nodes come.
func (a *Adapter) Lane(m *adapter.Message) uint32 {
	if m.Keep || a.logs && a.self.Deaf && keepable(m) {
		return 0
	}
	lane := laneOf(m)
	switch {
	case lane != 0 && m.From != "" && a.joined.Has(m.NS, m.Rooms[0]):
		return 0
	case lane == 0 && a.logs && !keepable(m):
		return laneBeside
	}
	return lane
}

// Publish queues a message.
func (a *Adapter) Publish(m *adapter.Message) error {
	if m.Kind == adapter.Join && m.To == "" {
		a.joined.Add(m.NS, m.Names)
	}
	it := outbox.Get()
	it.Class, it.Dest, it.Tag = m.Class(), a.subjects.of(m), 0
	frame := 0
	if a.logs && m.To == "" && m.Lane == 0 {
		it.Dest, it.Tag, frame = a.subjects.log+m.From, tagLog, entryFrame+headers
	}
	var err error
	it.Data, err = a.form.Append(it.Data[:0], it.Dest, m)
	if most := a.payload.Load(); err == nil && most > 0 && int64(len(it.Data)+frame) > most {
		err = fmt.Errorf("%w: %d bytes, and the NATS server's max_payload is %d", adapter.ErrTooLarge, len(it.Data), most)
	}
	if err != nil {
		a.refused[it.Class].Add(1)
		outbox.Drop(it)
		return err
	}
	return a.queue.Add(it)
}

// Interest tells of namespaces and rooms that are here or are gone.
func (a *Adapter) Interest(changes ...adapter.Interest) {
	if a.interest.change(changes) {
		a.poke()
	}
}

// tagPoke marks items that are no messages.
const tagPoke = 1

// poke has the sender look at what has changed, before it sends what is queued
// from now on.
func (a *Adapter) poke() {
	if !a.poked.CompareAndSwap(false, true) {
		return
	}
	it := outbox.Get()
	it.Class, it.Tag = adapter.ClassVital, tagPoke
	if a.queue.Add(it) != nil {
		a.poked.Store(false) // there is enough to send, so it looks anyway
	}
}

// Stats returns what has become of messages so far.
func (a *Adapter) Stats() adapter.Stats {
	pokes := a.pokes.Load() // before those that were sent are counted
	s := a.queue.Stats()
	s.Published -= min(pokes, s.Published)
	s.Received, s.Skipped = a.received.Load(), a.skipped.Load()
	for c := range a.refused {
		if n := a.refused[c].Load(); n > 0 {
			if s.Dropped == nil {
				s.Dropped = make(map[string]uint64)
			}
			s.Dropped[adapter.Class(c).String()] += n
		}
	}
	return s
}

// Close sends what is queued until ctx ends, or fails with [adapter.ErrAway] when
// the log has stored nothing for 10 s, and ends the connection. What is left is
// counted as dropped.
func (a *Adapter) Close(ctx context.Context) error {
	a.queue.Close()
	var err error
	if a.stop != nil { // it was started
		if a.linked() || a.queue.Stats().Queued > 0 {
			select {
			case err = <-a.drained:
			case <-a.over: // it was closed before
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if err == nil {
			a.sessions.Await(ctx)
		}
		a.stop()
		a.done.Wait()
		a.queue.Lost(a.writer.unsure)
		a.writer.unsure = nil
	}
	a.queue.Clear()
	return err
}

// setLink notes which connection there is.
func (a *Adapter) setLink(l *link) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.link = l
}

func (a *Adapter) linked() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.link != nil
}
