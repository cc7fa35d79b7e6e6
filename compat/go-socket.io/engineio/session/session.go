// Package session has the names that options of an engine use.
package session

import (
	"crypto/rand"

	"github.com/googollee/go-socket.io/engineio/frame"
)

// FrameType is the type of a message's frame.
type FrameType frame.Type

// The types of frames.
const (
	TEXT   = FrameType(frame.String)
	BINARY = FrameType(frame.Binary)
)

// IDGenerator makes session ids. Each must be new and not to be guessed: up to 64
// letters, digits, '_' and '-'.
type IDGenerator interface {
	NewID() string
}

// DefaultIDGenerator makes random ids.
type DefaultIDGenerator struct {
	ID uint64 // not used
}

// NewID returns 130 random bits as text.
func (g *DefaultIDGenerator) NewID() string { return rand.Text() }
