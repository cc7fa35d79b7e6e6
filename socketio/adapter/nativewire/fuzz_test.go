package nativewire

import (
	"bytes"
	"slices"
	"testing"
	"unsafe"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

var words = []string{BadParse, BadSize, BadKind, BadNames, BadID, BadVersion, BadMAC}

// FuzzParse reads anything. What is taken is within the bounds, refers to the
// input only, and means the same when it is written again.
func FuzzParse(f *testing.F) {
	for _, m := range samples {
		if b, err := forms["plain"].Append(nil, channel, m); err == nil {
			f.Add(b)
		}
		if b, err := forms["with a key"].Append(nil, channel, m); err == nil {
			f.Add(b)
		}
	}
	plain, keyed := New(0, nil), New(0, []byte("secret"))
	f.Fuzz(func(t *testing.T, b []byte) {
		input := bytes.Clone(b)
		var m, again adapter.Message
		if bad := keyed.Parse(channel, b, &m); bad != "" && !slices.Contains(words, bad) {
			t.Fatalf("%q is no word", bad)
		}
		bad := plain.Parse(channel, b, &m)
		if bad != "" && !slices.Contains(words, bad) {
			t.Fatalf("%q is no word", bad)
		}
		if !bytes.Equal(b, input) {
			t.Fatal("the input was changed")
		}
		if bad != "" {
			return
		}
		for _, list := range [][]string{m.Rooms, m.Except, m.Names, {m.From, m.To, m.NS, m.Request}} {
			for _, s := range list {
				if len(s) > MaxName || !within(b, unsafe.StringData(s), len(s)) {
					t.Fatalf("%q is no part of the input", s)
				}
			}
		}
		if len(m.Rooms)+len(m.Except) > MaxNames || len(m.Names) > MaxNames || len(m.Data.Attachments) > MaxAttachments ||
			len(m.Positions) > MaxPositions || m.Count < 0 || m.Flags.Timeout < 0 {
			t.Fatalf("out of bounds: %+v", m)
		}
		out, err := plain.Append(nil, channel, &m)
		if err != nil {
			t.Fatal(err)
		}
		if bad := plain.Parse(channel, out, &again); bad != "" || !same(&m, &again) {
			t.Fatalf("%q\n%+v\n%+v", bad, m, again)
		}
	})
}

func within(b []byte, p *byte, n int) bool {
	if n == 0 {
		return true
	}
	begin, at := uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(p))
	return at >= begin && at+uintptr(n) <= begin+uintptr(len(b))
}
