// Package gate lets in who knows a password, and slows down who guesses it.
package gate
