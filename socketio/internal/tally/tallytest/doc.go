// Package tallytest checks lists of reasons, in the tests of the packages that have
// some.
package tallytest
