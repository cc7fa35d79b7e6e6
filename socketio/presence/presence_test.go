package presence_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/presence"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

func TestMain(m *testing.M) { leak.Main(m) }

const mood socketio.Key[string] = "mood"

// A server of the tests, and its presence.
type server struct {
	t    *testing.T
	srv  *socketio.Server
	host *socketiotest.Server
	*presence.Presence

	mu      sync.Mutex
	changes map[string]int
}

func serve(t *testing.T, a adapter.Adapter, most int) *server {
	s := &server{t: t, changes: map[string]int{}}
	s.srv = socketio.New(&socketio.Options{Cluster: a, Logger: slog.New(slog.DiscardHandler)})
	s.Presence = presence.New(s.srv.Of("/"), &presence.Options{
		Describe:   func(s *socketio.Socket) any { m, _ := mood.Get(s); return m },
		MaxMembers: most,
	})
	s.OnChange(func(room string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changes[room]++
	})
	s.host = socketiotest.Serve(t, s.srv)
	return s
}

// join connects a client, has it join rooms, and returns its socket.
func (s *server) join(rooms ...string) *socketio.Socket {
	s.t.Helper()
	c := s.host.Connect(nil)
	socket, _ := s.srv.Of("/").Socket(c.ID())
	if err := socket.Join(rooms...); err != nil {
		s.t.Fatal(err)
	}
	return socket
}

func (s *server) changed(room string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changes[room]
}

// see checks who is in a room, for all servers.
func see(t *testing.T, room string, all []*server, want ...*socketio.Socket) {
	t.Helper()
	var ids []string
	for _, s := range want {
		m, _ := mood.Get(s)
		data, _ := json.Marshal(m)
		ids = append(ids, s.ID()+string(data))
	}
	slices.Sort(ids)
	for i, s := range all {
		var got []string
		for _, m := range s.In(room) {
			got = append(got, m.ID+string(m.Data))
		}
		if !slices.Equal(got, ids) {
			t.Errorf("server %d sees in %s %v, want %v", i, room, got, ids)
		}
	}
}

// wait is fake time.
func wait(d time.Duration) { <-time.After(d); synctest.Wait() }

// A server alone knows at once.
func TestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, 0)
		a := s.join("r", "q")
		see(t, "r", []*server{s}, a)
		mood.Set(a, "glad")
		s.Update(a)
		see(t, "r", []*server{s}, a)
		before := s.changed("r")
		s.Update(a) // nothing is new
		if s.changed("r") != before || before != 2 {
			t.Errorf("told %d and %d times", before, s.changed("r"))
		}
		a.Leave("r")
		see(t, "r", []*server{s})
		a.Disconnect(true)
		wait(time.Second)
		see(t, "q", []*server{s})
		if got := s.In(a.ID()); len(got) != 0 {
			t.Errorf("somebody's own room has %v", got)
		}
	})
}

// Servers tell one another: those that come later, those that stop, those that
// are killed, and those that were cut off.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		one, two := serve(t, bus.Adapter("1"), 0), serve(t, bus.Adapter("2"), 0)
		a, b := one.join("r"), two.join("r")
		wait(time.Second)
		both := []*server{one, two}
		see(t, "r", both, a, b)
		mood.Set(a, "glad")
		one.Update(a)
		two.srv.To("r").SocketsJoin("s")
		wait(time.Second)
		see(t, "r", both, a, b)
		see(t, "s", both, a, b)
		three := serve(t, bus.Adapter("3"), 0)
		c := three.join("r")
		wait(3 * time.Second)
		all := []*server{one, two, three}
		see(t, "r", all, a, b, c)

		bus.Split("1", "2")
		d := one.join("r")
		wait(11 * time.Second)
		see(t, "r", []*server{one}, a, d, c)
		see(t, "r", []*server{two}, b, c)
		see(t, "r", []*server{three}, a, b, c, d)
		bus.Unite("1", "2")
		wait(7 * time.Second)
		see(t, "r", all, a, b, c, d)

		if err := two.srv.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		wait(time.Second)
		see(t, "r", []*server{one, three}, a, c, d)
		bus.Crash("3")
		_ = three.srv.Close()
		wait(8 * time.Second)
		see(t, "r", []*server{one}, a, c, d)
		wait(3 * time.Second)
		see(t, "r", []*server{one}, a, d)
		if one.changed("r") < 5 || one.changed("other") != 0 {
			t.Errorf("%v", one.changes)
		}
	})
}

// What was lost is put right, and so is a list of several parts.
func TestLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		one, two := serve(t, bus.Adapter("1"), 0), serve(t, bus.Adapter("2"), 0)
		a := one.join("r")
		mood.Set(a, strings.Repeat("x", 300<<10))
		one.Update(a)
		b := one.join("r")
		mood.Set(b, strings.Repeat("y", 300<<10))
		one.Update(b)
		wait(time.Second)
		see(t, "r", []*server{one, two}, a, b)
		bus.SetFaults(adaptertest.Faults{Loss: 1})
		c := one.join("r")
		a.Leave("r")
		wait(time.Second)
		see(t, "r", []*server{two}, a, b)
		bus.SetFaults(adaptertest.Faults{})
		wait(6 * time.Second)
		see(t, "r", []*server{one, two}, b, c)
	})
}

// A server that tells of more than may be is not believed, and bounded.
func TestHostile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		one := serve(t, bus.Adapter("1"), 10)
		a := one.join("r")
		liar := socketio.New(&socketio.Options{Cluster: bus.Adapter("2"), Logger: slog.New(slog.DiscardHandler)})
		defer liar.Close()
		wait(time.Second)
		say := func(m map[string]any) {
			if err := liar.ServerSideEmit("sockeye:presence", m); err != nil {
				t.Error(err)
			}
		}
		many := func(n int) (list []any) {
			for i := range n {
				list = append(list, map[string]any{"i": fmt.Sprint(i), "r": []string{"r"}})
			}
			return list
		}
		for _, m := range []map[string]any{
			{}, {"k": "all"}, {"k": "all", "n": "x", "v": 1, "ps": 1, "s": many(11)}, {"k": "all", "n": "y", "v": 1, "p": 3, "ps": 5, "s": many(1)},
			{"k": "all", "n": "z", "v": 1, "p": -1, "ps": -1, "s": many(1)}, {"k": "at", "n": "w", "v": 1, "s": many(1)}, {"k": "at", "n": "w", "v": "no"},
			{"k": "all", "n": "u", "v": 1, "ps": 1, "s": []any{map[string]any{"i": strings.Repeat("x", 5000), "r": []string{"r"}}}}, {"k": "bye", "n": "nobody"},
			{"k": "all", "n": "t", "v": 1, "ps": 1, "s": []any{map[string]any{"i": "x", "r": []string{strings.Repeat("r", 5000)}}}},
		} {
			say(m)
		}
		wait(time.Second)
		see(t, "r", []*server{one}, a)
		for i := range 3000 {
			say(map[string]any{"k": "beat", "n": fmt.Sprint("node", i), "v": 1})
		}
		say(map[string]any{"k": "all", "n": "x", "v": 1, "ps": 1, "s": many(10)})
		wait(time.Second)
		if got := len(one.In("r")); got != 11 {
			t.Errorf("%d in the room", got)
		}
		wait(11 * time.Second) // they are all silent
		see(t, "r", []*server{one}, a)
	})
}

// After Close the others know nobody of this server any more.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		one, two := serve(t, bus.Adapter("1"), 0), serve(t, bus.Adapter("2"), 0)
		a := one.join("r")
		wait(time.Second)
		see(t, "r", []*server{two}, a)
		one.Presence.Close()
		one.Presence.Close()
		wait(time.Second)
		see(t, "r", []*server{two})
		wait(10 * time.Second)
		see(t, "r", []*server{two})
	})
}
