package outbox

import (
	"context"
	"slices"
	"sync"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// DefaultLimit is how many bytes may wait where nothing else is said.
const DefaultLimit = 16 << 20

// A batch ends with the message that makes it this large, or a quarter of the
// limit, or this many: a batch that is lost costs no more, and most of what the
// limit allows waits where it can be given up.
const (
	batchBytes = 1 << 20
	batchItems = 4096
)

const classes = int(adapter.ClassVital) + 1

// A Queue is what waits for the broker. Its methods may be called from any
// goroutine and none but Take ever waits; Take, Sent, Lost and Back belong to
// one sender for each part.
//
// A queue has one part until it is split; all parts share the limit. What is
// added to a part leaves in that order. When the limit is reached, a volatile
// message goes for any but a request, and a broadcast for a broadcast or a
// vital one; the oldest first. What cannot be taken even so is refused. Items
// in the sender's hands count as waiting.
type Queue struct {
	limit int

	mu      sync.Mutex
	parts   []*part
	place   func(*Item) int // which part an item is in; nil: the first
	waiting [classes]int    // bytes in all parts
	number  uint64
	bytes   int // of all that was added and is neither sent nor dropped
	sent    uint64
	dropped [classes]uint64
	closed  bool
}

// A part is what one sender takes from.
type part struct {
	wake    chan struct{} // holds one when there may be something to take
	waiting [classes]list
}

func newPart() *part { return &part{wake: make(chan struct{}, 1)} }

// poke tells the sender that there is something to take, or nothing any more.
func (p *part) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// New makes a queue for limit bytes, the items' own included; 0 is
// [DefaultLimit].
func New(limit int) *Queue {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Queue{limit: limit, parts: []*part{newPart()}}
}

// Split divides what waits, and what comes from now on, among n parts: place
// tells the number of the part that an item is in, 0 for all others than those
// below n. It is called with the queue locked, and must not block. There may be
// more parts than before, not fewer. What the senders hold goes where place says
// when it comes Back.
func (q *Queue) Split(n int, place func(*Item) int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.place = place
	for len(q.parts) < n {
		q.parts = append(q.parts, newPart())
	}
	var all [classes]list
	for c := range all {
		for {
			p := q.oldestLocked(c)
			if p == nil {
				break
			}
			all[c].push(p.waiting[c].pop())
		}
		for all[c].head != nil {
			it := all[c].pop()
			q.partLocked(it).waiting[c].push(it)
		}
	}
	for _, p := range q.parts {
		p.poke()
	}
}

// partLocked is the part that an item is in.
func (q *Queue) partLocked(it *Item) *part {
	if q.place != nil {
		if n := q.place(it); n > 0 && n < len(q.parts) {
			return q.parts[n]
		}
	}
	return q.parts[0]
}

// oldestLocked is the part with the oldest item of a class, nil if there is none.
func (q *Queue) oldestLocked(class int) (oldest *part) {
	for _, p := range q.parts {
		if it := p.waiting[class].head; it != nil && (oldest == nil || it.number < oldest.waiting[class].head.number) {
			oldest = p
		}
	}
	return oldest
}

// Add puts an item in, which is the queue's from then on, whatever the result:
// nil (a volatile message may have been dropped, and is counted then),
// [adapter.ErrFull], [adapter.ErrTooLarge] if it were too large for an empty
// queue, or [adapter.ErrClosed]. All that is refused is counted as dropped.
func (q *Queue) Add(it *Item) error {
	it.fit()
	q.mu.Lock()
	gone, err := q.addLocked(it)
	if err == nil && gone != it {
		q.partLocked(it).poke()
	}
	q.mu.Unlock()
	for gone != nil {
		next := gone.next
		Drop(gone)
		gone = next
	}
	return err
}

// addLocked returns the items that were dropped for it, or the item itself.
func (q *Queue) addLocked(it *Item) (gone *Item, err error) {
	refuse := func(err error) (*Item, error) {
		q.droppedLocked(it)
		it.next = nil
		return it, err
	}
	switch {
	case q.closed:
		return refuse(adapter.ErrClosed)
	case it.size > q.limit:
		return refuse(adapter.ErrTooLarge)
	}
	room := q.limit - q.bytes
	if it.Class != adapter.ClassRequest {
		room += q.waiting[adapter.ClassVolatile]
		if it.Class != adapter.ClassVolatile {
			room += q.waiting[adapter.ClassBroadcast]
		}
	}
	if it.size > room {
		if it.Class == adapter.ClassVolatile {
			return refuse(nil)
		}
		return refuse(adapter.ErrFull)
	}
	for q.bytes+it.size > q.limit {
		class := adapter.ClassVolatile
		p := q.oldestLocked(int(class))
		if p == nil {
			class = adapter.ClassBroadcast
			p = q.oldestLocked(int(class))
		}
		old := p.waiting[class].pop()
		q.waiting[class] -= old.size
		q.bytes -= old.size
		q.droppedLocked(old)
		old.next, gone = gone, old
	}
	q.number++
	it.number = q.number
	q.bytes += it.size
	q.waiting[it.Class] += it.size
	q.partLocked(it).waiting[it.Class].push(it)
	return gone, nil
}

// Take waits until something is there in the first part and returns all that
// has gathered, in order, up to about a megabyte or a quarter of the limit. The
// slice is the caller's. It fails with [adapter.ErrClosed] when the queue is
// closed and empty, and with the error of ctx when that ends.
func (q *Queue) Take(ctx context.Context) ([]*Item, error) {
	for {
		batch, closed := q.TakeNow(0)
		switch {
		case len(batch) > 0:
			return batch, nil
		case closed:
			return nil, adapter.ErrClosed
		}
		select {
		case <-q.Ready(0):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Ready holds one when there may be something to take from a part, or the queue
// was closed.
func (q *Queue) Ready(n int) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.parts[n].wake
}

// TakeNow is Take for a part, without waiting. closed: nothing is added any more.
func (q *Queue) TakeNow(n int) (batch []*Item, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.takeLocked(q.parts[n]), q.closed
}

func (q *Queue) takeLocked(p *part) (batch []*Item) {
	for bytes, most := 0, min(batchBytes, q.limit/4); bytes < most && len(batch) < batchItems; {
		var oldest *list
		for i := range p.waiting {
			if l := &p.waiting[i]; l.head != nil && (oldest == nil || l.head.number < oldest.head.number) {
				oldest = l
			}
		}
		if oldest == nil {
			break
		}
		it := oldest.pop()
		bytes += it.size
		q.waiting[it.Class] -= it.size
		batch = append(batch, it)
	}
	return batch
}

// Sent takes items back that the broker has taken.
func (q *Queue) Sent(items []*Item) {
	q.mu.Lock()
	for _, it := range items {
		if !it.Own {
			q.sent++
		}
	}
	q.doneLocked(items)
	q.mu.Unlock()
	drop(items)
}

// Lost takes items back that were not sent, or perhaps not, and counts them as
// dropped.
func (q *Queue) Lost(items []*Item) {
	q.mu.Lock()
	for _, it := range items {
		q.droppedLocked(it)
	}
	q.doneLocked(items)
	q.mu.Unlock()
	drop(items)
}

func (q *Queue) droppedLocked(it *Item) {
	if !it.Own {
		q.dropped[it.Class]++
	}
}

func (q *Queue) doneLocked(items []*Item) {
	for _, it := range items {
		q.bytes -= it.size
	}
}

// Back puts items that were surely not sent where they were: the next Take
// returns them first. It is for backends whose broker tells so.
func (q *Queue) Back(items []*Item) {
	if len(items) == 0 {
		return
	}
	q.mu.Lock()
	for _, it := range slices.Backward(items) {
		q.waiting[it.Class] += it.size
		p := q.partLocked(it)
		p.waiting[it.Class].putBack(it)
		p.poke()
	}
	q.mu.Unlock()
}

// Close makes Add refuse and lets Take return what still waits.
func (q *Queue) Close() {
	q.mu.Lock()
	q.closed = true
	for _, p := range q.parts {
		p.poke()
	}
	q.mu.Unlock()
}

// Clear counts all that waits as dropped. What the sender holds stays its own.
func (q *Queue) Clear() {
	for {
		q.mu.Lock()
		var batch []*Item
		for _, p := range q.parts {
			batch = append(batch, q.takeLocked(p)...)
		}
		q.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		q.Lost(batch)
	}
}

// Stats returns Published, Dropped and Queued. Dropped holds the classes of
// which something was.
func (q *Queue) Stats() adapter.Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := adapter.Stats{Published: q.sent, Queued: q.bytes}
	for c, n := range q.dropped {
		if n > 0 {
			if s.Dropped == nil {
				s.Dropped = make(map[string]uint64, classes)
			}
			s.Dropped[adapter.Class(c).String()] = n
		}
	}
	return s
}
