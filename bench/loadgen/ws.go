//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// WebSocket opcodes (RFC 6455, section 5.2).
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// maxFrame bounds what a server may send us in one frame.
const maxFrame = 64 << 20

var errShort = errors.New("incomplete frame")

// frame is one parsed server-to-client frame; payload aliases the input.
type frame struct {
	op      byte
	fin     bool
	payload []byte
}

// parseFrame decodes the first frame of b and reports how many bytes it took.
// It returns errShort when b does not yet hold the whole frame.
func parseFrame(b []byte) (frame, int, error) {
	if len(b) < 2 {
		return frame{}, 0, errShort
	}
	if b[0]&0x70 != 0 {
		return frame{}, 0, fmt.Errorf("reserved bits set: %#x", b[0])
	}
	if b[1]&0x80 != 0 {
		return frame{}, 0, errors.New("masked frame from server")
	}
	f := frame{op: b[0] & 0x0f, fin: b[0]&0x80 != 0}
	head, size := 2, uint64(b[1])
	switch size {
	case 126:
		if len(b) < 4 {
			return frame{}, 0, errShort
		}
		head, size = 4, uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if len(b) < 10 {
			return frame{}, 0, errShort
		}
		head, size = 10, binary.BigEndian.Uint64(b[2:])
	}
	if size > maxFrame {
		return frame{}, 0, fmt.Errorf("frame of %d bytes", size)
	}
	end := head + int(size)
	if len(b) < end {
		return frame{}, 0, errShort
	}
	f.payload = b[head:end]
	return f, end, nil
}

// appendFrame appends a masked client-to-server frame to dst.
func appendFrame(dst []byte, op byte, key uint32, payload []byte) []byte {
	dst = append(dst, 0x80|op)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = append(dst, 0x80|126, byte(n>>8), byte(n))
	default:
		dst = append(dst, 0x80|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	dst = binary.LittleEndian.AppendUint32(dst, key)
	start := len(dst)
	dst = append(dst, payload...)
	mask(dst[start:], key)
	return dst
}

// mask XORs b with the repeated little-endian bytes of key.
func mask(b []byte, key uint32) {
	wide := uint64(key) | uint64(key)<<32
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= byte(key >> (8 * (i & 3)))
	}
}
