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

// TestRoamLongAway: who was away for longer than it takes to notice a loss has seen
// no more than when he was lost, whatever his node has seen since.
func TestRoamLongAway(t *testing.T) {
	onJourney(t, 14, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{MaxDuration: 10 * time.Minute}, func(j *journey) {
		first, second := j.nodes[0], j.nodes[1]
		var got []string
		client := first.server.Connect(listener(&got))
		id := client.ID()
		emitSaid(t, first.srv, "seen")
		time.Sleep(3 * time.Second)
		client.Cut()
		time.Sleep(5 * time.Second)
		emitSaid(t, second.srv, "missed")
		emitSaid(t, first.srv, "missed too")
		time.Sleep(5 * time.Minute)
		client = client.ReconnectTo(second.server)
		synctest.Wait()
		if want := []string{"seen", "missed", "missed too"}; client.ID() != id || !slices.Equal(got, want) {
			t.Errorf("got %s; want %s; the same: %v; %v", strings.Join(got, ", "), strings.Join(want, ", "), client.ID() == id, unrecovered(j))
		}
	})
}

// TestRoamLostOnArrival: what a node has read from the log for a client is seen
// when the client has got it, not when it was sent: who is lost before, and goes on
// to another node, gets it there.
func TestRoamLostOnArrival(t *testing.T) {
	for _, back := range []bool{false, true} {
		onJourney(t, 15, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
			first, second := j.nodes[0], j.nodes[1]
			var none, got []string
			client := first.server.Connect(listener(&none))
			id := client.ID()
			emitSaid(t, first.srv, "seen")
			time.Sleep(3 * time.Second)
			client.Cut()
			emitSaid(t, second.srv, "missed")
			time.Sleep(time.Second)
			late := j.start() // which does not have it in its memory
			time.Sleep(time.Second)
			auth := client.Recovery()
			// The client of this connection is gone when the answer comes.
			lost := late.server.Connect(&socketiotest.Options{Auth: auth})
			if lost.ID() != id {
				t.Fatalf("not recovered: %v", unrecovered(j))
			}
			lost.Cut()
			time.Sleep(time.Second)
			to := second
			if back {
				to = late
			}
			again := to.server.Connect(&socketiotest.Options{Auth: auth, Handle: listener(&got).Handle})
			synctest.Wait()
			if want := []string{"missed"}; again.ID() != id || !slices.Equal(got, want) {
				t.Errorf("back: %v: got %s; want %s; the same: %v; %v", back, strings.Join(got, ", "), strings.Join(want, ", "), again.ID() == id, unrecovered(j))
			}
		})
	}
}

// TestRoamStoredLater: what could not be stored while the node was cut off is
// stored when it is back, of clients too that it has lost since, or that had come
// meanwhile.
func TestRoamStoredLater(t *testing.T) {
	for _, c := range []struct {
		name    string
		away    bool // lost while it is cut off
		meanTo  bool // connected while it is cut off
		waiting time.Duration
	}{
		{"lost meanwhile", true, false, 0},
		{"come meanwhile", false, true, 0},
		{"come and lost meanwhile", true, true, 0},
		{"nobody else is there", true, false, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			onJourney(t, 16, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
				first, second := j.nodes[0], j.nodes[1]
				var got []string
				var client *socketiotest.Client
				if c.meanTo {
					j.bus.Cut(first.name)
				}
				client = first.server.Connect(listener(&got))
				want := []string{"missed"}
				if !c.meanTo { // else its offset would say that it may not be stored
					emitSaid(t, first.srv, "seen")
					want = []string{"seen", "missed"}
					time.Sleep(3 * time.Second)
					j.bus.Cut(first.name)
				}
				synctest.Wait()
				id := client.ID()
				if s, ok := first.srv.Of("/").Socket(id); ok {
					if err := s.Join("late"); err != nil {
						t.Error(err)
					}
				}
				if c.waiting > 0 {
					for _, other := range j.all {
						other.Cut()
					}
				}
				if c.away {
					client.Cut()
				}
				time.Sleep(c.waiting + 3*time.Second)
				j.bus.Mend(first.name)
				time.Sleep(3 * time.Second)
				if !c.away {
					emitSaid(t, first.srv.To("late"), "healed")
				}
				j.bus.Crash(first.name)
				if !c.away {
					client.Cut()
				}
				if err := first.srv.Close(); err != nil {
					t.Log(err)
				}
				j.nodes, j.all = j.nodes[1:], nil
				emitSaid(t, second.srv.To("late"), "missed")
				client = client.ReconnectTo(second.server)
				synctest.Wait()
				if !c.away {
					want = slices.Insert(want, len(want)-1, "healed")
				}
				if client.ID() != id || !slices.Equal(got, want) {
					t.Errorf("got %s; want %s; the same: %v; %v", strings.Join(got, ", "), strings.Join(want, ", "), client.ID() == id, unrecovered(j))
				}
			})
		})
	}
}

// TestRoamLostWhileAsked: a client whose connection is lost while its node is
// asked for it is not lost itself, even if the node to which it came has to read
// the log for it.
func TestRoamLostWhileAsked(t *testing.T) {
	onJourney(t, 24, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
		first, second := j.nodes[0], j.nodes[1]
		var got []string
		client := first.server.Connect(listener(&got))
		id := client.ID()
		emitSaid(t, first.srv, "seen")
		time.Sleep(3 * time.Second)
		client.Cut()
		emitSaid(t, second.srv, "missed")
		time.Sleep(time.Second)
		late := j.start() // which does not have it in its memory
		time.Sleep(time.Second)
		j.bus.SetFaults(adaptertest.Faults{Delay: 400 * time.Millisecond})
		if _, err := late.server.Dial(&socketiotest.Options{Auth: client.Recovery(), Timeout: 30 * time.Millisecond}); err == nil {
			t.Error("it came in")
		}
		time.Sleep(5 * time.Second)
		client = client.ReconnectTo(second.server)
		synctest.Wait()
		if want := []string{"seen", "missed"}; client.ID() != id || !slices.Equal(got, want) {
			t.Errorf("got %s; want %s; the same: %v; %v", strings.Join(got, ", "), strings.Join(want, ", "), client.ID() == id, unrecovered(j))
		}
	})
}

// TestRoamBehindTheLog: who comes to a node that has not read as far as he has
// seen waits for that, and is recovered.
func TestRoamBehindTheLog(t *testing.T) {
	o := adaptertest.BusOptions{Traits: logged, Faults: adaptertest.Faults{Delay: 600 * time.Millisecond}}
	onJourney(t, 25, o, &socketio.Recovery{}, func(j *journey) {
		third := j.start()
		time.Sleep(time.Second)
		client := j.nodes[0].server.Connect(nil)
		id := client.ID()
		for n := range 12 {
			time.Sleep(2 * time.Second)
			emitSaid(t, third.srv, "something")
			client.Next("said") // the other node may get it later
			client.Cut()
			client = client.ReconnectTo(j.nodes[(n+1)%2].server)
			if client.ID() != id {
				t.Fatalf("%d: not recovered: %v", n, unrecovered(j))
			}
		}
	})
}
