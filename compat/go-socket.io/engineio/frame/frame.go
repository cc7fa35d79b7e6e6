// Package frame names the two types of frames.
package frame

// Type is the type of a frame.
type Type byte

// The types of frames.
const (
	String Type = iota // text
	Binary
)

// ByteToFrameType is the type that a byte stands for.
func ByteToFrameType(b byte) Type { return Type(b) }

// Byte is the byte that stands for a type.
func (t Type) Byte() byte { return byte(t) }
