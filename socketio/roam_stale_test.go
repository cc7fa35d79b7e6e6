package socketio_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// TestRoamRoomWhileCut: a room that was joined while the node was cut off could
// not be stored. Who was told of an event since, and comes to another node while
// the first cannot be asked, is not recovered without it. Else all is as it was.
func TestRoamRoomWhileCut(t *testing.T) {
	const unsettled = "the rooms were changing when the node was lost"
	for _, c := range []struct {
		name        string
		join, heals bool
		want        []string // nil: not recovered
	}{
		{"cut", true, false, nil},
		{"cut, and no room joined", false, false, []string{"seen", "missed"}},
		{"cut, connected again, and killed", true, true, []string{"seen", "healed", "to the room", "missed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			onJourney(t, 8, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
				first, second := j.nodes[0], j.nodes[1]
				var got []string
				client := first.server.Connect(listener(&got))
				id := client.ID()
				time.Sleep(3 * time.Second)
				j.bus.Cut(first.name)
				synctest.Wait()
				if s, ok := first.srv.Of("/").Socket(id); ok && c.join {
					if err := s.Join("late"); err != nil {
						t.Error(err)
					}
				}
				emitSaid(t, first.srv, "seen")
				if c.heals {
					j.bus.Mend(first.name)
					time.Sleep(3 * time.Second)
					emitSaid(t, first.srv, "healed")
				}
				client.Cut()
				if c.heals {
					j.nodes = j.nodes[1:]
					j.bus.Crash(first.name)
				}
				emitSaid(t, second.srv.To("late"), "to the room")
				emitSaid(t, second.srv, "missed")
				client = client.ReconnectTo(second.server)
				synctest.Wait()
				if recovered := client.ID() == id; recovered != (c.want != nil) {
					t.Errorf("recovered %v: %v", recovered, unrecovered(j))
				}
				if n := second.srv.Stats().Unrecovered[unsettled]; (n == 1) != (c.want == nil) {
					t.Errorf("not recovered: %v", unrecovered(j))
				}
				if c.want != nil && !slices.Equal(got, c.want) {
					t.Errorf("got %s; want %s", strings.Join(got, ", "), strings.Join(c.want, ", "))
				}
			})
		})
	}
}

// TestRoamStoredMeanwhile: a node that does not answer may live, and store its
// client anew while another takes it: it is taken as it is then.
func TestRoamStoredMeanwhile(t *testing.T) {
	onJourney(t, 23, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
		first, second := j.nodes[0], j.nodes[1]
		j.all = nil
		client := first.server.Connect(nil)
		emitSaid(t, first.srv, "an offset")
		time.Sleep(3 * time.Second)
		j.bus.Split(first.name, second.name)
		s, ok := first.srv.Of("/").Socket(client.ID())
		if !ok {
			t.Fatal("it is not there")
		}
		client.StopReading() // its end is not noticed
		time.AfterFunc(500*time.Millisecond, func() {
			if err := s.Join("late"); err != nil {
				t.Error(err)
			}
		})
		again := client.ReconnectTo(second.server)
		s, ok = second.srv.Of("/").Socket(client.ID())
		if again.ID() != client.ID() || !ok || !s.InRoom("late") {
			t.Errorf("not recovered, or not in the room: %v", unrecovered(j))
		}
		j.bus.Unite(first.name, second.name)
		time.Sleep(70 * time.Second)
		if _, still := first.srv.Of("/").Socket(client.ID()); still || !again.Connected() {
			t.Errorf("on the first node: %v, on the second: %v", still, again.Connected())
		}
	})
}
