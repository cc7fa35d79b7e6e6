package ws

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// reference decodes all of in, which never ends within a frame that it accepts,
// in the plainest way. It is what Reader is compared with.
func reference(in []byte, lim Limits, deflate bool) (events []string, code CloseCode) {
	var msg []byte
	var open Op
	var packed, begun bool
	frames, overhead := 0, 0
	for len(in) >= 2 {
		op, fin, rsv := Op(in[0]&15), in[0]&0x80 != 0, in[0]&0x70
		control := op >= 8
		n, size := uint64(in[1]&0x7f), 2
		switch {
		case rsv&0x30 != 0, rsv != 0 && !deflate, in[1]&0x80 == 0:
			return events, ProtocolError
		case op > 10, op > 2 && op < 8:
			return events, ProtocolError
		case control && (n > 125 || !fin || rsv != 0):
			return events, ProtocolError
		case op == 0 && (!begun || rsv != 0), (op == 1 || op == 2) && begun:
			return events, ProtocolError
		}
		if n == 126 {
			if size = 4; len(in) < size {
				return events, 0
			}
			if n = uint64(in[2])<<8 | uint64(in[3]); n < 126 {
				return events, ProtocolError
			}
		} else if n == 127 {
			if size = 10; len(in) < size {
				return events, 0
			}
			if n = binary.BigEndian.Uint64(in[2:]); n < 65536 || n >= 1<<63 {
				return events, ProtocolError
			}
		}
		if !control {
			most := uint64(lim.MaxMessage)
			if rsv != 0 || begun && packed {
				most = uint64(deflateBound(lim.MaxMessage))
			}
			if n > most || n+uint64(len(msg)) > most {
				return events, TooBig
			}
		}
		if uint64(len(in)) < uint64(size)+4+n {
			return events, 0
		}
		payload := bytes.Clone(in[size+4:][:n])
		for i := range payload {
			payload[i] ^= in[size+i%4]
		}
		in = in[size+4+int(n):]
		if begun || !fin {
			frames++
			overhead += size + 4
			if control {
				overhead += int(n)
			}
			if frames > lim.MaxFragments || overhead > lim.MaxOverhead {
				return events, PolicyViolation
			}
		}
		if control {
			if op == Close {
				switch {
				case n == 1:
					return events, ProtocolError
				case n > 1 && !CloseCode(binary.BigEndian.Uint16(payload)).sendable():
					return events, ProtocolError
				case n > 1 && !utf8.Valid(payload[2:]):
					return events, InvalidPayload
				}
				return append(events, event(op, payload)), 0
			}
			events = append(events, event(op, payload))
			continue
		}
		if op != 0 {
			open, packed, msg, begun = op, rsv != 0, nil, true
		}
		msg = append(msg, payload...)
		if !fin {
			continue
		}
		begun = false
		whole := msg
		if packed {
			var ok bool
			if whole, ok = plainInflate(msg, lim.MaxMessage); !ok {
				return events, InvalidPayload
			}
			if len(whole) > lim.MaxMessage {
				return events, TooBig
			}
		}
		if open == Text && !utf8.Valid(whole) {
			return events, InvalidPayload
		}
		events = append(events, event(open, whole))
		msg, frames, overhead = nil, 0, 0
	}
	return events, 0
}

func plainInflate(msg []byte, most int) ([]byte, bool) {
	src := bytes.NewReader(append(bytes.Clone(msg), inflateTail...))
	var out []byte
	for n := 0; src.Len() > 0; n++ {
		r := flate.NewReaderDict(src, out[max(0, len(out)-32<<10):])
		part, err := io.ReadAll(io.LimitReader(r, int64(most-len(out)+1)))
		if out = append(out, part...); len(out) > most {
			return out, true
		}
		if err != nil || n == maxStreams {
			return nil, false
		}
	}
	return out, true
}

// FuzzReader feeds the same input in one piece and in pieces of all sizes, with
// a handler that stops at some messages. What is delivered and how it ends
// must be what the reference says.
func FuzzReader(f *testing.F) {
	d := newDeflater(f, 1)
	for _, in := range [][]byte{
		nil,
		frame(fin|text, "Hello"),
		frames(frame(text, "Hel"), frame(fin|byte(Ping), "now"), frame(fin, "lo"), frame(fin|byte(Close), "\x03\xe8bye")),
		frame(fin|bin, strings.Repeat("x", 300)),
		frames(frame(fin|text, strings.Repeat("x", 9000)), frame(fin|text, "y")),
		asClient(d.AppendFrame(nil, Text, []byte(strings.Repeat("Hello", 100)))),
		frames(frame(rsv1Bit|text, "\xf2\x48\xcd"), frame(fin, "\xc9\xc9\x07\x00")),
		frame(fin|rsv1Bit|text, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"),
		frame(fin|text, "\xff"),
		{fin | text, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		frames(frame(bin, ""), bytes.Repeat(frame(0, ""), 30)),
		AppendFrame(nil, Text, []byte("unmasked")),
	} {
		f.Add(in, uint64(0x123456789), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64, deflate bool) {
		lim := Limits{MaxMessage: 100 << 10, MaxFragments: 20, MaxOverhead: 400}
		events, code := reference(in, lim, deflate)
		check := func(how string, rec *recorder, r *Reader, err error) {
			t.Helper()
			got := CloseCode(0)
			if e, ok := err.(*Error); ok {
				got = e.Code
			} else if err != io.EOF {
				t.Fatalf("%s: %v", how, err)
			}
			if got != code || !slices.Equal(rec.events, events) {
				t.Fatalf("%s: %q, %d\nwant %q, %d", how, rec.events, got, events, code)
			}
			r.Release()
		}
		r, rec := &Reader{Deflate: deflate}, &recorder{}
		check("whole", rec, r, readAll(r, &lim, rec, bytes.Clone(in)))

		var chunks [][]byte
		s := seed
		for b := bytes.Clone(in); len(b) > 0; {
			s = s*6364136223846793005 + 1442695040888963407
			n := min(len(b), 1+int(s>>33)%(1+len(in)/(1+int(seed%31))))
			chunks = append(chunks, b[:n:n])
			b = b[n:]
		}
		r, rec = &Reader{Deflate: deflate}, &recorder{stop: func(n int) error {
			if seed>>(n%64)&1 != 0 {
				return errStop
			}
			return nil
		}}
		check("in pieces", rec, r, readAll(r, &lim, rec, chunks...))
	})
}

// FuzzHandshake: whatever a header says, an answer is either an error or one
// that a client can read.
func FuzzHandshake(f *testing.F) {
	f.Add("websocket", "Upgrade", "chat", "permessage-deflate; client_max_window_bits", "x")
	f.Add("h2c,websocket", "keep-alive, upgrade", "a,b", "permessage-deflate; server_max_window_bits=\"15\", x; y=\"\\", "\r\nx: y")
	f.Fuzz(func(t *testing.T, upgrade, connection, protocol, extensions, value string) {
		h, err := ParseHandshake(request(map[string][]string{
			"Upgrade": {upgrade}, "Connection": {connection},
			"Sec-Websocket-Protocol": {protocol}, "Sec-Websocket-Extensions": {extensions},
		}))
		if err != nil {
			return
		}
		first := ""
		if p := h.Protocols(); len(p) > 0 {
			first = p[0]
		}
		b := h.AppendResponse(nil, first, true, map[string][]string{"X-Value": {value}, value: {"x"}})
		head, rest, ok := bytes.Cut(b, []byte("\r\n\r\n"))
		if !ok || len(rest) > 0 {
			t.Fatalf("%q", b)
		}
		for line := range bytes.SplitSeq(head, []byte("\r\n")) {
			if bytes.ContainsAny(line, "\r\n\x00") {
				t.Fatalf("%q", line)
			}
		}
	})
}
