package engineio

import (
	"github.com/sockeye-io/sockeye/socketio/internal/wire/eiowire"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// The forms in which a message is sent over WebSocket, all its packets at once.
const (
	frame4        = iota // revision 4
	frame3               // revision 3: binary packets have a byte for their type
	frame3Base64         // revision 3, for a client that asked for text only
	frameDeflated        // to be added to the first two, with permessage-deflate
	frameKinds    = frameDeflated + 2
)

// webSocketFrame is m in one of the forms, made at most once but for a race
// that does no harm.
func (m *Message) webSocketFrame(kind int, srv *Server) []byte {
	if kind >= frameDeflated && m.size < srv.opts.PerMessageDeflate.Threshold {
		kind -= frameDeflated
	}
	if kind < frameDeflated && m.text && len(m.after) == 0 {
		return m.frame
	}
	if b := m.frames[kind].Load(); b != nil {
		return *b
	}
	b := m.buildFrame(kind, srv.deflater)
	m.frames[kind].Store(&b)
	return b
}

func (m *Message) buildFrame(kind int, d *ws.Deflater) (dst []byte) {
	size := ws.HeaderRoom + m.size
	for range m.after {
		size += ws.HeaderRoom + 1
	}
	if kind < frameDeflated {
		d = nil
		dst = make([]byte, 0, size)
	}
	kind %= frameDeflated
	if m.text {
		if d == nil {
			dst = append(dst, m.frame...)
		} else {
			dst = d.AppendFrame(dst, ws.Text, m.typed())
		}
	} else {
		dst = appendBinary(dst, kind, m.data, d)
	}
	for _, a := range m.after {
		dst = appendBinary(dst, kind, a, d)
	}
	return dst
}

// typed is a text packet with its type, which is the end of its frame.
func (m *Message) typed() []byte { return m.frame[len(m.frame)-1-len(m.data):] }

func appendBinary(dst []byte, kind int, data []byte, d *ws.Deflater) []byte {
	op, payload := ws.Binary, data
	switch kind {
	case frame3:
		payload = append([]byte{byte(eiowire.Message)}, data...)
	case frame3Base64:
		op, payload = ws.Text, eiowire.AppendBase64(nil, data)
	}
	if d != nil {
		return d.AppendFrame(dst, op, payload)
	}
	return ws.AppendFrame(dst, op, payload)
}

// isMessageFrame reports whether a frame that was written begins a message: not
// a heartbeat, a close, or the answer to a handshake or a poll.
func isMessageFrame(b []byte) bool {
	const compressed, opcode = 0x40, 0x0f
	switch {
	case len(b) < 3 || b[0]&0x80 == 0: // HTTP
		return false
	case b[0]&opcode == byte(ws.Binary), b[0]&compressed != 0:
		return true
	case b[0]&opcode != byte(ws.Text):
		return false
	}
	head := 2
	switch b[1] & 0x7f {
	case 126:
		head = 4
	case 127:
		head = 10
	}
	return len(b) > head && (b[head] == '4' || b[head] == 'b')
}
