package nats

import (
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// badSpoof: a message came over a subject where it does not belong.
const badSpoof = "spoof"

// handle takes what came over a subject. data is not used again. The values in it
// are the Inbox's to look at.
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
	case !a.wanted(m):
		a.skipped.Add(1)
		m.Skipped, m.Data.Text, m.Data.Attachments = true, nil, m.Data.Attachments[:0]
	}
	if bad != "" {
		a.in.Malformed(bad)
		return
	}
	if a.logs && len(m.Positions) > 0 {
		a.positions(m)
	}
	m.From, m.NS = a.names.same(m.From), a.names.same(m.NS)
	a.in.Message(m)
}

// positions looks whether what a node says of its part of the log has come: what
// is on its way here is not missing.
func (a *Adapter) positions(m *adapter.Message) {
	a.reader.hint()
	if a.reader.late() {
		m.Positions = slices.DeleteFunc(m.Positions, func(p adapter.Position) bool { return p.Lane == 0 })
	}
}

// wanted reports whether a message can concern anybody here.
func (a *Adapter) wanted(m *adapter.Message) bool {
	if m.Kind != adapter.Broadcast || m.Request != "" {
		return true
	}
	if len(m.Rooms) == 0 {
		return a.in.Wants(m.NS, "")
	}
	return slices.ContainsFunc(m.Rooms, func(room string) bool { return a.in.Wants(m.NS, room) })
}

// names are texts that come again and again, so that who keeps one does not keep
// the message that it came in.
type names map[string]string

const namesKept = 4096

func (n names) same(s string) string {
	if own, ok := n[s]; ok {
		return own
	}
	if len(n) >= namesKept {
		clear(n)
	}
	s = strings.Clone(s)
	n[s] = s
	return s
}
