//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestParseFrame(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 65535, 65536} {
		want := bytes.Repeat([]byte{'x'}, size)
		// A client frame with key 0 is a server frame plus mask bit and key.
		client := appendFrame(nil, opText, 0, want)
		head := len(client) - size - 4
		server := append(append([]byte{}, client[:head]...), want...)
		server[1] &^= 0x80
		for cut := range min(len(server), 20) {
			if _, _, err := parseFrame(server[:cut]); err != errShort {
				t.Fatalf("size %d cut to %d: %v", size, cut, err)
			}
		}
		f, n, err := parseFrame(append(server, 0x81))
		if err != nil || n != len(server) || f.op != opText || !f.fin || !bytes.Equal(f.payload, want) {
			t.Fatalf("size %d: %+v %d %v", size, f, n, err)
		}
	}
	if _, _, err := parseFrame([]byte{0x81, 0x80}); err == nil || err == errShort {
		t.Fatal("masked server frame accepted")
	}
}

func TestMask(t *testing.T) {
	const key = 0x04030201
	b := make([]byte, 21)
	mask(b, key)
	for i, v := range b {
		if v != byte(i%4+1) {
			t.Fatalf("byte %d is %d", i, v)
		}
	}
}

func TestPayload(t *testing.T) {
	for _, kind := range []string{"string", "object"} {
		for _, size := range []int{64, 1024} {
			p, err := newPayload(kind, size)
			if err != nil {
				t.Fatal(err)
			}
			text := p.set(1234567)
			if !json.Valid(text) {
				t.Fatalf("%s:%d is not JSON: %s", kind, size, text)
			}
			if kind == "string" && len(text) != size || size == 1024 && len(text) != size {
				t.Errorf("%s:%d has %d bytes", kind, size, len(text))
			}
			if seq, ok := findSeq(text); !ok || seq != 1234567 {
				t.Errorf("%s:%d: sequence %d %v", kind, size, seq, ok)
			}
		}
	}
	if _, ok := findSeq([]byte(`#12`)); ok {
		t.Error("short sequence accepted")
	}
}

func TestHist(t *testing.T) {
	h := new(hist)
	for i := int64(1); i <= 100000; i++ {
		h.add(i)
	}
	for _, q := range []float64{.5, .9, .99} {
		got, want := float64(h.quantile(q)), q*100000
		if got < want || got > want*1.04 {
			t.Errorf("quantile %v is %v", q, got)
		}
	}
	curve := h.summary(true).Curve
	if len(curve) != len(curveAt) || h.summary(false).Curve != nil {
		t.Fatalf("%d points", len(curve))
	}
	for i := 1; i < len(curve); i++ {
		if curve[i][1] < curve[i-1][1] {
			t.Errorf("the curve falls at %v", curve[i])
		}
	}
	for v := int64(0); v < 1<<20; v += 7 {
		b := bucketOf(v)
		if lo, hi := bucketFloor(b), bucketFloor(b+1); v < lo || v >= hi {
			t.Fatalf("%d in bucket %d [%d,%d)", v, b, lo, hi)
		}
	}
}

// TestInput feeds a session to one client byte by byte.
func TestInput(t *testing.T) {
	server := func(msg string) []byte { return append([]byte{0x81, byte(len(msg))}, msg...) }
	stream := []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
	stream = append(stream, server(`0{"sid":"x"}`)...)
	stream = append(stream, server(`40`)...)
	stream = append(stream, server(`42["broadcast",1]`)...)
	l := &loop{opt: dialOptions{dialect: dialect{eio: 3}}, busy: 1}
	var got []string
	l.message = func(_ *conn, p []byte) { got = append(got, string(p)) }
	c := &conn{state: stUpgrade}
	var held []byte
	for _, b := range stream {
		rest, err := l.input(c, append(held, b))
		if err != nil {
			t.Fatal(err)
		}
		held = append([]byte{}, rest...)
	}
	if l.ready != 1 || len(got) != 1 || got[0] != `2["broadcast",1]` {
		t.Fatalf("ready %d, got %q", l.ready, got)
	}
}

func TestProcList(t *testing.T) {
	var l procList
	if err := l.Set("12,redis=34"); err != nil || len(l) != 2 || l[0].name != "node0" || l[0].pid != 12 ||
		l[1].name != "redis" || l[1].pid != 34 {
		t.Fatalf("%v %+v", err, l)
	}
	for _, bad := range []string{"", "x", "redis=", "-1"} {
		if err := new(procList).Set(bad); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}

func TestGrowth(t *testing.T) {
	for _, c := range []struct {
		series []int64
		want   int64
	}{{nil, 0}, {[]int64{5}, 0}, {[]int64{100, 900, 10, 20, 30, 40}, 10}} {
		if got := growth(c.series); got != c.want {
			t.Errorf("%v: %d, want %d", c.series, got, c.want)
		}
	}
}

func TestFinishWithoutTime(t *testing.T) {
	var r result
	r.finish(new(gauge), 1000, 5)
	if _, err := json.Marshal(r); err != nil {
		t.Error("a window of no length:", err)
	}
}
