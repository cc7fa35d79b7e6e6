package nativewire

import (
	"encoding/binary"
	"fmt"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

const (
	magic = 0xc5
	// Version is the newest version of the form; what is newer is not read.
	Version = 1
)

// What a message may hold at most, besides its size. Whoever sends more is told
// so, and whoever receives more refuses it.
const (
	MaxName        = 4096   // bytes of a room's or namespace's name
	MaxNames       = 10_000 // rooms and exceptions of a target together; names
	MaxAttachments = 10_000
	MaxPositions   = 100_000
	maxID          = 64   // bytes of the id of a node or question
	maxText        = 1024 // bytes of what a node says of itself
)

// DefaultSize is how many bytes a message may have where nothing else is said.
const DefaultSize = 16 << 20

// The bits of a message's header.
const (
	hasTo = 1 << iota
	hasRequest
	hasSeq
	hasRooms
	hasExcept
	hasNames
	hasCount
	hasTimeout
	hasNode
	hasPositions
	hasText
	hasAttachments
	isVolatile
	isNotCompressed
	isClose
	hasMAC
)

// A Form writes and reads messages. Its methods may be called from any
// goroutine.
type Form struct {
	size int
	mac  *mac // nil: without
}

// New returns the form for messages of at most size bytes (0: [DefaultSize]),
// with a MAC by key if there is one.
func New(size int, key []byte) *Form {
	if size <= 0 {
		size = DefaultSize
	}
	f := &Form{size: size}
	if len(key) > 0 {
		f.mac = newMAC(key)
	}
	return f
}

func tooMany(what string, n, most int) error {
	return fmt.Errorf("%w: %s: %d, at most %d", adapter.ErrTooLarge, what, n, most)
}

// Append appends m as it is sent to a channel. It fails with
// [adapter.ErrTooLarge] if it, or a part of it, is larger than a receiver takes.
// What it has appended then is worth nothing.
func (f *Form) Append(dst []byte, channel string, m *adapter.Message) ([]byte, error) {
	start := len(dst)
	if err := bounds(m); err != nil {
		return dst, err
	}
	w := writer{dst}
	bits := bitsOf(m)
	if f.mac != nil {
		bits |= hasMAC
	}
	w.b = append(w.b, magic, Version, byte(m.Kind), byte(bits>>8), byte(bits))
	w.str(m.From)
	w.str(m.NS)
	w.parts(bits, m)
	if f.mac != nil {
		w.b = f.mac.append(w.b, start, channel)
	}
	if n := len(w.b) - start; n > f.size {
		return dst, tooMany("bytes", n, f.size)
	}
	return w.b, nil
}

// bounds says what of m is larger than receivers take.
func bounds(m *adapter.Message) error {
	if n := len(m.Rooms) + len(m.Except); n > MaxNames {
		return tooMany("rooms", n, MaxNames)
	}
	if n := len(m.Names); n > MaxNames {
		return tooMany("names", n, MaxNames)
	}
	if n := len(m.Data.Attachments); n > MaxAttachments {
		return tooMany("attachments", n, MaxAttachments)
	}
	if n := len(m.Positions); n > MaxPositions {
		return tooMany("positions", n, MaxPositions)
	}
	if n := len(m.NS); n > MaxName {
		return tooMany("bytes of a namespace's name", n, MaxName)
	}
	if m.Node != nil && max(len(m.Node.Name), len(m.Node.Address)) > maxText {
		return tooMany("bytes of a node's name", max(len(m.Node.Name), len(m.Node.Address)), maxText)
	}
	for _, list := range [...][]string{m.Rooms, m.Except, m.Names} {
		for _, name := range list {
			if n := len(name); n > MaxName {
				return tooMany("bytes of a room's name", n, MaxName)
			}
		}
	}
	return nil
}

func bitsOf(m *adapter.Message) (bits uint16) {
	for _, c := range [...]struct {
		has bool
		bit uint16
	}{
		{m.To != "", hasTo}, {m.Request != "", hasRequest}, {m.Seq != 0 || m.Lane != 0, hasSeq},
		{len(m.Rooms) > 0, hasRooms}, {len(m.Except) > 0, hasExcept}, {len(m.Names) > 0, hasNames},
		{m.Count > 0, hasCount}, {m.Flags.Timeout > 0, hasTimeout}, {m.Node != nil, hasNode},
		{len(m.Positions) > 0, hasPositions}, {len(m.Data.Text) > 0, hasText}, {len(m.Data.Attachments) > 0, hasAttachments},
		{m.Flags.Volatile, isVolatile}, {m.Flags.NoCompress, isNotCompressed}, {m.Close, isClose},
	} {
		if c.has {
			bits |= c.bit
		}
	}
	return bits
}

type writer struct{ b []byte }

func (w *writer) uint(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *writer) str(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) bytes(b []byte) {
	w.uint(uint64(len(b)))
	w.b = append(w.b, b...)
}

func (w *writer) list(names []string) {
	w.uint(uint64(len(names)))
	for _, s := range names {
		w.str(s)
	}
}

// parts appends what the bits announce.
func (w *writer) parts(bits uint16, m *adapter.Message) {
	if bits&hasTo != 0 {
		w.str(m.To)
	}
	if bits&hasRequest != 0 {
		w.str(m.Request)
	}
	if bits&hasSeq != 0 {
		w.b = binary.BigEndian.AppendUint64(w.b, m.Seq)
		w.uint(uint64(m.Lane))
	}
	if bits&hasRooms != 0 {
		w.list(m.Rooms)
	}
	if bits&hasExcept != 0 {
		w.list(m.Except)
	}
	if bits&hasNames != 0 {
		w.list(m.Names)
	}
	if bits&hasCount != 0 {
		w.uint(uint64(m.Count))
	}
	if bits&hasTimeout != 0 {
		w.uint(uint64(m.Flags.Timeout))
	}
	if bits&hasNode != 0 {
		w.str(m.Node.ID)
		w.str(m.Node.Name)
		w.str(m.Node.Address)
		w.uint(uint64(max(m.Node.Version, 0)))
	}
	if bits&hasPositions != 0 {
		w.positions(m.Positions)
	}
	if bits&hasText != 0 {
		w.bytes(m.Data.Text)
	}
	if bits&hasAttachments != 0 {
		w.uint(uint64(len(m.Data.Attachments)))
		for _, a := range m.Data.Attachments {
			w.bytes(a)
		}
	}
}

func (w *writer) positions(list []adapter.Position) {
	w.uint(uint64(len(list)))
	for i, p := range list {
		if i > 0 && p.NS == list[i-1].NS {
			w.uint(0)
		} else {
			w.uint(uint64(len(p.NS)) + 1)
			w.b = append(w.b, p.NS...)
		}
		w.uint(uint64(p.Lane))
		w.b = binary.BigEndian.AppendUint64(w.b, p.Seq)
	}
}
