package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// log: what is kept has one place for all nodes, and can be read again from any.
func (s *suite) log() {
	all := s.nodes(2)
	if !all[0].a.Traits().Log {
		return
	}
	const each = 150
	marks := s.fill(all, 0, each)
	for _, from := range all {
		s.reads(all[1], from, marks, each)
	}
	log := all[0].a.(adapter.Log)
	ctx, cancel := context.WithTimeout(context.Background(), s.patience)
	defer cancel()
	end := marks[key(all[0], each)]
	future := adapter.Mark{Log: end.Log, High: end.High + 1000, Low: end.Low}
	for name, from := range map[string]adapter.Mark{
		"of another log":  {Log: end.Log + 1, High: end.High, Low: end.Low},
		"from the future": future,
		"without bounds":  {Log: end.Log, High: 1<<48 - 1, Low: 1<<32 - 1},
		"none":            {},
	} {
		began := time.Now()
		if err := log.Read(ctx, "/", from, end, func(*adapter.Message) error { return nil }); !errors.Is(err, adapter.ErrGone) {
			s.t.Errorf("Read from a place %s: %v", name, err)
		}
		if time.Since(began) > s.patience/2 {
			s.t.Errorf("Read from a place %s takes %v", name, time.Since(began))
		}
	}
	if at, err := log.End(ctx); err != nil || at.Log != end.Log || !at.Reaches(end) || at.Reaches(future) {
		s.t.Errorf("the log's end is %v, %v, where something is at %v", at, err, end)
	}
	stop := errors.New("enough")
	if err := log.Read(ctx, "/", marks[key(all[0], 1)], end, func(*adapter.Message) error { return stop }); err != stop {
		s.t.Errorf("Read that was to end with %q: %v", stop, err)
	}
	if s.Stop == nil {
		return
	}
	s.Stop()
	for _, p := range all {
		p.until("Degraded", func() bool { return p.state().Connection == adapter.Degraded })
	}
	short, cancelShort := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancelShort()
	if err := log.Read(short, "/", marks[key(all[0], 1)], end, func(*adapter.Message) error { return nil }); err == nil {
		s.t.Errorf("the log is read without a broker")
	}
	if at, err := log.End(short); err == nil {
		s.t.Errorf("the log's end is %v without a broker", at)
	}
	if list, err := log.PeekSessions(short, []string{"00"}); err == nil {
		s.t.Errorf("a session without a broker: %v", list)
	}
	s.Start()
	for _, p := range all {
		p.until("Up", func() bool { return p.state().Connection == adapter.Up })
	}
	later := s.fill(all, each, 2*each)
	// The log is the same, without a hole, or it is another one.
	count := 0
	err := error(nil)
	all[1].until("the log to be read or refused", func() bool {
		count = 0
		err = all[1].a.(adapter.Log).Read(ctx, "/", marks[key(all[0], each)], later[key(all[0], 2*each)], func(m *adapter.Message) error {
			if m.From == all[0].id {
				count++
			}
			return nil
		})
		return err == nil || errors.Is(err, adapter.ErrGone)
	})
	if err == nil && count < each {
		s.t.Errorf("after the broker was away the log has %d of %d messages, and is not refused", count, each)
	}
}

func key(p *peer, n int) string { return fmt.Sprint(p.id, " ", n) }

// fill has all publish the numbers from+1 to to, in two namespaces, and returns
// where the log has them, by sender and number.
func (s *suite) fill(all []*peer, from, to int) map[string]adapter.Mark {
	for n := from + 1; n <= to; n++ {
		for _, p := range all {
			p.publish(&adapter.Message{Kind: adapter.Broadcast, NS: "/", Keep: true, Seq: uint64(n), Rooms: []string{fmt.Sprint("r", n%3)}, Data: event(fmt.Sprint(n))})
			p.publish(&adapter.Message{Kind: adapter.Broadcast, NS: "/other", Keep: true, Seq: uint64(n), Data: event("other")})
		}
	}
	found := make([]map[string]adapter.Mark, len(all))
	for i, p := range all {
		p.until("all of the log", func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			for _, from := range all {
				if p.marks[key(from, to)].IsZero() {
					return false
				}
			}
			return true
		})
		found[i] = p.marks
	}
	for k, at := range found[0] {
		if found[1][k] != at {
			s.t.Errorf("%s is at %v for one node, and at %v for another", k, at, found[1][k])
		}
	}
	return found[0]
}

// reads has a node read what another has published, from several places.
func (s *suite) reads(p, from *peer, marks map[string]adapter.Mark, last int) {
	ctx, cancel := context.WithTimeout(context.Background(), s.patience)
	defer cancel()
	for _, begin := range []int{1, 2, last / 2, last - 1, last} {
		end := last
		if begin == 2 {
			end = last / 3
		}
		var got []uint64
		var before adapter.Mark
		err := p.a.(adapter.Log).Read(ctx, "/", marks[key(from, begin)], marks[key(from, end)], func(m *adapter.Message) error {
			if before.Reaches(m.At) {
				s.t.Errorf("the log is read backwards: %v after %v", m.At, before)
			}
			before = m.At
			if m.NS != "/" {
				s.t.Errorf("a message of %s is read in /", m.NS)
			}
			if m.From == from.id && m.Seq > 0 {
				got = append(got, m.Seq)
				if m.At != marks[fmt.Sprint(m.From, " ", m.Seq)] || !strings.Contains(string(m.Data.Text), fmt.Sprintf(`"%d"`, m.Seq)) || len(m.Rooms) != 1 {
					s.t.Errorf("number %d is read at %v as %+v", m.Seq, m.At, m)
				}
			}
			return nil
		})
		want := []uint64(nil)
		for n := begin + 1; n <= end; n++ {
			want = append(want, uint64(n))
		}
		if err != nil || !slices.Equal(got, want) {
			s.t.Errorf("read from %d to %d: %v, %v", begin, end, got, err)
		}
	}
}
