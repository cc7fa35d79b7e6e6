// Package packet names the types of Engine.IO packets.
package packet

// Type is the type of a packet.
type Type int

// The types of packets, in the order of their digits on the wire.
const (
	OPEN Type = iota
	CLOSE
	PING
	PONG
	MESSAGE
	UPGRADE
	NOOP
)

// String is the type's name in lower case.
func (id Type) String() string {
	names := [...]string{"open", "close", "ping", "pong", "message", "upgrade", "noop"}
	if id < 0 || int(id) >= len(names) {
		return "unknown"
	}
	return names[id]
}
