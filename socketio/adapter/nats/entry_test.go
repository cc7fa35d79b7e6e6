package nats

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/adapter/outbox"
)

func itemsOf(list ...[]byte) (items []*outbox.Item) {
	for _, data := range list {
		it := outbox.Get()
		it.Data = append(it.Data, data...)
		items = append(items, it)
	}
	return items
}

// What is packed is read as it was, whatever its size.
func TestEntries(t *testing.T) {
	var list [][]byte
	for i := range 10_000 {
		list = append(list, bytes.Repeat([]byte{byte(i)}, i%300))
	}
	list = append(list, make([]byte, 2*entryBytes), nil, []byte("last"))
	var got [][]byte
	entries := 0
	for rest := itemsOf(list...); len(rest) > 0; entries++ {
		data, n := appendEntry(nil, rest)
		if n == 0 || n > mostParts || n > 1 && len(data) > entryBytes {
			t.Fatalf("%d messages in %d bytes", n, len(data))
		}
		rest = rest[n:]
		var p parts
		if bad := p.open(data); bad != "" {
			t.Fatal(bad)
		}
		for {
			part, more, bad := p.next()
			if bad != "" {
				t.Fatal(bad)
			}
			if !more {
				break
			}
			got = append(got, part)
		}
	}
	if len(got) != len(list) {
		t.Fatalf("%d of %d", len(got), len(list))
	}
	for i := range list {
		if !bytes.Equal(got[i], list[i]) {
			t.Errorf("number %d is another", i)
		}
	}
	t.Logf("%d messages in %d entries", len(list), entries)
}

// FuzzEntry reads whatever the log may hold.
func FuzzEntry(f *testing.F) {
	a, err := New(Options{Servers: []string{"none:1"}, MaxMessage: 1 << 20})
	if err != nil {
		f.Fatal(err)
	}
	for _, key := range []string{"", "secret"} {
		o := Options{Servers: []string{"none:1"}, Key: []byte(key)}
		from, err := New(o)
		if err != nil {
			f.Fatal(err)
		}
		var list [][]byte
		for _, m := range kinds("") {
			m.From, m.Seq = "aaaaaaaaaaaaaaaa", 1
			data, err := from.form.Append(nil, from.subjects.log+m.From, m)
			if err != nil {
				f.Fatal(err)
			}
			list = append(list, data)
		}
		data, _ := appendEntry(nil, itemsOf(list...))
		f.Add(data)
	}
	f.Add([]byte{entryMagic, entryVersion})
	f.Add(binary.AppendUvarint([]byte{entryMagic, entryVersion}, 1<<60))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m adapter.Message
		last, wrong := 0, 0
		_ = a.entry("aaaaaaaaaaaaaaaa", data, &m, func(n int, bad string) error {
			if n != last+1 {
				t.Errorf("%d after %d", n, last)
			}
			if last = n; bad != "" {
				wrong++
			} else if m.From != "aaaaaaaaaaaaaaaa" || m.To != "" || m.Lane != 0 {
				t.Errorf("%+v", m)
			}
			return nil
		})
		if last > mostParts+1 || last > len(data) && last > 1 {
			t.Errorf("%d messages in %d bytes", last, len(data))
		}
	})
}
