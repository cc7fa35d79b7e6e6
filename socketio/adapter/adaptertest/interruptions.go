package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// rubbish is no message in any format.
var rubbish = []string{
	"", "\x00", "\xc1\xff\x00", "null", "[]", "{}", `""`, `{"uid":"x","nsp":"/","type":3}`, `{"uid":1}`, `[1,2,3]`, `{"type":`, "\x93\xa1x\xc0\xc0",
	strings.Repeat("[", 100_000), strings.Repeat("\x91", 100_000), "\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff", strings.Repeat("\xff", 1000),
}

// garbage: what is no message is counted, and nothing else happens.
func (s *suite) garbage() {
	if s.Inject == nil {
		return
	}
	all := s.nodes(2)
	noticed := func(p *peer) (n uint64) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for why, count := range p.malformed {
			n += uint64(count)
			if !slices.ContainsFunc(adapter.Reasons, func(r [2]string) bool { return r[0] == why }) {
				s.t.Errorf("%q is not one of the reasons", why)
			}
		}
		return n + p.a.Stats().Skipped
	}
	inject := slices.Clone(s.Garbage)
	for _, text := range rubbish {
		inject = append(inject, []byte(text))
	}
	for _, raw := range inject {
		before := []uint64{noticed(all[0]), noticed(all[1])}
		s.Inject("/", raw)
		for i, p := range all {
			if !p.within(s.patience, func() bool { return noticed(p) > before[i] }) {
				s.t.Errorf("%.100q is counted neither as malformed nor as skipped", raw)
			}
		}
	}
	s.meet("/", all...)
	for _, p := range all {
		if got := p.messages(); len(got) > 0 {
			s.t.Errorf("garbage becomes a %s: %+v", got[0].Kind, *got[0])
		}
		if got := p.malformed; len(got) == 0 {
			s.t.Errorf("nothing is malformed")
		}
	}
}

// states: what becomes of the connection is told.
func (s *suite) states() {
	if s.Stop == nil {
		return
	}
	all := s.nodes(2)
	s.Stop()
	for _, p := range all {
		p.until("Degraded", func() bool { return p.state().Connection == adapter.Degraded })
		if st := p.state(); st.Cause == nil || st.At.IsZero() {
			s.t.Errorf("Degraded without cause or time: %+v", st)
		}
	}
	s.Start()
	for _, p := range all {
		p.until("Up", func() bool { return p.state().Connection == adapter.Up })
		if st := p.state(); !st.MayMiss && !p.a.Traits().AtLeastOnce || st.At.IsZero() {
			s.t.Errorf("up again, but %+v", st)
		}
	}
	s.meet("/", all...) // interest is told anew
}

// startsWithoutBroker: a broker that is away is a state, and what is published
// waits for it.
func (s *suite) startsWithoutBroker() {
	if s.Stop == nil {
		return
	}
	hears := s.start()
	hears.until("Up", func() bool { return hears.state().Connection == adapter.Up })
	s.Stop()
	p := s.start()
	p.a.Interest(adapter.Interest{NS: "/", On: true})
	hears.a.Interest(adapter.Interest{NS: "/", On: true})
	p.publish(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: event("waits")})
	if p.a.Stats().Queued == 0 {
		s.t.Errorf("nothing is queued while the broker is away")
	}
	p.until("Connecting", func() bool { return p.state().Cause != nil })
	if st := p.state(); st.Connection != adapter.Connecting {
		s.t.Errorf("never connected, and %+v", st)
	}
	s.Start()
	p.until("Up", func() bool { return p.state().Connection == adapter.Up })
	s.meet("/", p, hears)
	if s := p.a.Stats(); s.Queued != 0 || s.Published == 0 {
		p.s.t.Errorf("connected, and %+v", s)
	}
}

// interruption: one node loses its connection in the midst of traffic. At least
// once is all of it, at most once is in order and none twice.
func (s *suite) interruption() {
	if s.Cut == nil {
		return
	}
	all := s.nodes(3)
	a, b := all[0], all[1]
	const each = 50
	number := uint64(0)
	send := func() {
		for range each {
			number++
			a.publish(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Seq: number, Data: event(fmt.Sprint(number))})
		}
	}
	send()
	for _, cut := range []*peer{b, a} {
		for _, to := range all[1:] {
			to.until("what was sent while all were connected", func() bool {
				missing := s.missing(to, number)
				return len(missing) == 0 || slices.Max(missing) <= number-each
			})
		}
		s.Cut(cut.a)
		cut.until("Degraded", func() bool { return cut.state().Connection == adapter.Degraded })
		send()
		s.Mend(cut.a)
		cut.until("Up", func() bool { return cut.state().Connection == adapter.Up })
		s.meet("/", all...)
		send()
	}
	s.fence(a, b, adapter.Message{Kind: adapter.Broadcast, NS: "/"})
	s.fence(a, all[2], adapter.Message{Kind: adapter.Broadcast, NS: "/"})
	for _, to := range all[1:] {
		s.inOrder(to)
		missing := s.missing(to, number)
		switch safe := to.a.Traits().AtLeastOnce; {
		case len(missing) == 0:
		case safe:
			s.t.Errorf("missing %v, of a backend of at least once", missing)
		case to == all[2], slices.Max(missing) > 2*each, slices.Min(missing) <= each:
			// What was accepted while its sender was cut off waits; only who was not
			// connected misses something.
			s.t.Errorf("missing %v of a node that was cut off from %d to %d", missing, each, 2*each)
		}
	}
}

// missing returns which of the numbers to last have not come.
func (s *suite) missing(p *peer, last uint64) (list []uint64) {
	seen := map[uint64]bool{}
	for _, m := range p.messages() {
		seen[m.Seq] = true
	}
	for n := range last {
		if !seen[n+1] {
			list = append(list, n+1)
		}
	}
	return list
}

// queue: while the broker is away the queue takes what it holds, and gives up
// what is worth least.
func (s *suite) queue() {
	if s.Cut == nil || s.QueueBytes == 0 {
		return
	}
	all := s.nodes(2)
	a, b := all[0], all[1]
	s.Cut(a.a)
	a.until("Degraded", func() bool { return a.state().Connection == adapter.Degraded })
	text := strings.Repeat("x", s.QueueBytes/50)
	publish := func(class adapter.Class, name string) error {
		m := adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: event(name + " " + text)}
		switch class {
		case adapter.ClassVolatile:
			m.Flags.Volatile = true
		case adapter.ClassRequest:
			m = adapter.Message{Kind: adapter.ServerSide, NS: "/", Data: m.Data, Request: fmt.Sprintf("%016x", len(name))}
		case adapter.ClassVital:
			m = adapter.Message{Kind: adapter.Join, NS: "/", Names: []string{name, text}}
		}
		return a.try(&m)
	}
	for i := range 10 {
		if err := publish(adapter.ClassVital, fmt.Sprint("vital ", i)); err != nil {
			s.t.Errorf("Publish into an empty queue: %v", err)
		}
	}
	if err := publish(adapter.ClassRequest, "request"); err != nil {
		s.t.Errorf("Publish into an empty queue: %v", err)
	}
	for i := range 10 {
		_ = publish(adapter.ClassVolatile, fmt.Sprint("volatile ", i))
	}
	if d := a.a.Stats().Dropped; len(d) > 0 {
		s.t.Errorf("of %d bytes, with no more than half in the queue, are dropped: %v", s.QueueBytes, d)
	}
	for i := range 200 {
		if err := publish(adapter.ClassBroadcast, fmt.Sprint("broadcast ", i)); err != nil {
			s.t.Errorf("Publish of a broadcast while older ones wait: %v", err)
		}
	}
	if q := a.a.Stats().Queued; q > s.QueueBytes || q < s.QueueBytes/2 {
		s.t.Errorf("%d bytes are queued, of at most %d", q, s.QueueBytes)
	}
	var err error
	for range 60 { // there may be room for some
		if err = publish(adapter.ClassRequest, "another request"); err != nil {
			break
		}
	}
	if !errors.Is(err, adapter.ErrFull) {
		s.t.Errorf("Publish of a request into a full queue: %v", err)
	}
	if err := publish(adapter.ClassVital, "vital 10"); err != nil {
		s.t.Errorf("Publish of a join while broadcasts wait: %v", err)
	}
	d := a.a.Stats().Dropped
	if d["volatile"] != 10 || d["broadcast"] == 0 || d["request"] == 0 || d["vital"] != 0 {
		s.t.Errorf("dropped %v: want all volatile messages, some broadcasts, and the request that was refused", d)
	}
	s.Mend(a.a)
	s.fence(a, b, adapter.Message{Kind: adapter.Broadcast, NS: "/"})
	s.fence(a, b, adapter.Message{Kind: adapter.ServerSide, NS: "/"})
	s.kept(b, 200-int(a.a.Stats().Dropped["broadcast"])) // a fence may have pushed one out, too
}

// kept looks at what has come out of the full queue.
func (s *suite) kept(b *peer, broadcasts int) {
	var vital []string
	var last []int
	requests := 0
	for _, m := range b.messages() {
		switch m.Kind {
		case adapter.Join:
			vital = append(vital, m.Names[0])
		case adapter.ServerSide:
			requests++
		}
	}
	for _, text := range b.texts() {
		words := strings.Fields(text)
		if n, err := strconv.Atoi(words[1]); err == nil && words[0] == "broadcast" {
			last = append(last, n)
		}
	}
	if len(vital) != 11 || vital[10] != "vital 10" || vital[0] != "vital 0" {
		s.t.Errorf("of 11 joins arrive %v", vital)
	}
	if requests == 0 {
		s.t.Errorf("the request that was accepted does not arrive")
	}
	if len(last) != broadcasts || !slices.IsSorted(last) || len(last) == 0 || last[len(last)-1] != 199 || last[0] != 200-broadcasts {
		s.t.Errorf("arrived are broadcasts %v, want the last %d", last, broadcasts)
	}
}

// close: what was accepted is sent, and then all is silent.
func (s *suite) close() {
	all := s.nodes(2)
	if err := all[0].a.Start(context.Background(), adapter.Node{ID: all[1].id}, all[1]); err == nil {
		s.t.Error("an adapter starts for a second server")
	}
	const count = 200
	for i := range count {
		all[0].publish(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Seq: uint64(i + 1), Data: event(fmt.Sprint(i))})
	}
	all[0].publish(&adapter.Message{Kind: adapter.Goodbye, NS: "/"})
	if err := all[0].end(s.patience); err != nil {
		s.t.Errorf("Close: %v", err)
	}
	all[1].next("goodbye", func(m *adapter.Message) bool { return m.Kind == adapter.Goodbye })
	all[1].until("all that was accepted", func() bool { return len(s.missing(all[1], count)) == 0 })
	all[1].publish(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: event("who is there")})
	if err := all[0].try(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: event("me")}); !errors.Is(err, adapter.ErrClosed) {
		s.t.Errorf("Publish after Close: %v", err)
	}
	all[0].a.Interest(adapter.Interest{NS: "/", Room: "r", On: true})
	_, _ = all[0].a.Stats(), all[0].a.Lane(&adapter.Message{Kind: adapter.Broadcast, NS: "/"})
	if err := all[0].end(s.patience); err != nil {
		s.t.Errorf("Close again: %v", err)
	}
	unused := s.Adapter()
	if err := unused.Close(context.Background()); err != nil {
		s.t.Errorf("Close of an adapter that was not started: %v", err)
	}
}

// closeWithoutBroker: Close waits for the queue as long as it is told to.
func (s *suite) closeWithoutBroker() {
	if s.Stop == nil {
		return
	}
	all := s.nodes(2)
	s.Stop()
	all[0].until("Degraded", func() bool { return all[0].state().Connection == adapter.Degraded })
	all[0].publish(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: event("never")})
	ended := make(chan time.Duration, 1)
	go func() {
		start := time.Now()
		_ = all[0].end(50 * time.Millisecond)
		ended <- time.Since(start)
	}()
	select {
	case took := <-ended:
		if took < 25*time.Millisecond {
			s.t.Errorf("Close gives up what is queued after %v", took)
		}
	case <-time.After(s.patience):
		s.t.Fatalf("Close does not end with its context")
	}
	if d := all[0].a.Stats().Dropped; !slices.Contains(slices.Collect(maps.Keys(d)), "broadcast") {
		s.t.Errorf("what was queued at the end is not counted as dropped: %v", d)
	}
	s.Start()
}
