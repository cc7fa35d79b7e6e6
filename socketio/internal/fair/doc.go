// Package fair holds what many owners have in one place that is bounded. When
// there is too much, it is the owner who holds most that gives up the oldest of
// what it has. So nobody can spend what all share: each is sure of as much as
// it would have if all had the same.
package fair
