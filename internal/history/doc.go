// Package history records what happened in a cluster, and decides whether it may
// have: what was emitted, who got it, who was where, what was counted as lost.
//
// A test that lets faults loose on servers cannot say what must arrive. It can
// record, and ask [Check] afterwards: nothing twice, nothing out of order,
// nothing to those it was not for, and nothing missed that nobody has counted.
package history
