package httpconn

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
)

// What net/http has read is read here as if it had come here, or not at all; and
// what goes on to another server is all but what is for this connection.
func TestAgain(t *testing.T) {
	read := func(text string) *http.Request {
		t.Helper()
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	head := "POST /x?a=b:c HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nCookie: c\r\nX-Own: 1\r\nX-Own: 2\r\n"
	q := Again(read(head+"Connection: keep-alive\r\nTe: x\r\nKeep-Alive: 1\r\nProxy-Connection: x\r\n\r\nhi"), []byte("hi"))
	if q == nil || !q.Post || string(q.Target) != "/x?a=b:c" || string(q.Host) != "h" || string(q.Body) != "hi" {
		t.Fatalf("%+v", q)
	}
	if got := string(q.AppendOnward(nil)); got != head {
		t.Errorf("%q goes on, not %q", got, head)
	}
	if got := fmt.Sprint(q.Values("X-Own"), q.Values("x-own"), q.Values("Other")); got != "[1 2] [1 2] []" {
		t.Error(got)
	}
	odd := read(head + "\r\nhi")
	odd.Header.Set("X-Own", "a\r\n\r\nb")
	if q := Again(odd, []byte("hi")); q == nil || len(q.Values("X-Own")) != 1 {
		t.Error("a value with line breaks is not one line")
	}
	for name, text := range map[string]string{
		"another method":  "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n",
		"an upgrade":      "GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
		"another length":  "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n",
		"a proxy's":       "GET http://h/x HTTP/1.1\r\nHost: h\r\n\r\n",
		"a long head":     "GET /x HTTP/1.1\r\nHost: h\r\nA: " + strings.Repeat("x", maxHead) + "\r\n\r\n",
		"an expectation":  "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
		"a target's half": "GET /x?#y HTTP/1.1\r\nHost: h\r\n\r\n",
	} {
		if Again(read(text), []byte("hi")) != nil {
			t.Error(name)
		}
	}
}

// partly answers in parts, as long as there is room for more.
type partly struct {
	owner
	left    int
	drained chan bool
}

func (p *partly) Drained() { p.drained <- true }

// An answer in parts waits for the client, who has the usual time for each part.
func TestParts(t *testing.T) {
	if !netpoll.Supported {
		return // nothing is taken over
	}
	s := newSite(t, Config{}, nil)
	took := make(chan *partly, 1)
	s.front = func(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
		if r.URL.RawQuery == "parts" {
			p := &partly{owner: owner{s: s}, left: 200, drained: make(chan bool, 1000)}
			s.conns.Take(&p.Conn, p, w, r)
			took <- p
		}
		return w
	}
	c := s.dial()
	c.send(get("/parts?parts"))
	p := <-took
	part := bytes.Repeat([]byte("x"), 100_000)
	_, err := p.Part(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", p.left*len(part)), nil)
	if err != nil {
		t.Fatal(err)
	}
	waited := 0
	got := make(chan int)
	for ; p.left > 0; p.left-- {
		room, err := p.Part(part, nil)
		if err != nil {
			t.Fatal(err)
		}
		if room {
			continue
		}
		if waited++; waited == 1 {
			go func() {
				text, _ := c.answer()
				got <- len(text)
			}()
		}
		<-p.drained
	}
	if err := p.Answer(nil, false); err != nil {
		t.Error(err)
	}
	if n := <-got; n != 200*len(part) {
		t.Errorf("%d bytes", n)
	}
	c.send(get("/parts?then"))
	c.wants("then")
	p.EndIdle()
	c.ended()
}
