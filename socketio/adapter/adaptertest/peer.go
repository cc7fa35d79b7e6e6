package adaptertest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// peer is a node of the suite: an adapter and what has reached its Inbox.
type peer struct {
	at adapter.Mark // what was told last is there in the log, if there is one
	s  *suite
	a  adapter.Adapter
	id string

	inside atomic.Bool // Inbox is being called
	closed atomic.Bool
	more   atomic.Int64 // how often Gather was told that there may be more, less how often that there is not

	mu        sync.Mutex
	got       []*adapter.Message      // without probes
	marks     map[string]adapter.Mark // where the log has what was numbered, by key
	probes    map[string]bool         // by text and sender
	states    []adapter.State
	malformed map[string]int
}

// random returns 16 hexadecimal digits.
func random() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// start starts one more node, without waiting for anything.
func (s *suite) start() *peer {
	s.t.Helper()
	p := &peer{s: s, a: s.Adapter(), probes: make(map[string]bool), marks: make(map[string]adapter.Mark), malformed: make(map[string]int)}
	digits := p.a.Traits().IDLen
	if digits == 0 {
		digits = 16
	}
	p.id = random()[:digits]
	if err := p.a.Start(context.Background(), adapter.Node{ID: p.id, Name: "suite", Version: 1}, p); err != nil {
		s.t.Fatalf("Start: %v", err)
	}
	s.peers = append(s.peers, p)
	s.t.Cleanup(func() { p.end(time.Second) })
	return p
}

// end closes the node and lets its queue be sent for so long.
func (p *peer) end(patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := p.a.Close(ctx)
	p.closed.Store(true)
	if n := p.more.Load(); n != 0 {
		p.s.t.Errorf("Gather was told %+d times more that there may be messages at hand than that there are none", n)
	}
	return err
}

// nodes starts so many, which hear each other in "/".
func (s *suite) nodes(count int) []*peer {
	s.t.Helper()
	var all []*peer
	for range max(count, s.Least) {
		all = append(all, s.start())
	}
	all = all[:count]
	for _, p := range all {
		p.until("the connection", func() bool { return p.state().Connection == adapter.Up })
		p.a.Interest(adapter.Interest{NS: "/", On: true})
	}
	s.meet("/", all...)
	return all
}

// meet waits until all hear each other's questions in the namespace.
func (s *suite) meet(ns string, all ...*peer) {
	s.t.Helper()
	for _, from := range all {
		for _, to := range all {
			if from != to {
				s.reach(from, to, adapter.Message{Kind: adapter.Broadcast, NS: ns})
				s.reach(from, to, adapter.Message{Kind: adapter.ServerSide, NS: ns})
			}
		}
	}
}

// reach waits until such messages get from one to the other.
func (s *suite) reach(from, to *peer, m adapter.Message) {
	s.t.Helper()
	text := `["probe","` + random() + `"]`
	m.Data.Text = []byte(text)
	var last time.Time
	to.until("a message in "+m.NS+" "+strings.Join(m.Rooms, ", "), func() bool {
		if time.Since(last) > 100*time.Millisecond {
			last = time.Now()
			_ = from.try(&m) // if refused now, then later perhaps
		}
		to.mu.Lock()
		defer to.mu.Unlock()
		return to.probes[text+from.id]
	})
}

// until waits for something to become true.
func (p *peer) until(what string, ready func() bool) {
	p.s.t.Helper()
	if !p.within(p.s.patience, ready) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.s.t.Fatalf("waited in vain for %s; got %d messages, malformed %v, states %v; each node's queue: %v", what, len(p.got), p.malformed, p.states, p.s.queues())
	}
}

func (p *peer) within(patience time.Duration, ready func() bool) bool {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ready(); <-tick.C {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// enter notes that the Inbox is called: by one goroutine at a time, and not
// after Close.
func (p *peer) enter() (leave func()) {
	if !p.inside.CompareAndSwap(false, true) {
		p.s.t.Errorf("the Inbox is called by two goroutines at a time")
	}
	if p.closed.Load() {
		p.s.t.Errorf("the Inbox is called after Close")
	}
	p.mu.Lock()
	return func() {
		p.mu.Unlock()
		p.inside.Store(false)
	}
}

func (p *peer) Message(m *adapter.Message) {
	defer p.enter()()
	if text := string(m.Data.Text); strings.HasPrefix(strings.ReplaceAll(text, " ", ""), `["probe",`) {
		p.probes[text+m.From] = true
		return
	}
	logged := !m.At.IsZero()
	if logged && m.NS == "/" && m.Seq > 0 {
		p.marks[fmt.Sprint(m.From, " ", m.Seq)] = m.At
	}
	if m.From == p.id {
		if logged && m.Skipped && len(m.Data.Text) == 0 {
			return // the log has it
		}
		p.s.t.Errorf("a node hears its own %s", m.Kind)
	}
	m = clone(m)
	if logged {
		if p.at.Reaches(m.At) && p.at != m.At {
			p.s.t.Errorf("the log is read backwards: %v after %v", m.At, p.at)
		}
		p.at, m.At = m.At, adapter.Mark{}
	}
	p.got = append(p.got, m)
}

func (p *peer) Wants(_, room string) bool { return room != unwanted }

func (p *peer) Malformed(why string) {
	defer p.enter()()
	p.malformed[why]++
}

func (p *peer) Gather(more bool) {
	n := int64(-1)
	if more {
		n = 1
	}
	if p.more.Add(n) < 0 {
		p.s.t.Errorf("Gather was told that there is no more, and not that there was any")
	}
}

func (p *peer) State(st adapter.State) {
	defer p.enter()()
	p.states = append(p.states, st)
}

// state is the last.
func (p *peer) state() adapter.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.states) == 0 {
		return adapter.State{}
	}
	return p.states[len(p.states)-1]
}

// messages returns what has arrived so far.
func (p *peer) messages() []*adapter.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

// room waits until half of the queue is free: what is published then is not
// given up for what follows, however long the broker takes. It reports false if
// that does not come to be.
func (p *peer) room() bool {
	return p.s.QueueBytes == 0 || p.within(p.s.patience, func() bool { return p.a.Stats().Queued <= p.s.QueueBytes/2 })
}

// publish fails the test if it is refused. It waits for room in the queue.
func (p *peer) publish(m *adapter.Message) {
	p.s.t.Helper()
	if !p.room() {
		p.s.t.Fatalf("the queue never gets empty: %v", p.s.queues())
	}
	if err := p.try(m); err != nil {
		p.s.t.Fatalf("Publish of %s: %v", m.Kind, err)
	}
}

// try publishes m as the server does, with its sender and lane.
func (p *peer) try(m *adapter.Message) error {
	m.From = p.id
	m.Lane = p.a.Lane(m)
	return p.a.Publish(m)
}

// next waits for the message with that number and returns it.
func (p *peer) next(what string, is func(m *adapter.Message) bool) (found *adapter.Message) {
	p.s.t.Helper()
	p.until(what, func() bool {
		for _, m := range p.messages() {
			if is(m) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// texts returns the text of each event that arrived, those of text alone.
func (p *peer) texts() []string {
	var list []string
	for _, m := range p.messages() {
		var event []string
		if json.Unmarshal(m.Data.Text, &event) == nil && len(event) == 2 {
			list = append(list, event[1])
		}
	}
	return list
}

// event is an event's list with a text.
func event(text string) adapter.Data {
	list, err := json.Marshal([]string{"event", text})
	if err != nil {
		panic(err)
	}
	return adapter.Data{Text: list}
}

// fence waits until a message from one has got to the other, on its lane and
// all others behind those published before, as far as the backend keeps order.
func (s *suite) fence(from, to *peer, like adapter.Message) {
	s.t.Helper()
	text := "fence " + random()
	m := like
	m.Data, m.Seq = event(text), 0
	from.publish(&m)
	to.until("the last message", func() bool { return slices.Contains(to.texts(), text) })
	to.mu.Lock()
	defer to.mu.Unlock()
	to.got = slices.DeleteFunc(to.got, func(m *adapter.Message) bool { return strings.Contains(string(m.Data.Text), text) })
}

// difference tells what of want has not arrived as it was, "" if all has.
func difference(got, want *adapter.Message) string {
	g, w := asMap(got), asMap(want)
	if got.Kind.Answers() && got.To == "" {
		w["To"] = "" // who has asked knows
	}
	var list []string
	for name := range w {
		if !reflect.DeepEqual(g[name], w[name]) {
			list = append(list, fmt.Sprintf("%s: got %v, want %v", name, g[name], w[name]))
		}
	}
	slices.Sort(list)
	return strings.Join(list, "; ")
}

// asMap is the message as a map, with text as values and nothing as nil.
func asMap(m *adapter.Message) map[string]any {
	all := make(map[string]any)
	v := reflect.ValueOf(*m)
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case f.Kind() == reflect.Slice && f.Len() == 0:
			all[v.Type().Field(i).Name] = nil
		case f.Kind() == reflect.Pointer && !f.IsNil():
			all[v.Type().Field(i).Name] = f.Elem().Interface()
		default:
			all[v.Type().Field(i).Name] = f.Interface()
		}
	}
	data := map[string]any{"text": nil, "attachments": nil}
	if len(m.Data.Text) > 0 {
		var value any
		if err := json.Unmarshal(m.Data.Text, &value); err != nil {
			value = fmt.Sprintf("%v in %q", err, m.Data.Text)
		}
		data["text"] = value
	}
	if len(m.Data.Attachments) > 0 {
		data["attachments"] = fmt.Sprintf("%q", m.Data.Attachments)
	}
	all["Data"] = data
	return all
}
