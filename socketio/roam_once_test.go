package socketio_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// TestRoamToTwo: who comes to two nodes at the same time, or to one and back where
// he was, is recovered on one of them, or on one after the other.
func TestRoamToTwo(t *testing.T) {
	for _, c := range []struct {
		name   string
		to     []int
		once   int // so many times 700 ms apart one of them only says that it is recovered; -1: one after the other may
		before func(j *journey)
	}{
		{"its node lives", []int{1, 2}, -1, func(*journey) {}},
		{"its node is dead", []int{1, 2}, 0, func(j *journey) { j.bus.Crash(j.nodes[0].name) }},
		{"its node does not answer", []int{1, 2}, 0, func(j *journey) {
			j.bus.Split(j.nodes[0].name, j.nodes[1].name)
			j.bus.Split(j.nodes[0].name, j.nodes[2].name)
		}},
		{"one of them does not reach its node", []int{1, 2}, -1, func(j *journey) { j.bus.Split(j.nodes[0].name, j.nodes[1].name) }},
		{"one of them is its node", []int{0, 1}, -1, func(*journey) {}},
		{"one of them is its node, and is mute", []int{1, 0}, 1, func(j *journey) { j.bus.Split(j.nodes[0].name, j.nodes[1].name) }},
		{"twice to one", []int{1, 1}, -1, func(*journey) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for wait := range 4 { // one after the other, too
				onJourney(t, 11, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
					j.start()
					j.all = nil
					time.Sleep(time.Second)
					client := j.nodes[0].server.Connect(nil)
					emitSaid(t, j.nodes[0].srv, "an offset")
					time.Sleep(3 * time.Second)
					client.Cut()
					c.before(j)
					var all sync.WaitGroup
					same := make([]bool, len(c.to))
					var told atomic.Int32
					for i, to := range c.to {
						all.Go(func() {
							time.Sleep(time.Duration(i*wait) * 700 * time.Millisecond)
							again, err := j.nodes[to].server.Dial(&socketiotest.Options{Auth: client.Recovery()})
							same[i] = err == nil && again.ID() == client.ID()
							if same[i] {
								told.Add(1)
							}
							time.Sleep(70 * time.Second) // a node that was mute notices that it is elsewhere
							same[i] = same[i] && again.Connected()
						})
					}
					all.Wait()
					if wait == c.once && told.Load() != 1 {
						t.Errorf("%d nodes have recovered it", told.Load())
					}
					if !slices.Contains(same, true) || same[0] && same[1] {
						t.Errorf("%d ms apart: recovered %v; %v", wait*700, same, unrecovered(j))
					}
				})
			}
		})
	}
}

// TestRoamStaleLife: a node that has not noticed that its client has gone on gives
// up nothing of the life that it knows, to nobody, as soon as it can know.
func TestRoamStaleLife(t *testing.T) {
	onJourney(t, 12, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
		first, second, third := j.nodes[0], j.nodes[1], j.start()
		j.all = nil
		time.Sleep(time.Second)
		var got []string
		old := first.server.Connect(listener(&got))
		id := old.ID()
		emitSaid(t, first.srv, "seen")
		time.Sleep(3 * time.Second)
		j.bus.Split(first.name, second.name)
		auth := old.Recovery()
		old.StopReading() // its end is not noticed
		handle := listener(&got).Handle
		client := second.server.Connect(&socketiotest.Options{Auth: auth, Handle: handle})
		if client.ID() != id {
			t.Fatalf("not recovered: %v", unrecovered(j))
		}
		s, ok := second.srv.Of("/").Socket(id)
		if !ok {
			t.Fatal("it is not there")
		}
		if err := s.Join("late"); err != nil {
			t.Error(err)
		}
		time.Sleep(3 * time.Second)
		emitSaid(t, second.srv.To("late"), "there")
		j.bus.Unite(first.name, second.name)
		time.Sleep(2 * time.Second)
		client.Cut()
		emitSaid(t, second.srv.To("late"), "missed")
		client = client.ReconnectTo(third.server)
		synctest.Wait()
		if want := []string{"seen", "there", "missed"}; client.ID() != id || !slices.Equal(got, want) {
			t.Errorf("got %s; want %s; the same: %v; %v", strings.Join(got, ", "), strings.Join(want, ", "), client.ID() == id, unrecovered(j))
		}
		time.Sleep(2 * time.Minute)
		if n := first.srv.Of("/").Len(); n > 3 {
			t.Errorf("the first node still has %d sockets", n)
		}
		// And back to the first, which has known an earlier life.
		client.Cut()
		client = client.ReconnectTo(first.server)
		if client.ID() != id {
			t.Errorf("not recovered where it was first: %v", unrecovered(j))
		}
	})
}

// TestRoamAskedByStrangers: what is no question for a client of that life takes
// nobody away, whatever it is; and costs no more than a full question.
func TestRoamAskedByStrangers(t *testing.T) {
	onJourney(t, 13, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
		first, second := j.nodes[0], j.nodes[1]
		from, _ := second.srv.Cluster()
		to, _ := first.srv.Cluster()
		client := first.server.Connect(nil)
		emitSaid(t, first.srv, "an offset")
		time.Sleep(3 * time.Second)
		pid, _ := client.Recovery()["pid"].(string)
		sum := sha256.Sum256([]byte(pid))
		key, tag := hex.EncodeToString(sum[:]), strings.Repeat("t", adapter.SessionTag)
		for i, list := range []string{
			`[]`, `["sockeye:session"]`, `["sockeye:session",7,null,{"a":1},["x"]]`, `["sockeye:session",""]`,
			`["sockeye:session","` + key + `"]`, `["sockeye:session","` + key + tag + `"]`, `["sockeye:session","` + key + tag + `x"]`,
			`["sockeye:session","` + strings.Repeat("zz", 32) + tag + `"]`,
			`["sockeye:session"` + strings.Repeat(`,"`+key+tag+`"`, 5000) + `]`, `["sockeye:session"`, `{}`,
		} {
			j.bus.Inject(first.name, &adapter.Message{
				Kind: adapter.ServerSide, From: from.Node, To: to.Node, NS: "/", Request: fmt.Sprint("x", i), Data: adapter.Data{Text: []byte(list)},
			})
			synctest.Wait()
		}
		if !client.Connected() {
			t.Error("a client was taken away")
		}
		id := client.ID()
		client.Cut()
		if client = client.ReconnectTo(second.server); client.ID() != id {
			t.Errorf("not recovered: %v", unrecovered(j))
		}
	})
}
