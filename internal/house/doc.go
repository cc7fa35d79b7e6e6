// Package house holds no code, only tests of the repository as a whole: which
// package may import which, and what must not stand in a committed file.
package house
