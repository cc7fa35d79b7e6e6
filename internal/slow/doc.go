// Package slow stretches the deadlines of tests on a slow or busy machine.
package slow
