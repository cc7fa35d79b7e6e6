package outbox

import (
	"sync"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// overhead is about what an item takes besides its texts.
const overhead = 128

// An Item is one message on its way. Get makes one, Add takes it over, and what
// Take has handed out belongs to the sender until Sent, Lost or Back takes it.
type Item struct {
	Class adapter.Class
	Own   bool   // the backend's own message, which nothing is counted of
	Tag   int    // the backend's own
	Dest  string // the backend's own: a channel, a subject
	Data  []byte

	size   int
	number uint64 // in the order in which they were added
	next   *Item  // of its class and part
}

var spare = sync.Pool{New: func() any { return new(Item) }}

// Get returns an item without contents, whose Data may have room to append to.
func Get() *Item { return spare.Get().(*Item) }

// kept is the largest buffer that is used again.
const kept = 64 << 10

// Drop gives an item back that was not added.
func Drop(it *Item) {
	data := it.Data[:0]
	if cap(data) > kept {
		data = nil
	}
	*it = Item{Data: data}
	spare.Put(it)
}

// fit swaps a buffer that is much too large for its contents, so that what waits
// takes about as much memory as it is counted for.
func (it *Item) fit() {
	if n := len(it.Data); cap(it.Data) > 2*n+512 || n > kept && cap(it.Data) > n {
		roomy := Get()
		it.Data, roomy.Data = append(make([]byte, 0, n), it.Data...), it.Data
		Drop(roomy)
	}
	it.size = cap(it.Data) + len(it.Dest) + overhead
}

func drop(items []*Item) {
	for _, it := range items {
		Drop(it)
	}
}

// A list holds the items of one class, the oldest first.
type list struct{ head, tail *Item }

func (l *list) push(it *Item) {
	if l.tail == nil {
		l.head = it
	} else {
		l.tail.next = it
	}
	l.tail, it.next = it, nil
}

// putBack puts an item before all that were added later.
func (l *list) putBack(it *Item) {
	at := &l.head
	for *at != nil && (*at).number < it.number {
		at = &(*at).next
	}
	if it.next = *at; it.next == nil {
		l.tail = it
	}
	*at = it
}

func (l *list) pop() *Item {
	it := l.head
	if l.head = it.next; l.head == nil {
		l.tail = nil
	}
	it.next = nil
	return it
}
