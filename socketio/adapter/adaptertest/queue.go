package adaptertest

import (
	"slices"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// queue keeps messages in order, in so many bytes.
type queue struct {
	max, bytes int
	waiting    []queued
	dropped    [adapter.ClassVital + 1]uint64
}

type queued struct {
	m     *adapter.Message
	size  int
	class adapter.Class
}

// add appends the message. If there is no room for it, volatile messages and
// then broadcasts give way that are worth no more, the oldest first; for a
// request none do.
func (q *queue) add(m *adapter.Message, size int) error {
	class := m.Class()
	if size > q.max || q.bytes+size > q.max && class == adapter.ClassRequest {
		q.dropped[class]++
		return adapter.ErrFull
	}
	for q.bytes+size > q.max {
		if !q.drop(class) {
			q.dropped[class]++
			return adapter.ErrFull
		}
	}
	q.bytes += size
	q.waiting = append(q.waiting, queued{m, size, class})
	return nil
}

// drop gives up one message that is worth no more than class.
func (q *queue) drop(class adapter.Class) bool {
	for c := adapter.ClassVolatile; c <= min(class, adapter.ClassBroadcast); c++ {
		if at := slices.IndexFunc(q.waiting, func(w queued) bool { return w.class == c }); at >= 0 {
			q.bytes -= q.waiting[at].size
			q.waiting = slices.Delete(q.waiting, at, at+1)
			q.dropped[c]++
			return true
		}
	}
	return false
}

// next takes out the first, nil if there is none.
func (q *queue) next() *adapter.Message {
	if len(q.waiting) == 0 {
		return nil
	}
	m := q.waiting[0].m
	q.bytes -= q.waiting[0].size
	q.waiting = q.waiting[1:]
	return m
}

// clear drops all.
func (q *queue) clear() {
	for _, w := range q.waiting {
		q.dropped[w.class]++
	}
	q.waiting, q.bytes = nil, 0
}
