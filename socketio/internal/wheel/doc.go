// Package wheel keeps many deadlines at the price of one: a hierarchical timing
// wheel of intrusive nodes, driven by a single runtime timer that is set only
// while something is pending. It starts no goroutine that stays.
//
// A timer never runs early, and at most Tick late, or a millisecond if its
// duration is below 256 ms. Those of one tick run together, which bounds what
// the heartbeats of a hundred thousand sessions cost in wake-ups.
package wheel
