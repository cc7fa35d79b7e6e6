package engineio

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
)

// keepAlive is a client's connection that stays open between requests.
type keepAlive struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func (r *rig) keepAlive() *keepAlive {
	c := r.dial()
	r.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(slow.Stretch(30 * time.Second)))
	return &keepAlive{r.t, c, bufio.NewReader(c)}
}

func (k *keepAlive) write(s string) {
	k.t.Helper()
	if _, err := io.WriteString(k, s); err != nil {
		k.t.Error(err)
	}
}

func (k *keepAlive) answer() string {
	k.t.Helper()
	res, err := http.ReadResponse(k.r, nil)
	if err != nil {
		return err.Error()
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	if res.Header.Get("Date") == "" {
		k.t.Error("an answer without a date")
	}
	return fmt.Sprint(res.StatusCode, " ", string(b))
}

func getHead(query string) string {
	return "GET /engine.io/?" + query + " HTTP/1.1\r\nHost: host.example\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n"
}

func postHead(query, body string) string {
	return fmt.Sprintf("POST /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s", query, len(body), body)
}

// mixedRig serves the engine and something else.
func mixedRig(t *testing.T, o *Options) *rig {
	r := tcpRig(t, o, nil, func(s *http.Server) {
		mux := http.NewServeMux()
		mux.Handle("/engine.io/", s.Handler)
		mux.HandleFunc("/other", func(w http.ResponseWriter, req *http.Request) {
			b, _ := io.ReadAll(req.Body)
			fmt.Fprintf(w, "other %s %s %v", req.Method, b, req.RemoteAddr != "")
		})
		s.Handler = mux
	})
	return r
}

// A connection that was taken over serves polls, posts, and whatever else a
// browser uses it for, in any order and however it is cut.
func TestAdoptedConnection(t *testing.T) {
	r := mixedRig(t, quiet())
	q, e := r.open(4)
	k := r.keepAlive()
	for i := range 3 {
		k.write(getHead(q))
		r.waitPoll(e)
		_ = e.s.Send(text(fmt.Sprint(i)), 0)
		want(t, "poll", k.answer(), fmt.Sprint("200 4", i))
		k.write(postHead(q, "4posted"))
		want(t, "post", k.answer(), "200 ok")
		k.write(getHead(q))
		want(t, "poll", k.answer(), "200 4posted")
		k.write("POST /other HTTP/1.1\r\nHost: host.example\r\nContent-Length: 3\r\n\r\nabc")
		want(t, "something else", k.answer(), "200 other POST abc true")
		k.write(getHead("EIO=4&transport=polling&sid=unknown"))
		want(t, "unknown session", k.answer(), unknown)
	}
	// Byte by byte.
	k.write(postHead(q, "4x"))
	want(t, "post", k.answer(), "200 ok")
	for _, b := range []byte(getHead(q) + postHead(q, "4slow")) {
		k.write(string(b))
	}
	want(t, "poll", k.answer(), "200 4x")
	want(t, "post", k.answer(), "200 ok")
	// One after the other without waiting.
	k.write(postHead(q, "4a") + getHead(q) + postHead(q, "4b") + getHead(q) + "GET /other HTTP/1.1\r\nHost: host.example\r\n\r\n" + postHead(q, "4c"))
	want(t, "pipelined", strings.Join([]string{k.answer(), k.answer(), k.answer(), k.answer(), k.answer(), k.answer()}, "|"),
		"200 ok|200 4slow\x1e4a|200 ok|200 4b|200 other GET  true|200 ok")
	want(t, "all of it", r.get(q), "200 4c")
	// Bodies that are long, or have no length before.
	long := "4" + strings.Repeat("x", 100_000)
	k.write(postHead(q, long))
	want(t, "long", k.answer(), "200 ok")
	k.write(getHead(q))
	want(t, "long", k.answer(), "200 "+long)
	k.write("POST /engine.io/?" + q + " HTTP/1.1\r\nHost: host.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n4c\r\n0\r\n\r\n")
	want(t, "chunked", k.answer(), "200 ok")
	k.write(getHead(q))
	want(t, "chunked", k.answer(), "200 4c")
	// An overlapping poll, on the same connection and on another one.
	k.write(getHead(q))
	r.waitPoll(e)
	other := r.keepAlive()
	other.write(getHead(q))
	want(t, "overlap", other.answer(), bad)
	want(t, "overlap", k.answer(), "200 1")
	want(t, "reason", string(e.end(t)), "transport error")
}

// A client may upgrade on the connection on which it has polled, and what it
// sends ahead of the answer is not lost. Then it needs no goroutine either.
func TestAdoptedUpgrade(t *testing.T) {
	r := mixedRig(t, quiet())
	before := runtime.NumGoroutine()
	for range 50 {
		q, _ := r.open(4)
		k := r.keepAlive()
		k.write(postHead(q, "4x"))
		want(t, "post", k.answer(), "200 ok")
		k.write("GET /engine.io/?" + strings.Replace(q, "polling", "websocket", 1) + " HTTP/1.1\r\nHost: host.example\r\nX-Long: " + strings.Repeat("x", 5000) +
			"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n" +
			string(maskedText("2probe")) + string(maskedText("5")))
		if res, err := http.ReadResponse(k.r, &http.Request{Method: "GET"}); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(res, err)
		}
		s := &socket{t: t, Conn: k, r: k.r}
		want(t, "probe and queue", s.read()+s.read(), "3probe4x")
	}
	if netpoll.Supported { // those that have handed their connections over may take a moment to end
		r.waitFor("no more than 25 goroutines more", func() bool { return runtime.NumGoroutine()-before <= 25 })
	}
}

// The answers on a connection are for one origin: another one gets its own, and
// one that may not connect, none it can read.
func TestAdoptedOrigins(t *testing.T) {
	o := quiet()
	o.Origins = OriginList("http://a.example", "http://b.example")
	o.CORS = &CORS{Credentials: true}
	r := mixedRig(t, o)
	q, _ := r.open(4)
	k := r.keepAlive()
	for range 2 {
		for _, origin := range []string{"http://a.example", "http://b.example", "http://evil.example", ""} {
			head := strings.Replace(postHead(q, "4x"), "\r\n", "\r\nOrigin: "+origin+"\r\n", 1)
			allowed := origin
			if origin == "" {
				head = postHead(q, "4x")
			}
			if origin == "http://evil.example" {
				allowed = ""
			}
			k.write(head)
			res, err := http.ReadResponse(k.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			want(t, origin, fmt.Sprint(res.StatusCode, res.Header.Get("Access-Control-Allow-Origin")), fmt.Sprint(200, allowed))
		}
	}
}

func TestAdoptedRevision3(t *testing.T) {
	r := tcpRig(t, quiet(), nil)
	q, _ := r.open(3)
	k := r.keepAlive()
	for range 2 {
		k.write(postHead(q, "3:4€"))
		want(t, "malformed", k.answer(), bad)
		q, _ = r.open(3)
		k.write(postHead(q, "2:4€6:b4AQI="))
		want(t, "post", k.answer(), "200 ok")
		k.write(getHead(q))
		want(t, "poll", k.answer(), "200 \x00\x04\xff4€\x01\x03\xff\x04\x01\x02")
		k.write(postHead(q, "1:2"))
		want(t, "ping", k.answer(), "200 ok")
		k.write(getHead(q))
		want(t, "pong", k.answer(), "200 1:3")
	}
}

func TestAdoptedMalformed(t *testing.T) {
	r := mixedRig(t, quiet())
	for _, raw := range []string{
		"GET /engine.io/?%s HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET /engine.io/?%s HTTP/1.1\r\n\r\n",
		"POST /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n4x",
		"POST /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\nContent-Length: x\r\n\r\n4x",
		"POST /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\nTransfer-Encoding: x\r\nContent-Length: 2\r\n\r\n4x",
		"GET /engine.io/?%s HTTP/1.1\r\nHost : host.example\r\n\r\n",
		"nonsense %s\r\n\r\n",
	} {
		q, e := r.open(4)
		k := r.keepAlive()
		k.write(postHead(q, "4x"))
		want(t, "post", k.answer(), "200 ok")
		fmt.Fprintf(k, raw, q)
		if got, err := http.ReadResponse(k.r, nil); err != nil || got.StatusCode < 400 {
			t.Errorf("%q: %v %v", raw, got, err)
		}
		e.s.CloseNow(ForcedClose, nil)
	}
}

// Held polls, and connections between polls, need no goroutine; those on which
// nothing comes end.
func TestAdoptedIdle(t *testing.T) {
	o := quiet()
	o.IdleTimeout = 300 * time.Millisecond
	r := tcpRig(t, o, nil)
	before := runtime.NumGoroutine()
	var all []*keepAlive
	var sessions []*echo
	for range 100 {
		q, e := r.open(4)
		k := r.keepAlive()
		k.write(getHead(q))
		r.waitPoll(e)
		all, sessions = append(all, k), append(sessions, e)
	}
	if netpoll.Supported {
		r.waitFor("no more than 20 goroutines more", func() bool { return runtime.NumGoroutine()-before <= 20 })
	}
	for i, k := range all {
		_ = sessions[i].s.Send(text("x"), 0)
		want(t, "poll", k.answer(), "200 4x")
	}
	if !netpoll.Supported {
		return // the HTTP server has deadlines of its own
	}
	for _, k := range all {
		want(t, "end", k.answer(), io.ErrUnexpectedEOF.Error())
	}
	// A client sees the end a moment before the poller has forgotten it.
	n := r.srv.poller.Len()
	for begin := time.Now(); n > 1 && time.Since(begin) < slow.Stretch(10*time.Second); n = r.srv.poller.Len() {
		runtime.Gosched()
	}
	if n > 1 {
		t.Errorf("%d connections", n)
	}
}

func TestAdoptedClose(t *testing.T) {
	r := tcpRig(t, quiet(), nil)
	q, _ := r.open(4)
	k := r.keepAlive()
	k.write(postHead(q, "4x"))
	want(t, "post", k.answer(), "200 ok")
	k.write(strings.Replace(getHead(q), "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
	want(t, "poll", k.answer(), "200 4x")
	want(t, "end", k.answer(), io.ErrUnexpectedEOF.Error())
}

// When the HTTP server is closed first, connections have nowhere to go back to.
func TestAdoptedWithoutHost(t *testing.T) {
	r := mixedRig(t, quiet())
	q, _ := r.open(4)
	k := r.keepAlive()
	k.write(postHead(q, "4x"))
	want(t, "post", k.answer(), "200 ok")
	_ = r.http.Close()
	k.write("GET /other HTTP/1.1\r\nHost: host.example\r\n\r\n")
	if got := k.answer(); strings.HasPrefix(got, "200") {
		t.Error(got)
	}
}

// Functions of the application that are called with connections meet those of
// its own listener only. One that insists on a type would otherwise end the
// process, at the wish of any client.
func TestAdoptedConnectionsAreSeen(t *testing.T) {
	insist := func(c net.Conn) { _ = c.(*net.TCPConn) }
	for name, tune := range map[string]func(*http.Server){
		"BaseContext": func(s *http.Server) {
			s.BaseContext = func(l net.Listener) context.Context {
				_ = l.(*net.TCPListener)
				return context.Background()
			}
		},
		"ConnContext": func(s *http.Server) {
			s.ConnContext = func(ctx context.Context, c net.Conn) context.Context { insist(c); return ctx }
		},
		"ConnState": func(s *http.Server) {
			s.ConnState = func(c net.Conn, _ http.ConnState) { insist(c) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := tcpRig(t, quiet(), nil, tune)
			q, _ := r.open(4)
			k := r.keepAlive()
			k.write(postHead(q, "4x"))
			want(t, "post", k.answer(), "200 ok")
			k.write("GET /engine.io/other HTTP/1.1\r\nHost: host.example\r\n\r\n") // not one that is read here
			if got := k.answer(); !strings.HasPrefix(got, "400 ") {
				t.Error(got)
			}
		})
	}
}
