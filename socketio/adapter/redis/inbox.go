package redis

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/nodewire"
)

// An inbox is the node's, entered by one goroutine at a time.
type inbox struct {
	received, skipped atomic.Uint64

	mu    sync.Mutex
	to    adapter.Inbox
	last  adapter.State
	known bool // last was told
}

func (i *inbox) message(m *adapter.Message) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.to.Message(m)
}

func (i *inbox) wants(ns, room string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.to.Wants(ns, room)
}

func (i *inbox) malformed(why string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.to.Malformed(why)
}

// take passes on what a form has made of something that came to the node self.
func (i *inbox) take(self string, m *adapter.Message, err error) {
	i.received.Add(1)
	var why nodewire.Malformed
	switch {
	case errors.As(err, &why):
		i.malformed(string(why))
	case err != nil:
		i.malformed(string(nodewire.Parse))
	case m == nil, m.To != "" && m.To != self:
		i.skipped.Add(1)
	default:
		if m.Skipped {
			i.skipped.Add(1)
		}
		i.message(m)
	}
}

// up tells that the connection is there. missed: messages may have been missed
// since it was the last time.
func (i *inbox) up(missed bool) { i.tell(adapter.State{Connection: adapter.Up, MayMiss: missed}) }

// upAt is up that tells where reading a log begins.
func (i *inbox) upAt(missed bool, at adapter.Mark) {
	i.tell(adapter.State{Connection: adapter.Up, MayMiss: missed, Log: at})
}

// down tells that it is not.
func (i *inbox) down(err error) { i.tell(adapter.State{Connection: adapter.Degraded, Cause: err}) }

// tell passes a change on: another kind of state, or another reason while there
// has been no connection yet.
func (i *inbox) tell(s adapter.State) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if s.Connection == adapter.Degraded && (!i.known || i.last.Connection == adapter.Connecting) {
		s.Connection = adapter.Connecting
	}
	if i.known && s.Connection == i.last.Connection &&
		(s.Connection != adapter.Connecting || s.Cause.Error() == i.last.Cause.Error()) {
		return
	}
	s.At = time.Now()
	i.last, i.known = s, true
	i.to.State(s)
}

// again tells, while the connection is there, that messages may have been missed.
func (i *inbox) again() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known && i.last.Connection == adapter.Up {
		i.last = adapter.State{Connection: adapter.Up, At: time.Now(), MayMiss: true}
		i.to.State(i.last)
	}
}
