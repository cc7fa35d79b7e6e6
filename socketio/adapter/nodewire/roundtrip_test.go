package nodewire

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

const reader = "ffffffffffffffff"

var channels = Channels{Prefix: "socket.io"}

// channelOf is where a message of the classic adapter goes.
func channelOf(m *adapter.Message, private bool) string {
	switch {
	case m.Kind.Answers() && private:
		return channels.Response(m.NS, reader)
	case m.Kind.Answers():
		return channels.Response(m.NS, "")
	case m.Kind == adapter.Broadcast && m.Request == "":
		return channels.Broadcast(m)
	}
	return channels.Request(m.NS)
}

func TestClassicRoundTrip(t *testing.T) {
	g := newGenerator(1)
	r := Reader{Self: reader, Prefix: "socket.io"}
	for range 50 {
		for _, k := range allKinds {
			m := g.message(t, k)
			b, err := AppendClassic([]byte("x"), m)
			if err != nil {
				t.Fatalf("%s: %v", k, err)
			}
			private := g.IntN(2) == 0
			got, err := r.Classic(channelOf(m, private), b[1:])
			if err != nil {
				t.Fatalf("%s: %v\n%q", k, err, b[1:])
			}
			if k.Answers() && private {
				m.To = reader
			}
			if m.Seq == 0 {
				if k == adapter.Broadcast && m.Request == "" {
					m.Lane = 0
				}
			}
			same(t, got, m, k != adapter.Broadcast && k != adapter.ClientAck)
		}
	}
}

func TestSharedRoundTrip(t *testing.T) {
	g := newGenerator(2)
	r := Reader{Self: reader}
	forms := map[string]func([]byte, *adapter.Message) ([]byte, error){"shared": AppendShared, "msgpack": AppendSharedMsgpack, "entry": AppendEntry}
	for range 50 {
		for _, k := range allKinds {
			m := g.message(t, k)
			for name, form := range forms {
				b, err := form([]byte("x"), m)
				if !inShared(k) {
					if !errors.Is(err, adapter.ErrNoSuchKind) || !bytes.Equal(b, []byte("x")) {
						t.Fatalf("%s %s: %v", k, name, err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("%s %s: %v", k, name, err)
				}
				var got *adapter.Message
				if name == "entry" {
					var e Entry
					fields := EntryFields(nil, b[1:])
					for i := 0; i < len(fields); i += 2 {
						e.Set(fields[i], fields[i+1])
					}
					got, err = r.Entry(&e)
				} else {
					got, err = r.Shared(pick(g, "", m.NS), b[1:])
				}
				if err != nil {
					t.Fatalf("%s %s: %v\n%q", k, name, err, b[1:])
				}
				same(t, got, m, false)
			}
		}
	}
}
