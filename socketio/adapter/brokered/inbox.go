package brokered

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
)

// An Inbox is the node's, entered by one goroutine at a time.
type Inbox struct {
	Received, Skipped atomic.Uint64 // messages, as in [adapter.Stats]

	mu    sync.Mutex
	to    adapter.Inbox
	all   adapter.Gatherer // it too, or nil
	last  adapter.State
	known bool // last was told
}

// Open says whose it is. Nothing is told before.
func (i *Inbox) Open(to adapter.Inbox) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.to = to
	i.all, _ = to.(adapter.Gatherer)
}

// Message passes a message on.
func (i *Inbox) Message(m *adapter.Message) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.to.Message(m)
}

// Wants is the node's.
func (i *Inbox) Wants(ns, room string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.to.Wants(ns, room)
}

// Gather is the node's, if it is an [adapter.Gatherer].
func (i *Inbox) Gather(more bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.all != nil {
		i.all.Gather(more)
	}
}

// Malformed tells of something that is no message.
func (i *Inbox) Malformed(why string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.to.Malformed(why)
}

// Take passes on what was made of something that came to the node self.
func (i *Inbox) Take(self string, m *adapter.Message, err error) {
	i.Received.Add(1)
	var why nodewire.Malformed
	switch {
	case errors.As(err, &why):
		i.Malformed(string(why))
	case err != nil:
		i.Malformed(string(nodewire.Parse))
	case m == nil, m.To != "" && m.To != self:
		i.Skipped.Add(1)
	default:
		if m.Skipped {
			i.Skipped.Add(1)
		}
		i.Message(m)
	}
}

// Up tells that the connection is there, unless that is known: then it reports
// false. missed: messages may have been missed since it was the last time.
func (i *Inbox) Up(missed bool) bool {
	return i.tell(adapter.State{Connection: adapter.Up, MayMiss: missed})
}

// UpAt is Up that tells where reading a log begins.
func (i *Inbox) UpAt(missed bool, at adapter.Mark) {
	i.tell(adapter.State{Connection: adapter.Up, MayMiss: missed, Log: at})
}

// Down tells that it is not.
func (i *Inbox) Down(err error) { i.tell(adapter.State{Connection: adapter.Degraded, Cause: err}) }

// tell passes a change on: another kind of state, or another reason why there is
// no connection, since what ends one ("EOF") is not what keeps it from coming back.
// It reports whether it was one.
func (i *Inbox) tell(s adapter.State) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if s.Connection == adapter.Degraded && (!i.known || i.last.Connection == adapter.Connecting) {
		s.Connection = adapter.Connecting
	}
	s.At = time.Now()
	if i.known && s.Connection == i.last.Connection {
		if s.Connection == adapter.Up || fmt.Sprint(s.Cause) == fmt.Sprint(i.last.Cause) {
			return false
		}
		s.At = i.last.At // it is the same outage
	}
	i.last, i.known = s, true
	i.to.State(s)
	return true
}

// Again tells, while the connection is there, that messages may have been missed.
func (i *Inbox) Again() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known && i.last.Connection == adapter.Up {
		i.last = adapter.State{Connection: adapter.Up, At: time.Now(), MayMiss: true}
		i.to.State(i.last)
	}
}
