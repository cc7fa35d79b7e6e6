// Package mailbox holds what waits for one worker at a time: a first-in,
// first-out queue that is bounded by asking its source to pause, not by losing
// anything.
//
// A Box does not run its worker. Whoever puts something in is told when there is
// none (start): then it must see to it that somebody calls Next until Next says
// that nothing is left. So a box that is empty costs neither a goroutine nor more
// than its fields.
package mailbox
