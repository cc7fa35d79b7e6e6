package adaptertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// sessions: what is stored can be seen by all, and be replaced by whoever knows
// what it is; of several by one.
func (s *suite) sessions() {
	all := s.nodes(2)
	if !all[0].a.Traits().Log {
		return
	}
	s.fill(all, 0, 1) // the log is there
	one, other := strings.Repeat("1", adapter.SessionTag), strings.Repeat("2", adapter.SessionTag)
	put := func(p *peer, key, state string, how adapter.Session) adapter.Stored {
		how.Key, how.State = key, []byte(state)
		return s.store(p, how)
	}
	const long = time.Hour
	for i, c := range []struct {
		state string
		how   adapter.Session
		want  adapter.Stored
		there string
	}{
		{one + "a", adapter.Session{TTL: long}, adapter.StoredNone, ""},
		{one + "b", adapter.Session{TTL: long, Instead: []byte(other)}, adapter.StoredNone, ""},
		{one + "c", adapter.Session{TTL: long, Instead: []byte(other + "x")}, adapter.StoredNone, ""},
		{one + "d", adapter.Session{TTL: long, First: true}, adapter.StoredThere, one + "d"},
		{one + "e", adapter.Session{TTL: long}, adapter.StoredThere, one + "e"},
		{other + "f", adapter.Session{TTL: long}, adapter.StoredOther, one + "e"},
		{other, adapter.Session{}, adapter.StoredOther, one + "e"},
		{other + "g", adapter.Session{TTL: long, Instead: []byte(other)}, adapter.StoredOther, one + "e"},
		{other + "h", adapter.Session{TTL: long, Instead: []byte(one + "x")}, adapter.StoredOther, one + "e"},
		{other + "i", adapter.Session{TTL: long, Instead: []byte(one + "e, and more")}, adapter.StoredOther, one + "e"},
		{other + "j", adapter.Session{TTL: long, Instead: []byte(one + "e")}, adapter.StoredThere, other + "j"},
		{one + "k", adapter.Session{TTL: long}, adapter.StoredOther, other + "j"},
		{one + "l", adapter.Session{TTL: long, Instead: []byte(other), Number: 1}, adapter.StoredThere, one + "l"},
		{other, adapter.Session{Instead: []byte(other)}, adapter.StoredOther, one + "l"},
		{other, adapter.Session{Instead: []byte(one)}, adapter.StoredThere, ""},
		{one + "m", adapter.Session{TTL: long}, adapter.StoredNone, ""},
		{one + "n", adapter.Session{TTL: long, First: true}, adapter.StoredThere, one + "n"},
		{other + "o", adapter.Session{TTL: long, First: true}, adapter.StoredThere, other + "o"},
		{other, adapter.Session{}, adapter.StoredThere, ""},
		{one, adapter.Session{First: true}, adapter.StoredThere, ""},
	} {
		if got := put(all[0], "abc0", c.state, c.how); got != c.want {
			s.t.Errorf("session %d: %v, want %v", i, got, c.want)
		}
		if got := s.peek(all[i%2], "abc0")[0]; string(got.State) != c.there {
			s.t.Errorf("after session %d there is %q, not %q", i, got.State, c.there)
		}
	}
	put(all[0], "abc1", one, adapter.Session{TTL: long, First: true})
	put(all[0], "abc2", other, adapter.Session{TTL: long, First: true})
	var states []string
	for _, k := range s.peek(all[1], "abc2", "abc3", "abc1", "abc2") {
		states = append(states, string(k.State))
	}
	if want := []string{other, "", one, other}; !slices.Equal(states, want) {
		s.t.Errorf("four sessions are %q, not %q", states, want)
	}
	s.replacedOnce(all)
	put(all[0], "abcd", one, adapter.Session{TTL: time.Second, First: true})
	all[0].until("a session to be over", func() bool {
		return put(all[0], "abcd", other, adapter.Session{TTL: long}) == adapter.StoredNone && s.peek(all[1], "abcd")[0].State == nil
	})
}

// replacedOnce: of several who replace what they have seen one does, and that one's
// is there.
func (s *suite) replacedOnce(all []*peer) {
	for i := range 10 {
		key := fmt.Sprintf("abd%x", i)
		first := strings.Repeat("3", adapter.SessionTag) + "first"
		s.store(all[0], adapter.Session{Key: key, State: []byte(first), TTL: time.Hour, First: true})
		seen := s.peek(all[0], key)[0]
		var done atomic.Int32
		var winner atomic.Value
		var wait sync.WaitGroup
		for n := range 6 {
			wait.Go(func() {
				mine := fmt.Sprintf("%016d", n)
				how := adapter.Session{Key: key, State: []byte(mine), TTL: time.Hour, Instead: seen.State, Number: seen.Number}
				if s.store(all[n%len(all)], how) == adapter.StoredThere {
					done.Add(1)
					winner.Store(mine)
				}
			})
		}
		wait.Wait()
		if there := string(s.peek(all[1], key)[0].State); done.Load() != 1 || there != winner.Load() {
			s.t.Errorf("a session is replaced by %d of six; there is %q, of %q", done.Load(), there, winner.Load())
		}
	}
}

// store stores a session, and waits until it is known what has become of it.
func (s *suite) store(p *peer, how adapter.Session) adapter.Stored {
	done := make(chan adapter.Stored, 1)
	how.Done = func(what adapter.Stored) { done <- what }
	p.a.(adapter.Log).PutSession(how)
	select {
	case what := <-done:
		return what
	case <-time.After(s.patience):
		s.t.Errorf("nobody tells what has become of a session")
		return adapter.NotStored
	}
}

// peek looks at what is stored.
func (s *suite) peek(p *peer, keys ...string) []adapter.Kept {
	ctx, cancel := context.WithTimeout(context.Background(), s.patience)
	defer cancel()
	list, err := p.a.(adapter.Log).PeekSessions(ctx, keys)
	if err != nil || len(list) != len(keys) {
		s.t.Errorf("PeekSessions: %d of %d, %v", len(list), len(keys), err)
		return make([]adapter.Kept, len(keys))
	}
	return list
}
