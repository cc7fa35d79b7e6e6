package socketio_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
)

const unknownSID = `400 {"code":1,"message":"Session ID unknown"}`

// On one connection a client, or a proxy for many, may ask for anything: all that
// can be relayed is, and the rest is as it was.
func TestForwardRelayed(t *testing.T) {
	if !netpoll.Supported {
		return // nothing is taken over
	}
	a := startServed(t, 3, servings["taken over"], nil)
	far, farther, here := a.open(0), a.open(2), a.open(1)
	k := a.kept(1)
	begin := a.seen[1].Load()
	for _, sid := range []string{far, farther, here} {
		k.say(postOf(sid, "40"))
		k.hears("200 ok")
		k.say(getOf(sid))
		if got := k.hear(); !strings.HasPrefix(got, `200 40{"sid":"`) {
			t.Fatal(got)
		}
	}
	for i := range 3 {
		for _, sid := range []string{far, here, farther} {
			k.say(postOf(sid, fmt.Sprintf(`42%d["echo","x"]`, i)))
			k.hears("200 ok")
			k.say(getOf(sid))
			k.hears(fmt.Sprintf(`200 43%d["x"]`, i))
		}
	}
	if n := a.seen[1].Load() - begin; n != 1 {
		t.Errorf("net/http has read %d requests", n)
	}
	// One after the other without waiting, and byte by byte.
	k.say(postOf(far, `420["echo","a"]`) + getOf(far) + postOf(here, `420["echo","b"]`) + getOf(here) + "\r\n" + postOf(farther, `420["echo","c"]`) + getOf(farther) +
		"GET /file HTTP/1.1\r\nHost: x\r\n\r\n" + postOf(far, `420["echo","d"]`) + getOf(far))
	for _, want := range []string{"ok", `430["a"]`, "ok", `430["b"]`, "ok", `430["c"]`, "a file", "ok", `430["d"]`} {
		k.hears("200 " + want)
	}
	for _, b := range []byte(postOf(far, `420["echo","e"]`) + getOf(far)) {
		k.say(string(b))
	}
	k.hears("200 ok")
	k.hears(`200 430["e"]`)
	// Bodies and answers that are long, bodies that have no length before, and a
	// client that wants to be asked for one.
	long := strings.Repeat("é", 100_000)
	k.say(postOf(far, `420["echo","`+long+`"]`))
	k.hears("200 ok")
	k.say(getOf(far))
	k.hears(`200 430["` + long + `"]`)
	body := `420["echo","in chunks"]`
	k.say(fmt.Sprintf("POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", far, len(body), body))
	k.hears("200 ok")
	k.say(getOf(far))
	k.hears(`200 430["in chunks"]`)
	k.say(postOf(far, "3", "Expect: 100-continue"))
	k.hears("100 ")
	k.hears("200 ok")
	k.say(getOf(farther, "X-Unknown: 1", "Connection: Keep-Alive"))
	a.until("the poll is there", func() bool { return a.srv[2].Stats().Cluster.Forwards["served"] > 0 })
	s, _ := a.srv[2].Engine().Session(farther)
	s.Close("forced server close")
	k.hears("200 1")
	k.say(getOf(farther))
	k.hears(unknownSID)
	// What was refused, and no session of anybody's.
	k.say(getOf(far, "Sockeye-Forward: made up"))
	if got := k.hear(); !strings.HasPrefix(got, "403 ") {
		t.Error(got)
	}
	k.say(getOf("0123456789abcdefghij") + getOf("0123456789abcdef"+far[16:]))
	k.hears(unknownSID)
	k.hears(unknownSID)
	// It takes a WebSocket in the end.
	k.say(fmt.Sprintf("GET /socket.io/?EIO=4&transport=websocket&sid=%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", far))
	resp, err := http.ReadResponse(k.r, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatal(resp, err)
	}
	sayFrame(t, k, "2probe")
	if got := hearFrame(t, k.r); got != "3probe" {
		t.Error(got)
	}
}

// A connection on which a client of this node polls first is not lost for others.
func TestForwardRelayedLater(t *testing.T) {
	if !netpoll.Supported {
		return // nothing is taken over
	}
	a := startServed(t, 2, servings["taken over"], nil)
	far, here := a.open(0), a.open(1)
	k := a.kept(1)
	begin := a.seen[1].Load()
	for range 3 {
		for _, sid := range []string{here, far, here} {
			k.say(postOf(sid, "3"))
			k.hears("200 ok")
		}
	}
	if n := a.seen[1].Load() - begin; n != 2 {
		t.Errorf("net/http has read %d requests", n)
	}
	k.say("GET\r\n\r\n")
	if got := k.hear(); !strings.HasPrefix(got, "400 ") {
		t.Error(got)
	}
	k.closed()
	// A line without CR is refused at once.
	k = a.kept(1)
	k.say(postOf(far, "3"))
	k.hears("200 ok")
	k.say("GET /socket.io/ HTTP/1.1\nHost: x\n\n")
	if got := k.hear(); !strings.HasPrefix(got, "400 ") {
		t.Error(got)
	}
	k.closed()
	// The client wants no more after this one.
	k = a.kept(1)
	k.say(postOf(far, "3") + postOf(far, "3", "Connection: close"))
	k.hears("200 ok")
	text, header := k.answer()
	if text != "200 ok" || header.Get("Connection") != "close" {
		t.Error(text, header)
	}
	k.closed()
}

// made is a node that the test makes up: it answers what it is passed as the test
// says.
type made struct {
	t    *testing.T
	conn chan *kept // each connection that comes
}

// startMade starts a cluster in which requests for sessions of node 0 reach what
// is made up, and returns the id of a session there.
func startMade(t *testing.T, change func(o *socketio.Options)) (a *apart, m *made, sid string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m = &made{t, make(chan *kept, 100)}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			_ = nc.SetDeadline(time.Now().Add(slow.Stretch(30 * time.Second)))
			m.conn <- &kept{t, nc, bufio.NewReader(nc)}
		}
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-over
	})
	a = startServed(t, 2, servings["taken over"], func(i int, o *socketio.Options) {
		if i == 0 {
			o.ClusterOptions.Advertise = "http://" + ln.Addr().String()
		} else if change != nil {
			change(o)
		}
	})
	return a, m, a.open(0)
}

// next is the connection that comes next.
func (m *made) next() *kept {
	m.t.Helper()
	select {
	case k := <-m.conn:
		m.t.Cleanup(func() { _ = k.Close() })
		return k
	case <-time.After(slow.Stretch(20 * time.Second)):
		m.t.Fatal("no connection comes")
	}
	return nil
}

// request is the next request, with its body.
func (k *kept) request() (*http.Request, string) {
	k.t.Helper()
	r, err := http.ReadRequest(k.r)
	if err != nil {
		k.t.Fatal(err)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		k.t.Error(err)
	}
	return r, string(b)
}

// What is relayed is what came, and the answer what the node has made, however it
// tells where it ends.
func TestForwardAnswers(t *testing.T) {
	if !netpoll.Supported {
		return // nothing is taken over
	}
	a, m, sid := startMade(t, nil)
	k := a.kept(1)
	k.say(postOf(sid, "hello", "X-Own: 1", "x-own: 2", "Cookie: a=b", "TE: trailers", "Keep-Alive: 5"))
	up := m.next()
	r, body := up.request()
	if body != "hello" || fmt.Sprint(r.Header["X-Own"]) != "[1 2]" || r.Header.Get("Cookie") != "a=b" || r.Host != "x" || r.Header["Te"] != nil || r.Header["Keep-Alive"] != nil {
		t.Errorf("%q with %v", body, r.Header)
	}
	if mark := r.Header.Get("Sockeye-Forward"); !strings.Contains(mark, " "+k.LocalAddr().String()+" ") {
		t.Errorf("marked %q", mark)
	}
	say := func(answer string, pieces bool) {
		t.Helper()
		if !pieces {
			up.say(answer)
			return
		}
		for i := range answer {
			up.say(answer[i : i+1])
		}
	}
	up.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Made: yes\r\nconnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 9\r\n\r\nok")
	text, header := k.answer()
	if text != "200 ok" || header.Get("X-Made") != "yes" || header["X-Hop"] != nil || header["Keep-Alive"] != nil || header["Connection"] != nil {
		t.Error(text, header)
	}
	for name, c := range map[string]struct{ answer, want string }{
		"a length":      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "200 abc"},
		"nothing":       {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 "},
		"no content":    {"HTTP/1.1 204 No Content\r\n\r\n", "204 "},
		"no reason":     {"HTTP/1.1 404\r\nContent-Length: 1\r\n\r\nx", "404 x"},
		"chunks":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", "200 abc0123456789"},
		"no chunks":     {"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "200 "},
		"trailers":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n00\r\nX-Sum: 1\r\nY: 2\r\n\r\n", "200 abc"},
		"interim":       {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny", "200 y"},
		"an old server": {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\ny", "200 y"},
	} {
		for _, pieces := range []bool{false, true} {
			k.say(postOf(sid, name))
			if _, got := up.request(); got != name {
				t.Fatalf("%s: %q", name, got)
			}
			say(c.answer, pieces)
			k.hears(c.want)
			if name == "an old server" { // who may have closed
				k.say(postOf(sid, "again"))
				up = m.next()
				up.request()
				up.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				k.hears("200 ")
			}
		}
	}
	// Connections that are not used again.
	for name, answer := range map[string]string{
		"close":      "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx",
		"what comes": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
	} {
		k.say(postOf(sid, name))
		up.request()
		up.say(answer)
		k.hears("200 x")
		k.say(postOf(sid, "again"))
		fresh := m.next()
		up.closed()
		up = fresh
		up.request()
		up.say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny")
		k.hears("200 y")
	}
	// Its end is the connection's.
	k.say(postOf(sid, ""))
	up.request()
	up.say("HTTP/1.1 200 OK\r\n\r\nall that")
	up.say(" comes")
	_ = up.Close()
	text, header = k.answer()
	if text != "200 all that comes" || header.Get("Connection") != "close" {
		t.Error(text, header)
	}
	k.closed()
	if n, m := a.forwards(1, "passed"), a.forwards(1, "unreachable"); n != 26 || m != 0 {
		t.Errorf("%d passed, %d unreachable", n, m)
	}
}

// A node that answers wrongly, or not to the end.
func TestForwardWrongAnswers(t *testing.T) {
	if !netpoll.Supported {
		return // nothing is taken over
	}
	a, m, sid := startMade(t, nil)
	for name, answer := range map[string]string{
		"nothing":         "",
		"half a head":     "HTTP/1.1 200 OK\r\nContent-Le",
		"no HTTP":         "220 smtp\r\n\r\n",
		"no status":       "HTTP/1.1 2x0 OK\r\n\r\n",
		"two lengths":     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
		"no length":       "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx",
		"unknown coding":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
		"another line":    "HTTP/1.1 200 OK\r\nA: b\nC: d\r\nContent-Length: 1\r\n\r\nx",
		"a folded line":   "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 1\r\n\r\nx",
		"no field":        "HTTP/1.1 200 OK\r\nA\r\nContent-Length: 1\r\n\r\nx",
		"upgraded":        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"an endless head": "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 70_000),
		"no chunk":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
	} {
		k := a.kept(1)
		k.say(getOf(sid))
		up := m.next()
		up.request()
		up.say(answer)
		if len(answer) < 40 {
			_ = up.Close()
		}
		if got := k.hear(); got != unknownSID {
			t.Errorf("%s: %q", name, got)
		}
		_ = up.Close()
		_ = k.Close()
	}
	// What has begun ends in the middle.
	for name, answer := range map[string]string{
		"a length": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
		"chunks":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		"a chunk":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nabc",
		"wrongly":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n!\r\n",
	} {
		k := a.kept(1)
		k.say(getOf(sid))
		up := m.next()
		up.request()
		up.say(strings.TrimSuffix(answer, "!\r\n"))
		head := make([]byte, 12)
		if _, err := io.ReadFull(k.r, head); err != nil || string(head) != "HTTP/1.1 200" {
			t.Fatalf("%s: %q, %v", name, head, err)
		}
		if strings.HasSuffix(answer, "!\r\n") {
			up.say("!\r\n")
		} else {
			_ = up.Close()
		}
		rest, _ := io.ReadAll(k.r)
		if !bytes.Contains(rest, []byte("abc")) || bytes.HasSuffix(rest, []byte("0\r\n\r\n")) {
			t.Errorf("%s: %q", name, rest)
		}
	}
	// One that does not believe it.
	k := a.kept(1)
	k.say(getOf(sid))
	up := m.next()
	up.request()
	up.say("HTTP/1.1 403 Forbidden\r\nSockeye-Forward: refused\r\nContent-Length: 1\r\n\r\nx")
	if got := k.hear(); !strings.HasPrefix(got, `400 {"code":1,"message":"Session ID unknown: it is another node's`) {
		t.Error(got)
	}
	k.say("GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
	k.hears("200 a file")
	if n, m := a.forwards(1, "unreachable"), a.forwards(1, "refused"); n != 17 || m != 1 {
		t.Errorf("%d unreachable, %d refused", n, m)
	}
}

// A long answer is held back while the client does not take it, and comes as it
// is made; a client that takes nothing is given up, and so is one that goes.
func TestForwardSlowClient(t *testing.T) {
	if !netpoll.Supported {
		return // nothing is taken over
	}
	a, m, sid := startMade(t, func(o *socketio.Options) { o.Engine.WriteTimeout = slow.Stretch(300 * time.Millisecond) })
	const size = 64 << 20
	k := a.kept(1)
	k.say(getOf(sid))
	up := m.next()
	up.request()
	up.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nfirst", size))
	begin := make([]byte, 12)
	if _, err := io.ReadFull(k.r, begin); err != nil {
		t.Fatal(err)
	}
	_, _ = k.r.ReadString('f') // what has come is there
	// The rest is more than has room on the way.
	sent := make(chan int64)
	go func() {
		n, _ := io.Copy(up, io.LimitReader(zeros{}, size-5))
		sent <- n
	}()
	if n := <-sent; n >= size/2 {
		t.Errorf("%d bytes were taken off it for a client that takes none", n)
	}
	a.until("it is counted", func() bool { return a.forwards(1, "canceled") == 1 })
	// One that takes all gets all.
	k = a.kept(1)
	k.say(getOf(sid))
	up = m.next()
	up.request()
	up.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size/8))
	go func() {
		n, _ := io.Copy(up, io.LimitReader(zeros{}, size/8))
		sent <- n
	}()
	resp, err := http.ReadResponse(k.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != size/8 || err != nil {
		t.Error(n, err)
	}
	<-sent
	// One goes while it waits, and one in the middle.
	for _, answer := range []string{"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"} {
		k = a.kept(1)
		k.say(getOf(sid))
		if answer == "" {
			up.request() // on the same connection as before
		} else {
			up = m.next()
			up.request()
			up.say(answer)
			if _, err := k.r.ReadString('c'); err != nil {
				t.Error(err)
			}
		}
		_ = k.Close()
		up.closed()
	}
	a.until("all is counted", func() bool { return a.forwards(1, "canceled") == 3 && a.forwards(1, "passed") == 1 })
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// A middleware that says for each request who the client is has its say for each.
func TestForwardRemoteOfAnother(t *testing.T) {
	a, m, sid := startMade(t, nil)
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = r.Header.Get("X-Real-Ip")
		a.srv[1].ServeHTTP(w, r)
	})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(ln) }()
	t.Cleanup(func() {
		_ = web.Close()
		<-ended
	})
	var up *kept
	for _, from := range []string{"192.0.2.1:1", "192.0.2.2:1"} {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		k := &kept{t, c, bufio.NewReader(c)}
		k.say(getOf(sid, "X-Real-Ip: "+from))
		if up == nil {
			up = m.next()
		}
		r, _ := up.request()
		if mark := r.Header.Get("Sockeye-Forward"); !strings.Contains(mark, " "+from+" ") {
			t.Error(mark)
		}
		up.say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
		text, header := k.answer()
		if text != "200 x" || netpoll.Supported && header.Get("Connection") != "close" {
			t.Error(text, header)
		}
	}
}

// Nodes that are reached by TLS are, from connections that were taken over, too.
func TestForwardSecureNode(t *testing.T) {
	var a *apart
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.srv[0].ServeHTTP(w, r) }))
	web.StartTLS()
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	a = startServed(t, 2, servings["taken over"], func(i int, o *socketio.Options) {
		if i == 0 {
			o.ClusterOptions.Advertise = web.URL
		} else {
			o.ClusterOptions.ForwardTLS = &tls.Config{RootCAs: roots}
		}
	})
	sid := a.open(0)
	k := a.kept(1)
	begin := a.seen[1].Load()
	long := strings.Repeat("é", 100_000)
	k.say(postOf(sid, "40"))
	k.hears("200 ok")
	k.say(getOf(sid))
	if got := k.hear(); !strings.HasPrefix(got, `200 40{"sid":"`) {
		t.Fatal(got)
	}
	for _, text := range []string{"a", long, "b"} {
		k.say(getOf(sid))
		if _, answer := a.ask(0, "POST", "&sid="+sid, `420["echo","`+text+`"]`); answer != "ok" {
			t.Fatal(answer)
		}
		k.hears(`200 430["` + text + `"]`)
	}
	if n := a.seen[1].Load() - begin; netpoll.Supported && n != 1 {
		t.Errorf("net/http has read %d requests", n)
	}
	s, _ := a.srv[0].Engine().Session(sid)
	k.say(getOf(sid))
	a.until("the poll is there", func() bool { return a.forwards(0, "served") == 6 })
	s.Close("forced server close")
	k.hears("200 1")
}
