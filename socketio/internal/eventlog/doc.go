// Package eventlog keeps what was sent to names (sockets, rooms, everybody)
// for those who missed it. Every event has an offset, by which a client says
// how far it came.
//
// The log is bounded by count, bytes and age. Within its bounds it is shared
// fairly: an event counts against one of those it was for, who has least by
// then. When there is too much, the oldest of who has most is given up. What was
// given up before its time is remembered by whom it was for, so that nobody else
// is told that something is missing.
package eventlog
