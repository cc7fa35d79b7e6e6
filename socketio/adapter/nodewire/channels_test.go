package nodewire

import (
	"encoding/hex"
	"path"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

func TestChannels(t *testing.T) {
	c := Channels{Prefix: "socket.io"}
	for got, want := range map[string]string{
		c.Broadcast(&adapter.Message{NS: "/"}):                             "socket.io#/#",
		c.Broadcast(&adapter.Message{NS: "/", Rooms: []string{"a"}}):       "socket.io#/#a#",
		c.Broadcast(&adapter.Message{NS: "/x", Rooms: []string{"a", "b"}}): "socket.io#/x#",
		c.Request("/x"):                       "socket.io-request#/x#",
		c.Response("/x", ""):                  "socket.io-response#/x#",
		c.Response("/x", "abcdef"):            "socket.io-response#/x#abcdef#",
		c.BroadcastPattern():                  "socket.io#*",
		Channels{`a*[b]?\`}.ResponsePattern(): `a\*\[b\]\?\\-response#*`,
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	odd := Channels{Prefix: `a*[b]?\`}
	if ok, err := path.Match(odd.BroadcastPattern(), odd.Broadcast(&adapter.Message{NS: "ns"})); err != nil || !ok {
		t.Errorf("the pattern does not match: %v", err)
	}
	if ok, _ := path.Match(odd.BroadcastPattern(), `axb\#ns#`); ok {
		t.Error("the pattern matches others")
	}
}

// TestUnwanted: a broadcast that nobody here wants is not looked at, but for its
// number.
func TestUnwanted(t *testing.T) {
	wanted := map[[2]string]bool{{"/", "a"}: true, {"/", ""}: true, {"/a#b", "c#d"}: true, {"/x", ""}: true}
	asked := 0
	r := Reader{Self: reader, Prefix: "socket.io", Wants: func(ns, room string) bool { asked++; return wanted[[2]string{ns, room}] }}
	for _, c := range []struct {
		ns      string
		rooms   []string
		seq     uint64
		skipped bool
	}{
		{"/", nil, 5, false}, {"/", []string{"a"}, 5, false}, {"/", []string{"a", "b"}, 5, false}, {"/", []string{"b", "a"}, 5, false},
		{"/", []string{"b"}, 5, true}, {"/", []string{"b", "c"}, 5, true}, {"/", []string{"b"}, 0, true}, {"/", []string{"b", "c"}, 0, true},
		{"/y", nil, 5, true}, {"/x", []string{"r"}, 5, true}, {"/x", nil, 1<<64 - 1, false},
		{"/a#b", []string{"c#d"}, 5, false}, {"/a", []string{"b#c#d"}, 5, true}, {"/a#b", []string{"c"}, 5, true}, {"/a#b#c", []string{"d"}, 5, true},
		{"/", []string{strings.Repeat("#", 100)}, 5, true},
	} {
		m := &adapter.Message{Kind: adapter.Broadcast, From: "0123456789abcdef", NS: c.ns, Rooms: c.rooms, Seq: c.seq, Lane: 7, Data: adapter.Data{Text: []byte(`["x"]`)}}
		b, err := AppendClassic(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		asked = 0
		got, err := r.Classic(channels.Broadcast(m), b)
		switch {
		case err != nil:
			t.Errorf("%q %q: %v", c.ns, c.rooms, err)
		case c.skipped && c.seq == 0:
			if got != nil {
				t.Errorf("%q %q: %+v", c.ns, c.rooms, got)
			}
		case got == nil || got.Skipped != c.skipped || got.NS != c.ns || got.Seq != c.seq || got.Lane != 7 || got.From != m.From || (got.Data.Text == nil) != c.skipped:
			t.Errorf("%q %q: %+v", c.ns, c.rooms, got)
		}
		if asked > 20 {
			t.Errorf("%q %q: asked %d times", c.ns, c.rooms, asked)
		}
	}
	// Such of Node's have no number, and what cannot be read of them does not matter.
	if m, err := r.Classic("socket.io#/#b#", pack(t, []any{"abcdef", dict{"type": 2, "nsp": "/", "data": []any{"x"}}, dict{"rooms": []any{"b"}}})); m != nil || err != nil {
		t.Errorf("%v, %v", m, err)
	}
	// What looks like a number of ours but is cut short, or of no known sender.
	tail, _ := hex.DecodeString("92cf0000000000000005ce00000000")
	for _, head := range []string{"", "\x94", "\x94\xa1", "\x94\xa1x\x81", "\x94\xa1x\x81\xa3nsp", "\x94\xa1x\x81\xa3nsp\xa1!", "\x94\xa1\x01\x81\xa3nsp\xa1/", "\x94\xa1x\x80", "\x94\x05"} {
		if m, err := r.Classic("socket.io#/#b#", append([]byte(head), tail...)); m != nil {
			t.Errorf("%q: %+v, %v", head, m, err)
		}
	}
	// The node's own, and another cluster's.
	own := &adapter.Message{Kind: adapter.Broadcast, From: reader, NS: "/", Seq: 5, Data: adapter.Data{Text: []byte(`["x"]`)}}
	b, _ := AppendClassic(nil, own)
	for _, channel := range []string{"socket.io#/#", "socket.io#/#b#", "socket.iox#/#", "socket.io#x#/#", "socket.io", "socket.io#", "socket.io#/", "other#/#", ""} {
		if m, err := r.Classic(channel, b); m != nil || err != nil {
			t.Errorf("%s: %v, %v", channel, m, err)
		}
	}
	// Another namespace's, that the pattern lets in.
	own.From = "x"
	b, _ = AppendClassic(nil, own)
	if m, err := r.Classic("socket.io#/x#", b); m != nil || err != nil {
		t.Errorf("%v, %v", m, err)
	}
}

// TestAnswersFindTheirNode: on the node's own channel an answer is for it.
func TestAnswersFindTheirNode(t *testing.T) {
	r := Reader{Self: "abcdef", Prefix: "p"}
	payload := []byte(`{"requestId":"r","sockets":["a"]}`)
	for channel, want := range map[string][2]string{
		"p-response#/#": {"/", ""}, "p-response#/#abcdef#": {"/", "abcdef"}, "p-response#/a#b#": {"/a#b", ""}, "p-response#/a#b#abcdef#": {"/a#b", "abcdef"},
	} {
		m, err := r.Classic(channel, payload)
		if err != nil || m == nil || m.NS != want[0] || m.To != want[1] || m.Kind != adapter.IDsAnswer || m.Request != "r" {
			t.Errorf("%s: %+v, %v", channel, m, err)
		}
	}
}

// Strings may be kept; the message's bytes may not.
func TestStringsStay(t *testing.T) {
	g := newGenerator(5)
	r := Reader{Self: reader, Prefix: "socket.io"}
	for range 100 {
		for _, k := range allKinds {
			want := g.message(t, k)
			b, err := AppendClassic(nil, want)
			if err != nil {
				t.Fatal(err)
			}
			m, err := r.Classic(channelOf(want, false), b)
			if err != nil {
				t.Fatal(err)
			}
			kept := []string{m.From, m.To, m.NS, m.Request}
			kept = append(append(append(kept, m.Rooms...), m.Except...), m.Names...)
			for _, p := range m.Positions {
				kept = append(kept, p.NS)
			}
			if m.Node != nil {
				kept = append(kept, m.Node.ID, m.Node.Name, m.Node.Address)
			}
			before := strings.Join(kept, "\n")
			copied := strings.Clone(before)
			for i := range b {
				b[i] = 'Z'
			}
			if _, err := r.Classic("socket.io-request#/#", []byte(`{"uid":"x","type":213}`)); err != nil {
				t.Fatal(err)
			}
			if strings.Join(kept, "\n") != copied {
				t.Fatalf("%s: strings changed with the message's bytes", k)
			}
		}
	}
}
