package ws

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func request(fields map[string][]string) *http.Request {
	r := &http.Request{Method: "GET", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{
		"Connection":            {"keep-alive, Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {"dGhlIHNhbXBsZSBub25jZQ=="},
	}}
	for k, v := range fields {
		if r.Header[k] = v; v == nil {
			delete(r.Header, k)
		}
	}
	return r
}

func TestHandshake(t *testing.T) {
	h, err := ParseHandshake(request(map[string][]string{
		"Connection":               {"keep-alive", "foo,\tUPGRADE ,"},
		"Upgrade":                  {"h2c, WebSocket"},
		"Sec-Websocket-Protocol":   {"chat, superchat", "v2"},
		"Sec-Websocket-Extensions": {"permessage-deflate; client_max_window_bits"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if p := h.Protocols(); !slices.Equal(p, []string{"chat", "superchat", "v2"}) {
		t.Error(p)
	}
	b := h.AppendResponse(nil, "chat", true, http.Header{
		"Set-Cookie": {"a=1", "b=2\r\nEvil: yes"}, "Bad Name": {"x"}, "Upgrade": {"x"}, "Sec-WebSocket-Accept": {"x"}, "A": {"1"},
	})
	const want = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n" +
		"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n" +
		"A: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2  Evil: yes\r\n\r\n"
	if string(b) != want {
		t.Errorf("%q", b)
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
	if err != nil || resp.StatusCode != 101 {
		t.Error(resp, err)
	}
	if b := h.AppendResponse([]byte("x"), "", false, nil); bytes.Contains(b, []byte("xtensions")) || b[0] != 'x' {
		t.Errorf("%q", b)
	}
}

func TestHandshakeRefused(t *testing.T) {
	post := request(nil)
	post.Method = "POST"
	old := request(nil)
	old.Proto, old.ProtoMinor = "HTTP/1.0", 0
	two := request(nil)
	two.Proto, two.ProtoMajor, two.ProtoMinor = "HTTP/2.0", 2, 0
	for name, c := range map[string]struct {
		r      *http.Request
		status int
	}{
		"post":           {post, 405},
		"http/1.0":       {old, 505},
		"http/2":         {two, 505},
		"no connection":  {request(map[string][]string{"Connection": nil}), 400},
		"connection":     {request(map[string][]string{"Connection": {"upgraded", "x upgrade"}}), 400},
		"no upgrade":     {request(map[string][]string{"Upgrade": nil}), 400},
		"upgrade":        {request(map[string][]string{"Upgrade": {"websocket2"}}), 400},
		"no version":     {request(map[string][]string{"Sec-Websocket-Version": nil}), 426},
		"version 8":      {request(map[string][]string{"Sec-Websocket-Version": {"8"}}), 426},
		"versions":       {request(map[string][]string{"Sec-Websocket-Version": {"13", "13"}}), 426},
		"no key":         {request(map[string][]string{"Sec-Websocket-Key": nil}), 400},
		"keys":           {request(map[string][]string{"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="}}), 400},
		"short key":      {request(map[string][]string{"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25j"}}), 400},
		"15 bytes":       {request(map[string][]string{"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25j===="}}), 400},
		"18 bytes":       {request(map[string][]string{"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZWFh"}}), 400},
		"not base64":     {request(map[string][]string{"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZ!=="}}), 400},
		"newlines":       {request(map[string][]string{"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25j\n\n\n\n"}}), 400},
		"protocol":       {request(map[string][]string{"Sec-Websocket-Protocol": {"a b"}}), 400},
		"same protocols": {request(map[string][]string{"Sec-Websocket-Protocol": {"a,b", "a"}}), 400},
	} {
		_, err := ParseHandshake(c.r)
		var e *HandshakeError
		if !errors.As(err, &e) || e.Status != c.status {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !IsUpgrade(request(map[string][]string{"Sec-Websocket-Key": nil})) || IsUpgrade(request(map[string][]string{"Upgrade": nil})) {
		t.Error("IsUpgrade")
	}
}

// CVE-2024-37890: a request with so many headers that the one which matters is
// not among them is refused, and nothing else happens.
func TestCVE202437890ManyHeaders(t *testing.T) {
	r := request(map[string][]string{"Upgrade": nil})
	for i := range 5000 {
		r.Header["X-"+strings.Repeat("a", i)] = []string{"1"}
	}
	if _, err := ParseHandshake(r); err != error(errUpgrade) {
		t.Error(err)
	}
}

// CVE-2021-32640: headers that are made to be slow to parse take a time that is
// linear in their length.
func TestCVE202132640SlowHeaders(t *testing.T) {
	// No clock is asked: what is not linear would not end within the time a test
	// run has.
	const n = 1 << 18 // quadratic, each would take minutes
	for _, evil := range []string{
		"b" + strings.Repeat(" ", n) + "x",
		strings.Repeat(",", n),
		strings.Repeat(", ", n/2),
		strings.Repeat("a,", n/2),
		strings.Repeat("permessage-deflate,", n/20),
		"permessage-deflate" + strings.Repeat(";a", n/2),
		"permessage-deflate;" + strings.Repeat("\"\\", n/2),
		strings.Repeat("\"", n),
		"permessage-deflate;server_max_window_bits" + strings.Repeat(" ", n) + "=9",
	} {
		for _, field := range []string{"Sec-Websocket-Protocol", "Sec-Websocket-Extensions", "Connection", "Upgrade"} {
			if h, err := ParseHandshake(request(map[string][]string{field: {evil}})); err == nil {
				h.Protocols()
			}
		}
	}
}

func TestDeflateOffers(t *testing.T) {
	const base = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	for offer, want := range map[string]string{
		"":                   "",
		"permessage-deflate": base,
		"Permessage-Deflate;client_max_window_bits":                                  base,
		"permessage-deflate; client_max_window_bits=8":                               base,
		"permessage-deflate; client_max_window_bits=\"15\"":                          base,
		"permessage-deflate; server_max_window_bits=15":                              base + "; server_max_window_bits=15",
		"permessage-deflate; server_max_window_bits=10":                              base + "; server_max_window_bits=10",
		"permessage-deflate; server_max_window_bits=7":                               "",
		"permessage-deflate; server_max_window_bits=08":                              "",
		"permessage-deflate; server_max_window_bits=16":                              "",
		"permessage-deflate; server_max_window_bits=":                                "",
		"permessage-deflate; server_max_window_bits=8, permessage-deflate":           base + "; server_max_window_bits=8",
		"permessage-deflate; server_max_window_bits":                                 "",
		"permessage-deflate; client_max_window_bits=16":                              "",
		"permessage-deflate; client_max_window_bits=08":                              "",
		"permessage-deflate; client_no_context_takeover; server_no_context_takeover": base,
		"permessage-deflate; client_no_context_takeover=1":                           "",
		"permessage-deflate; client_no_context_takeover; client_no_context_takeover": "",
		"permessage-deflate; unknown":                                                "",
		"permessage-deflate; unknown=\"a, permessage-deflate; b\"":                   "",
		"x-webkit-deflate-frame, permessage-bzip2; a=b , permessage-deflate":         base,
		"permessage-deflate-2":                                                       "",
	} {
		h, err := ParseHandshake(request(map[string][]string{"Sec-Websocket-Extensions": {offer}}))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for line := range strings.Lines(string(h.AppendResponse(nil, "", true, nil))) {
			if v, ok := strings.CutPrefix(line, "Sec-WebSocket-Extensions: "); ok {
				got = strings.TrimSpace(v)
			}
		}
		if got != want || h.Deflate() != (want != "") {
			t.Errorf("%s: %q", offer, got)
		}
	}
}

// To check and answer a handshake does not allocate.
func TestHandshakeAllocates(t *testing.T) {
	r := request(nil)
	buf := make([]byte, 0, 512)
	if n := testing.AllocsPerRun(100, func() {
		h, err := ParseHandshake(r)
		if err != nil {
			t.Fatal(err)
		}
		buf = h.AppendResponse(buf[:0], "", true, nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
