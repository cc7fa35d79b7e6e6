package socketio_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

// refusedThere moves the first client of a journey to the second node, after f,
// and checks why it is not recovered there.
func refusedThere(t *testing.T, why string, f func(j *journey, c *traveller, from, to *station)) {
	t.Helper()
	onJourney(t, 3, adaptertest.BusOptions{Traits: adapter.Traits{Ordered: true, Log: true}}, &socketio.Recovery{}, func(j *journey) {
		from, to := j.nodes[0], j.nodes[1]
		c := &traveller{name: "guest 0", last: map[string]int{}}
		c.Client = from.server.Connect(c.options())
		j.all = append(j.all, c)
		j.emit(from, "all", from.srv)
		j.emit(to, "all", to.srv)
		time.Sleep(time.Second)
		synctest.Wait()
		f(j, c, from, to)
		id := c.ID()
		if c.Connected() {
			c.Cut()
			c.Client = c.ReconnectTo(to.server)
		}
		clear(c.last)
		synctest.Wait()
		if n := to.srv.Stats().Unrecovered[why]; (n != 1 || c.ID() == id) != (why == "") {
			t.Errorf("%q: counted %d times; the same id: %v; %v", why, n, c.ID() == id, unrecovered(j))
		}
	})
}

// TestRoamRefused: when it is not certain that nothing is missing, the client
// learns that, and the reason is counted.
func TestRoamRefused(t *testing.T) {
	refusedThere(t, "", func(*journey, *traveller, *station, *station) {})
	refusedThere(t, "events of another node never came", func(j *journey, c *traveller, from, to *station) {
		c.StopReading()
		j.bus.SetFaults(adaptertest.Faults{Loss: 1})
		if err := from.srv.Emit("lost"); err != nil {
			t.Error(err)
		}
		j.bus.SetFaults(adaptertest.Faults{})
		j.emit(from, "all", from.srv)
		time.Sleep(time.Second)
	})
	refusedThere(t, "missed events are not in the cluster's log any more", func(j *journey, c *traveller, _, _ *station) {
		j.bus.NewLog()
		time.Sleep(3 * time.Minute / 2) // sessions are stored anew
	})
	refusedThere(t, "the cluster did not answer in time", func(j *journey, _ *traveller, _, _ *station) { j.bus.Pause() })
}

// TestRoamNamespaceGone: a node that has no such namespace any more says so, and is
// not taken for dead, in clusters with Node's servers too.
func TestRoamNamespaceGone(t *testing.T) {
	for _, mixed := range []bool{false, true} {
		traits := logged
		traits.Mixed = mixed
		onJourney(t, 20, adaptertest.BusOptions{Traits: traits}, &socketio.Recovery{}, func(j *journey) {
			first, second := j.nodes[0], j.nodes[1]
			for _, n := range j.nodes {
				n.srv.OfPattern(regexp.MustCompile("^/d")).OnConnect(func(context.Context, *socketio.Socket) {})
			}
			client := first.server.Connect(&socketiotest.Options{Namespace: "/d1"})
			time.Sleep(3 * time.Second)
			client.Cut()
			time.Sleep(2*time.Minute + 5*time.Second) // it is stored for longer
			began := time.Now()
			again := client.ReconnectTo(second.server)
			if took := time.Since(began); took > 500*time.Millisecond || again.ID() == client.ID() {
				t.Errorf("mixed: %v: after %v; recovered: %v", mixed, took, again.ID() == client.ID())
			}
		})
	}
}

// TestRoamFromTheFuture: an offset beyond the log's end is refused as soon as that
// was asked for, whose ever it says that it is.
func TestRoamFromTheFuture(t *testing.T) {
	for _, c := range []struct {
		name, node string // empty: where it was
		high       uint64
		why        string
	}{
		{"of its node", "", 1000, "the offset is ahead of the cluster's log"},
		{"of its node, as far as can be", "", 1<<48 - 1, "the offset is ahead of the cluster's log"},
		{"of another node", "00000000000000aa", 1000, "unknown offset"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onJourney(t, 21, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
				first, second := j.nodes[0], j.nodes[1]
				client := first.server.Connect(nil)
				emitSaid(t, first.srv, "an offset")
				time.Sleep(3 * time.Second)
				client.Cut()
				auth := client.Recovery()
				offset, _ := auth["offset"].(string)
				const place = 16 // of what other nodes understand
				b, err := base64.RawURLEncoding.DecodeString(offset[place:])
				if err != nil {
					t.Fatal(err)
				}
				if c.node != "" {
					if _, err := hex.Decode(b[:8], []byte(c.node)); err != nil {
						t.Fatal(err)
					}
				}
				binary.BigEndian.PutUint16(b[12:], uint16(c.high>>32))
				binary.BigEndian.PutUint32(b[14:], uint32(c.high))
				auth["offset"] = offset[:place] + base64.RawURLEncoding.EncodeToString(b)
				began := time.Now()
				again := second.server.Connect(&socketiotest.Options{Auth: auth})
				if took := time.Since(began); took > 100*time.Millisecond || again.ID() == client.ID() {
					t.Errorf("after %v; recovered: %v", took, again.ID() == client.ID())
				}
				if n := second.srv.Stats().Unrecovered[c.why]; n != 1 {
					t.Errorf("the reason is none of %v", unrecovered(j))
				}
			})
		})
	}
}

// TestRoamHostile: what is no offset, or one of another cluster, from the future
// or not this client's ends at once, and costs no reading of the log.
func TestRoamHostile(t *testing.T) {
	onJourney(t, 4, adaptertest.BusOptions{Traits: logged}, &socketio.Recovery{}, func(j *journey) {
		there := j.nodes[1]
		for _, offset := range []any{
			"", "?", 7, true, map[string]any{"x": 1}, "1764350000000-0", strings.Repeat("A", 56), strings.Repeat("9", 56), strings.Repeat("_", 56),
			strings.Repeat("x", 1<<16), strings.Repeat("\u00e9", 28),
		} {
			c := j.nodes[0].server.Connect(nil)
			auth := c.Recovery()
			auth["offset"] = offset
			c.Cut()
			began := time.Now()
			again := there.server.Connect(&socketiotest.Options{Auth: auth})
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("%.20v: %v", offset, took)
			}
			if again.ID() == c.ID() {
				t.Errorf("%.20v was believed", offset)
			}
			// The session is gone: whoever comes once more with it gets nothing.
			if third := j.nodes[0].server.Connect(&socketiotest.Options{Auth: auth}); third.ID() == c.ID() && again.ID() != c.ID() {
				t.Errorf("%.20v: the session was taken twice", offset)
			}
		}
	})
}
