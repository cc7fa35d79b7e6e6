package socketio

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"maps"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/eventlog"
)

// known is what a client has seen.
type known struct {
	At    adapter.Mark      // all that the log has up to there
	Nodes map[string]uint64 `json:",omitempty"` // and what these nodes have numbered up to that
}

// most is of how many nodes known tells.
const mostKnown = 8

func (k *known) saw(w *whence) bool {
	return !w.at.IsZero() && k.At.Reaches(w.at) || w.seq != 0 && k.Nodes[w.from] >= w.seq
}

// and is what k and o say together.
func (k *known) and(o *known) *known {
	sum := &known{At: k.At, Nodes: maps.Clone(k.Nodes)}
	if o == nil {
		return sum
	}
	if sum.At.IsZero() || o.At.Reaches(sum.At) {
		sum.At = o.At
	}
	for node, n := range o.Nodes {
		if sum.Nodes == nil {
			sum.Nodes = make(map[string]uint64)
		}
		if _, ok := sum.Nodes[node]; ok || len(sum.Nodes) < mostKnown {
			sum.Nodes[node] = max(sum.Nodes[node], n)
		}
	}
	return sum
}

// An offset of a cluster with a log has behind the one of this node's log: the
// node's id, the place in the log, and the number.
const (
	roamBytes = 8 + 4 + 6 + 4 + 8
	roamLen   = roamBytes / 3 * 4
)

// stamp completes an offset with what clients have seen when they get it.
func (m *roam) stamp(place []byte) {
	if m == nil || m.log == nil || len(place) == 0 {
		return
	}
	if m.waits() {
		m.node.log.WriteNodeOffset(place, m.position())
		return
	}
	writeKnown(place, m.self, m.position(), m.numbered()|m.staleBit())
}

// stampAt completes an offset with what one client has seen.
func (m *roam) stampAt(place []byte, k *known, node string) {
	if m.log == nil || len(place) == 0 {
		return
	}
	if m.waits() {
		m.node.log.WriteNodeOffset(place, k.At)
		return
	}
	if _, ok := k.Nodes[node]; !ok {
		node = m.self
	}
	n := k.Nodes[node]
	if node == m.self {
		n |= m.staleBit()
	}
	writeKnown(place, node, k.At, n)
}

// staleNumber is the bit of an offset's number by which its node says that what is
// stored of its clients may be old. Numbers do not have it.
const staleNumber = 1 << 63

func (m *roam) staleBit() uint64 {
	if m.stale.Load() {
		return staleNumber
	}
	return 0
}

// saysStale reports whether an offset is a node's that said so.
func saysStale(offset, node string) bool {
	from, n, _, ok := readOffset(offset)
	return ok && from == node && n&staleNumber != 0
}

func writeKnown(place []byte, node string, at adapter.Mark, n uint64) {
	var b [roamBytes]byte
	_, _ = hex.Decode(b[:8], []byte(node)) // ids of nodes are
	binary.BigEndian.PutUint32(b[8:], at.Log)
	binary.BigEndian.PutUint16(b[12:], uint16(at.High>>32))
	binary.BigEndian.PutUint32(b[14:], uint32(at.High))
	binary.BigEndian.PutUint32(b[18:], at.Low)
	binary.BigEndian.PutUint64(b[22:], n)
	base64.RawURLEncoding.Encode(place[eventlog.OffsetLen:], b[:])
}

// readKnown is the reverse. It reports false for what is no such offset.
func readKnown(offset string) (node string, k *known, ok bool) {
	node, n, at, ok := readOffset(offset)
	if !ok {
		return "", nil, false
	}
	return node, &known{At: at, Nodes: map[string]uint64{node: n &^ staleNumber}}, true
}

func readOffset(offset string) (node string, n uint64, at adapter.Mark, ok bool) {
	if len(offset) != eventlog.OffsetLen+roamLen {
		return "", 0, at, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(offset[eventlog.OffsetLen:])
	if err != nil {
		return "", 0, at, false
	}
	at = adapter.Mark{
		Log: binary.BigEndian.Uint32(b[8:]), High: uint64(binary.BigEndian.Uint16(b[12:]))<<32 | uint64(binary.BigEndian.Uint32(b[14:])),
		Low: binary.BigEndian.Uint32(b[18:]),
	}
	return hex.EncodeToString(b[:8]), binary.BigEndian.Uint64(b[22:]), at, true
}
