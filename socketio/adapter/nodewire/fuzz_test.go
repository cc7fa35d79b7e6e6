package nodewire

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/adapter"
	"github.com/sockeye-io/sockeye/socketio/internal/wire/value"
)

// again checks what was read from data: that it is not out of proportion, and
// that written by form and read by get it is the same.
func again(t *testing.T, m *adapter.Message, err error, data int, asJSON bool, form func([]byte, *adapter.Message) ([]byte, error), get func(b []byte, m *adapter.Message) (*adapter.Message, error)) {
	t.Helper()
	if err != nil {
		var why Malformed
		if !errors.As(err, &why) || !known(string(why)) {
			t.Fatalf("an error that is no Malformed of the list: %v", err)
		}
		if m != nil {
			t.Fatal("a message and an error")
		}
		return
	}
	if m == nil || m.Skipped {
		return
	}
	if m.Kind.String() == "unknown" { // of a later version: its number counts
		if m.Seq == 0 || m.From == "" || len(m.Data.Text) > 0 {
			t.Fatalf("nobody's, or with more than a number: %+v", m)
		}
		return
	}
	if n := len(m.Data.Text); n > 64+6*data || len(m.Data.Attachments) > maxAttachments || len(m.Rooms)+len(m.Except)+len(m.Names) > 3*maxNames {
		t.Fatalf("%d bytes of text, %d attachments from %d bytes", n, len(m.Data.Attachments), data)
	}
	first := *m // what it refers to is another reader's
	if first.From == "" {
		first.From = "x" // an emitter's
		if first.Node != nil {
			t.Fatal("a node without an id")
		}
	}
	if first.Data.Text != nil {
		var v any
		if err := value.DecodeJSON(first.Data.Text, first.Data.Attachments, &v); err != nil {
			return // a number that no float64 can hold: JavaScript has its Infinity
		}
	}
	if !mustAsk(first.Kind) && first.Kind != adapter.Broadcast && first.Kind != adapter.ServerSide {
		first.Request = ""
	}
	b, err := form(nil, &first)
	if err != nil {
		if strings.Contains(err.Error(), "deep") {
			return
		}
		t.Fatalf("read %+v\n%s\ncannot be written: %v", first, first.Data.Text, err)
	}
	got, err := get(b, &first)
	if err != nil {
		t.Fatalf("%v\n%q", err, b)
	}
	same(t, got, &first, asJSON)
}

func known(why string) bool {
	for _, r := range adapter.Reasons {
		if r[0] == why {
			return true
		}
	}
	return false
}

func seeds(f *testing.F, add func(c *recorded, b []byte)) {
	for _, c := range nodeMessages(f) {
		if len(c.Hex) < 10_000 {
			add(&c, c.payload(f))
		}
	}
}

// ours adds messages of ours to the seeds.
func ours(f *testing.F, form func([]byte, *adapter.Message) ([]byte, error), add func(m *adapter.Message, b []byte)) {
	g := newGenerator(3)
	for _, k := range allKinds {
		for range 3 {
			m := g.message(f, k)
			if b, err := form(nil, m); err == nil && len(b) < 5000 {
				add(m, b)
			}
		}
	}
}

func FuzzBroadcast(f *testing.F) {
	seeds(f, func(c *recorded, b []byte) {
		if c.Adapter == "classic" && strings.HasPrefix(c.Channel, "socket.io#") {
			f.Add(c.Channel, b)
		}
	})
	ours(f, AppendClassic, func(m *adapter.Message, b []byte) {
		if m.Kind == adapter.Broadcast && m.Request == "" {
			f.Add(channels.Broadcast(m), b)
		}
	})
	r, r2, picky := Reader{Self: reader, Prefix: "socket.io"}, Reader{Self: reader, Prefix: "socket.io"}, Reader{Self: reader, Prefix: "socket.io"}
	picky.Wants = func(_, room string) bool { return len(room) == 1 }
	f.Fuzz(func(t *testing.T, channel string, data []byte) {
		if !strings.HasPrefix(channel, "socket.io#") {
			channel = "socket.io#" + channel
		}
		m, err := r.Classic(channel, data)
		again(t, m, err, len(data), false, AppendClassic, func(b []byte, m *adapter.Message) (*adapter.Message, error) {
			if m.Seq == 0 {
				m.Lane = 0
			}
			return r2.Classic(channels.Broadcast(m), b)
		})
		if some, _ := picky.Classic(channel, data); some != nil && some.Skipped && some.Seq == 0 {
			t.Fatal("skipped, without a number")
		}
	})
}

func FuzzRequest(f *testing.F) {
	seeds(f, func(c *recorded, b []byte) {
		if strings.HasPrefix(c.Channel, "socket.io-request#") {
			f.Add(b)
		}
	})
	ours(f, AppendClassic, func(m *adapter.Message, b []byte) {
		if !m.Kind.Answers() && (m.Kind != adapter.Broadcast || m.Request != "") {
			f.Add(b)
		}
	})
	r, r2 := Reader{Self: reader, Prefix: "socket.io"}, Reader{Self: reader, Prefix: "socket.io"}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := r.Classic("socket.io-request#/#", data)
		again(t, m, err, len(data), m != nil && m.Kind != adapter.Broadcast, AppendClassic, func(b []byte, _ *adapter.Message) (*adapter.Message, error) {
			return r2.Classic("socket.io-request#/#", b)
		})
	})
}

func FuzzResponse(f *testing.F) {
	seeds(f, func(c *recorded, b []byte) {
		if strings.HasPrefix(c.Channel, "socket.io-response#") {
			f.Add(b)
		}
	})
	ours(f, AppendClassic, func(m *adapter.Message, b []byte) {
		if m.Kind.Answers() {
			f.Add(b)
		}
	})
	r, r2 := Reader{Self: reader, Prefix: "socket.io"}, Reader{Self: reader, Prefix: "socket.io"}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := r.Classic("socket.io-response#/#", data)
		again(t, m, err, len(data), m != nil && m.Kind != adapter.ClientAck, AppendClassic, func(b []byte, _ *adapter.Message) (*adapter.Message, error) {
			return r2.Classic("socket.io-response#/#", b)
		})
	})
}

func fuzzShared(f *testing.F, isJSON bool, form func([]byte, *adapter.Message) ([]byte, error)) {
	seeds(f, func(c *recorded, b []byte) {
		if c.Adapter != "classic" && len(b) > 0 && (b[0] == '{') == isJSON {
			f.Add(b)
		}
	})
	ours(f, form, func(_ *adapter.Message, b []byte) {
		if (b[0] == '{') == isJSON {
			f.Add(b)
		}
	})
	r, r2 := Reader{Self: reader}, Reader{Self: reader}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := r.Shared("", data)
		again(t, m, err, len(data), false, form, func(b []byte, _ *adapter.Message) (*adapter.Message, error) { return r2.Shared("", b) })
	})
}

func FuzzSharedJSON(f *testing.F)    { fuzzShared(f, true, AppendShared) }
func FuzzSharedMsgpack(f *testing.F) { fuzzShared(f, false, AppendSharedMsgpack) }

func entryOf(b []byte) *Entry {
	var e Entry
	for fields := EntryFields(nil, b); len(fields) > 0; fields = fields[2:] {
		e.Set(fields[0], fields[1])
	}
	return &e
}

func FuzzEntry(f *testing.F) {
	for _, c := range nodeMessages(f) {
		if c.Entry != nil && len(c.Entry["data"]) < 10_000 {
			f.Add(c.Entry["uid"], c.Entry["nsp"], c.Entry["type"], c.Entry["data"], "", "", "")
		}
	}
	ours(f, AppendEntry, func(_ *adapter.Message, b []byte) {
		e := entryOf(b)
		f.Add(e.UID, e.NSP, e.Type, e.Data, e.Seq, e.Lane, e.To)
	})
	r, r2 := Reader{Self: reader}, Reader{Self: reader}
	f.Fuzz(func(t *testing.T, uid, nsp, kind, data, seq, lane, to string) {
		m, err := r.Entry(&Entry{uid, nsp, kind, data, seq, lane, to})
		again(t, m, err, len(data), false, AppendEntry, func(b []byte, _ *adapter.Message) (*adapter.Message, error) { return r2.Entry(entryOf(b)) })
	})
}

// What a message of a few bytes may make a reader take.
func TestReadingTakesLittleMemory(t *testing.T) {
	r := Reader{Self: reader, Prefix: "socket.io"}
	long := func(head string, unit string) []byte { return []byte(head + strings.Repeat(unit, 1<<20)) }
	array := "\xdd\x00\x10\x00\x00"
	start := "\x93\xa6abcdef\x83\xa4type\x02\xa3nsp\xa1/\xa4data"
	end := "\x82\xa5rooms\x90\xa6except\x90"
	for name, payload := range map[string][]byte{
		"lengths that are not there": []byte(start + "\xdd\xff\xff\xff\xff"),
		"a map of 2^31":              []byte(start + "\xdf\x7f\xff\xff\xff"),
		"a string of 2^32":           []byte(start + "\x91\xdb\xff\xff\xff\xff"),
		"a million nulls":            append(long(start+"\xdd\x00\x10\x00\x01\xa1x", "\xc0"), end...),
		"a million binaries":         append(long(start+"\xdd\x00\x10\x00\x01\xa1x", "\xc4\x00"), end...),
		"a million rooms":            long(start+"\x91\xa1x\x82\xa6except\x90\xa5rooms"+array, "\xa0"),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = r.Classic("socket.io#/#", payload)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(32*len(payload)+1<<20) {
			t.Errorf("%s: %d bytes of %d", name, took, len(payload))
		}
	}
}

// FuzzAttachment: what names a row names one, by a number, or is refused; what is
// no such notification is left to others.
func FuzzAttachment(f *testing.F) {
	for _, text := range []string{
		`{"uid":"0123456789abcdef","type":3,"attachmentId":"12"}`, `{"attachmentId":7,"uid":"emitter"}`, `{"attachmentId":"-1"}`, `{"attachmentId":{}}`,
		`{"attachmentId":"1","attachmentId":null}`, `{"uid":7,"attachmentId":"1"}`, `{"data":{"attachmentId":"5"}}`, `{"attachmentId":"18446744073709551615"}`, `"attachmentId"`,
	} {
		f.Add([]byte(text))
	}
	r := Reader{Self: reader}
	f.Fuzz(func(t *testing.T, data []byte) {
		from, row, err := r.Attachment(data)
		switch {
		case err != nil && (row != 0 || from != ""):
			t.Fatalf("%v, and row %d of %q", err, row, from)
		case row > 1<<63-1:
			t.Fatalf("row %d", row)
		case from != "" && !okID(from):
			t.Fatalf("sent by %q", from)
		}
	})
}
