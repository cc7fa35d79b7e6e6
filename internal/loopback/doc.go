// Package loopback tells who asks from this machine.
package loopback
