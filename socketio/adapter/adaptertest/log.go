package adaptertest

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// busLog is what a bus keeps, with Traits.Log. It is guarded by Bus.mu.
type busLog struct {
	id       uint32
	base     uint64 // the number of the first of list
	list     []*adapter.Message
	sessions map[string]busSession
	commands Commands
}

// Commands are what a bus with a log was asked about sessions.
type Commands struct {
	Puts  int // sessions stored, or not
	Peeks int // looks at some
}

type busSession struct {
	state []byte
	until time.Time
}

func (l *busLog) init() { l.id, l.base, l.sessions = 1, 1, make(map[string]busSession) }

// add keeps a message, and returns it with its place.
func (l *busLog) add(m *adapter.Message) *adapter.Message {
	m.At = adapter.Mark{Log: l.id, High: l.base + uint64(len(l.list))}
	l.list = append(l.list, m)
	return m
}

func (l *busLog) end() adapter.Mark {
	return adapter.Mark{Log: l.id, High: l.base + uint64(len(l.list)) - 1}
}

// readBack is a node's own message as that reads it.
func readBack(m *adapter.Message) *adapter.Message {
	return &adapter.Message{Kind: m.Kind, From: m.From, NS: m.NS, Seq: m.Seq, Lane: m.Lane, At: m.At, Skipped: true}
}

// Trim has the log forget all but the last n messages.
func (b *Bus) Trim(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if gone := len(b.log.list) - n; gone > 0 {
		b.log.base += uint64(gone)
		b.log.list = b.log.list[gone:]
	}
}

// NewLog replaces the log by an empty one, as when the broker was made anew. Each
// node reads first what was on its way from the old one, is told, and then reads
// the new one from its beginning.
func (b *Bus) NewLog() {
	b.mu.Lock()
	defer b.mu.Unlock()
	id, commands := b.log.id, b.log.commands
	b.log = busLog{}
	b.log.init()
	b.log.id, b.log.commands = id+1, commands
	for _, n := range b.all() {
		n.turn()
	}
}

// turn has a node read the new log, behind what it has to read of the old one.
func (n *node) turn() {
	l := &n.bus.log
	if !n.bus.o.Traits.Log || !n.wasUp || n.down() != nil && !n.bus.o.Traits.AtLeastOnce {
		return // it learns that when it is connected
	}
	n.logID = l.id
	now := time.Now()
	last := n.late[lane{}]
	if last.Before(now) {
		last = now
	}
	n.late[lane{}] = last
	n.arrivals = slices.DeleteFunc(n.arrivals, func(i item) bool {
		return i.due.After(last) && i.m != nil && !i.m.At.IsZero() // it would come again
	})
	n.put(item{state: &adapter.State{Connection: adapter.Up, At: now, Log: l.end()}, read: true, due: last})
}

// Commands are what it was asked so far.
func (b *Bus) Commands() Commands {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.commands
}

// logger is a node of a bus with a log.
type logger struct{ *node }

var _ adapter.Log = logger{}

func (n logger) Read(ctx context.Context, ns string, from, to adapter.Mark, yield func(*adapter.Message) error) error {
	list, err := n.part(ctx, from, to)
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.NS != ns {
			continue
		}
		m = clone(m)
		err := yield(m)
		destroy(m)
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (n logger) End(ctx context.Context) (adapter.Mark, error) {
	if err := n.reach(ctx); err != nil {
		return adapter.Mark{}, err
	}
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	return n.bus.log.end(), nil
}

func (n logger) part(ctx context.Context, from, to adapter.Mark) ([]*adapter.Message, error) {
	if err := n.reach(ctx); err != nil {
		return nil, err
	}
	b := n.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	l := &b.log
	if from.Log != l.id || from.High+1 < l.base || from.High > l.end().High {
		return nil, adapter.ErrGone
	}
	return l.list[from.High+1-l.base : min(to.High+1-l.base, uint64(len(l.list)))], nil
}

// reach fails if the broker is away, and waits while it is paused.
func (n logger) reach(ctx context.Context) error {
	n.bus.mu.Lock()
	err, paused := n.down(), n.bus.paused
	n.bus.mu.Unlock()
	if err == nil && paused {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (n logger) PutSession(s adapter.Session) {
	if done := s.Done; done != nil {
		done(n.keep(s))
	} else {
		n.keep(s)
	}
}

func (n logger) keep(s adapter.Session) adapter.Stored {
	b := n.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if n.down() != nil || b.paused || n.crashed || n.done == nil {
		return adapter.NotStored
	}
	b.log.commands.Puts++
	old, there := b.log.sessions[s.Key]
	there = there && time.Now().Before(old.until)
	switch {
	case s.First:
	case !there:
		return adapter.StoredNone
	case !bytes.HasPrefix(old.state, s.Replaces()):
		return adapter.StoredOther
	}
	if s.TTL <= 0 {
		delete(b.log.sessions, s.Key)
	} else {
		b.log.sessions[s.Key] = busSession{append([]byte(nil), s.State...), time.Now().Add(s.TTL)}
	}
	return adapter.StoredThere
}

func (n logger) PeekSessions(ctx context.Context, keys []string) ([]adapter.Kept, error) {
	if err := n.reach(ctx); err != nil {
		return nil, err
	}
	b := n.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log.commands.Peeks++
	list := make([]adapter.Kept, len(keys))
	for i, key := range keys {
		if s, ok := b.log.sessions[key]; ok && time.Now().Before(s.until) {
			list[i].State = s.state
		}
	}
	return list, nil
}
