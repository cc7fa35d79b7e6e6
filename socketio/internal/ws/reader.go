package ws

import (
	"encoding/binary"
	"io"
	"sync"
	"unicode/utf8"
)

// Handler gets what a Reader has read.
type Handler interface {
	// Message is called with each complete Text or Binary message, Ping, Pong
	// and Close, in the order of the input. data is good during the call only,
	// and may be changed. An error stops the Reader, see Reader.Read.
	Message(op Op, data []byte) error
}

// Limits is what a Reader accepts. One is shared by many. Zero means the
// default, negative no limit.
type Limits struct {
	// MaxMessage bounds the bytes of a message, after inflation. Default 1 MiB.
	MaxMessage int
	// MaxFragments bounds the frames of a message, those of control that come
	// between included. Default 1024.
	MaxFragments int
	// MaxOverhead bounds the bytes of a fragmented message that are not its
	// payload: headers, and control frames that come between. Default 16 KiB.
	MaxOverhead int
	// Client is for the other side: frames must not be masked.
	Client bool
}

const (
	defaultMaxMessage   = 1 << 20
	defaultMaxFragments = 1024
	defaultMaxOverhead  = 16 << 10

	// maxTurn is how many bytes one Read takes before it lets others have
	// their turn.
	maxTurn = 64 << 10
)

func limit(n, def int) int {
	switch {
	case n == 0:
		return def
	case n < 0:
		return int(^uint(0) >> 1)
	}
	return n
}

// Reader reads the frames of one connection. The zero value is ready. It holds
// memory only while a frame or message is incomplete or its handler has
// stopped it: about as much as has arrived, whatever a header announces.
type Reader struct {
	st   *state // nil when nothing is kept
	dead *Error
	// Deflate says that permessage-deflate has been negotiated. It is set
	// before the first Read.
	Deflate bool
	closed  bool // a Close frame has come
}

// state is what an unfinished Reader keeps.
type state struct {
	in   *buffer // input; in.b[r:w] has not been handled
	r, w int
	kept []byte // the same if it is little and in is nil

	// A message in fragments.
	msg       *buffer
	n         int // bytes of it in msg
	op        Op  // opContinuation: there is none
	deflated  bool
	fragments int
	overhead  int
}

var states = sync.Pool{New: func() any { return new(state) }}

// Read reads from src, which need not block, and calls h, until
//
//   - src returns an error (that it would block, or io.EOF),
//   - h returns an error,
//   - the peer has broken the protocol: an *Error, also from then on,
//   - or so much has been read that others should have a turn: nil.
//
// Errors of src and h are returned as they are, and the next Read goes on
// where this one has ended: behind the message for which h returned an error,
// without asking src while there is input that h has not seen. What comes
// after a Close frame is read and ignored. Calls must not overlap.
func (r *Reader) Read(src io.Reader, lim *Limits, h Handler) error {
	if r.dead != nil {
		return r.dead
	}
	s := r.st
	if s == nil {
		s = states.Get().(*state)
		r.st = s
	}
	s.unpark()
	err := r.frames(s, lim, h) // what an error of h has left
	for turn := 0; err == nil && turn < maxTurn; {
		s.makeRoom()
		var n int
		n, err = src.Read(s.in.b[s.w:])
		s.w += n
		turn += n
		if n == 0 {
			break
		}
		if e := r.frames(s, lim, h); e != nil {
			err = e
		}
	}
	if e, ok := err.(*Error); ok {
		r.dead = e
		r.Release()
		return err
	}
	r.park(s)
	return err
}

// Pending reports whether a frame or message has begun and not ended, or an
// error of the handler has left input.
func (r *Reader) Pending() bool { return r.st != nil }

// Release gives back the memory that r holds. r is of no use afterwards,
// unless Pending was false.
func (r *Reader) Release() {
	if s := r.st; s != nil {
		r.st = nil
		s.free()
	}
}

// park keeps what has to be kept, in as little as it needs.
func (r *Reader) park(s *state) {
	left := s.w - s.r
	switch {
	case left == 0 && s.op == opContinuation:
		r.Release()
	case left == 0:
		putBuffer(s.in)
		s.in, s.r, s.w = nil, 0, 0
	case left <= len(s.in.b)/4:
		s.kept = append([]byte(nil), s.in.b[s.r:s.w]...)
		putBuffer(s.in)
		s.in, s.r, s.w = nil, 0, 0
	}
}

func (s *state) unpark() {
	if s.in == nil {
		s.in = getBuffer(len(s.kept))
		s.w = copy(s.in.b, s.kept)
		s.kept = nil
	}
}

func (s *state) free() {
	putBuffer(s.in)
	putBuffer(s.msg)
	*s = state{}
	states.Put(s)
}

// makeRoom makes room for more input behind what is there, which is less than
// a frame. A buffer grows only when it is full: what a header promises costs
// nothing until it arrives.
func (s *state) makeRoom() {
	left := s.w - s.r
	switch {
	case left == 0 && len(s.in.b) > minBuffer: // a large frame has been handled
		putBuffer(s.in)
		s.in = getBuffer(0)
		s.r, s.w = 0, 0
	case left == 0:
		s.r, s.w = 0, 0
	case s.w < len(s.in.b):
	case s.r > 0:
		copy(s.in.b, s.in.b[s.r:s.w])
		s.r, s.w = 0, left
	default:
		in := getBuffer(2 * len(s.in.b))
		copy(in.b, s.in.b[:s.w])
		putBuffer(s.in)
		s.in = in
	}
}

// frames handles the complete frames in s.in.
func (r *Reader) frames(s *state, lim *Limits, h Handler) error {
	for {
		b := s.in.b[s.r:s.w]
		if r.closed {
			s.r, s.op = s.w, opContinuation
			return nil
		}
		if len(b) < 2 {
			return nil
		}
		head, err := r.header(s, b, lim)
		if err != nil {
			return err
		}
		if head.size == 0 || len(b)-head.size < head.length {
			return nil
		}
		payload := b[head.size : head.size+head.length]
		if !lim.Client {
			mask(payload, [4]byte(b[head.size-4:]))
		}
		s.r += head.size + head.length
		if err := r.frame(s, head, payload, lim, h); err != nil {
			return err
		}
	}
}

// header is of one frame.
type header struct {
	op     Op
	fin    bool
	rsv1   bool
	size   int // of the header, with the mask; 0 if it is not complete
	length int // of the payload
}

// header parses and checks the header at the beginning of b, which has at least
// two bytes. A frame that must not be is refused before the rest has come.
func (r *Reader) header(s *state, b []byte, lim *Limits) (header, error) {
	first, second := b[0], b[1]
	f := header{op: Op(first & 0x0F), fin: first&finBit != 0, rsv1: first&rsv1Bit != 0}
	switch {
	case first&rsvBits&^rsv1Bit != 0 || f.rsv1 && !r.Deflate:
		return f, errReserved
	case second&maskBit == 0 && !lim.Client:
		return f, errMask
	case second&maskBit != 0 && lim.Client:
		return f, errUnmask
	}
	n := int(second &^ maskBit)
	switch f.op {
	case opContinuation:
		if s.op == opContinuation {
			return f, errContinuation
		}
		if f.rsv1 {
			return f, errRSVFragment
		}
	case Text, Binary:
		if s.op != opContinuation {
			return f, errInterleaved
		}
	case Close, Ping, Pong:
		switch {
		case n > MaxControl:
			return f, errControlSize
		case !f.fin:
			return f, errControlFin
		case f.rsv1:
			return f, errControlRSV
		}
	default:
		return f, errOp
	}
	size := 2
	switch n {
	case 126:
		if size += 2; len(b) < size {
			return f, nil
		}
		if n = int(binary.BigEndian.Uint16(b[2:])); n < 126 {
			return f, errMinimal
		}
	case 127:
		if size += 8; len(b) < size {
			return f, nil
		}
		v := binary.BigEndian.Uint64(b[2:])
		switch {
		case v>>63 != 0:
			return f, errLength
		case v <= 0xFFFF:
			return f, errMinimal
		case v > maxInt:
			return f, errTooBig
		}
		n = int(v)
	}
	if !f.op.control() {
		most := limit(lim.MaxMessage, defaultMaxMessage)
		if f.rsv1 || s.deflated {
			most = deflateBound(most)
		}
		if n > most-s.n {
			return f, errTooBig
		}
	}
	if !lim.Client {
		size += 4
	}
	if len(b) >= size {
		f.size, f.length = size, n
	}
	return f, nil
}

const maxInt = uint64(^uint(0)>>1) - 64 // so that a header can be added

// frame handles one frame, unmasked.
func (r *Reader) frame(s *state, f header, payload []byte, lim *Limits, h Handler) error {
	if s.op != opContinuation || !f.fin { // part of, or within, a fragmented message
		s.fragments++
		s.overhead += f.size
		if f.op.control() {
			s.overhead += len(payload)
		}
		switch {
		case s.fragments > limit(lim.MaxFragments, defaultMaxFragments):
			return errFragments
		case s.overhead > limit(lim.MaxOverhead, defaultMaxOverhead):
			return errOverhead
		}
	}
	switch {
	case f.op == Close:
		return r.close(payload, h)
	case f.op.control():
		return h.Message(f.op, payload)
	case f.op != opContinuation && f.fin:
		return deliver(f.op, f.rsv1, payload, lim, h)
	case f.op != opContinuation:
		s.op, s.deflated = f.op, f.rsv1
	}
	s.add(payload)
	if !f.fin {
		return nil
	}
	// The message is done before h sees it: an error may stop us there.
	op, deflated, msg, n := s.op, s.deflated, s.msg, s.n
	s.op, s.deflated, s.msg, s.n, s.fragments, s.overhead = opContinuation, false, nil, 0, 0, 0
	err := deliver(op, deflated, msg.bytes(n), lim, h)
	putBuffer(msg)
	return err
}

// add appends a fragment to the message.
func (s *state) add(payload []byte) {
	need := s.n + len(payload)
	if need == 0 {
		return
	}
	if s.msg == nil || need > len(s.msg.b) {
		msg := getBuffer(need)
		copy(msg.b, s.msg.bytes(s.n))
		putBuffer(s.msg)
		s.msg = msg
	}
	copy(s.msg.b[s.n:], payload)
	s.n = need
}

// bytes are the first n of b, which is nil if nothing was ever added.
func (b *buffer) bytes(n int) []byte {
	if b == nil {
		return nil
	}
	return b.b[:n:n]
}

func deliver(op Op, deflated bool, data []byte, lim *Limits, h Handler) error {
	if deflated {
		out, err := inflate(data, limit(lim.MaxMessage, defaultMaxMessage))
		if err != nil {
			return err
		}
		defer putBuffer(out.buf)
		data = out.data
	}
	if op == Text && !utf8.Valid(data) {
		return errUTF8
	}
	return h.Message(op, data)
}

func (r *Reader) close(payload []byte, h Handler) error {
	if len(payload) == 1 {
		return errCloseLength
	}
	if len(payload) >= 2 {
		if code, _ := ParseClose(payload[:2]); !code.sendable() {
			return errCloseCode
		}
		if !utf8.Valid(payload[2:]) {
			return errCloseText
		}
	}
	r.closed = true
	return h.Message(Close, payload)
}
