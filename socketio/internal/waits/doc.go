// Package waits knows who waits for the answer to which request: by the id that
// the request carries, with a deadline if there is one, until the answer comes
// or until it is clear that none will.
package waits
