// Package joined remembers rooms that sockets of other nodes were told to join a
// moment ago. These nodes need not have subscribed to the room's channel yet: a
// backend that routes by room sends what is for it to all meanwhile.
package joined
