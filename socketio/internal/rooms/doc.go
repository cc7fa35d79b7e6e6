// Package rooms is the index of who is in which room: members join, leave and
// are selected by the names of rooms. A room is there while somebody is in it.
// Every member is also in the room that has its own id for a name, until it
// leaves that.
package rooms
