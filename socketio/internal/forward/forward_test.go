package forward

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/internal/peers"
)

func TestMain(m *testing.M) { leak.Main(m) }

const secret = "the secret of a few"

// node is one that passes everything on to others, and answers what it is passed.
type node struct {
	*Forwarder
	web *httptest.Server
}

func (n *node) as() Node {
	return Node{ID: n.cfg.Self.ID, Name: n.cfg.Self.Name, Address: n.Address()}
}

// start starts a node that answers what was passed on with serve, and passes all
// else on.
func start(t *testing.T, id string, cfg Config, serve http.HandlerFunc, secure bool) *node {
	n := new(node)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header[Header] != nil {
			if r = n.Arrived(w, r); r != nil {
				serve(w, r)
			}
			return
		}
		to := n.Find(r.URL.Query().Get("sid"))
		if to == nil {
			http.Error(w, "nobody", http.StatusBadRequest)
			return
		}
		if f := n.Pass(w, r, to, peers.Key{}, r.Header.Get("Upgrade") != "", nil); f != nil {
			http.Error(w, "not passed on", http.StatusBadGateway)
		}
	})
	n.web = httptest.NewUnstartedServer(handler)
	n.web.Config.ErrorLog = log.New(io.Discard, "", 0)
	scheme := "http"
	if secure {
		scheme = "https"
		n.web.StartTLS()
	} else {
		n.web.Start()
	}
	cfg.Self = Node{ID: id, Name: "node " + id}
	cfg.Advertise, cfg.Secret, cfg.Max = scheme+"://"+n.web.Listener.Addr().String(), []byte(secret), 100
	cfg.Log = slog.New(slog.DiscardHandler)
	n.Forwarder = New(cfg)
	t.Cleanup(func() {
		n.Close()
		n.web.CloseClientConnections()
		n.web.Close()
	})
	return n
}

// of is an id with the tag of a node.
func of(id string) string { return "0123456789abcdef" + Tag(id) }

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// What a node says of where it is counts only with the secret, and for that node.
func TestAddress(t *testing.T) {
	a := New(Config{Self: Node{ID: "a"}, Advertise: "10.0.0.1:80", Secret: []byte(secret)})
	b := New(Config{Self: Node{ID: "b"}, Secret: []byte(secret)})
	c := New(Config{Self: Node{ID: "c"}, Secret: []byte("another secret of a few")})
	good := a.Address()
	if u := b.addressOf(Node{ID: "a", Address: good}); u == nil || u.String() != "http://10.0.0.1:80" {
		t.Fatalf("%s is %v", good, u)
	}
	base, signature, _ := strings.Cut(good, "#")
	for name, bad := range map[string]Node{
		"another node's":   {ID: "x", Address: good},
		"another place":    {ID: "a", Address: "http://10.0.0.2:80#" + signature},
		"unsigned":         {ID: "a", Address: base},
		"an empty one":     {ID: "a", Address: base + "#"},
		"half a signature": {ID: "a", Address: good[:len(good)-10]},
		"nothing":          {ID: "a"},
	} {
		if u := b.addressOf(bad); u != nil {
			t.Errorf("%s: %v", name, u)
		}
	}
	if c.addressOf(Node{ID: "a", Address: good}) != nil {
		t.Error("signed with another secret")
	}
	if b.Address() != "" {
		t.Error("a node without an address has one")
	}
}

// A mark is believed once its signature fits what is asked, for a minute.
func TestMarks(t *testing.T) {
	a := New(Config{Self: Node{ID: "a"}, Secret: []byte(secret)})
	b := New(Config{Self: Node{ID: "b"}, Secret: []byte(secret)})
	now := time.Now()
	check := func(mark, method, target, host string, at time.Time) error {
		r := httptest.NewRequest(method, target, nil)
		r.Host = host
		r.Header.Set(Header, mark)
		_, _, _, err := b.verify(r, at)
		return err
	}
	mark := a.sign("b", "GET", "/x?y", "h", "192.0.2.1:5", true, now)
	if err := check(mark, "GET", "/x?y", "h", now.Add(skew-time.Second)); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"too old":        check(mark, "GET", "/x?y", "h", now.Add(skew+time.Second)),
		"from tomorrow":  check(mark, "GET", "/x?y", "h", now.Add(-skew-time.Second)),
		"another method": check(mark, "POST", "/x?y", "h", now),
		"another target": check(mark, "GET", "/x?z", "h", now),
		"another host":   check(mark, "GET", "/x?y", "i", now),
		"for another":    check(a.sign("c", "GET", "/x?y", "h", "", true, now), "GET", "/x?y", "h", now),
	} {
		if err == nil {
			t.Errorf("%s is believed", name)
		}
	}
	r := httptest.NewRequest("GET", "/x?y", nil)
	r.Host = "h"
	r.Header.Set(Header, mark)
	r = b.Arrived(httptest.NewRecorder(), r)
	if r == nil || r.RemoteAddr != "192.0.2.1:5" || r.TLS == nil || r.Header[Header] != nil || !Passed(r) {
		t.Errorf("arrived as %+v", r)
	}
	for _, odd := range []string{"", "a b", "x\r\ny"} {
		r := httptest.NewRequest("GET", "/x?y", nil)
		r.Host = "h"
		r.Header.Set(Header, a.sign("b", "GET", "/x?y", "h", odd, false, now))
		if _, remote, secure, err := b.verify(r, now); err != nil || remote != "@" || secure {
			t.Errorf("%q: %q, %v", odd, remote, err)
		}
	}
}

// A body goes on as it comes, and an answer comes as it is made.
func TestNothingIsHeldBack(t *testing.T) {
	begun, more := make(chan bool), make(chan bool)
	b := start(t, "b", Config{BodyTimeout: time.Minute, WriteTimeout: time.Minute}, func(w http.ResponseWriter, r *http.Request) {
		expect(t, r.Body, "begin")
		close(begun)
		rest, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, "one")
		_ = http.NewResponseController(w).Flush()
		<-more
		_, _ = fmt.Fprintf(w, "two %d", len(rest))
	}, false)
	a := start(t, "a", Config{}, nil, false)
	a.Nodes([]Node{b.as()})
	const size = 100_000
	c, r := post(t, a, size, "begin"+strings.Repeat("x", 8000))
	<-begun
	_, _ = io.WriteString(c, strings.Repeat("x", size-8005))
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, resp.Body, "one")
	close(more)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || string(rest) != fmt.Sprint("two ", size-5) {
		t.Errorf("%q, %v", rest, err)
	}
}

// Who refuses a body need not wait for it.
func TestRefusedBody(t *testing.T) {
	b := start(t, "b", Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}, false)
	a := start(t, "a", Config{BodyTimeout: time.Minute}, nil, false)
	a.Nodes([]Node{b.as()})
	c, r := post(t, a, 10_000_000, strings.Repeat("x", 10_000))
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge || !resp.Close {
		t.Fatal(resp, err)
	}
	_, _ = io.Copy(io.Discard, r)
	over(t, c)
}

// A client that does not send its body has its time to do so.
func TestBodyThatDoesNotCome(t *testing.T) {
	b := start(t, "b", Config{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
	}, false)
	a := start(t, "a", Config{BodyTimeout: 50 * time.Millisecond}, nil, false)
	a.Nodes([]Node{b.as()})
	c, r := post(t, a, 100, "x")
	_, _ = io.Copy(io.Discard, r)
	over(t, c)
	if n, c := a.places.Len(), a.Counts(); n != 0 || c["canceled"] != 1 {
		t.Error(n, "are under way", c)
	}
}

// Nor does one make the client wait longer than there is anybody to send it to.
func TestBodyForNobody(t *testing.T) {
	b := start(t, "b", Config{}, func(http.ResponseWriter, *http.Request) { t.Error("it came") }, false)
	a := start(t, "a", Config{BodyTimeout: time.Hour}, nil, false)
	a.Nodes([]Node{b.as()})
	c, r := post(t, a, 100, "x")
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for a.places.Len() == 0 {
		<-tick.C
	}
	a.Nodes(nil)
	_, _ = io.Copy(io.Discard, r)
	over(t, c)
	if n, c := a.places.Len(), a.Counts(); n != 0 || c["unreachable"] != 1 {
		t.Error(n, "are under way", c)
	}
}

// post sends the beginning of a POST of so many bytes.
func post(t *testing.T, n *node, size int, begin string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", n.web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(slow.Stretch(10 * time.Second)))
	fmt.Fprintf(c, "POST /?sid=%s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", of("b"), size, begin)
	return c, bufio.NewReader(c)
}

// Each direction of a WebSocket ends by itself.
func TestHalves(t *testing.T) {
	ends := make(chan net.Conn, 1)
	b := start(t, "b", Config{}, func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Own: 1\r\n\r\nearly")
		ends <- c
	}, false)
	a := start(t, "a", Config{}, nil, false)
	a.Nodes([]Node{b.as()})
	begin := func() (client, server net.Conn) {
		c, err := net.Dial("tcp", a.web.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		fmt.Fprintf(c, "GET /?sid=%s HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\npre", of("b"))
		r := bufio.NewReader(c)
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != 101 || resp.Header.Get("X-Own") != "1" {
			t.Fatalf("%+v, %v", resp, err)
		}
		server = <-ends
		t.Cleanup(func() { _ = server.Close() })
		expect(t, r, "early")
		expect(t, server, "pre")
		return c, server
	}
	client, server := begin()
	_ = client.(*net.TCPConn).CloseWrite()
	over(t, server)
	_, _ = io.WriteString(server, "still")
	expect(t, client, "still")
	_ = server.(*net.TCPConn).CloseWrite()
	over(t, client)

	client, server = begin()
	_ = server.(*net.TCPConn).CloseWrite()
	over(t, client)
	_, _ = io.WriteString(client, "still")
	expect(t, server, "still")
	_ = client.Close()
	over(t, server)

	client, server = begin()
	a.Nodes(nil) // the node is gone
	over(t, client)
	over(t, server)
}

func expect(t *testing.T, r io.Reader, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(r, b); err != nil || string(b) != want {
		t.Fatalf("%q, %v; want %q", b, err, want)
	}
}

// over expects nothing more.
func over(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(slow.Stretch(10 * time.Second)))
	n, err := c.Read(make([]byte, 1))
	if ne, ok := err.(net.Error); n > 0 || err == nil || ok && ne.Timeout() {
		t.Fatalf("%d bytes, %v", n, err)
	}
}

// A request on a connection that the other side has given up meanwhile is sent
// on a new one; and one that was sent is never sent again.
func TestOnce(t *testing.T) {
	served := make(chan net.Conn, 10)
	cut := false
	b := start(t, "b", Config{}, func(w http.ResponseWriter, r *http.Request) {
		if cut {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = c.Close() // after all that it asks for was done
			}
			served <- nil
			return
		}
		served <- nil
		_, _ = io.WriteString(w, "ok")
	}, false)
	a := start(t, "a", Config{}, nil, false)
	a.Nodes([]Node{b.as()})
	url := a.web.URL + "/?sid=" + of("b")
	for range 3 {
		if code, text := get(t, url); code != 200 || text != "ok" {
			t.Fatal(code, text)
		}
		<-served
		b.web.CloseClientConnections()
	}
	cut = true
	for range 2 {
		if code, _ := get(t, url); code != http.StatusBadGateway {
			t.Error(code)
		}
		<-served
	}
	if len(served) > 0 {
		t.Error("it was sent again")
	}
}

// Nodes with the same tag are asked which of them has the session.
func TestTagOfTwo(t *testing.T) {
	serve := func(id string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			has := r.URL.Query().Get("of") == id
			switch {
			case r.Method == http.MethodHead && has:
				w.WriteHeader(http.StatusNoContent)
			case has:
				_, _ = io.WriteString(w, id)
			default:
				http.Error(w, "unknown", http.StatusNotFound)
			}
		}
	}
	a := start(t, "a", Config{}, nil, false)
	b := start(t, "b", Config{}, serve("b"), false)
	c := start(t, "c", Config{}, serve("c"), false)
	a.Nodes([]Node{b.as(), c.as()})
	a.mu.Lock()
	a.byTag["same"] = &Target{[]*peer{a.byID["b"], a.byID["c"]}}
	a.mu.Unlock()
	for _, id := range []string{"b", "c", "b"} {
		if code, text := get(t, a.web.URL+"/?sid=0123456789abcdefsame&of="+id); code != 200 || text != id {
			t.Errorf("%s: %d %s", id, code, text)
		}
	}
	if code, _ := get(t, a.web.URL+"/?sid=0123456789abcdefsame&of=d"); code != http.StatusNotFound {
		t.Error(code)
	}
}

// Nodes that are reached by TLS, and clients of HTTP/2 in front.
func TestSecure(t *testing.T) {
	b := start(t, "b", Config{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.ProtoMajor, r.TLS != nil, r.Header.Get("Accept"))
	}, true)
	roots := x509.NewCertPool()
	roots.AddCert(b.web.Certificate())
	a := start(t, "a", Config{TLS: &tls.Config{RootCAs: roots, NextProtos: []string{"h2"}}}, nil, false)
	a.Nodes([]Node{b.as()})
	for range 3 {
		if code, text := get(t, a.web.URL+"/?sid="+of("b")); code != 200 || text != "1 false" {
			t.Error(code, text)
		}
	}
	c := start(t, "c", Config{}, nil, true) // who does not know b's certificate
	c.Nodes([]Node{b.as(), a.as()})
	if f := c.Counts()["unreachable"]; f != 0 {
		t.Error(f)
	}
	resp, err := c.web.Client().Get(c.web.URL + "/?sid=" + of("b"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway || c.Counts()["unreachable"] != 1 {
		t.Error(resp.StatusCode, c.Counts())
	}
}

// What is for one connection only is not passed on.
func TestEndToEnd(t *testing.T) {
	got := endToEnd(http.Header{"Connection": {"close, X-Own"}, "X-Own": {"1"}, "Te": {"x"}, "Upgrade": {"x"}, "Cookie": {"a", "b"}, Header: {"x"}, "Expect": {"100-continue"}})
	if len(got) != 1 || len(got["Cookie"]) != 2 {
		t.Error(got)
	}
}

// One thing is told once a minute.
func TestComplaints(t *testing.T) {
	var b bytes.Buffer
	f := New(Config{Self: Node{ID: "a"}, Log: slog.New(slog.NewTextHandler(&b, nil))})
	defer f.Close()
	for i := range 3000 {
		f.complain("it is so", fmt.Sprint(i%3))
	}
	if n := strings.Count(b.String(), "it is so"); n != 3 {
		t.Errorf("%d lines", n)
	}
	for i := range 5000 {
		f.complain("all differ", fmt.Sprint(i))
	}
	if len(f.logged) > 1000 {
		t.Error(len(f.logged))
	}
}
