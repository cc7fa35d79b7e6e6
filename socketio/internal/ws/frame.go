package ws

import (
	"encoding/binary"
	"fmt"
)

// Op is the kind of a frame or message: the low four bits of a frame's first
// byte.
type Op byte

const (
	opContinuation Op = 0x0
	Text           Op = 0x1
	Binary         Op = 0x2
	Close          Op = 0x8
	Ping           Op = 0x9
	Pong           Op = 0xA
)

// The other bits of the first two bytes of a frame.
const (
	finBit  = 0x80
	rsv1Bit = 0x40 // the message is compressed
	rsvBits = 0x70
	maskBit = 0x80
)

const (
	// HeaderRoom is the most that the header of a server's frame takes.
	HeaderRoom = 10
	// MaxControl is the most that a Close, Ping or Pong carries.
	MaxControl = 125
)

func (op Op) control() bool { return op&0x8 != 0 }

func (op Op) String() string {
	switch op {
	case opContinuation:
		return "continuation"
	case Text:
		return "text"
	case Binary:
		return "binary"
	case Close:
		return "close"
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	}
	return fmt.Sprintf("op %#x", byte(op))
}

// appendUnmasked appends the header of an unmasked frame that is a whole
// message of n bytes.
func appendUnmasked(dst []byte, op Op, n int) []byte {
	return appendHeader(dst, finBit|byte(op), 0, n)
}

func appendHeader(dst []byte, first, mask byte, n int) []byte {
	switch {
	case n <= 125:
		return append(dst, first, mask|byte(n))
	case n <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(dst, first, mask|126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, first, mask|127), uint64(n))
	}
}

// AppendFrame appends payload as an unmasked frame that is a whole message.
func AppendFrame(dst []byte, op Op, payload []byte) []byte {
	return append(appendUnmasked(dst, op, len(payload)), payload...)
}

// FrameInPlace makes a frame of buf without moving its payload, which is
// buf[HeaderRoom:]: the header is written right before it. The frame is the
// part of buf that is returned.
func FrameInPlace(buf []byte, op Op) []byte {
	var header [HeaderRoom]byte
	h := appendUnmasked(header[:0], op, len(buf)-HeaderRoom)
	frame := buf[HeaderRoom-len(h):]
	copy(frame, h)
	return frame
}

// AppendClose appends a Close frame. The code NoStatus makes it an empty one;
// a reason that is too long for a control frame is cut, between characters.
func AppendClose(dst []byte, code CloseCode, reason string) []byte {
	if code == NoStatus {
		return appendUnmasked(dst, Close, 0)
	}
	if max := MaxControl - 2; len(reason) > max {
		for max > 0 && reason[max]&0xC0 == 0x80 {
			max--
		}
		reason = reason[:max]
	}
	dst = appendUnmasked(dst, Close, 2+len(reason))
	return append(binary.BigEndian.AppendUint16(dst, uint16(code)), reason...)
}

// AppendMaskedFrame appends payload as a client sends it, masked with key. It
// is for clients and tests.
func AppendMaskedFrame(dst []byte, op Op, payload []byte, key [4]byte) []byte {
	dst = append(appendHeader(dst, finBit|byte(op), maskBit, len(payload)), key[:]...)
	n := len(dst)
	dst = append(dst, payload...)
	mask(dst[n:], key)
	return dst
}

// mask masks or unmasks b, which begins at the beginning of a payload.
func mask(b []byte, key [4]byte) {
	k := uint64(binary.LittleEndian.Uint32(key[:]))
	k |= k << 32
	for len(b) >= 32 {
		p := b[:32:32]
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^k)
		binary.LittleEndian.PutUint64(p[8:], binary.LittleEndian.Uint64(p[8:])^k)
		binary.LittleEndian.PutUint64(p[16:], binary.LittleEndian.Uint64(p[16:])^k)
		binary.LittleEndian.PutUint64(p[24:], binary.LittleEndian.Uint64(p[24:])^k)
		b = b[32:]
	}
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^k)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= key[i&3]
	}
}
