package ws

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// A frame that is made around its payload is the frame that is made by
// copying, and takes no memory.
func TestFrameInPlace(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 65535, 65536} {
		buf := make([]byte, HeaderRoom+n)
		for i := range buf[HeaderRoom:] {
			buf[HeaderRoom+i] = byte(i)
		}
		want := AppendFrame(nil, Binary, buf[HeaderRoom:])
		var got []byte
		if a := testing.AllocsPerRun(10, func() { got = FrameInPlace(buf, Binary) }); a != 0 {
			t.Errorf("%d bytes: %v allocations", n, a)
		}
		if !bytes.Equal(got, want) || &got[len(got)-1] != &buf[len(buf)-1] && n > 0 {
			t.Errorf("%d bytes: %x", n, got[:min(len(got), 20)])
		}
	}
}

func TestHeaders(t *testing.T) {
	for n, want := range map[int]string{
		0:       "8200",
		125:     "827d",
		126:     "827e007e",
		65535:   "827effff",
		65536:   "827f0000000000010000",
		1 << 30: "827f0000000040000000",
	} {
		if got := fmt.Sprintf("%x", appendUnmasked(nil, Binary, n)); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

func TestMask(t *testing.T) {
	plain := make([]byte, 200)
	for i := range plain {
		plain[i] = byte(i * 7)
	}
	for n := range plain {
		for from := range 9 { // unaligned too
			b := bytes.Clone(plain)
			got := b[from:max(from, n)]
			mask(got, key)
			for i, v := range got {
				if v != plain[from+i]^key[i%4] {
					t.Fatalf("%d from %d: byte %d", n, from, i)
				}
			}
			if !bytes.Equal(b[:from], plain[:from]) || !bytes.Equal(b[max(from, n):], plain[max(from, n):]) {
				t.Fatal("more than that")
			}
		}
	}
}

func TestAppendClose(t *testing.T) {
	for _, c := range []struct {
		code   CloseCode
		reason string
		want   string
	}{
		{NoStatus, "ignored", "\x88\x00"},
		{NormalClosure, "", "\x88\x02\x03\xe8"},
		{GoingAway, "bye", "\x88\x05\x03\xe9bye"},
		{GoingAway, strings.Repeat("x", 123), "\x88\x7d\x03\xe9" + strings.Repeat("x", 123)},
		{GoingAway, strings.Repeat("x", 124), "\x88\x7d\x03\xe9" + strings.Repeat("x", 123)},
		{GoingAway, strings.Repeat("x", 122) + "ä", "\x88\x7c\x03\xe9" + strings.Repeat("x", 122)},
	} {
		got := AppendClose(nil, c.code, c.reason)
		if string(got) != c.want {
			t.Errorf("%d %q: %q", c.code, c.reason, got)
		}
		code, reason := ParseClose(got[2:])
		if code != c.code || !utf8.ValidString(reason) {
			t.Errorf("%d %q comes back as %d %q", c.code, c.reason, code, reason)
		}
	}
}

// What AppendMaskedFrame makes, a Reader reads.
func TestMaskedFrame(t *testing.T) {
	for _, n := range []int{0, 125, 126, 70000} {
		payload := bytes.Repeat([]byte{'z'}, n)
		got, err := read(Limits{}, false, AppendMaskedFrame(nil, Text, payload, key))
		if err != io.EOF || len(got) != 1 || got[0] != event(Text, payload) {
			t.Error(n, got, err)
		}
	}
	if !bytes.Equal(AppendMaskedFrame(nil, Text, []byte("Hello"), key), []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")) {
		t.Error("not as in RFC 6455, 5.7")
	}
}
