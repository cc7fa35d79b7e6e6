package socketio_test

import (
	"fmt"
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
		emit := func(n *station, what string) {
			t.Helper()
			emitSaid(t, n.srv, what)
		}
		emit(third, "long ago")
		time.Sleep(time.Second)
		j.bus.Cut(second.name)
		emit(third, "in the log before")
		emit(second, "cut off")
		j.bus.NewLog()
		emit(third, "in the new log")
		var got []string
		c := first.server.Connect(listener(&got))
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

// listener is a client that notes what is said, in room 0.
func listener(got *[]string) *socketiotest.Options {
	return &socketiotest.Options{
		Auth: map[string]string{"name": "guest 0"},
		Handle: map[string]func(*socketiotest.Event){"said": func(e *socketiotest.Event) {
			var what string
			e.Scan(&what)
			*got = append(*got, what)
		}},
	}
}

func emitSaid(t *testing.T, to interface {
	Emit(string, ...any) error
}, what string) {
	t.Helper()
	if err := to.Emit("said", what); err != nil {
		t.Error(err)
	}
	synctest.Wait()
}

// TestRoamLongCut: what a node has sent while it was cut off has its place in the
// log when it is read there, however much that was: who has had it elsewhere does
// not get it again.
func TestRoamLongCut(t *testing.T) {
	onJourney(t, 7, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{MaxPackets: 30}, func(j *journey) {
		first, second := j.nodes[0], j.nodes[1]
		var got []string
		c := first.server.Connect(listener(&got))
		id := c.ID()
		j.bus.Cut(second.name)
		emitSaid(t, second.srv.To("room 0"), "once")
		for range 100 { // too many to keep
			emitSaid(t, second.srv.To("room 1"), strings.Repeat("long ", 100))
		}
		j.bus.Mend(second.name)
		time.Sleep(time.Second)
		// It gives up the last of these, too, and is cut off again: so nothing else
		// tells it where it was in the log.
		j.bus.Cut(second.name)
		emitSaid(t, second.srv.To("nobody"), "cut off")
		for i := range 27 {
			emitSaid(t, first.srv.To(fmt.Sprint("nobody ", i)), "other")
		}
		emitSaid(t, first.srv, "seen")
		c.Cut()
		j.bus.Mend(second.name)
		time.Sleep(time.Second)
		c = c.ReconnectTo(second.server)
		synctest.Wait()
		emitSaid(t, first.srv.To("room 0"), "live")
		time.Sleep(time.Second)
		if c.ID() != id {
			t.Errorf("not recovered: %v", unrecovered(j))
		}
		if want := []string{"once", "seen", "live"}; !slices.Equal(got, want) {
			t.Errorf("got %s; want %s", strings.Join(got, ", "), strings.Join(want, ", "))
		}
	})
}
