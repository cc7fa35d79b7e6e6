package engineio

import "sync"

// Buffer is memory for one text message to one session. It is used again when
// the message has left; see Session.SendBuffer.
type Buffer struct {
	// B is the message: Headroom bytes whose content does not matter, then the
	// text, valid UTF-8. It is empty at first; its memory may be replaced.
	B []byte
}

var buffers = sync.Pool{New: func() any { return &Buffer{B: make([]byte, 0, 256)} }}

// keepBuffer is up to which size memory is used again.
const keepBuffer = 16 << 10

// NewBuffer returns a buffer for the caller to fill, and to send or to free.
func NewBuffer() *Buffer { return buffers.Get().(*Buffer) }

// Free gives b back without sending it.
func (b *Buffer) Free() {
	if cap(b.B) > keepBuffer {
		return
	}
	b.B = b.B[:0]
	buffers.Put(b)
}

// sentBuffer is the owner of a frame on its way to the client.
type sentBuffer Buffer

func (b *sentBuffer) Release() { (*Buffer)(b).Free() }

// SendBuffer is Send for a message that goes to this session alone. It takes
// over b, whatever it returns.
func (s *Session) SendBuffer(b *Buffer, f Flags) error {
	size := len(b.B) - Headroom
	s.mu.Lock()
	if t := s.transport; s.state.Load() == stateOpen && len(s.queue) == 0 && t.listens() && t.writeBuffer(b, f) {
		s.mu.Unlock()
		s.srv.sent(s, size)
		return nil
	}
	s.mu.Unlock()
	// The transport keeps it for longer, or has no room: a message can wait.
	return s.Send(NewMessage(b.B), f)
}
