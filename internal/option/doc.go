// Package option gives options their defaults: zero is the documented one, and
// negative is none.
package option
