package adaptertest

import (
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// clone returns a copy that shares nothing.
func clone(m *adapter.Message) *adapter.Message {
	c := *m
	c.Rooms = slices.Clone(m.Rooms)
	c.Except = slices.Clone(m.Except)
	c.Names = slices.Clone(m.Names)
	c.Positions = slices.Clone(m.Positions)
	c.Data.Text = slices.Clone(m.Data.Text)
	c.Data.Attachments = slices.Clone(m.Data.Attachments)
	for i, a := range c.Data.Attachments {
		c.Data.Attachments[i] = slices.Clone(a)
	}
	if m.Node != nil {
		n := *m.Node
		c.Node = &n
	}
	return &c
}

// destroy overwrites a message that nobody may use any more.
func destroy(m *adapter.Message) {
	for _, list := range [][]string{m.Rooms, m.Except, m.Names} {
		for i := range list {
			list[i] = "used after the call"
		}
	}
	for _, bytes := range append(m.Data.Attachments, m.Data.Text) {
		for i := range bytes {
			bytes[i] = '!'
		}
	}
	clear(m.Positions)
	if m.Node != nil {
		*m.Node = adapter.Node{ID: "used after the call"}
	}
	*m = adapter.Message{NS: "used after the call"}
}

// sizeOf is about what a message takes on a wire.
func sizeOf(m *adapter.Message) int {
	size := 64 + len(m.NS) + len(m.Data.Text) + 16*len(m.Positions)
	for _, list := range [][]string{m.Rooms, m.Except, m.Names} {
		for _, s := range list {
			size += len(s) + 4
		}
	}
	for _, a := range m.Data.Attachments {
		size += len(a) + 4
	}
	return size
}

// dice returns a number that depends on all there is, and on nothing else.
func (f fate) dice(what string) uint64 {
	h := fnv.New64a()
	var b []byte
	b = binary.LittleEndian.AppendUint64(b, f.seed)
	b = binary.LittleEndian.AppendUint64(b, f.number)
	for _, s := range []string{f.from, f.to, what} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	_, _ = h.Write(b) // it never fails
	x := h.Sum64()
	// FNV's upper bits know little of the last bytes.
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
