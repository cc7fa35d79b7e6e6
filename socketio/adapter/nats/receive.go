package nats

import (
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/nativewire"
)

// badSpoof: a message came over a subject where it does not belong.
const badSpoof = "spoof"

// handle takes what came over a subject.
func (a *Adapter) handle(subject string, data []byte) {
	a.received.Add(1)
	m := &a.msg
	bad := a.form.Parse(subject, data, m)
	switch {
	case bad != "":
	case m.From == a.self.ID:
		a.skipped.Add(1)
		return
	case !a.subjects.fits(subject, a.self.ID, m):
		bad = badSpoof
	case a.idle(m):
		a.skipped.Add(1)
		return
	default:
		bad = nativewire.Check(m)
	}
	if bad != "" {
		a.in.Malformed(bad)
		return
	}
	a.in.Message(m)
}

// idle reports whether there is nothing here that a message could concern.
func (a *Adapter) idle(m *adapter.Message) bool {
	switch m.Kind {
	case adapter.Broadcast, adapter.ServerSide:
		return m.Request == "" && !a.interest.serves(m.NS) // questions are answered wherever they are heard
	case adapter.Join, adapter.Leave, adapter.Disconnect:
		return !a.interest.serves(m.NS)
	}
	return false
}
