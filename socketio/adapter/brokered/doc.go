// Package brokered is what adapters have in common whose nodes meet at a broker
// that each is connected with: a queue that one sender empties, an inbox that
// one goroutine enters at a time, links that follow one another, sessions that
// wait to be stored, and a vigil over connections that have fallen silent.
//
// A [Base] is embedded in none of them: it is a field, and the adapter's methods
// say what they hand on to it.
package brokered
