// Package peers keeps the bounds per client address: how many sessions each may
// have, and how many handshakes a second.
package peers
