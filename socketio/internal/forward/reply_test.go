package forward

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// relayed is what a client gets of an answer that comes in pieces of so many
// bytes; ok: it is whole. used is how much of it that is.
func relayed(answer []byte, piece int) (out []byte, used int, ok bool) {
	var p reply
	var head []byte
	for at := 0; at < len(answer); {
		b := answer[at:min(at+piece, len(answer))]
		at += len(b)
		if p.form == unknown {
			head = append(head, b...)
			size, err := p.head(head)
			if err != nil {
				return out, at, false
			}
			if size == 0 {
				continue
			}
			if p.status >= 200 {
				out = p.appendHead(out, head[:size], "X-Ours: 1\r\nVary: ours\r\n", p.form == untilEnd)
			}
			b, head = head[size:], nil
			if p.status < 200 {
				p = reply{}
				at -= len(b)
				continue
			}
		}
		n, pass, done, err := p.body(b)
		if err != nil {
			return out, at, false
		}
		out = append(out, b[:pass]...)
		if done {
			if p.form == chunked {
				out = append(out, bodyEnd...)
			}
			return out, at - len(b) + n, true
		}
	}
	return out, len(answer), p.form == untilEnd
}

// FuzzReply: what is relayed of an answer is read by its client as net/http would
// have read the answer itself, whatever the pieces in which it comes, and nothing
// is relayed that net/http does not read.
func FuzzReply(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nVary: x\r\n\r\nabcmore",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\nmore",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nA: b\r\n\r\n",
		"HTTP/1.0 200 OK\r\nConnection: a, close\r\nA: 1\r\nB: 2\r\n\r\nall",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
		"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\nC: d\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0 \n\r\n",
		"HTTP/1.A 200\r\n\r\n",
		"HTTP/1.1 200 \r\nTransfer-Encoding:chunked\r\n\r\n3\r\nabc\r\nA;\r\n0123456789\r\n0\r\nT@ 1\r\n\r\n",
		"HTTP/1.0 200 \r\n\"0000: 0\r\n\r\n0000",
		"HTTP/1.0 200 \r\nTransfer-Encoding:chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000003\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000003\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: " + strings.Repeat("t", 2000) + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: " + strings.Repeat("t", 5000) + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;" + strings.Repeat("x", 5000) + "\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		out, used, ok := relayed(answer, len(answer)+1)
		for _, piece := range []int{1, 2, 7} {
			o, u, k := relayed(answer, piece)
			if k != ok || ok && (!bytes.Equal(o, out) || u != used) {
				t.Fatalf("in pieces of %d: %q, %d, %v; at once %q, %d, %v", piece, o, u, k, out, used, ok)
			}
		}
		if !ok {
			return
		}
		want, wantBody := readAnswer(t, answer[:used])
		got, gotBody := readAnswer(t, out)
		if got.StatusCode != want.StatusCode || gotBody != wantBody {
			t.Fatalf("%d %q, not %d %q", got.StatusCode, gotBody, want.StatusCode, wantBody)
		}
		header := endToEnd(want.Header)
		for k, v := range map[string]string{"X-Ours": "1", "Vary": "ours"} {
			if header[k] == nil {
				header[k] = []string{v}
			}
		}
		if want.TransferEncoding != nil {
			delete(header, "Content-Length")
		}
		if !maps.EqualFunc(header, endToEnd(got.Header), slices.Equal) {
			t.Fatalf("%v, not %v", got.Header, header)
		}
	})
}

// readAnswer reads the last answer of b, as interim ones have gone before it.
func readAnswer(t *testing.T, b []byte) (*http.Response, string) {
	r := bufio.NewReader(bytes.NewReader(b))
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if resp.StatusCode < 200 {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		return resp, string(body)
	}
}

// A length that overflows, and chunks likewise, are malformed.
func TestEndlessReplies(t *testing.T) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\nx",
		"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", maxReplyHead),
	} {
		if _, used, ok := relayed([]byte(s), 8<<10); ok || used == 0 {
			t.Errorf("%.60q is taken for an answer", s)
		}
	}
}

// Behind the last chunk, and in the line of one, there is room for so much and no
// more, however it is divided: it costs the node that relays it, and is of no use
// to the client.
func TestEndlessAside(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
	for name, s := range map[string]string{
		"trailers":            "0\r\n" + strings.Repeat("A: b\r\n", 100_000),
		"a trailer":           "0\r\nA: " + strings.Repeat("b", 1<<20),
		"a trailer's name":    "0\r\n" + strings.Repeat("A", 1<<20),
		"an extension":        "3;" + strings.Repeat("x", 1<<20),
		"spaces":              "3" + strings.Repeat(" ", 1<<20),
		"digits":              strings.Repeat("0", 1<<20),
		"the last one's line": "0;" + strings.Repeat("x", 1<<20),
	} {
		for _, piece := range []int{100, 8 << 10} {
			if _, used, ok := relayed([]byte(head+s), piece); ok || used > 16<<10 {
				t.Errorf("%s, in pieces of %d: %d bytes are read, %v", name, piece, used, ok)
			}
		}
	}
	var chunks strings.Builder
	for range 10_000 { // each has its own
		chunks.WriteString("1;" + strings.Repeat("x", 200) + "\r\nx\r\n")
	}
	chunks.WriteString("0\r\nA: b\r\n\r\n")
	for _, piece := range []int{100, 8 << 10} {
		if _, _, ok := relayed([]byte(head+chunks.String()), piece); !ok {
			t.Errorf("in pieces of %d: many short lines are malformed", piece)
		}
	}
}
