package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// liar is an adapter that does not do what it promises: what is not nil is done
// instead.
type liar struct {
	adapter.Adapter
	traits   func(t adapter.Traits) adapter.Traits
	publish  func(l *liar, m *adapter.Message) error
	message  func(l *liar, m *adapter.Message)
	state    func(l *liar, s adapter.State) []adapter.State
	interest func(l *liar, changes []adapter.Interest) []adapter.Interest
	stats    func(s adapter.Stats) adapter.Stats
	close    func(l *liar, ctx context.Context) error
	mute     bool

	inbox adapter.Inbox
	kept  []*adapter.Message
	count int
}

func (l *liar) Traits() adapter.Traits {
	if l.traits != nil {
		return l.traits(l.Adapter.Traits())
	}
	return l.Adapter.Traits()
}

func (l *liar) Start(ctx context.Context, self adapter.Node, in adapter.Inbox) error {
	if l.inbox != nil {
		return adapter.ErrStarted
	}
	l.inbox = in
	return l.Adapter.Start(ctx, self, (*liarInbox)(l))
}

func (l *liar) Publish(m *adapter.Message) error {
	if l.publish != nil {
		return l.publish(l, m)
	}
	return l.Adapter.Publish(m)
}

func (l *liar) Interest(changes ...adapter.Interest) {
	if l.interest != nil {
		changes = l.interest(l, changes)
	}
	l.Adapter.Interest(changes...)
}

func (l *liar) Stats() adapter.Stats {
	if l.stats != nil {
		return l.stats(l.Adapter.Stats())
	}
	return l.Adapter.Stats()
}

func (l *liar) Close(ctx context.Context) error {
	if l.close != nil {
		return l.close(l, ctx)
	}
	return l.Adapter.Close(ctx)
}

type liarInbox liar

func (in *liarInbox) Wants(ns, room string) bool { return in.inbox.Wants(ns, room) }

func (in *liarInbox) Malformed(why string) {
	if !in.mute {
		in.inbox.Malformed(why)
	}
}

func (in *liarInbox) Message(m *adapter.Message) {
	if in.message != nil {
		in.message((*liar)(in), m)
		return
	}
	in.inbox.Message(m)
}

func (in *liarInbox) State(s adapter.State) {
	list := []adapter.State{s}
	if in.state != nil {
		list = in.state((*liar)(in), s)
	}
	for _, s := range list {
		in.inbox.State(s)
	}
}

// changed has a message of that kind arrive otherwise.
func changed(change func(m *adapter.Message)) func(l *liar, m *adapter.Message) {
	return func(l *liar, m *adapter.Message) {
		change(m)
		l.inbox.Message(m)
	}
}

// some does something to every so many of the messages that are no probes.
func some(every int, do func(l *liar, m *adapter.Message)) func(l *liar, m *adapter.Message) {
	return func(l *liar, m *adapter.Message) {
		if l.count++; m.Seq == 0 || l.count%every != 0 {
			l.inbox.Message(m)
			return
		}
		do(l, m)
	}
}

// verdict is a testing.TB that keeps what it is told.
type verdict struct {
	testing.TB
	mu     sync.Mutex
	failed []string
}

func (v *verdict) Errorf(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.failed = append(v.failed, fmt.Sprintf(format, args...))
}

func (v *verdict) Fatalf(format string, args ...any) {
	v.Errorf(format, args...)
	runtime.Goexit() // as the real one
}

// A backend that does not do what its traits promise fails the suite, in the
// check that is for it.
func TestSuiteFindsLiars(t *testing.T) {
	ordered := busTraits["AtMostOnce"]
	lossless := busTraits["AtLeastOnce"]
	routes := busTraits["Routes"]
	late := routes
	late.Faults.Delay = 50 * time.Millisecond
	for _, c := range []struct {
		name  string
		check string
		o     BusOptions
		liar  liar
		want  string
	}{
		{"loses a flag", "Kinds", ordered, liar{message: changed(func(m *adapter.Message) { m.Flags.Volatile = false })}, "Flags"},
		{"loses exceptions", "Kinds", ordered, liar{message: changed(func(m *adapter.Message) { m.Except = nil })}, "Except"},
		{"loses attachments", "Kinds", ordered, liar{message: changed(func(m *adapter.Message) { m.Data.Attachments = nil })}, "Data"},
		{"rounds numbers", "Kinds", ordered, liar{message: changed(func(m *adapter.Message) { m.Seq = uint64(float64(m.Seq)) })}, "Seq"},
		{"does not tell the sender", "Kinds", ordered, liar{message: changed(func(m *adapter.Message) {
			if m.Kind.Answers() {
				m.From = ""
			}
		})}, "From"},
		{"has no word for a kind", "Kinds", ordered, liar{publish: func(l *liar, m *adapter.Message) error {
			if m.Kind == adapter.Leave {
				return adapter.ErrNoSuchKind
			}
			return l.Adapter.Publish(m)
		}}, "Publish of leave"},
		{"hears itself", "Kinds", ordered, liar{publish: func(l *liar, m *adapter.Message) error {
			if m.Kind == adapter.Leave {
				go l.inbox.Message(m)
			}
			return l.Adapter.Publish(m)
		}}, "hears its own leave"},
		{"changes names", "Names", ordered, liar{message: changed(func(m *adapter.Message) {
			for i, room := range m.Rooms {
				m.Rooms[i] = strings.ReplaceAll(room, "*", "")
			}
		})}, "Rooms"},
		{"cuts long messages", "Large", ordered, liar{message: changed(func(m *adapter.Message) {
			if len(m.Data.Attachments) > 0 {
				m.Data.Attachments[0] = m.Data.Attachments[0][:min(4, len(m.Data.Attachments[0]))]
			}
		})}, "Data"},
		{"takes more than it says", "Large", ordered, liar{traits: func(t adapter.Traits) adapter.Traits { t.MaxMessage = 1 << 20; return t }}, "more than MaxMessage"},
		{"keeps what it is given", "Copies", ordered, liar{publish: func(l *liar, m *adapter.Message) error {
			// Published with the next one, by whoever has changed it meanwhile: later on
			// another goroutine it would be a race, which tests do not survive.
			var err error
			for _, old := range l.kept {
				err = errors.Join(err, l.Adapter.Publish(old))
			}
			l.kept = append(l.kept[:0], m)
			return err
		}}, ""},
		{"is not Ordered", "Order", ordered, liar{message: some(10, func(l *liar, m *adapter.Message) {
			if l.kept = append(l.kept, clone(m)); len(l.kept) == 2 {
				l.inbox.Message(l.kept[1])
				l.inbox.Message(l.kept[0])
				l.kept = nil
			}
		})}, "of the same sender"},
		{"is Ordered by lane only", "Order", late, liar{traits: func(t adapter.Traits) adapter.Traits { t.Ordered = true; return t }}, "of the same sender"},
		{"comes twice", "Order", ordered, liar{message: some(10, func(l *liar, m *adapter.Message) {
			l.inbox.Message(clone(m))
			l.inbox.Message(m)
		})}, "came twice"},
		{"loses some", "Order", ordered, liar{message: some(100, func(*liar, *adapter.Message) {})}, "waited in vain for all messages"},
		{"forgets the addressee", "Addressee", ordered, liar{message: changed(func(m *adapter.Message) { m.To = "" })}, "To"},
		{"does not Route", "Rooms", ordered, liar{traits: func(t adapter.Traits) adapter.Traits { t.Routes = true; return t }}, "that Routes"},
		{"Routes, and does not say so", "Rooms", routes, liar{traits: func(t adapter.Traits) adapter.Traits { t.Routes = false; return t }}, "does not say that it Routes"},
		{"never stops hearing a room", "Rooms", routes, liar{interest: func(_ *liar, changes []adapter.Interest) []adapter.Interest {
			return slices.DeleteFunc(changes, func(c adapter.Interest) bool { return !c.On })
		}}, "has lost its last member"},
		{"forgets the lane", "Lanes", routes, liar{message: changed(func(m *adapter.Message) { m.Lane = 0 })}, "Lane"},
		{"tells nothing of what is not wanted", "Wants", ordered, liar{message: func(l *liar, m *adapter.Message) {
			if !m.Skipped {
				l.inbox.Message(m)
			}
		}}, "the number of a message that is not wanted"},
		{"takes all for unwanted", "Wants", ordered, liar{message: changed(func(m *adapter.Message) {
			if slices.Contains(m.Rooms, unwanted) {
				m.Skipped, m.Data = true, adapter.Data{}
			}
		})}, "skipped: true"},
		{"does not count garbage", "Garbage", ordered, liar{mute: true}, "neither as malformed nor as skipped"},
		{"takes garbage for a message", "Garbage", ordered, liar{message: func(l *liar, m *adapter.Message) {
			l.inbox.Message(m)
			l.inbox.Message(&adapter.Message{Kind: adapter.Broadcast})
		}}, "garbage becomes"},
		{"does not tell that it is cut off", "States", ordered, liar{state: func(_ *liar, s adapter.State) []adapter.State {
			if s.Connection == adapter.Degraded {
				return nil
			}
			return []adapter.State{s}
		}}, "waited in vain for Degraded"},
		{"says that nothing was missed", "States", ordered, liar{state: func(_ *liar, s adapter.State) []adapter.State {
			s.MayMiss = false
			return []adapter.State{s}
		}}, "up again, but"},
		{"refuses while there is no broker", "StartsWithoutBroker", ordered, liar{publish: func(l *liar, m *adapter.Message) error {
			if l.Adapter.(*node).queueing() {
				return adapter.ErrFull
			}
			return l.Adapter.Publish(m)
		}}, "Publish of broadcast"},
		{"is not AtLeastOnce", "Interruption", ordered, liar{traits: func(t adapter.Traits) adapter.Traits { t.AtLeastOnce = true; return t }}, "of a backend of at least once"},
		{"is more than at most once", "Interruption", lossless, liar{
			traits: func(t adapter.Traits) adapter.Traits { t.AtLeastOnce = false; return t },
			state: func(_ *liar, s adapter.State) []adapter.State {
				s.MayMiss = true
				return []adapter.State{s}
			},
			message: func(l *liar, m *adapter.Message) {
				l.inbox.Message(clone(m))
				if m.Seq == 75 {
					l.inbox.Message(m)
				}
			},
		}, "came twice"},
		{"drops what was accepted", "Interruption", ordered, liar{publish: func(l *liar, m *adapter.Message) error {
			if l.Adapter.(*node).queueing() {
				return nil
			}
			return l.Adapter.Publish(m)
		}}, "missing"},
		{"has no bound", "Queue", ordered, liar{stats: func(s adapter.Stats) adapter.Stats { s.Queued *= 3; return s }}, "bytes are queued"},
		{"drops in silence", "Queue", ordered, liar{stats: func(s adapter.Stats) adapter.Stats { s.Dropped = nil; return s }}, "dropped map[]"},
		{"drops joins before broadcasts", "Queue", ordered, liar{publish: func(l *liar, m *adapter.Message) error {
			if m.Kind == adapter.Join && l.Adapter.(*node).queueing() {
				if l.count++; l.count > 10 {
					return adapter.ErrFull
				}
			}
			return l.Adapter.Publish(m)
		}}, "Publish of a join while broadcasts wait"},
		{"never refuses a request", "Queue", ordered, liar{publish: func(l *liar, m *adapter.Message) error {
			if err := l.Adapter.Publish(m); !errors.Is(err, adapter.ErrFull) {
				return err
			}
			return nil
		}}, "Publish of a request into a full queue"},
		{"sends nothing more at its end", "Close", ordered, liar{publish: func(l *liar, m *adapter.Message) error {
			if m.Seq == 200 {
				return nil
			}
			return l.Adapter.Publish(m)
		}}, "all that was accepted"},
		{"speaks after its end", "Close", ordered, liar{close: func(l *liar, ctx context.Context) error {
			err := l.Adapter.Close(ctx)
			if l.inbox != nil {
				time.AfterFunc(time.Millisecond, func() { l.inbox.State(adapter.State{}) })
			}
			return err
		}}, "the Inbox is called after Close"},
		{"takes messages after its end", "Close", ordered, liar{publish: func(l *liar, m *adapter.Message) error {
			_ = l.Adapter.Publish(m)
			return nil
		}}, "Publish after Close"},
		{"does not wait at its end", "CloseWithoutBroker", ordered, liar{close: func(l *liar, ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return l.Adapter.Close(ctx)
		}}, "gives up what is queued"},
		{"does not end", "CloseWithoutBroker", ordered, liar{close: func(l *liar, ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Hour)
			return l.Adapter.Close(ctx)
		}}, "does not end with its context"},
	} {
		t.Run(c.check+" "+c.name, func(t *testing.T) {
			v := &verdict{}
			synctest.Test(t, func(t *testing.T) {
				at := slices.IndexFunc(checks, func(k check) bool { return k.name == c.check })
				cluster := clusterOf(c.o, func(a adapter.Adapter) adapter.Adapter {
					l := c.liar
					l.Adapter = a
					return &l
				})
				v.TB = t
				s := newSuite(v, cluster)
				done := make(chan struct{})
				go func() {
					defer close(done)
					checks[at].run(s)
				}()
				<-done
				time.Sleep(time.Minute)
			})
			if len(v.failed) == 0 || !strings.Contains(strings.Join(v.failed, "\n"), c.want) {
				t.Errorf("found: %q, want %q", v.failed, c.want)
			}
		})
	}
}

// The Inbox is one goroutine's at a time.
func TestSuiteFindsTwoGoroutines(t *testing.T) {
	v := &verdict{TB: t}
	p := &peer{s: newSuite(v, Cluster{})}
	leave := p.enter()
	leave()
	p.inside.Store(true)
	p.enter()()
	if len(v.failed) != 1 || !strings.Contains(v.failed[0], "two goroutines") {
		t.Errorf("found: %q", v.failed)
	}
}

// queueing reports whether what is published waits.
func (n *node) queueing() bool {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	return !n.sends()
}
