package httpconn

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// FuzzHead: what is taken for simple is read as net/http reads it.
func FuzzHead(f *testing.F) {
	for _, s := range []string{
		"GET /engine.io/?EIO=4 HTTP/1.1\r\nHost: host.example\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n",
		"POST /engine.io/?EIO=4 HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: 2\r\n\r\n4x",
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive\r\nOrigin: http://a\r\nAccept-Encoding: gzip, deflate\r\n\r\n",
		"GET /a?b HTTP/1.1\r\nhost:a\r\nX: \t y \r\nConnection: close\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 007\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "GET / HTTP/1.1\nHost: a\n\n",
		"GET /?? HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: same-origin\r\nX-Forwarded-Host: b\r\nX-Forwarded-Proto: https\r\nForwarded: for=a\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Request
		size, result := h.parse(b)
		if result != simple {
			return
		}
		in := bufio.NewReader(bytes.NewReader(b))
		r, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("net/http refuses it: %v", err)
		}
		method := http.MethodGet
		if h.Post {
			method = http.MethodPost
		}
		if r.Method != method || r.ContentLength != int64(h.Length) || r.Close != h.close || r.Header.Get("Accept-Encoding") != string(h.Accept) ||
			len(r.TransferEncoding) > 0 || r.Header.Get("Upgrade") != "" || r.URL.RawQuery != string(h.Query) || size != len(b)-in.Buffered() {
			t.Fatalf("%+v, net/http: %+v", h, r)
		}
		if !h.has(same(r)) || h.has(same(r)+"\n") || h.has("/x"+same(r)) {
			t.Fatalf("in common: not %q", same(r))
		}
		if h.Octets != strings.EqualFold(r.Header.Get("Content-Type"), "application/octet-stream") {
			t.Fatal("type")
		}
		again, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(h.Head)))
		if err != nil || again.RequestURI != r.RequestURI {
			t.Fatalf("the head alone: %v", err)
		}
	})
}

// TestValues: looking at eight characters at a time is looking at each.
func TestValues(t *testing.T) {
	for size := range 20 {
		b := bytes.Repeat([]byte("a"), size)
		for at := range b {
			for c := range 256 {
				for _, beside := range []byte("a\t\xff") {
					for i := range b {
						b[i] = beside
					}
					b[at] = byte(c)
					if allInValue(b) != all(b, inValue) {
						t.Fatalf("%q", b)
					}
				}
			}
		}
	}
	for c := range 256 {
		if want := c >= ' ' && c != 0x7f || c == '\t'; all([]byte{byte(c)}, inValue) != want {
			t.Errorf("%q", rune(c))
		}
	}
}
