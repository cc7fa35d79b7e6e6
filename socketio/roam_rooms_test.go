package socketio_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// TestRoamManyRoomsInTurn: who was in many rooms, one after the other, leaves
// nothing of them behind, and comes to another node as before.
func TestRoamManyRoomsInTurn(t *testing.T) {
	onJourney(t, 19, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
		client := j.nodes[0].server.Connect(nil)
		time.Sleep(2 * time.Second)
		id := client.ID()
		s, ok := j.nodes[0].srv.Of("/").Socket(id)
		if !ok {
			t.Fatal("it is not there")
		}
		for n := range 2000 {
			room := fmt.Sprint("match ", n)
			if err := s.Join(room); err != nil {
				t.Fatal(err)
			}
			s.Leave(room)
		}
		if err := s.Join("last"); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		client.Cut()
		client.ReconnectTo(j.nodes[1].server)
		if s, ok = j.nodes[1].srv.Of("/").Socket(id); !ok || !s.InRoom("last") {
			t.Errorf("not recovered: %v", unrecovered(j))
		}
	})
}

// TestRoamRoomsBeforeCrash: whoever is recovered after the kill of his node is in
// all rooms that he had joined; if that is not certain he is not recovered.
func TestRoamRoomsBeforeCrash(t *testing.T) {
	const changing = "the rooms were changing when the node was lost"
	join := func(s *socketio.Socket, room string) {
		if err := s.Join(room); err != nil {
			t.Error(err)
		}
	}
	after := func(name string, recovered bool, want []string, f func(s *socketio.Socket)) {
		t.Run(name, func(t *testing.T) {
			onJourney(t, 5, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
				from, to := j.nodes[0], j.nodes[1]
				c := &traveller{name: "guest 0", last: map[string]int{}}
				c.Client = from.server.Connect(c.options())
				time.Sleep(2 * time.Second)
				s, ok := from.srv.Of("/").Socket(c.ID())
				if !ok {
					t.Fatal("it is not there")
				}
				f(s)
				synctest.Wait()
				id := c.ID()
				j.bus.Crash(from.name)
				c.Cut()
				if err := from.srv.Close(); err != nil {
					t.Log(err)
				}
				j.nodes = j.nodes[1:]
				j.all = nil // the others stay away
				c.Client = c.ReconnectTo(to.server)
				n := to.srv.Stats().Unrecovered[changing]
				if got := c.ID() == id; got != recovered || (n == 0) != recovered {
					t.Fatalf("recovered: %v, not for the rooms: %d; %v", got, n, unrecovered(j))
				}
				if again, ok := to.srv.Of("/").Socket(id); recovered && (!ok || !slices.Equal(again.Rooms(), append([]string{id}, want...))) {
					t.Errorf("it is in %v, not in %v", again.Rooms(), want)
				}
			})
		})
	}
	after("one room", true, []string{"room 0", "a"}, func(s *socketio.Socket) { join(s, "a") })
	after("two rooms one after the other", false, nil, func(s *socketio.Socket) { join(s, "a"); join(s, "b") })
	after("many", false, nil, func(s *socketio.Socket) {
		for _, room := range []string{"a", "b", "c", "d"} {
			join(s, room)
			time.Sleep(100 * time.Millisecond)
		}
	})
	after("a room after data", true, []string{"room 0", "a"}, func(s *socketio.Socket) { s.Set("x", 1); join(s, "a") })
	after("it leaves again", false, nil, func(s *socketio.Socket) { join(s, "a"); s.Leave("a") })
	after("two, and a second", true, []string{"room 0", "a", "b"}, func(s *socketio.Socket) {
		join(s, "a")
		join(s, "b")
		time.Sleep(1100 * time.Millisecond)
	})
	after("nothing new", true, []string{"room 0", "a"}, func(s *socketio.Socket) { join(s, "a"); join(s, "a") })
}
