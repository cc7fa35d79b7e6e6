package socketio_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// TestRoamWave: however many clients come to another node at once, and whether
// the one that they have left lives or not, each is stored once; they are looked
// for and asked for together.
func TestRoamWave(t *testing.T) {
	const many = 200
	dead := func(j *journey, wait time.Duration) {
		gone := j.nodes[0]
		j.nodes = j.nodes[1:]
		j.bus.Crash(gone.name)
		if err := gone.srv.Close(); err != nil {
			j.t.Log(err)
		}
		time.Sleep(wait)
	}
	for _, c := range []struct {
		name       string
		before     func(j *journey)
		to         int // the node's index then
		middleware func(s *socketio.Socket)
		puts       int // for each client
		messages   int // of the node that they come to, all in all
	}{
		{"alive", func(*journey) {}, 1, nil, 1, 20},
		{"killed just now", func(j *journey) { dead(j, 0) }, 0, nil, 1, 20},
		{"killed long ago", func(j *journey) { dead(j, 15*time.Second) }, 0, nil, 1, 20},
		{"back where they were", func(*journey) {}, 0, nil, 1, 4},
		{"with the same data", func(*journey) {}, 1, func(s *socketio.Socket) { s.Set("name", "guest 0") }, 1, 20},
		{"with other data", func(*journey) {}, 1, func(s *socketio.Socket) { s.Set("name", "else") }, 2, 20},
		{"into a room on their way", func(*journey) {}, 1, func(s *socketio.Socket) { _ = s.Join("new") }, 2, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &socketio.Recovery{RunMiddleware: c.middleware != nil}
			onJourney(t, 9, adaptertest.BusOptions{Traits: logged}, o, func(j *journey) {
				j.all = nil // the others stay where they are, and are not counted
				clients := make([]*socketiotest.Client, many)
				for i := range clients {
					clients[i] = j.nodes[0].server.Connect(&socketiotest.Options{Auth: map[string]string{"name": "guest 0"}})
				}
				emitSaid(t, j.nodes[0].srv, "an offset")
				time.Sleep(5 * time.Second) // all is stored
				synctest.Wait()
				before := j.bus.Commands()
				for _, client := range clients {
					client.Cut()
				}
				time.Sleep(time.Second)
				if got := j.bus.Commands(); got != before {
					t.Errorf("clients that are stored as they are cost %+v more when they are lost than %+v", got, before)
				}
				c.before(j)
				to := j.nodes[c.to]
				if c.middleware != nil {
					to.srv.Use(func(_ context.Context, s *socketio.Socket) error {
						c.middleware(s)
						return nil
					})
				}
				before = j.bus.Commands()
				sent := to.srv.Stats().Cluster.Published
				var all sync.WaitGroup
				for i, client := range clients {
					auth := client.Recovery()
					all.Go(func() {
						time.Sleep(time.Duration(i/20) * 20 * time.Millisecond)
						again, err := to.server.Dial(&socketiotest.Options{Auth: auth})
						if err != nil || again.ID() != client.ID() {
							t.Errorf("not recovered: %v; %v", err, unrecovered(j))
						}
					})
				}
				all.Wait()
				time.Sleep(5 * time.Second)
				synctest.Wait()
				got := j.bus.Commands()
				if puts := got.Puts - before.Puts; puts != c.puts*many {
					t.Errorf("%d sessions were stored for %d clients, not %d for each", puts, many, c.puts)
				}
				if peeks := got.Peeks - before.Peeks; peeks > 15 {
					t.Errorf("%d looks for %d clients", peeks, many)
				}
				if messages := int(to.srv.Stats().Cluster.Published - sent); messages > c.messages {
					t.Errorf("%d messages for %d clients", messages, many)
				}
			})
		})
	}
}

// TestRoamMuteHoldsUpNobody: clients of a node that does not answer wait a second,
// those of others not at all.
func TestRoamMuteHoldsUpNobody(t *testing.T) {
	onJourney(t, 10, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
		mute, other, to := j.nodes[0], j.nodes[1], j.start()
		j.all = nil
		time.Sleep(time.Second)
		clients := map[*socketiotest.Client]time.Duration{}
		for range 5 {
			clients[mute.server.Connect(nil)] = 1100 * time.Millisecond
			clients[other.server.Connect(nil)] = 100 * time.Millisecond
		}
		emitSaid(t, other.srv, "an offset")
		time.Sleep(3 * time.Second)
		j.bus.Split(mute.name, to.name)
		var all sync.WaitGroup
		n := 0
		for client, most := range clients {
			client.Cut()
			wait := time.Duration(n) * 3 * time.Millisecond
			all.Go(func() {
				time.Sleep(wait)
				began := time.Now()
				again, err := to.server.Dial(&socketiotest.Options{Auth: client.Recovery()})
				if took := time.Since(began); err != nil || again.ID() != client.ID() || took > most {
					t.Errorf("after %v, not %v: %v; %v", took, most, err, unrecovered(j))
				}
			})
			n++
		}
		all.Wait()
		j.bus.Unite(mute.name, to.name)
	})
}
