package ws

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

func TestReader(t *testing.T) {
	long := strings.Repeat("x", 70000)
	mid := strings.Repeat("y", 126)
	for _, c := range []struct {
		name string
		in   []byte
		want []string
	}{
		{"nothing", nil, nil},
		{"text", frame(fin|text, "Hello"), []string{`text "Hello"`}},
		{"empty", frame(fin|bin, ""), []string{`binary ""`}},
		{"16 bits", frame(fin|text, mid), []string{event(Text, []byte(mid))}},
		{"64 bits", frame(fin|text, long), []string{event(Text, []byte(long))}},
		{"many", bytes.Repeat(frame(fin|text, "a"), 3), []string{`text "a"`, `text "a"`, `text "a"`}},
		{"control", frames(frame(fin|byte(Ping), "p"), frame(fin|byte(Pong), "")), []string{`ping "p"`, `pong ""`}},
		{"fragments", frames(frame(text, "a"), frame(0, "b"), frame(fin, "c")), []string{`text "abc"`}},
		{"empty fragments", frames(frame(bin, ""), frame(0, ""), frame(fin, "")), []string{`binary ""`}},
		{"ping between", frames(frame(text, "a"), frame(fin|byte(Ping), "p"), frame(fin, "c"), frame(fin|text, "d")),
			[]string{`ping "p"`, `text "ac"`, `text "d"`}},
		{"split character", frames(frame(text, "\xc3"), frame(fin, "\xa4")), []string{`text "ä"`}},
		{"close", frame(fin|byte(Close), "\x03\xe8bye"), []string{`close "\x03\xe8bye"`}},
		{"close without code", frame(fin|byte(Close), ""), []string{`close ""`}},
		{"after close", frames(frame(fin|byte(Close), ""), frame(fin|text, "a"), []byte("rubbish")), []string{`close ""`}},
		{"close between", frames(frame(text, "a"), frame(fin|byte(Close), "")), []string{`close ""`}},
	} {
		got, err := read(Limits{}, false, c.in)
		if err != io.EOF || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
		// Byte by byte it is the same, and nothing is kept at the end.
		var rec recorder
		var r Reader
		var chunks [][]byte
		for i := range c.in {
			chunks = append(chunks, []byte{c.in[i]})
		}
		if err := readAll(&r, &Limits{}, &rec, chunks...); err != io.EOF || !slices.Equal(rec.events, c.want) {
			t.Errorf("%s byte by byte: %q, %v", c.name, rec.events, err)
		}
		if r.Pending() {
			t.Errorf("%s: something is left", c.name)
		}
	}
}

// Each way to break the protocol has its code, and is refused as soon as it can
// be seen: the rest of the frame need not come.
func TestRefused(t *testing.T) {
	unmasked := AppendFrame(nil, Text, []byte("x"))
	lim := Limits{MaxMessage: 1000}
	tried := 0
	for _, c := range []struct {
		name  string
		in    []byte
		code  CloseCode
		words string
	}{
		{"unmasked", unmasked, ProtocolError, "not masked"},
		{"unmasked, two bytes", unmasked[:2], ProtocolError, "not masked"},
		{"rsv1", frame(fin|0x40|text, "x")[:2], ProtocolError, "reserved"},
		{"rsv2", frame(fin|0x20|text, "x")[:2], ProtocolError, "reserved"},
		{"rsv3", frame(fin|0x10|text, "x")[:2], ProtocolError, "reserved"},
		{"rsv on ping", frame(fin|0x40|byte(Ping), "")[:2], ProtocolError, "reserved"},
		{"opcode 3", frame(fin|3, "")[:2], ProtocolError, "opcode"},
		{"opcode 7", frame(fin|7, "")[:2], ProtocolError, "opcode"},
		{"opcode 11", frame(fin|11, "")[:2], ProtocolError, "opcode"},
		{"opcode 15", frame(fin|15, "")[:2], ProtocolError, "opcode"},
		{"long ping", frame(fin|byte(Ping), strings.Repeat("x", 126))[:2], ProtocolError, "too long"},
		{"long close", frame(fin|byte(Close), strings.Repeat("x", 70000))[:2], ProtocolError, "too long"},
		{"fragmented ping", frame(byte(Ping), "")[:2], ProtocolError, "fragmented"},
		{"fragmented close", frame(byte(Close), "")[:2], ProtocolError, "fragmented"},
		{"continuation of nothing", frame(fin, "x")[:2], ProtocolError, "continuation of nothing"},
		{"continuation after the end", frames(frame(text, "a"), frame(fin, "b"), frame(fin, "c")), ProtocolError, "continuation of nothing"},
		{"interleaved", frames(frame(text, "a"), frame(fin|text, "b")), ProtocolError, "within"},
		{"interleaved fragments", frames(frame(text, "a"), frame(bin, "b")), ProtocolError, "within"},
		{"16 bits for 125", []byte{fin | text, 0xfe, 0, 125}, ProtocolError, "shortest"},
		{"64 bits for 65535", []byte{fin | text, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, ProtocolError, "shortest"},
		{"close of one byte", frame(fin|byte(Close), "\x03"), ProtocolError, "half"},
		{"close 999", frame(fin|byte(Close), "\x03\xe7"), ProtocolError, "code"},
		{"close 1004", frame(fin|byte(Close), "\x03\xec"), ProtocolError, "code"},
		{"close 1005", frame(fin|byte(Close), "\x03\xed"), ProtocolError, "code"},
		{"close 1006", frame(fin|byte(Close), "\x03\xee"), ProtocolError, "code"},
		{"close 1015", frame(fin|byte(Close), "\x03\xf7"), ProtocolError, "code"},
		{"close 2999", frame(fin|byte(Close), "\x0b\xb7"), ProtocolError, "code"},
		{"close 5000", frame(fin|byte(Close), "\x13\x88"), ProtocolError, "code"},
		{"close text", frame(fin|byte(Close), "\x03\xe8\xff"), InvalidPayload, "UTF-8"},
		{"text", frame(fin|text, "a\xffb"), InvalidPayload, "UTF-8"},
		{"surrogate", frame(fin|text, "\xed\xa0\x80"), InvalidPayload, "UTF-8"},
		{"text in fragments", frames(frame(text, "\xc3"), frame(fin, "x")), InvalidPayload, "UTF-8"},
		{"too big", frame(fin|text, strings.Repeat("x", 1001))[:8], TooBig, "big"},
		{"too big together", frames(frame(text, strings.Repeat("x", 600)), frame(0, strings.Repeat("x", 401))[:8]), TooBig, "big"},
	} {
		refused(t, c.name, lim, false, c.in, c.code, c.words)
		tried++
	}
	t.Logf("hostile inputs: WebSocket frames: %d", tried)
	if got, err := read(lim, false, frame(fin|text, strings.Repeat("x", 1000))); err != io.EOF || len(got) != 1 {
		t.Error("a message of the greatest size:", got, err)
	}
	if got, err := read(Limits{MaxMessage: -1}, false, frame(fin|text, strings.Repeat("x", 3<<20))); err != io.EOF || len(got) != 1 {
		t.Error("a message without limit:", got, err)
	}
}

// CVE-2020-27813: a length that overflows when something is added to it.
func TestCVE202027813LengthOverflow(t *testing.T) {
	most := []byte{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	for _, lim := range []Limits{{}, {MaxMessage: -1}} {
		for _, first := range []byte{fin | text, bin} {
			head := append([]byte{first, 0xff}, most...)
			refused(t, "63 bits", lim, false, head, TooBig, "big")
			head[2] = 0xff
			refused(t, "64 bits", lim, false, head, ProtocolError, "63")
			head[2] = 0x80
			refused(t, "the sign bit", lim, false, head, ProtocolError, "63")
		}
		// What has been gathered and what is announced must not overflow either.
		begun := frame(bin, "some")
		refused(t, "sum", lim, false, append(begun, append([]byte{fin, 0xff}, most...)...), TooBig, "big")
	}
}

// CVE-2026-48779: a message of countless tiny fragments costs us more than its
// sender, and more than its bytes count for.
func TestCVE202648779TinyFragments(t *testing.T) {
	many := func(n int, payload string) []byte {
		return frames(frame(bin, payload), bytes.Repeat(frame(0, payload), n-2), frame(fin, payload))
	}
	refused(t, "one byte each", Limits{}, false, many(1025, "x"), PolicyViolation, "fragments")
	refused(t, "empty", Limits{}, false, many(1025, ""), PolicyViolation, "fragments")
	refused(t, "overhead", Limits{MaxFragments: -1}, false, many(16<<10, ""), PolicyViolation, "overhead")
	refused(t, "pings between", Limits{MaxFragments: -1}, false,
		frames(frame(bin, "x"), bytes.Repeat(frame(fin|byte(Ping), strings.Repeat("p", 125)), 200)), PolicyViolation, "overhead")
	for _, lim := range []Limits{{}, {MaxFragments: -1, MaxOverhead: -1}} {
		n := 1024
		if lim.MaxFragments < 0 {
			n = 5000
		}
		got, err := read(lim, false, frames(many(n, "x"), many(n, "y"))) // the count begins anew
		if err != io.EOF || len(got) != 2 {
			t.Errorf("%d fragments: %v, %v", n, got, err)
		}
	}
}

// CVE-2026-45736: nothing but the peer's own bytes is ever delivered or
// echoed, whatever the buffers held before.
func TestCVE202645736NoForeignBytes(t *testing.T) {
	secret := strings.Repeat("SECRET", 20000)
	if _, err := read(Limits{}, false, frame(fin|bin, secret)); err != io.EOF {
		t.Fatal(err)
	}
	for _, in := range [][]byte{
		frame(fin|byte(Close), "\x03\xe8"),
		frame(fin|byte(Ping), ""),
		frames(frame(bin, ""), frame(fin, "")),
		frames(frame(bin, "a"), frame(fin, "")),
		frame(fin|bin, strings.Repeat("b", 5000))[:4000], // never complete
	} {
		rec := &recorder{}
		var r Reader
		if err := readAll(&r, &Limits{}, rec, in); err != io.EOF {
			t.Error(err)
		}
		for _, e := range rec.events {
			if strings.Contains(e, "SECRET") {
				t.Errorf("%x delivers %s", in, e)
			}
		}
		r.Release()
	}
	code, reason := ParseClose(make([]byte, 2, 100)[:1])
	if code != NoStatus || reason != "" {
		t.Error(code, reason)
	}
}

// CVE-2026-48802 and PRISMA-2021-0118: pongs that nobody asked for, and Close
// frames after the first, cost nothing and do nothing.
func TestPRISMA20210118CVE202648802PongStorm(t *testing.T) {
	const n = 10000
	count := &counter{}
	storm := bytes.Repeat(frame(fin|byte(Pong), "unsolicited"), n)
	var r Reader
	if err := readAll(&r, &Limits{}, count, storm); err != io.EOF {
		t.Fatal(err)
	}
	if count.n != n || r.Pending() {
		t.Errorf("%d pongs, pending %v", count.n, r.Pending())
	}
	count.n = 0
	if err := readAll(&r, &Limits{}, count, bytes.Repeat(frame(fin|byte(Close), "\x03\xe8"), n)); err != io.EOF {
		t.Fatal(err)
	}
	if count.n != 1 {
		t.Errorf("%d closes", count.n)
	}
}

type counter struct{ n int }

func (c *counter) Message(Op, []byte) error { c.n++; return nil }

// A refused peer stays refused, and nothing more is read from it.
func TestDead(t *testing.T) {
	var r Reader
	src := &script{chunks: [][]byte{{fin | text, 1}}}
	first := r.Read(src, &Limits{}, &recorder{})
	reads := src.reads
	src.chunks = [][]byte{frame(fin|text, "x")}
	if err := r.Read(src, &Limits{}, &recorder{}); err != first || src.reads != reads || r.Pending() {
		t.Error(err, src.reads, r.Pending())
	}
}

// A handler can stop the Reader anywhere; the next Read goes on behind that
// message, before it asks for more input.
func TestStop(t *testing.T) {
	in := frames(frame(fin|text, "a"), frame(text, "b"), frame(fin|byte(Ping), "p"), frame(fin, "c"), frame(fin|text, "d"))
	want := []string{`text "a"`, `ping "p"`, `text "bc"`, `text "d"`}
	rec := &recorder{stop: func(int) error { return errStop }}
	var r Reader
	src := &script{chunks: [][]byte{in}}
	for i := range want {
		if err := r.Read(src, &Limits{}, rec); err != errStop || len(rec.events) != i+1 || src.reads != 1 {
			t.Fatal(i, err, rec.events, src.reads)
		}
	}
	if r.Pending() {
		t.Error("something is left")
	}
	if err := r.Read(src, &Limits{}, rec); err != io.EOF || !slices.Equal(rec.events, want) {
		t.Error(err, rec.events)
	}
}

// A peer that sends without end lets others have their turn.
func TestTurn(t *testing.T) {
	in := bytes.Repeat(frame(fin|text, strings.Repeat("x", 1000)), 1000)
	src := &script{chunks: [][]byte{in}}
	var r Reader
	count := &counter{}
	turns := 0
	err := error(nil)
	for ; err == nil; turns++ {
		err = r.Read(src, &Limits{}, count)
	}
	if err != io.EOF || count.n != 1000 || turns < 10 {
		t.Error(err, count.n, turns)
	}
}

// A header costs what it is, not what it announces, and a slow sender what it
// has sent.
func TestPromises(t *testing.T) {
	var r Reader
	lim := &Limits{MaxMessage: 100 << 20}
	head := []byte{fin | bin, 0xff, 0, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4}
	src := &script{chunks: [][]byte{head, make([]byte, 100)}, block: true}
	for range 2 {
		if err := r.Read(src, lim, &recorder{}); err != errBlock {
			t.Fatal(err)
		}
	}
	if n := len(r.st.kept); r.st.in != nil || r.st.msg != nil || n != len(head)+100 {
		t.Error("holds more than has come:", n)
	}
	if !r.Pending() {
		t.Error("not pending")
	}
	r.Release()
}

// Messages of sizes around those of buffers and headers come through, in
// pieces of any size.
func TestSizes(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 127, 8178, 8179, 8192, 8193, 16384, 65535, 65536, 200000, 1 << 20} {
		payload := strings.Repeat("0123456", size/7+1)[:size]
		in := frames(frame(fin|text, payload), frame(bin, payload[:size/3]), frame(fin, payload[size/3:]), frame(fin|text, "end"))
		for _, piece := range []int{1, 7, 100, 4096, 8192, 1 << 30} {
			if piece < 100 && size > 9000 || piece < 4096 && size > 100000 {
				continue
			}
			var chunks [][]byte
			for b := in; len(b) > 0; {
				n := min(piece, len(b))
				chunks = append(chunks, b[:n:n])
				b = b[n:]
			}
			rec := &recorder{}
			var r Reader
			err := readAll(&r, &Limits{}, rec, chunks...)
			want := []string{event(Text, []byte(payload)), event(Binary, []byte(payload)), `text "end"`}
			if err != io.EOF || !slices.Equal(rec.events, want) || r.Pending() {
				t.Errorf("%d in pieces of %d: %q, %v", size, piece, rec.events, err)
			}
		}
	}
}

// Client frames are for servers, server frames for clients.
func TestClientSide(t *testing.T) {
	lim := &Limits{Client: true}
	rec := &recorder{}
	var r Reader
	in := AppendFrame(AppendFrame(nil, Text, []byte("a")), Ping, nil)
	if err := readAll(&r, lim, rec, in); err != io.EOF || !slices.Equal(rec.events, []string{`text "a"`, `ping ""`}) {
		t.Error(rec.events, err)
	}
	if err := readAll(&r, lim, rec, frame(fin|text, "a")); !errors.Is(err, errUnmask) {
		t.Error(err)
	}
}

// A handler may end the connection with an error of ours.
func TestHandlerRefuses(t *testing.T) {
	mine := &Error{PolicyViolation, "no"}
	rec := &recorder{stop: func(int) error { return mine }}
	var r Reader
	for range 2 {
		if err := readAll(&r, &Limits{}, rec, frame(fin|text, "a")); err != mine {
			t.Error(err)
		}
	}
	if len(rec.events) != 1 {
		t.Error(rec.events)
	}
}

func TestReaderSize(t *testing.T) {
	if n := unsafe.Sizeof(Reader{}); n > 24 {
		t.Errorf("an idle Reader has %d bytes", n)
	}
}

// The usual message, a whole frame in one read, is delivered without a copy or
// an allocation; so are many of them, and control frames.
func TestReaderAllocates(t *testing.T) {
	if raceEnabled {
		return // sync.Pool drops things on purpose then
	}
	whole := frames(frame(fin|text, "hello"), frame(fin|byte(Pong), ""), frame(fin|bin, strings.Repeat("x", 4000)))
	in := bytes.Clone(whole)
	src := &script{block: true}
	var r Reader
	count := &counter{}
	lim := &Limits{}
	chunks := make([][]byte, 1)
	if n := testing.AllocsPerRun(200, func() {
		copy(in, whole)
		chunks[0] = in
		src.chunks = chunks
		if err := r.Read(src, lim, count); err != errBlock {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if count.n != 3*201 {
		t.Error(count.n)
	}
}
