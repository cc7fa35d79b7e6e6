package eventlog

import (
	"errors"
	"strconv"
	"strings"
)

const (
	// PrefixLen is the length of a log's prefix.
	PrefixLen = 6
	// OffsetLen is the length of an offset: the log's prefix, and ten digits.
	OffsetLen = PrefixLen + 10
)

// Why an offset has no position.
var (
	// ErrForeign says that the offset is another log's: whoever names it has
	// received nothing of this one.
	ErrForeign = errors.New("eventlog: an offset of another log")
	// errUnknown says that it is none, or has not been given to anybody.
	errUnknown = errors.New("eventlog: unknown offset")
)

const digits = "0123456789abcdefghijklmnopqrstuvwxyz"

// write writes the offset of an event to place, which must have its length;
// nothing to an empty one.
func (l *Log[T]) write(place []byte, seq uint64) {
	if len(place) == 0 {
		return
	}
	_ = place[:OffsetLen]
	copy(place, l.prefix)
	for i := OffsetLen - 1; i >= PrefixLen; i-- {
		place[i] = digits[seq%36]
		seq /= 36
	}
}

// PositionOf is the position in an offset of whatever log.
func PositionOf(offset string) (uint64, bool) {
	if len(offset) != OffsetLen {
		return 0, false
	}
	number := offset[PrefixLen:]
	seq, err := strconv.ParseUint(number, 36, 64)
	return seq, err == nil && strings.ToLower(number) == number
}

// Prefix is what the log's offsets begin with.
func (l *Log[T]) Prefix() string { return l.prefix }

// WriteAt writes the offset of that position to place.
func (l *Log[T]) WriteAt(place []byte, position uint64) { l.write(place, position) }

// Find is the reverse of what Add and Mark write: the position of an offset.
func (l *Log[T]) Find(offset string) (uint64, error) {
	seq, ok := PositionOf(offset)
	if !ok {
		return 0, errUnknown
	}
	if offset[:PrefixLen] != l.prefix {
		return 0, ErrForeign
	}
	if seq > l.Position() {
		return 0, errUnknown
	}
	return seq, nil
}
