//go:build unix

package redis

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// channels are those that a server has subscribers of, but for probes.
func (s *server) channels() (list []string) {
	all, _ := s.do("PUBSUB", "SHARDCHANNELS").([]any)
	for _, v := range all {
		if c := fmt.Sprint(v); !strings.Contains(c, "-probe#") {
			list = append(list, c)
		}
	}
	slices.Sort(list)
	return list
}

// Which rooms have a channel is told by the mode, as in Node: names of 20
// characters, of JavaScript's, are sessions' ids.
func TestSubscribeModes(t *testing.T) {
	const session, emoji = "0123456789abcdefghij", "😀😀😀😀😀😀😀😀😀😀"
	for mode, want := range map[string][]string{
		SubscribeDynamic:        {"room", session + "k"},
		SubscribeDynamicPrivate: {"room", session, session + "k", emoji},
		SubscribeStatic:         nil,
	} {
		t.Run(mode, func(t *testing.T) {
			s := newServer(t)
			a := shardedAt(t, Options{Subscribe: mode}, s)
			n := join(t, a, "aaaaaaaaaaaaaaaa")
			all := []string{"room", session, session + "k", emoji}
			channels := []string{"socket.io#/#", "socket.io#/#aaaaaaaaaaaaaaaa#"}
			for _, room := range want {
				channels = append(channels, "socket.io#/#"+room+"#")
			}
			slices.Sort(channels)
			for _, room := range all {
				n.Interest(adapter.Interest{NS: "/", Room: room, On: true}, adapter.Interest{NS: "/", Room: room, On: true})
				m := adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{room}, From: n.id}
				if own := n.Lane(&m) != 0; own != slices.Contains(want, room) {
					t.Errorf("events to %q: a channel of their own: %v", room, own)
				}
			}
			until(t, "the channels are subscribed to", func() bool { return slices.Equal(s.channels(), channels) })
			for _, room := range all {
				n.Interest(adapter.Interest{NS: "/", Room: room}, adapter.Interest{NS: "/", Room: room})
			}
			until(t, "the rooms' channels are given up", func() bool {
				return slices.Equal(s.channels(), []string{"socket.io#/#", "socket.io#/#aaaaaaaaaaaaaaaa#"})
			})
			n.Interest(adapter.Interest{NS: "/"})
			until(t, "all are given up", func() bool { return len(s.channels()) == 0 })
		})
	}
}

// Namespaces and rooms whose channels have one name are told apart by what the
// messages say.
func TestChannelsOfOneName(t *testing.T) {
	s := newServer(t)
	a, b := join(t, shardedAt(t, Options{}, s), "aaaaaaaaaaaaaaaa"), join(t, shardedAt(t, Options{}, s), "bbbbbbbbbbbbbbbb")
	b.Interest(adapter.Interest{NS: "/x", On: true}, adapter.Interest{NS: "/x", Room: "y", On: true}, adapter.Interest{NS: "/x#y", On: true})
	until(t, "they are subscribed to", func() bool { return slices.Contains(s.channels(), "socket.io#/x#y#") })
	hears := func(want ...string) {
		t.Helper()
		before := len(b.messages())
		a.publish(adapter.Message{Kind: adapter.Broadcast, NS: "/x", Rooms: []string{"y"}, Seq: 1, Data: text(`["r"]`)})
		a.publish(adapter.Message{Kind: adapter.Broadcast, NS: "/x#y", Seq: 2, Data: text(`["n"]`)})
		a.publish(adapter.Message{Kind: adapter.Broadcast, NS: "/", Data: text(`["end"]`)})
		until(t, "the end", func() bool { l := b.messages(); return len(l) > before && strings.HasSuffix(l[len(l)-1], `["end"]`) })
		var got []string
		for _, m := range b.messages()[before:] {
			got = append(got, m[strings.LastIndexByte(m, '['):])
		}
		if !slices.Equal(got, append(want, `["end"]`)) {
			t.Errorf("heard %v, want %v", got, want)
		}
	}
	hears(`["r"]`, `["n"]`)
	b.Interest(adapter.Interest{NS: "/x", Room: "y"})
	hears(`["r"]`, `["n"]`) // who needs less is told more
	b.Interest(adapter.Interest{NS: "/x#y"})
	until(t, "it is given up", func() bool { return !slices.Contains(s.channels(), "socket.io#/x#y#") })
	hears()
}

// What other nodes' sockets were told to join is heard there at once, before
// their nodes can have subscribed.
func TestJoinedFromElsewhere(t *testing.T) {
	s := newServer(t)
	a, b := join(t, shardedAt(t, Options{}, s), "aaaaaaaaaaaaaaaa"), join(t, shardedAt(t, Options{}, s), "bbbbbbbbbbbbbbbb")
	a.publish(adapter.Message{Kind: adapter.Join, NS: "/", Names: []string{"new"}})
	a.publish(adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{"new"}, Data: text(`["x"]`)})
	until(t, "both come", func() bool { return len(b.messages()) == 2 })
	if m := (adapter.Message{Kind: adapter.Broadcast, NS: "/", Rooms: []string{"new"}}); a.Lane(&m) == 0 {
		t.Error("where others' events come has changed")
	}
}

// A message that is numbered for another channel than it comes on is not one of
// that row.
func TestForeignLane(t *testing.T) {
	s := newServer(t)
	b := join(t, shardedAt(t, Options{}, s), "bbbbbbbbbbbbbbbb")
	for _, lane := range []string{"", `,"lane":7`} {
		s.do("SPUBLISH", "socket.io#/#", `{"uid":"aaaaaaaaaaaaaaaa","nsp":"/","type":3,"data":{"opts":{"rooms":[],"except":[],"flags":{}},"packet":{"type":2,"data":["x"],"nsp":"/"}},"seq":"9"`+lane+`}`)
	}
	until(t, "one is refused", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.malformed["parse"] == 1
	})
	if got := b.messages(); len(got) != 1 {
		t.Error(got)
	}
}

// A node that stops has not lost its connection.
func TestShardedStopsQuietly(t *testing.T) {
	s := newServer(t)
	n := join(t, shardedAt(t, Options{}, s), "aaaaaaaaaaaaaaaa")
	if err := n.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, state := range n.history() {
		if state.Connection == adapter.Degraded {
			t.Errorf("it is told that the connection is gone: %v", state.Cause)
		}
	}
}
