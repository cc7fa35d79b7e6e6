package nats

import (
	"encoding/binary"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/nativewire"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

// An entry of the log holds what one node had to say at a time: after two bytes,
// its messages in the native form, each after its length.
const (
	entryMagic   = 0xc6
	entryVersion = 1
)

const (
	// entryBytes is how large an entry is made of more than one message.
	entryBytes = 256 << 10
	// entryFrame is what an entry takes besides its messages, at most, if there is
	// one.
	entryFrame = 2 + binary.MaxVarintLen32
	// mostParts is how many messages an entry has at most.
	mostParts = 4096
)

// appendEntry packs as many of items as go into one entry, one at least, and
// returns how many that are.
func appendEntry(dst []byte, items []*outbox.Item) ([]byte, int) {
	dst = append(dst, entryMagic, entryVersion)
	for i, it := range items {
		if i == mostParts || i > 0 && len(dst)+len(it.Data)+binary.MaxVarintLen32 > entryBytes {
			return dst, i
		}
		dst = binary.AppendUvarint(dst, uint64(len(it.Data)))
		dst = append(dst, it.Data...)
	}
	return dst, len(items)
}

// parts are the messages of an entry that are not read yet.
type parts struct {
	left []byte
	n    int // of those that were read
}

// open begins to read an entry, and returns what is wrong with it.
func (p *parts) open(data []byte) (bad string) {
	*p = parts{}
	switch {
	case len(data) < 2 || data[0] != entryMagic:
		return nativewire.BadParse
	case data[1] != entryVersion:
		return nativewire.BadVersion
	}
	p.left = data[2:]
	return ""
}

// next returns the next message; more is false after the last.
func (p *parts) next() (part []byte, more bool, bad string) {
	if len(p.left) == 0 {
		return nil, false, ""
	}
	size, n := binary.Uvarint(p.left)
	switch {
	case n <= 0 || size > uint64(len(p.left)-n):
		return nil, false, nativewire.BadParse
	case p.n == mostParts:
		return nil, false, nativewire.BadSize
	}
	part = p.left[n : n+int(size) : n+int(size)]
	p.left = p.left[n+int(size):]
	p.n++
	return part, true, ""
}

// entry reads the messages of a node's entry into m, one after the other. f is
// told the number of each, from 1 on, and what is wrong with it or with the rest.
func (a *Adapter) entry(node string, data []byte, m *adapter.Message, f func(n int, bad string) error) error {
	var p parts
	channel := a.subjects.log + node
	bad := p.open(data)
	for {
		var part []byte
		more := false
		if bad == "" {
			part, more, bad = p.next()
		}
		if bad != "" {
			return f(p.n+1, bad)
		}
		if !more {
			return nil
		}
		bad := a.form.Parse(channel, part, m)
		if bad == "" && (m.From != node || m.To != "" || m.Lane != 0) {
			bad = badSpoof
		}
		if err := f(p.n, bad); err != nil {
			return err
		}
	}
}
