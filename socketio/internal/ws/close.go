package ws

import (
	"encoding/binary"
	"fmt"
)

// CloseCode is the reason in a Close frame (RFC 6455, section 7.4).
type CloseCode uint16

const (
	NormalClosure   CloseCode = 1000
	GoingAway       CloseCode = 1001
	ProtocolError   CloseCode = 1002
	Unsupported     CloseCode = 1003
	NoStatus        CloseCode = 1005 // never sent: the frame had no code
	Abnormal        CloseCode = 1006 // never sent: there was no frame
	InvalidPayload  CloseCode = 1007
	PolicyViolation CloseCode = 1008
	TooBig          CloseCode = 1009
	InternalError   CloseCode = 1011
	TryAgainLater   CloseCode = 1013
)

// sendable reports whether a Close frame may carry the code: one that has
// been registered for it, or one that libraries and applications may use.
func (c CloseCode) sendable() bool {
	switch {
	case c >= 1000 && c <= 1014:
		return c != 1004 && c != NoStatus && c != Abnormal
	default:
		return c >= 3000 && c <= 4999
	}
}

// ParseClose splits the payload of a Close frame that Reader has delivered,
// and so checked.
func ParseClose(payload []byte) (code CloseCode, reason string) {
	if len(payload) < 2 {
		return NoStatus, ""
	}
	return CloseCode(binary.BigEndian.Uint16(payload)), string(payload[2:])
}

// Error is what a peer has done wrong. Its code is the one to close with.
type Error struct {
	Code CloseCode
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("websocket: %s (%d)", e.Text, e.Code) }

func protocolError(text string) *Error { return &Error{ProtocolError, text} }

// Made once: a peer shall not make us allocate by being wrong.
var (
	errMask         = protocolError("frame is not masked")
	errUnmask       = protocolError("frame is masked")
	errReserved     = protocolError("reserved bit is set")
	errOp           = protocolError("unknown opcode")
	errControlSize  = protocolError("control frame is too long")
	errControlFin   = protocolError("control frame is fragmented")
	errControlRSV   = protocolError("control frame is compressed")
	errMinimal      = protocolError("length is not in its shortest form")
	errLength       = protocolError("length has more than 63 bits")
	errContinuation = protocolError("continuation of nothing")
	errInterleaved  = protocolError("message within a message")
	errRSVFragment  = protocolError("continuation is marked as compressed")
	errCloseLength  = protocolError("close frame with half a code")
	errCloseCode    = protocolError("invalid close code")
	errCloseText    = &Error{InvalidPayload, "close reason is not UTF-8"}
	errUTF8         = &Error{InvalidPayload, "text is not UTF-8"}
	errDeflate      = &Error{InvalidPayload, "compressed data is damaged"}
	errTooBig       = &Error{TooBig, "message is too big"}
	errFragments    = &Error{PolicyViolation, "message has too many fragments"}
	errOverhead     = &Error{PolicyViolation, "message has too much overhead"}
)
