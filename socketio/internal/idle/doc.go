// Package idle counts what is going on, for whoever stops and waits until nothing
// is any more.
package idle
