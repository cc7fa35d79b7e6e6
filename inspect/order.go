package inspect

import (
	"fmt"

	"github.com/sockeye-io/sockeye/socketio"
)

// orders are what a list of sockets may begin with the largest of, beside "",
// which is by id and has pages: the one that does not read, and the one that
// floods, are to be found among 10,000.
var orders = map[string]func(s *socketio.Socket) uint64{
	"":         func(*socketio.Socket) uint64 { return 0 },
	"buffered": func(s *socketio.Socket) uint64 { return uint64(max(0, s.Buffered())) },
	"in":       func(s *socketio.Socket) uint64 { in, _ := s.Traffic(); return uint64(in) },
	"out":      func(s *socketio.Socket) uint64 { _, out := s.Traffic(); return uint64(out) },
}

// key sorts as q wants it: what is large has a small key.
func (q *question) key(s *socketio.Socket) string {
	by := orders[q.Sort]
	if q.Sort == "" || by == nil {
		return s.ID()
	}
	return fmt.Sprintf("%016x %s", ^by(s), s.ID())
}

// of is what s is sorted by, as it was described: 0 for all by id.
func (s *socket) of(sort string) uint64 {
	switch sort {
	case "buffered":
		return uint64(max(0, s.Buffered))
	case "in":
		return uint64(s.In)
	case "out":
		return uint64(s.Out)
	}
	return 0
}
