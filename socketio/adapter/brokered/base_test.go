package brokered

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

// told is an inbox that keeps the states it is told.
type told struct{ states []string }

func (t *told) Message(*adapter.Message)  {}
func (t *told) Wants(string, string) bool { return true }
func (t *told) Malformed(string)          {}
func (t *told) State(s adapter.State) {
	t.states = append(t.states, fmt.Sprint(s.Connection, s.MayMiss))
}
func (t *told) expect(tb testing.TB, want ...string) {
	tb.Helper()
	if fmt.Sprint(t.states) != fmt.Sprint(want) {
		tb.Errorf("the inbox was told %q, want %q", t.states, want)
	}
}

// scripted is a link that works, or does not, for some time.
type scripted struct {
	base  *Base
	lasts time.Duration
	works bool
	err   error
	seen  *[]string
}

func (l scripted) Serve(patience time.Duration, again bool) (bool, error) {
	*l.seen = append(*l.seen, fmt.Sprint(patience, again))
	if l.works {
		l.base.In.Up(again)
	}
	<-time.After(l.lasts)
	return l.works, l.err
}

var errGone = errors.New("gone")

// Links follow one another: with patience that grows while they stall, and after
// pauses that grow until one works. The inbox hears of changes, each once.
func TestLinksFollowOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, in, p := New(1<<20, 1<<20), &told{}, DefaultPace
		var seen []string
		var pauses []time.Duration
		ended := time.Now()
		stalled := fmt.Errorf("test: %w", ErrStalled)
		links := []scripted{
			{works: true, err: stalled}, {err: stalled}, {err: errGone}, {err: errGone}, {works: true, err: errGone}, {works: true},
		}
		attempts := 0
		b.Start(t.Context(), in, func(ctx context.Context) {
			b.Run(ctx, &p, func(ctx context.Context) (Link, error) {
				pauses = append(pauses, time.Since(ended))
				l := links[min(attempts, len(links)-1)]
				attempts++
				if attempts == len(links) {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				l.base, l.lasts, l.seen = b, time.Second, &seen
				ended = time.Now().Add(l.lasts)
				return l, nil
			})
		})
		<-time.After(time.Minute)
		synctest.Wait()
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		want := []string{"5s false", "10s true", "20s true", "5s true", "5s true"}
		if fmt.Sprint(seen) != fmt.Sprint(want) {
			t.Errorf("links began with %q, want %q", seen, want)
		}
		for i, most := range []time.Duration{0, 50, 100, 200, 400, 50} {
			if most *= time.Millisecond; pauses[i] < most/2 || pauses[i] > most {
				t.Errorf("pause %d was %v, want %v to %v", i, pauses[i], most/2, most)
			}
		}
		// Twice without a connection: it was lost for another reason than it stayed away.
		in.expect(t, fmt.Sprint(adapter.Up, false), fmt.Sprint(adapter.Degraded, false), fmt.Sprint(adapter.Degraded, false),
			fmt.Sprint(adapter.Up, true), fmt.Sprint(adapter.Degraded, false))
	})
}

// Close sends what is queued, for as long as its context lasts; what is left is
// counted as dropped, and nothing is taken any more.
func TestCloseSendsWhatIsQueued(t *testing.T) {
	say := func(it *outbox.Item, m *adapter.Message) error {
		it.Data = append(it.Data, m.NS...)
		return nil
	}
	for _, c := range []struct {
		name  string
		sends bool
		err   error
	}{{"a sender", true, nil}, {"none", false, context.DeadlineExceeded}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := New(1<<20, 10)
				m := &adapter.Message{Kind: adapter.Broadcast, NS: "/"}
				for range 3 {
					if err := b.Add(m, say); err != nil {
						t.Fatal(err)
					}
				}
				if err := b.Add(&adapter.Message{NS: "/longer than ten"}, say); !errors.Is(err, adapter.ErrTooLarge) {
					t.Errorf("a message that is too large: %v", err)
				}
				b.Start(t.Context(), &told{}, func(ctx context.Context) {
					if !c.sends {
						<-ctx.Done()
						return
					}
					_ = b.Send(ctx, func(batch []*outbox.Item) error {
						b.Out.Sent(batch)
						return nil
					})
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := b.Close(ctx); !errors.Is(err, c.err) {
					t.Errorf("Close: %v, want %v", err, c.err)
				}
				s := b.Stats()
				if dropped := s.Dropped[m.Class().String()]; s.Queued != 0 || c.sends != (s.Published == 3) || c.sends == (dropped == 3) {
					t.Errorf("after Close: %+v", s)
				}
				if err := b.Add(m, say); !errors.Is(err, adapter.ErrClosed) {
					t.Errorf("Add after Close: %v", err)
				}
			})
		})
	}
}

// Sessions are stored in turn, some at a time, and Await is over when all are.
// What is too much is told so.
func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q Sessions
		var got []string
		var refused int
		under := false
		store := func(list []adapter.Session) {
			if under || len(list) > 3 {
				t.Errorf("%d at once, another call under way: %v", len(list), under)
			}
			under = true
			<-time.After(time.Second)
			under = false
			for _, s := range list {
				got = append(got, s.Key)
				Tell(s, adapter.StoredThere)
			}
		}
		put := func(i int) {
			q.Put(adapter.Session{Key: fmt.Sprint(i), Done: func(what adapter.Stored) {
				if what == adapter.NotStored {
					refused++
				}
			}}, 3, store)
		}
		for i := range 7 {
			put(i)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		q.Await(gone)
		q.Await(t.Context())
		if fmt.Sprint(got) != "[0 1 2 3 4 5 6]" || refused != 0 {
			t.Errorf("%v, %d refused", got, refused)
		}
		got = nil
		put(0)
		synctest.Wait() // it is under way, and waits no more
		for i := range mostSessions + 2 {
			put(i)
		}
		if refused != 2 {
			t.Errorf("%d were refused, want 2", refused)
		}
		q.Await(t.Context())
		if len(got) != mostSessions+1 {
			t.Errorf("%d were stored", len(got))
		}
	})
}
