package nats

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// buckets is how many there are for rooms: so many for any, and behind them so
// many for sockets' own. All nodes must agree on it.
const (
	anyRooms = 4096
	ownRooms = 4096
	buckets  = anyRooms + ownRooms
)

// firstBucket is the lane of the first bucket; lane 0 is for all nodes, and so is
// the one beside it, where lane 0 is the log.
const firstBucket, laneBeside = 2, 1

// bucketOf says to which bucket a room belongs: FNV-1a of both names. A socket's
// own room goes by the tag of its node alone, so that those of one node, in all
// namespaces, are one bucket. A room that only looks like one is not the worse
// for it: whoever has members in a room of a bucket hears it.
func bucketOf(ns, room string) int {
	if tag := tagOf(room); tag != "" {
		return anyRooms + hash("", tag)%ownRooms
	}
	return hash(ns, room) % anyRooms
}

// tagOf is the tag of the node whose socket has this own room: the end of its id,
// which on revision 3 stands behind the namespace. "" if it looks like none.
func tagOf(room string) string {
	if len(room) > idLen && room[len(room)-idLen-1] == '#' {
		room = room[len(room)-idLen:]
	}
	if len(room) != idLen {
		return ""
	}
	for i := range len(room) {
		switch c := room[i]; {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return ""
		}
	}
	return room[idLen-tagLen:]
}

// idLen and tagLen are the lengths of ids and of the tags at their ends.
const (
	idLen  = 20
	tagLen = 4
)

func hash(ns, room string) int {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(ns) {
		h = (h ^ uint64(ns[i])) * prime
	}
	h *= prime // of a zero byte between them
	for i := range len(room) {
		h = (h ^ uint64(room[i])) * prime
	}
	return int((h ^ h>>32) & 0x7fffffff)
}

// laneOf is where a message belongs by its contents. A room without a name has
// no bucket, since nobody can have an interest in it alone.
func laneOf(m *adapter.Message) uint32 {
	if m.Kind == adapter.Broadcast && m.Request == "" && m.To == "" && len(m.Rooms) == 1 && m.Rooms[0] != "" {
		return firstBucket + uint32(bucketOf(m.NS, m.Rooms[0]))
	}
	return 0
}

// longest is how long a token may be that says what it stands for.
const longest = 200

// escape appends s as one token of a subject.
func escape(dst []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	start := len(dst)
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '_' || c == '/' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
		if len(dst)-start > longest {
			sum := sha256.Sum256([]byte(s))
			return hex.AppendEncode(append(dst[:start], '~'), sum[:])
		}
	}
	return dst
}

// subjects makes the names of subjects, and keeps some.
type subjects struct {
	all, bucket, node string // with the dot behind

	// Of the log: what is stored, and what JetStream tells all of it; answers to a
	// node's questions; sessions and claims.
	log, told, inbox, got, session, claim string
	logStream, keyStream                  string

	mu         sync.Mutex
	namespaces map[string]string
	buckets    [buckets]string
}

// kept is how many namespaces' subjects are kept.
const kept = 1024

func newSubjects(prefix string) *subjects {
	tokens := strings.Split(prefix, ".")
	for _, t := range tokens {
		if t == "" { // dots that are no separators
			tokens = []string{prefix}
			break
		}
	}
	var b []byte
	for _, t := range tokens {
		b = append(escape(b, t), '.')
	}
	p := string(b)
	return &subjects{
		all: p + "a.", bucket: p + "b.", node: p + "n.", namespaces: make(map[string]string),
		log: p + "l.", told: p + "r.", inbox: p + "i.", got: p + "g.", session: p + "s.", claim: p + "c.",
		logStream: streamName(prefix, "log"), keyStream: streamName(prefix, "keys"),
	}
}

// of is the subject that a message goes to.
func (s *subjects) of(m *adapter.Message) string {
	switch {
	case m.To != "":
		return s.node + m.To
	case m.Lane >= firstBucket && m.Lane < firstBucket+buckets:
		return s.ofBucket(int(m.Lane - firstBucket))
	}
	return s.ofNamespace(m.NS)
}

func (s *subjects) ofBucket(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[n] == "" {
		s.buckets[n] = s.bucket + strconv.Itoa(n)
	}
	return s.buckets[n]
}

func (s *subjects) ofNamespace(ns string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if subject, ok := s.namespaces[ns]; ok {
		return subject
	}
	if len(s.namespaces) >= kept {
		clear(s.namespaces)
	}
	ns = strings.Clone(ns)
	subject := string(escape([]byte(s.all), ns))
	s.namespaces[ns] = subject
	return subject
}

// fits reports whether a message that came over subject belongs there.
func (s *subjects) fits(subject, self string, m *adapter.Message) bool {
	switch {
	case strings.HasPrefix(subject, s.all):
		var buf [longest + 80]byte
		return m.To == "" && m.Lane <= laneBeside && string(escape(buf[:0], m.NS)) == subject[len(s.all):]
	case strings.HasPrefix(subject, s.bucket):
		n, err := strconv.Atoi(subject[len(s.bucket):])
		return err == nil && m.Lane == laneOf(m) && m.Lane == uint32(firstBucket+n)
	case strings.HasPrefix(subject, s.node):
		return m.To == self && subject[len(s.node):] == self
	}
	return false
}
