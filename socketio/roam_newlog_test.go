package socketio_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// TestRoamNewLog: who has come since the log was replaced has nothing to get
// from the log before, wherever he goes. Here the second node is cut off
// meanwhile, and has sent something that it could not publish: so it does not
// know of what it reads then on which side of that it is in the log.
func TestRoamNewLog(t *testing.T) {
	onJourney(t, 6, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
		first, second, third := j.nodes[0], j.nodes[1], j.start()
		time.Sleep(time.Second)
		var got []string
		emit := func(n *station, what string) {
			t.Helper()
			if err := n.srv.Emit("said", what); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		emit(third, "long ago")
		time.Sleep(time.Second)
		j.bus.Cut(second.name)
		emit(third, "in the log before")
		emit(second, "cut off")
		j.bus.NewLog()
		emit(third, "in the new log")
		c := first.server.Connect(&socketiotest.Options{
			Auth: map[string]string{"name": "guest 0"},
			Handle: map[string]func(*socketiotest.Event){"said": func(e *socketiotest.Event) {
				var what string
				e.Scan(&what)
				got = append(got, what)
			}},
		})
		id := c.ID()
		emit(first, "seen")
		c.Cut()
		emit(first, "missed")
		j.bus.Mend(second.name)
		time.Sleep(time.Second)
		c = c.ReconnectTo(second.server)
		synctest.Wait()
		emit(first, "live")
		time.Sleep(time.Second)
		if c.ID() != id {
			t.Errorf("not recovered: %v", unrecovered(j))
		}
		if want := []string{"seen", "cut off", "missed", "live"}; !slices.Equal(got, want) {
			t.Errorf("got %s; want %s", strings.Join(got, ", "), strings.Join(want, ", "))
		}
	})
}
