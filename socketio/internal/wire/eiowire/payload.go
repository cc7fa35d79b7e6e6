package eiowire

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// Form is one of the ways several packets stand in one HTTP body.
type Form uint8

const (
	// Text4 is revision 4: packets separated by 0x1e, binary ones as 'b' and base64.
	Text4 Form = iota
	// Text3 is revision 3 as text: each packet behind its length in UTF-16
	// units and a colon, binary ones as 'b', type and base64.
	Text3
	// Binary3 is revision 3 as binary: each packet behind a byte 0 for text or 1
	// for binary, its length in bytes, one digit a byte, and a byte 255.
	Binary3
)

// Separator stands between the packets of revision 4.
const Separator = 0x1e

// ContentType is the type of a body in form f.
func (f Form) ContentType() string {
	if f == Binary3 {
		return "application/octet-stream"
	}
	return "text/plain; charset=UTF-8"
}

// Append appends p to a payload. An empty dst begins one.
func (f Form) Append(dst []byte, p Packet) []byte {
	switch f {
	case Text4:
		if len(dst) > 0 {
			dst = append(dst, Separator)
		}
		if p.Binary {
			return base64.StdEncoding.AppendEncode(append(dst, 'b'), p.Data)
		}
		return append(append(dst, p.Type.Char()), p.Data...)
	case Text3:
		if p.Binary {
			dst = strconv.AppendInt(dst, int64(2+base64.StdEncoding.EncodedLen(len(p.Data))), 10)
			return base64.StdEncoding.AppendEncode(append(dst, ':', 'b', p.Type.Char()), p.Data)
		}
		dst = strconv.AppendInt(dst, int64(1+utf16Len(p.Data)), 10)
		return append(append(dst, ':', p.Type.Char()), p.Data...)
	}
	kind, t := byte(0), p.Type.Char()
	if p.Binary {
		kind, t = 1, byte(p.Type)
	}
	dst = append(dst, kind)
	first := len(dst)
	dst = strconv.AppendInt(dst, int64(1+len(p.Data)), 10)
	for i := range dst[first:] {
		dst[first+i] -= '0'
	}
	return append(append(dst, 255, t), p.Data...)
}

// AppendBase64 appends a binary message as text, as it stands in a WebSocket
// frame for a client of revision 3 that has asked for text only.
func AppendBase64(dst, data []byte) []byte { return appendBase64(dst, Message, data) }

func appendBase64(dst []byte, t Type, data []byte) []byte {
	return base64.StdEncoding.AppendEncode(append(dst, 'b', t.Char()), data)
}

// Payload is the packets of a body that are not yet decoded.
type Payload struct {
	form Form
	rest []byte
	more bool
}

// NewPayload begins to decode body. In the text forms it must be valid UTF-8.
func NewPayload(f Form, body []byte) Payload {
	return Payload{form: f, rest: body, more: f == Text4 || len(body) > 0}
}

// More reports whether Next has one more packet, or an error.
func (d *Payload) More() bool { return d.more }

// Next decodes the next packet. After an error there is nothing more.
func (d *Payload) Next() (Packet, error) {
	data, binary, ok := d.cut()
	if !ok {
		*d = Payload{form: d.form}
		return Packet{}, errMalformed
	}
	var p Packet
	var err error
	switch {
	case binary:
		p, err = decodeBinary3(data)
	case d.form == Text4:
		p, err = decodeText(4, data)
	default:
		p, err = decodeText(3, data)
	}
	if err != nil {
		*d = Payload{form: d.form}
	}
	return p, err
}

// cut takes the next packet from rest.
func (d *Payload) cut() (data []byte, binary, ok bool) {
	if !d.more {
		return nil, false, false
	}
	if d.form == Text4 {
		data, d.rest, d.more = bytes.Cut(d.rest, []byte{Separator})
		return data, false, true
	}
	var end, zero byte = ':', '0'
	if d.form == Binary3 {
		end, zero = 255, 0
		if d.rest[0] > 1 {
			return nil, false, false
		}
		binary = d.rest[0] == 1
		d.rest = d.rest[1:]
	}
	n, i := 0, 0
	for ; i < len(d.rest) && d.rest[i] != end; i++ {
		c := d.rest[i] - zero
		if c > 9 || i == 9 || i > 0 && n == 0 {
			return nil, false, false
		}
		n = 10*n + int(c)
	}
	if i == 0 || i >= len(d.rest) {
		return nil, false, false
	}
	d.rest = d.rest[i+1:]
	if d.form == Text3 {
		if n = utf16Cut(d.rest, n); n < 0 {
			return nil, false, false
		}
	} else if n > len(d.rest) {
		return nil, false, false
	}
	data, d.rest = d.rest[:n], d.rest[n:]
	d.more = len(d.rest) > 0
	return data, binary, true
}

// utf16Len is the length of b, as JavaScript counts it.
func utf16Len(b []byte) int {
	n := 0
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			n++
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		n += units(r)
		i += size
	}
	return n
}

// utf16Cut is the number of bytes at the front of b that are n UTF-16 units, or
// -1 if there are not so many or they end within a character.
func utf16Cut(b []byte, n int) int {
	i := 0
	for n > 0 && i < len(b) {
		if b[i] < utf8.RuneSelf {
			n--
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		n -= units(r)
		i += size
	}
	if n != 0 {
		return -1
	}
	return i
}

func units(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}
