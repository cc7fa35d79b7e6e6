package socketio_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
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
		{"twice to one, and its node is dead", []int{1, 1}, -1, func(j *journey) { j.bus.Crash(j.nodes[0].name) }},
		{"twice to one, and its node does not answer", []int{1, 1}, -1, func(j *journey) { j.bus.Split(j.nodes[0].name, j.nodes[1].name) }},
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

// TestRoamToSome: wherever a client comes to, how often, and whatever its node does
// meanwhile, in the end one of its connections is what it was.
func TestRoamToSome(t *testing.T) {
	for seed := range lives(t, 60) {
		o := adaptertest.BusOptions{Traits: logged, Faults: adaptertest.Faults{Delay: 200 * time.Millisecond, Duplicate: 0.1}}
		onSlowJourney(t, seed, time.Duration(seed%3)*150*time.Millisecond, o, &socketio.Recovery{}, func(j *journey) {
			first, nodes := j.nodes[0], []*station{j.nodes[0], j.nodes[1], j.start()}
			j.all = nil
			time.Sleep(time.Second)
			client := first.server.Connect(nil)
			emitSaid(t, first.srv, "an offset")
			time.Sleep(2*time.Second + time.Duration(j.r.IntN(70_000))*time.Millisecond)
			if j.r.IntN(2) == 0 {
				client.Cut()
			} else {
				client.StopReading() // its end is not noticed
			}
			what := ""
			for _, other := range nodes[1:] {
				if j.r.IntN(3) == 0 {
					j.bus.Split(first.name, other.name)
					what += " not heard by " + other.name
				}
			}
			if j.r.IntN(3) == 0 {
				j.bus.Crash(first.name)
				nodes, what = nodes[1:], " dead"
			}
			var all sync.WaitGroup
			var there atomic.Int32
			for range 2 + j.r.IntN(3) {
				to, after := nodes[j.r.IntN(len(nodes))], time.Duration(j.r.IntN(4))*time.Duration(j.r.IntN(500))*time.Millisecond
				what += fmt.Sprintf("; to %s after %v", to.name, after)
				all.Go(func() {
					time.Sleep(after)
					again, err := to.server.Dial(&socketiotest.Options{Auth: client.Recovery()})
					time.Sleep(70 * time.Second)
					if err == nil && again.ID() == client.ID() && again.Connected() {
						there.Add(1)
					}
				})
			}
			all.Wait()
			if there.Load() != 1 {
				t.Errorf("seed %d: its node%s: %d are what it was; %v", seed, what, there.Load(), unrecovered(j))
			}
		})
	}
}
