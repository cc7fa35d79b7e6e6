package cluster

import (
	"maps"
	"slices"
	"sync"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// An Asker gets the answers to a question. Its methods must not block; they are
// called one at a time, and none after Done.
type Asker interface {
	// Answer gets one answer. m and its bytes are good during the call only.
	Answer(m *adapter.Message)
	// Done: nobody is left who could answer.
	Done(left Left)
}

// Left is what a question still waits for.
type Left struct {
	Nodes []string // by name, or id, in order: those that have not answered
	Some  int      // how many have not, those without a name included
	Acks  int      // clients that have not acknowledged, as far as their nodes have told
}

// questions are those of this node that are open.
type questions struct {
	most  int
	asked chan struct{} // has an entry after a question whose answers are counted

	mu   sync.Mutex
	open map[string]*Question
}

// A Question is one of them.
type Question struct {
	c    *Core
	id   string
	ns   string
	to   Asker
	acks bool // clients are asked, through their nodes

	// Guarded by questions.mu.
	waits    map[string]string // names by id of those that have not answered. With a Counter these are not all, or too many
	counted  bool              // need says how many answer; else those in waits do
	need     int               // -1: not counted yet
	answered map[string]bool
	unnamed  int               // answers that did not tell whose they are
	left     int               // nodes that have answered and said goodbye
	owed     map[string]int    // acks by node; those of unnamed ones by ""
	total    int               // of owed
	ended    map[string]string // names by id of those that are gone and have not answered
	lost     int               // acks that will never come
	acked    map[ackKey]bool   // those that have, where they are numbered
	over     bool

	turn sync.Mutex // one call of to at a time; taken before questions.mu
}

// ackKey is one acknowledgement of a client: its node, and the node's number.
type ackKey struct {
	from string
	seq  uint64
}

func (q *questions) init(most int) {
	q.most, q.asked, q.open = most, make(chan struct{}, 1), make(map[string]*Question)
}

// Ask sends a question to the other nodes, or to the one that m.To names, and has
// their answers told to a. If there are no other nodes, or there is no such one, a
// is told at once, before Ask returns.
func (c *Core) Ask(m *adapter.Message, a Asker) (*Question, error) {
	q := &Question{
		c: c, id: randomHex(16), ns: m.NS, to: a, acks: m.Kind == adapter.Broadcast,
		need: -1, counted: c.counter != nil && m.To == "",
		answered: make(map[string]bool), owed: make(map[string]int), ended: make(map[string]string), acked: make(map[ackKey]bool),
	}
	m.Request = q.id
	qs := &c.questions
	qs.mu.Lock()
	if len(qs.open) >= qs.most {
		qs.mu.Unlock()
		return nil, ErrTooManyQuestions
	}
	// Whoever is gone from now on finds the question, and ends its part in it.
	qs.open[q.id] = q
	q.waits = c.peers.names()
	if m.To != "" {
		maps.DeleteFunc(q.waits, func(id, _ string) bool { return id != m.To })
	}
	alone := !q.counted && len(q.waits) == 0
	qs.mu.Unlock()
	if alone {
		q.settle()
		return q, nil
	}
	if err := c.Publish(m); err != nil {
		qs.mu.Lock()
		delete(qs.open, q.id)
		q.over = true
		qs.mu.Unlock()
		return nil, err
	}
	if q.counted {
		select {
		case qs.asked <- struct{}{}:
		default:
		}
	}
	return q, nil
}

// End ends the wait, and says what was still missing. The Asker is not called
// any more when it returns; it must not be called by the Asker. Nil is over.
func (q *Question) End() Left {
	if q == nil {
		return Left{}
	}
	q.turn.Lock()
	defer q.turn.Unlock()
	return q.close()
}

func (q *Question) close() Left {
	qs := &q.c.questions
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if q.over {
		return Left{}
	}
	q.over = true
	delete(qs.open, q.id)
	return q.leftLocked()
}

func (q *Question) leftLocked() Left {
	l := Left{Acks: max(0, q.total), Some: len(q.waits), Nodes: slices.Sorted(maps.Values(q.waits))}
	if q.counted && q.need >= 0 {
		l.Some = max(0, q.need-len(q.answered)-q.unnamed)
		l.Nodes = l.Nodes[:min(len(l.Nodes), l.Some)] // more than those that are missing do not have the namespace
	}
	l.Acks += q.lost
	l.Some += len(q.ended)
	l.Nodes = append(l.Nodes, slices.Sorted(maps.Values(q.ended))...)
	return l
}

// doneLocked reports whether nobody is left to answer.
func (q *Question) doneLocked() bool {
	if q.over || q.total > 0 {
		return false
	}
	if q.counted {
		return q.need >= 0 && len(q.answered)+q.unnamed >= q.need
	}
	return len(q.waits) == 0
}

// settle ends the question if nobody is left to answer.
func (q *Question) settle() {
	q.turn.Lock()
	defer q.turn.Unlock()
	qs := &q.c.questions
	qs.mu.Lock()
	done := q.doneLocked()
	if done {
		q.over = true
		delete(qs.open, q.id)
	}
	var left Left
	if done {
		left = q.leftLocked()
	}
	qs.mu.Unlock()
	if done {
		q.to.Done(left)
	}
}

// answer takes an answer, and reports false if nobody waits for it.
func (qs *questions) answer(m *adapter.Message) bool {
	qs.mu.Lock()
	q := qs.open[m.Request]
	qs.mu.Unlock()
	if q == nil {
		return false
	}
	q.turn.Lock()
	qs.mu.Lock()
	tell := !q.over && q.takeLocked(m)
	qs.mu.Unlock()
	if tell {
		q.to.Answer(m)
	}
	q.turn.Unlock()
	q.settle()
	return true
}

// takeLocked counts an answer, and reports whether it is a new one.
func (q *Question) takeLocked(m *adapter.Message) bool {
	if m.Kind == adapter.ClientAck {
		if !q.acks {
			return false
		}
		// It may come before the count that tells of it, if nodes are not named.
		if m.From != "" && q.answered[m.From] && q.owed[m.From] <= 0 {
			return false
		}
		if m.Seq != 0 {
			k := ackKey{m.From, m.Seq}
			if q.acked[k] {
				return false // it has come before
			}
			q.acked[k] = true
		}
		q.owed[m.From]--
		q.total--
		return true
	}
	if q.acks != (m.Kind == adapter.ClientCount) || m.From != "" && q.answered[m.From] {
		return false
	}
	delete(q.waits, m.From)
	delete(q.ended, m.From) // it was taken for gone too early
	if m.From == "" {
		q.unnamed++
	} else {
		q.answered[m.From] = true
	}
	if m.Kind == adapter.ClientCount {
		n := max(0, min(m.Count, 1<<24))
		q.owed[m.From] += n
		q.total += n
	}
	return true
}

// gone ends a node's part in all questions. politely: it has said so; then it has
// no sockets left that could be missed.
func (qs *questions) gone(id string, politely bool) {
	for _, q := range qs.all() {
		qs.mu.Lock()
		if name, waited := q.waits[id]; waited {
			delete(q.waits, id)
			if !politely && !q.counted {
				q.ended[id] = name
			}
		}
		if politely && q.answered[id] {
			q.left++ // the broker does not count it any more
		}
		if n := q.owed[id]; n > 0 {
			q.total -= n
			q.lost += n
		}
		delete(q.owed, id)
		qs.mu.Unlock()
		q.settle()
	}
}

func (qs *questions) all() []*Question {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	return slices.Collect(maps.Values(qs.open))
}

// counted notes how many nodes have the namespace, this one included. Those that
// have answered and are gone are not among them.
func (qs *questions) counted(ns string, n int) {
	for _, q := range qs.all() {
		if q.ns != ns {
			continue
		}
		qs.mu.Lock()
		q.need = n - 1 + q.left
		qs.mu.Unlock()
		q.settle()
	}
}

// namespaces are those that there are questions about whose answers are counted.
func (qs *questions) namespaces() []string {
	set := make(map[string]bool)
	for _, q := range qs.all() {
		if q.counted {
			set[q.ns] = true
		}
	}
	return slices.Collect(maps.Keys(set))
}

// endAll ends all questions.
func (qs *questions) endAll() {
	for _, q := range qs.all() {
		q.turn.Lock()
		left := q.close()
		q.to.Done(left)
		q.turn.Unlock()
	}
}

func (qs *questions) len() int {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	return len(qs.open)
}
