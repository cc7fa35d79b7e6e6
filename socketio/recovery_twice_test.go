package socketio_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// heldOnce adds middleware that keeps a client waiting until its connection has
// ended: the next one after what it returns was set.
func heldOnce(srv *socketio.Server) *atomic.Bool {
	wait := new(atomic.Bool)
	srv.Use(func(ctx context.Context, _ *socketio.Socket) error {
		if wait.Swap(false) {
			<-ctx.Done()
		}
		return nil
	})
	return wait
}

// TestRefusedOverAnother: a client that is on its way back, and is refused on
// one more connection, leaves nothing behind.
func TestRefusedOverAnother(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		re := newRecoveries(t, &socketio.Recovery{RunMiddleware: true})
		wait := heldOnce(re.io)
		c := re.server.Connect(o)
		synctest.Wait()
		c.Cut()
		time.Sleep(time.Second)
		auth := c.Recovery()
		wait.Store(true)
		var first sync.WaitGroup
		first.Go(func() {
			if _, err := re.server.Dial(&socketiotest.Options{Transport: o.Transport, Auth: auth}); err == nil {
				t.Error("it came in")
			}
		})
		time.Sleep(time.Second) // it is in the middleware
		other := c.Recovery()
		other["offset"] = "none"
		again := re.server.Connect(&socketiotest.Options{Transport: o.Transport, Auth: other})
		first.Wait()
		again.Disconnect()
		time.Sleep(5 * time.Minute)
		if here, away := socketio.Remembered(re.io.Of("/")); here != 0 || away != 0 {
			t.Errorf("%d clients are remembered as connected, %d as away", here, away)
		}
	})
}

// TestTwiceOnTheWayBack: a client that comes back while it is on its way back
// already is the same, on the last connection.
func TestTwiceOnTheWayBack(t *testing.T) {
	bubble(t, func(t *testing.T, o *socketiotest.Options) {
		re := newRecoveries(t, &socketio.Recovery{RunMiddleware: true})
		wait := heldOnce(re.io)
		c := re.server.Connect(o)
		id := c.ID()
		for range 50 {
			synctest.Wait()
			c.Cut()
			time.Sleep(time.Second)
			auth := c.Recovery()
			wait.Store(true)
			var first sync.WaitGroup
			first.Go(func() {
				if _, err := re.server.Dial(&socketiotest.Options{Transport: o.Transport, Auth: auth}); err == nil {
					t.Error("it came in on the first")
				}
			})
			time.Sleep(time.Second) // it is in the middleware
			c = re.server.Connect(&socketiotest.Options{Transport: o.Transport, Auth: auth})
			first.Wait()
			if c.ID() != id {
				t.Fatalf("not recovered: %s", re.said())
			}
		}
	})
}

// TestRoamOverAnother: a client that is on its way back on a node which another has
// taken it from meanwhile, and comes there once more, has one life there.
func TestRoamOverAnother(t *testing.T) {
	onJourney(t, 22, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{RunMiddleware: true}, func(j *journey) {
		first, second, third := j.nodes[0], j.nodes[1], j.start()
		j.all = nil
		time.Sleep(time.Second)
		client := first.server.Connect(nil)
		id := client.ID()
		emitSaid(t, first.srv, "an offset")
		time.Sleep(3 * time.Second)
		client.Cut()
		var wait atomic.Bool
		second.srv.Use(func(ctx context.Context, s *socketio.Socket) error {
			if wait.Swap(false) {
				<-ctx.Done()
				time.Sleep(5 * time.Second) // what comes after it is done by then
			}
			return nil
		})
		wait.Store(true)
		auth := client.Recovery()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := second.server.Dial(&socketiotest.Options{Auth: auth}); err == nil {
				t.Error("it came in")
			}
		})
		time.Sleep(time.Second) // it is in the middleware
		j.bus.Split(second.name, third.name)
		onThird := third.server.Connect(&socketiotest.Options{Auth: auth})
		if onThird.ID() != id {
			t.Errorf("not recovered where the second node is not heard: %v", unrecovered(j))
		}
		time.Sleep(time.Second)
		onThird.Cut()
		client = second.server.Connect(&socketiotest.Options{Auth: auth})
		all.Wait()
		if client.ID() != id {
			t.Errorf("not recovered on the second node: %v", unrecovered(j))
		}
		time.Sleep(10 * time.Second) // the first connection's end is over
		for range 3 {                // its loss is not noticed
			client.StopReading()
			client = client.Reconnect()
			if client.ID() != id {
				t.Errorf("not recovered where it was: %v", unrecovered(j))
			}
		}
		synctest.Wait()
		if here, away := socketio.Remembered(second.srv.Of("/")); here != second.srv.Of("/").Len() || away != 0 {
			t.Errorf("%d clients are remembered as connected, not %d, and %d as away", here, second.srv.Of("/").Len(), away)
		}
	})
}
