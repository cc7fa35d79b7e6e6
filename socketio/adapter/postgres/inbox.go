package postgres

import (
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// An inbox is the node's, entered by one goroutine at a time.
type inbox struct {
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

// up tells that the connection is there. missed: messages may have been missed
// since it was the last time.
func (i *inbox) up(missed bool) { i.tell(adapter.State{Connection: adapter.Up, MayMiss: missed}) }

// down tells that it is not.
func (i *inbox) down(err error) { i.tell(adapter.State{Connection: adapter.Degraded, Cause: err}) }

// tell passes a change on: another kind of state, or another reason why there is
// no connection, since what ends one ("EOF") is not what keeps it from coming back.
func (i *inbox) tell(s adapter.State) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if s.Connection == adapter.Degraded && (!i.known || i.last.Connection == adapter.Connecting) {
		s.Connection = adapter.Connecting
	}
	s.At = time.Now()
	if i.known && s.Connection == i.last.Connection {
		if s.Connection == adapter.Up || s.Cause.Error() == i.last.Cause.Error() {
			return
		}
		s.At = i.last.At // it is the same outage
	}
	i.last, i.known = s, true
	i.to.State(s)
}
