package ws

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// asClient masks the frames that a Deflater makes.
func asClient(frame []byte) []byte {
	n := 2
	switch frame[1] {
	case 126:
		n = 4
	case 127:
		n = 10
	}
	out := append(bytes.Clone(frame[:n]), key[:]...)
	out[1] |= maskBit
	out = append(out, frame[n:]...)
	mask(out[n+4:], key)
	return out
}

func newDeflater(t testing.TB, level int) *Deflater {
	d, err := NewDeflater(level)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDeflate(t *testing.T) {
	random := make([]byte, 100000)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	for _, level := range []int{0, 1, 6, 9, flate.DefaultCompression, flate.HuffmanOnly} {
		d := newDeflater(t, level)
		var in []byte
		var want []string
		for _, msg := range [][]byte{nil, []byte("Hello"), bytes.Repeat([]byte("Hello, "), 30000), random} {
			in = append(in, asClient(d.AppendFrame(nil, Binary, msg))...)
			want = append(want, event(Binary, msg))
		}
		if got, err := read(Limits{}, true, in); err != io.EOF || !slices.Equal(got, want) {
			t.Errorf("level %d: %v", level, err)
		}
	}
	if _, err := NewDeflater(10); err == nil {
		t.Error("level 10 is accepted")
	}
}

// The examples of RFC 7692, section 7.2.3.
func TestDeflateExamples(t *testing.T) {
	const rsv1 = rsv1Bit
	for name, in := range map[string][]byte{
		"one block":      frame(fin|rsv1|text, "\xf2\x48\xcd\xc9\xc9\x07\x00"),
		"fragments":      frames(frame(rsv1|text, "\xf2\x48\xcd"), frame(fin, "\xc9\xc9\x07\x00")),
		"no compression": frame(fin|rsv1|text, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"),
		"last block":     frame(fin|rsv1|text, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
		"two blocks":     frame(fin|rsv1|text, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"),
		"uncompressed":   frame(fin|text, "Hello"),
	} {
		if got, err := read(Limits{}, true, in); err != io.EOF || !slices.Equal(got, []string{`text "Hello"`}) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestDeflateRefused(t *testing.T) {
	const rsv1 = rsv1Bit
	d := newDeflater(t, 9)
	bomb := asClient(d.AppendFrame(nil, Text, bytes.Repeat([]byte{'a'}, 50<<20)))
	if len(bomb) > 100<<10 {
		t.Fatal("not much of a bomb:", len(bomb))
	}
	for _, c := range []struct {
		name string
		in   []byte
		code CloseCode
		text string
	}{
		{"bomb", bomb, TooBig, "big"},
		{"damaged", frame(fin|rsv1|text, "\xff\xff\xff"), InvalidPayload, "damaged"},
		{"cut off", frame(fin|rsv1|text, "\xf2\x48"), InvalidPayload, "damaged"},
		{"no data", frame(fin|rsv1|text, ""), InvalidPayload, "damaged"},
		{"UTF-8", asClient(d.AppendFrame(nil, Text, []byte("a\xff"))), InvalidPayload, "UTF-8"},
		{"continuation", frames(frame(rsv1|text, "x"), frame(fin|rsv1, "x")), ProtocolError, "continuation"},
		{"ping", frame(fin|rsv1|byte(Ping), ""), ProtocolError, "compressed"},
		{"endless last blocks", frame(fin|rsv1|text, strings.Repeat("\x03\x00", 1000)), InvalidPayload, "damaged"},
		{"compressed is too big", frame(fin|rsv1|text, strings.Repeat("x", 1<<20+1<<15))[:14], TooBig, "big"},
	} {
		refused(t, c.name, Limits{}, true, c.in, c.code, c.text)
	}
	// Exactly the limit, after inflation, is accepted.
	most := bytes.Repeat([]byte{'a'}, 1000)
	if got, err := read(Limits{MaxMessage: 1000}, true, asClient(d.AppendFrame(nil, Text, most))); err != io.EOF || len(got) != 1 {
		t.Error(got, err)
	}
	refused(t, "one more", Limits{MaxMessage: 999}, true, asClient(d.AppendFrame(nil, Text, most)), TooBig, "big")
}

// Decompression bombs: what is over the limit is not even inflated.
func TestDecompressionBombStopsAtTheLimit(t *testing.T) {
	const limit = 64 << 10
	bomb := asClient(newDeflater(t, 1).AppendFrame(nil, Binary, make([]byte, 4<<20)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	refused(t, "bomb", Limits{MaxMessage: limit}, true, bomb, TooBig, "big")
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 16*limit {
		t.Errorf("%d bytes were allocated for a message of at most %d", n, limit)
	}
	t.Log("hostile inputs: decompression bombs: 1")
}

// One compressed frame serves all receivers: it depends on no other.
func TestDeflateShared(t *testing.T) {
	d := newDeflater(t, 0)
	msg := []byte(strings.Repeat("shared ", 500))
	f := d.AppendFrame(nil, Text, msg)
	if other := d.AppendFrame(nil, Text, msg); !bytes.Equal(f, other) {
		t.Error("the second time it differs")
	}
	for range 3 {
		if got, err := read(Limits{}, true, asClient(f)); err != io.EOF || !slices.Equal(got, []string{event(Text, msg)}) {
			t.Error(got, err)
		}
	}
}
