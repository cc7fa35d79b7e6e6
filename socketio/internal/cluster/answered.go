package cluster

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

const (
	// keeps is how long a question is known again.
	keeps = 30 * time.Second
	// kept is how many questions, and how many bytes of answers, are known.
	kept, keptBytes = 10_000, 1 << 20
)

// answered are the questions of others that have come lately, with the answer if
// it is one.
type answered struct {
	mu    sync.Mutex
	byID  map[string]*reply
	queue []*reply // by age
	bytes int
}

type reply struct {
	key  string
	at   time.Time
	m    *adapter.Message // nil: none yet, or too large to keep
	size int
}

// seen notes a question. If it has come before, first is false, and again the
// answer it was given, if there is one.
func (a *answered) seen(from, request string, now time.Time) (again *adapter.Message, first bool) {
	key := from + " " + request
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.byID[key]; r != nil {
		if r.m == nil {
			return nil, false
		}
		m := *r.m
		return &m, false
	}
	if a.byID == nil {
		a.byID = make(map[string]*reply)
	}
	r := &reply{key: key, at: now}
	a.byID[key] = r
	a.queue = append(a.queue, r)
	for len(a.queue) > kept {
		a.dropLocked()
	}
	return nil, true
}

func (a *answered) dropLocked() {
	r := a.queue[0]
	a.queue[0] = nil
	a.queue = a.queue[1:]
	a.bytes -= r.size
	delete(a.byID, r.key)
}

// keep notes the answer m to a question that was seen.
func (a *answered) keep(m *adapter.Message, now time.Time) {
	size := len(m.Data.Text) + 200
	for _, b := range m.Data.Attachments {
		size += len(b)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.byID[m.To+" "+m.Request]
	if r == nil || r.m != nil || size > keptBytes/4 {
		return
	}
	for len(a.queue) > 0 && a.bytes+size > keptBytes && a.queue[0] != r {
		a.dropLocked()
	}
	if a.bytes+size > keptBytes {
		return
	}
	c := *m
	c.Data.Text = bytes.Clone(m.Data.Text)
	c.Data.Attachments = slices.Clone(m.Data.Attachments)
	r.m, r.size = &c, size
	a.bytes += size
}

// expire forgets what is old.
func (a *answered) expire(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.queue) > 0 && now.Sub(a.queue[0].at) > keeps {
		a.dropLocked()
	}
	if len(a.queue) == 0 {
		a.queue = nil
	}
}
