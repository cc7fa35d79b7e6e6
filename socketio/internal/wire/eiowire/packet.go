package eiowire

import (
	"encoding/base64"
	"errors"
)

// Type is the kind of a packet.
type Type byte

// The types of packets.
const (
	Open Type = iota
	Close
	Ping
	Pong
	Message
	Upgrade
	Noop
)

// Char is the type as it stands in text.
func (t Type) Char() byte { return '0' + byte(t) }

// Packet is one packet. Data decoded from text without base64 aliases the input.
type Packet struct {
	Type   Type
	Binary bool // Data is binary; otherwise it is text
	Data   []byte
}

// errMalformed says that the input is not a packet or payload.
var errMalformed = errors.New("eiowire: malformed packet")

// DecodeFrame decodes the message of one WebSocket frame.
func DecodeFrame(protocol int, data []byte, binary bool) (Packet, error) {
	switch {
	case !binary:
		return decodeText(protocol, data)
	case protocol >= 4:
		return Packet{Type: Message, Binary: true, Data: data}, nil
	}
	return decodeBinary3(data)
}

func decodeText(protocol int, data []byte) (Packet, error) {
	if len(data) == 0 {
		return Packet{}, errMalformed
	}
	if data[0] != 'b' {
		return typed(data[0]-'0', false, data[1:])
	}
	p, data := Packet{Type: Message, Binary: true}, data[1:]
	if protocol < 4 {
		if len(data) == 0 {
			return Packet{}, errMalformed
		}
		var err error
		if p, err = typed(data[0]-'0', true, nil); err != nil {
			return p, err
		}
		data = data[1:]
	}
	for n := 0; n < 2 && len(data) > 0 && data[len(data)-1] == '='; n++ {
		data = data[:len(data)-1] // some clients do not pad
	}
	raw := make([]byte, base64.RawStdEncoding.DecodedLen(len(data)))
	n, err := base64.RawStdEncoding.Decode(raw, data)
	if err != nil {
		return Packet{}, errMalformed
	}
	p.Data = raw[:n]
	return p, nil
}

func decodeBinary3(data []byte) (Packet, error) {
	if len(data) == 0 {
		return Packet{}, errMalformed
	}
	return typed(data[0], true, data[1:])
}

func typed(t byte, binary bool, data []byte) (Packet, error) {
	if t > byte(Noop) {
		return Packet{}, errMalformed
	}
	return Packet{Type: Type(t), Binary: binary, Data: data}, nil
}
