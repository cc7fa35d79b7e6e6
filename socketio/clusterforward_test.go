package socketio_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
)

// Polls and posts reach the node of their session, whichever they come to.
func TestForwardPolling(t *testing.T) {
	for _, way := range []string{"net/http", "taken over", "half"} {
		t.Run(way, func(t *testing.T) { testForwardPolling(t, servings[way]) })
	}
}

func testForwardPolling(t *testing.T, plain func(i int) bool) {
	a := startServed(t, 3, plain, nil)
	sid := a.open(0)
	for i := range 3 {
		if _, other := a.open(i), a.open(i); other[16:] == sid[16:] != (i == 0) {
			t.Errorf("node %d: tag of %s and %s", i, sid, other)
		}
	}
	if resp, text := a.ask(1, "POST", "&sid="+sid, "40"); text != "ok" || resp.StatusCode != 200 {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	resp, text := a.ask(2, "GET", "&sid="+sid, "", "Origin", "http://elsewhere.example")
	if !strings.HasPrefix(text, `40{"sid":"`) || !strings.HasSuffix(text, sid[16:]+`"}`) {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	big := strings.Repeat("x", 200_000)
	answer := make(chan string)
	go func() { // waits for the post
		_, text := a.ask(1, "GET", "&sid="+sid, "")
		answer <- text
	}()
	if _, text := a.ask(2, "POST", "&sid="+sid, `420["echo","`+big+`"]`); text != "ok" {
		t.Fatal(text)
	}
	if got := <-answer; got != `430["`+big+`"]` {
		t.Fatalf("%d bytes: %.50s", len(got), got)
	}
	// The client's own end is told there, and the session is gone then.
	if _, text := a.ask(1, "POST", "&sid="+sid, "1"); text != "ok" {
		t.Fatal(text)
	}
	a.ask(2, "GET", "&sid="+sid, "") // its farewell
	a.refused(1, "GET", "&sid="+sid, 400, `{"code":1,"message":"Session ID unknown"}`)
	if n, m := a.forwards(1, "passed")+a.forwards(2, "passed"), a.forwards(0, "served"); n != 7 || m != 7 {
		t.Errorf("%d passed on, %d served", n, m)
	}
}

// upgrade asks node i for a WebSocket.
func (a *apart) upgrade(i int, sid string) (net.Conn, *bufio.Reader) {
	a.t.Helper()
	c, err := net.Dial("tcp", a.web[i].Listener.Addr().String())
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = c.Close() })
	fmt.Fprintf(c, "GET /socket.io/?EIO=4&transport=websocket&sid=%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", sid)
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		a.t.Fatalf("%v %v", resp, err)
	}
	return c, r
}

// sayFrame sends a text frame of a client.
func sayFrame(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write(append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)); err != nil {
		t.Fatal(err)
	}
}

// hearFrame reads a frame, which is short.
func hearFrame(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, head[1])
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	if head[0] == 0x88 {
		return "close"
	}
	return string(b)
}

// A WebSocket that takes over from polling is joined to the session's node. It
// ends when either side does.
func TestForwardUpgrade(t *testing.T) {
	for _, way := range []string{"net/http", "taken over"} {
		t.Run(way, func(t *testing.T) { testForwardUpgrade(t, servings[way]) })
	}
}

func testForwardUpgrade(t *testing.T, plain func(i int) bool) {
	a := startServed(t, 2, plain, nil)
	begin := func() (net.Conn, *bufio.Reader, string) {
		sid := a.open(0)
		a.ask(1, "POST", "&sid="+sid, "40")
		a.ask(0, "GET", "&sid="+sid, "")
		c, r := a.upgrade(1, sid)
		sayFrame(t, c, "2probe")
		if got := hearFrame(t, r); got != "3probe" {
			t.Fatal(got)
		}
		sayFrame(t, c, "5")
		sayFrame(t, c, `420["echo","hi"]`)
		if got := hearFrame(t, r); got != `430["hi"]` {
			t.Fatal(got)
		}
		return c, r, sid
	}
	left := func(n int) {
		t.Helper()
		a.until("sessions have ended", func() bool { return a.srv[0].Engine().Len() == n })
	}
	c, r, _ := begin()
	// The client ends its side.
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	left(0)
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Error(err)
	}
	// The client is cut off.
	c, _, _ = begin()
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
	left(0)
	// The session's node ends it.
	_, r, sid := begin()
	s, _ := a.srv[0].Engine().Session(sid)
	s.Close("forced server close")
	if got := hearFrame(t, r); got != "close" {
		t.Error(got)
	}
	left(0)
	// The node between stops.
	_, r, _ = begin()
	if err := a.srv[1].Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.ReadByte(); err == nil {
		t.Error("the client hears more")
	}
	left(0)
}

// Without an address or the secret it is as it was, and both sides are told what
// helps.
func TestForwardUnset(t *testing.T) {
	for _, way := range []string{"net/http", "taken over"} {
		t.Run(way, func(t *testing.T) { testForwardUnset(t, servings[way]) })
	}
}

func testForwardUnset(t *testing.T, plain func(i int) bool) {
	for name, change := range map[string]func(i int, o *socketio.ClusterOptions){
		"no address": func(i int, o *socketio.ClusterOptions) { o.Advertise = "" },
		"no secret": func(i int, o *socketio.ClusterOptions) {
			if i == 1 {
				o.Secret, o.Advertise = nil, ""
			}
		},
		"another secret": func(i int, o *socketio.ClusterOptions) { o.Secret = []byte(fmt.Sprintf("%d of several secrets", i)) },
	} {
		t.Run(name, func(t *testing.T) {
			a := startServed(t, 2, plain, func(i int, o *socketio.Options) { change(i, &o.ClusterOptions) })
			sid := a.open(0)
			for range 3 {
				a.refused(1, "GET", "&sid="+sid, 400, `{"code":1,"message":"Session ID unknown: it is another node's`)
			}
			log := strings.Join(a.logs[1].take(), "\n")
			if n := strings.Count(log, "the balancer does not send all requests"); n != 1 || !strings.Contains(log, "session's=n0 reached=n1") || !strings.Contains(log, "--cluster-secret-file") && !strings.Contains(log, "--cluster-advertise") {
				t.Errorf("%d lines in %s", n, log)
			}
			if n := a.forwards(1, "unset"); n != 3 {
				t.Errorf("%d counted", n)
			}
			// An id that is nobody's gets the answer it always got.
			a.refused(1, "GET", "&sid=0123456789abcdefghij", 400, `{"code":1,"message":"Session ID unknown"}`)
		})
	}
}

// Whoever is no node is not believed to be one, and nothing goes round.
func TestForwardHostile(t *testing.T) {
	a := startApart(t, 2, nil)
	sid := a.open(0)
	// What node 1 sends to node 0.
	var mu sync.Mutex
	var seen http.Header
	a.web[0].Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = r.Header.Clone()
		mu.Unlock()
		a.srv[0].ServeHTTP(w, r)
	})
	a.ask(1, "POST", "&sid="+sid, "40", "X-Test", "kept", "X-Forwarded-For", "192.0.2.1")
	mu.Lock()
	mark := seen.Get("Sockeye-Forward")
	if mark == "" || seen.Get("X-Test") != "kept" || seen.Get("X-Forwarded-For") != "192.0.2.1" || strings.Contains(fmt.Sprint(seen), forwardSecret) {
		t.Errorf("passed on with %v", seen)
	}
	mu.Unlock()
	fields := strings.Split(mark, " ")
	with := func(i int, value string) string {
		f := append([]string(nil), fields...)
		f[i] = value
		return strings.Join(f, " ")
	}
	forged := map[string]string{
		"nothing": "", "a word": "yes", "unsigned": strings.Join(fields[:5], " "), "another version": with(0, "2"), "another node": with(1, "0123456789abcdef"),
		"another time": with(2, "1"), "no number": with(2, "x"), "another scheme": with(3, "1"), "another client": with(4, "192.0.2.7:1"), "another signature": with(5, strings.Repeat("A", 43)),
		"another request": mark, // a GET, where it was a POST
	}
	for name, value := range forged {
		for i := range 2 { // to the session's node, and to the other
			a.refused(i, "GET", "&sid="+sid, 403, `{"code":4,"message":"Forbidden: this request says that another node`, "Sockeye-Forward", value)
			if t.Failed() {
				t.Fatal(name)
			}
		}
	}
	if n, m := a.forwards(0, "forged"), a.forwards(1, "forged"); n != uint64(len(forged)) || m != uint64(len(forged)) {
		t.Errorf("%d and %d counted of %d", n, m, len(forged))
	}
	log := strings.Join(a.logs[0].take(), "\n")
	if n := strings.Count(log, "is refused"); n == 0 || n > 3 {
		t.Errorf("%d lines: %s", n, log)
	}
	// A made up tag is nobody's.
	a.refused(0, "GET", "&sid="+sid[:16]+"ZZZZ", 400, `"Session ID unknown"`)
	a.refused(1, "GET", "&sid="+sid[16:], 400, `"Session ID unknown"`)
	// A made up id with a node's tag is passed on, and unknown there.
	a.refused(1, "GET", "&sid=0123456789abcdef"+sid[16:], 400, `{"code":1,"message":"Session ID unknown"}`)
	if !strings.HasPrefix(a.open(0), "") || a.srv[0].Engine().Stats().Sessions != 2 {
		t.Error("a session has come to harm")
	}
}

// What one node passes on to another is read there as polls and posts of clients
// are, without net/http, and no less is asked of it: each request is believed for
// its own mark only.
func TestForwardTakenOver(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // httptest looks at each connection: none of its is taken over
	if err != nil {
		t.Fatal(err)
	}
	a := startApart(t, 2, func(i int, o *socketio.Options) {
		if i == 0 {
			o.ClusterOptions.Advertise = "http://" + ln.Addr().String()
		}
	})
	sid := a.open(0)
	// What net/http sees of what is passed on to node 0.
	var mu sync.Mutex
	var seen []string
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.Header.Get("Sockeye-Forward"))
		mu.Unlock()
		a.srv[0].ServeHTTP(w, r)
	})}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(ln) }()
	t.Cleanup(func() {
		_ = web.Close()
		<-ended
	})
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(seen)
	}
	a.ask(1, "POST", "&sid="+sid, "40")
	for i := range 5 {
		a.ask(1, "POST", "&sid="+sid, fmt.Sprintf(`42%d["echo","x"]`, i))
		if _, text := a.ask(1, "GET", "&sid="+sid, ""); text == "" {
			t.Error("nothing comes back")
		}
	}
	if n, served := count(), a.forwards(0, "served"); served != 11 || netpoll.Supported && n != 1 {
		t.Errorf("%d requests served, %d of them by net/http", served, n)
	}
	mark := seen[0]
	request := func(method, mark, body string) string {
		if mark != "" {
			mark = "Sockeye-Forward: " + mark + "\r\n"
		}
		return fmt.Sprintf("%s /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %d\r\n\r\n%s",
			method, sid, a.web[1].Listener.Addr(), mark, len(body), body)
	}
	for _, c := range []struct {
		name, first, then string
		status            int
	}{
		{"the same again", mark, request("POST", mark, "3"), 200},
		{"another request", mark, request("GET", mark, ""), 403},
		{"another signature", mark, request("POST", mark[:len(mark)-5]+"AAAAA", "3"), 403},
		{"an empty mark", mark, strings.Replace(request("POST", "x", "3"), " x\r", "\r", 1), 403},
		{"two marks", mark, strings.Replace(request("POST", mark, "3"), "Host:", "Sockeye-Forward: "+mark+"\r\nHost:", 1), 403},
		{"none, as a client", mark, request("POST", "", "3"), 200},
		{"a client's connection", "", request("POST", "", "3"), 200},
		{"a client with an empty mark", "", strings.Replace(request("POST", "x", "3"), " x\r", "\r", 1), 403},
		{"a client that says so", "", request("POST", mark[:len(mark)-5]+"AAAAA", "3"), 403},
	} {
		nc, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.SetDeadline(time.Now().Add(slow.Stretch(10 * time.Second)))
		r := bufio.NewReader(nc)
		ask := func(request string) int {
			_, _ = io.WriteString(nc, request) // an error shows with the answer
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			return resp.StatusCode
		}
		if status := ask(request("POST", c.first, "3")); status != 200 {
			t.Errorf("%s: the first request is answered %d", c.name, status)
		}
		forged := a.forwards(0, "forged")
		status := ask(c.then)
		if n := a.forwards(0, "forged") - forged; status != c.status || (n == 1) != (status == 403) {
			t.Errorf("%s: answered %d, and %d counted as forged", c.name, status, n)
		}
		_ = nc.Close()
	}
}

// A node that ends does not leave its clients waiting elsewhere.
func TestForwardOwnerEnds(t *testing.T) {
	for _, way := range []string{"net/http", "half"} {
		t.Run(way, func(t *testing.T) { testForwardOwnerEnds(t, servings[way]) })
	}
}

func testForwardOwnerEnds(t *testing.T, plain func(i int) bool) {
	a := startServed(t, 2, plain, nil)
	sid := a.open(0)
	a.ask(1, "POST", "&sid="+sid, "40")
	a.ask(1, "GET", "&sid="+sid, "")
	type answer struct {
		status int
		text   string
	}
	got := make(chan answer)
	go func() {
		resp, text := a.ask(1, "GET", "&sid="+sid, "")
		got <- answer{resp.StatusCode, text}
	}()
	a.until("the poll is there", func() bool { return a.forwards(0, "served") == 3 })
	_ = a.web[0].Listener.Close()
	a.web[0].CloseClientConnections() // as its end does
	if g := <-got; g != (answer{400, `{"code":1,"message":"Session ID unknown"}`}) {
		t.Error(g)
	}
	a.refused(1, "POST", "&sid="+sid, 400, `{"code":1,"message":"Session ID unknown"}`)
	if n := a.forwards(1, "unreachable"); n != 2 {
		t.Errorf("%d unreachable", n)
	}
}

// A client that goes ends what was passed on for it.
func TestForwardClientGoes(t *testing.T) {
	for _, way := range []string{"net/http", "taken over", "half"} {
		t.Run(way, func(t *testing.T) { testForwardClientGoes(t, servings[way]) })
	}
}

func testForwardClientGoes(t *testing.T, plain func(i int) bool) {
	a := startServed(t, 2, plain, nil)
	sid := a.open(0)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", a.web[1].URL+"/socket.io/?EIO=4&transport=polling&sid="+sid, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		done <- err
	}()
	a.until("the poll is there", func() bool { return a.forwards(0, "served") == 1 })
	cancel()
	if err := <-done; err == nil {
		t.Error("it was answered")
	}
	a.until("its session has ended", func() bool { return a.srv[0].Engine().Len() == 0 })
	a.until("it is counted", func() bool { return a.forwards(1, "canceled") == 1 })
}

// There are no more under way than may be, and who has many gives up one.
func TestForwardBound(t *testing.T) {
	for _, way := range []string{"net/http", "taken over", "half"} {
		t.Run(way, func(t *testing.T) { testForwardBound(t, servings[way]) })
	}
}

func testForwardBound(t *testing.T, plain func(i int) bool) {
	a := startServed(t, 2, plain, func(_ int, o *socketio.Options) {
		o.ClusterOptions.MaxForwards = 3
		o.Engine.TrustedProxies = []string{"127.0.0.1"}
	})
	statuses := make(chan string, 10)
	poll := func(from string) {
		sid := a.open(0)
		go func() {
			resp, _ := a.ask(1, "GET", "&sid="+sid, "", "X-Forwarded-For", from)
			statuses <- fmt.Sprint(from, " ", resp.StatusCode)
		}()
	}
	for i := range 3 {
		poll("192.0.2.1")
		a.until("it is under way", func() bool { return a.forwards(0, "served") == uint64(i+1) })
	}
	poll("192.0.2.1")
	if got := <-statuses; got != "192.0.2.1 503" {
		t.Error(got)
	}
	poll("192.0.2.2")
	if got := <-statuses; got != "192.0.2.1 503" {
		t.Error(got)
	}
	a.until("the other is under way", func() bool { return a.forwards(0, "served") == 4 })
	if n := a.forwards(1, "full"); n != 2 {
		t.Errorf("%d counted", n)
	}
	for s := range a.srv[0].Engine().Sessions() {
		s.Close("forced server close")
	}
	for range 3 {
		if got := <-statuses; !strings.HasSuffix(got, " 200") {
			t.Error(got)
		}
	}
}

// What cannot be said to others is refused at the start.
func TestForwardOptions(t *testing.T) {
	for says, o := range map[string]socketio.ClusterOptions{
		"needs Secret":         {Advertise: "http://a:1"},
		"16 or more":           {Secret: []byte("short")},
		"write http://HOST":    {Advertise: "a", Secret: []byte(forwardSecret)},
		"where to listen":      {Advertise: "http://[::]:1", Secret: []byte(forwardSecret)},
		"more than a host":     {Advertise: "http://a:1/x", Secret: []byte(forwardSecret)},
		"ftp:// is not spoken": {Advertise: "ftp://a:1", Secret: []byte(forwardSecret)},
	} {
		srv := socketio.New(&socketio.Options{ClusterOptions: o})
		err := srv.JoinCluster(adaptertest.NewBus().Adapter("n"))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A node that stops lets go of what it has passed on.
func TestForwardStops(t *testing.T) {
	for _, way := range []string{"net/http", "taken over", "half"} {
		t.Run(way, func(t *testing.T) { testForwardStops(t, servings[way]) })
	}
}

func testForwardStops(t *testing.T, plain func(i int) bool) {
	a := startServed(t, 2, plain, nil)
	sid := a.open(0)
	got := make(chan int)
	go func() {
		resp, _ := a.ask(1, "GET", "&sid="+sid, "")
		got <- resp.StatusCode
	}()
	a.until("the poll is there", func() bool { return a.forwards(0, "served") == 1 })
	if err := a.srv[1].Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if code := <-got; code != http.StatusServiceUnavailable {
		t.Error(code)
	}
	if n, m := a.forwards(1, "canceled"), a.forwards(1, "unreachable"); n != 1 || m != 0 {
		t.Errorf("%d canceled, %d unreachable", n, m)
	}
}
