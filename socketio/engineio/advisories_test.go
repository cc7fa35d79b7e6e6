package engineio

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// Tests named after advisories of servers of this protocol. What they log as
// hostile inputs is counted in docs/reliability.md.

const upgradeFields = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"

// CVE-2020-28481: no page of another site may read an answer unless CORS says
// so, whatever is asked, other than why it is refused.
func TestCVE202028481NoCORSByDefault(t *testing.T) {
	tried := 0
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		q, e := r.open(4)
		_ = e.s.Send(text("x"), 0)
		for _, c := range []struct{ method, query string }{
			{"GET", "EIO=4&transport=polling"}, {"GET", "EIO=3&transport=polling"}, {"GET", q}, {"POST", q}, {"PUT", q}, {"DELETE", "EIO=4&transport=polling"},
			{"OPTIONS", "EIO=4&transport=polling"}, {"OPTIONS", q}, {"GET", ""}, {"GET", "EIO=4&transport=nonsense"}, {"GET", "EIO=4&transport=polling&sid=x"},
		} {
			for _, origin := range []string{"http://host.example", "http://evil.example", "null"} {
				tried++
				status, body, h := r.request(c.method, c.query, "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "x-a")
				for name := range h {
					if status >= 400 && name == "Access-Control-Allow-Origin" && strings.HasPrefix(body, `{"code":`) && !strings.Contains(body, e.s.ID()) {
						continue // why it is refused, and nothing else
					}
					if strings.HasPrefix(name, "Access-Control-") {
						t.Errorf("%s %s for %s: %s: %s", c.method, c.query, origin, name, h.Get(name))
					}
				}
			}
		}
	})
	t.Logf("hostile inputs: CORS by default: %d", tried)
}

// CVE-2022-41940: the client of an upgrade resets its connection after the
// refusal was decided and before it is written.
func TestCVE202241940ResetDuringRefusal(t *testing.T) {
	tried := 0
	for _, disable := range []bool{false, true} {
		o := quiet()
		o.DisablePoller, o.MaxSessions, o.PingInterval = disable, 2, -1
		refusing, goOn, served := make(chan struct{}), make(chan struct{}), make(chan any)
		o.OnConnectionError = func(*ConnectionError) { refusing <- struct{}{}; <-goOn }
		r := tcpRig(t, o, nil, func(s *http.Server) {
			engine := s.Handler
			s.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.Header.Get("X-Reset") != "" {
					defer func() { served <- recover() }()
				}
				engine.ServeHTTP(w, req)
			})
		})
		witness, _ := r.openWebSocket(4)
		q, e := r.open(4)
		const fresh = "EIO=4&transport=websocket"
		for _, c := range []struct{ query, fields string }{
			{fresh + "&sid=unknown", upgradeFields},
			{"EIO=5&transport=websocket", upgradeFields},
			{"EIO=4&transport=nonsense", upgradeFields},
			{fresh, "Origin: http://evil.example\r\n" + upgradeFields},
			{fresh, upgradeFields}, // one session too many
			{fresh, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n"},
			{strings.Replace(q, "polling", "websocket", 1), "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n"},
			{q, upgradeFields},
		} {
			tried++
			c0 := r.dial()
			fmt.Fprintf(c0, "GET /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\nX-Reset: yes\r\n%s\r\n", c.query, c.fields)
			<-refusing
			_ = c0.(*net.TCPConn).SetLinger(0) // a RST in place of a FIN
			_ = c0.Close()
			goOn <- struct{}{}
			if v := <-served; v != nil {
				t.Errorf("%s: panic: %v", c.query, v)
			}
		}
		witness.send("4x")
		want(t, "another session", witness.read(), "4x")
		want(t, "the session whose upgrade was tried", r.post(q, "4x"), "200 ok")
		if n := r.srv.Len(); n != 2 || e.s.Closed() {
			t.Errorf("%d sessions", n)
		}
	}
	t.Logf("hostile inputs: resets during a refusal: %d", tried)
}

// CVE-2023-31125: parameters that are odd, repeated, nested or broken.
func TestCVE202331125OddQueryParameters(t *testing.T) {
	const ok, transport, sid, version = -1, UnknownTransport, UnknownSID, UnsupportedProtocol
	const good = "EIO=4&transport=polling"
	long := strings.Repeat("a", 100_000)
	queries := map[string]int{
		"": transport, "&&&": transport, "===": transport, "=&=&=": transport, "?": transport, "%": transport, "%%%": transport, ";": transport,
		"EIO=4": transport, "EIO=4&transport": transport, "EIO=4&transport=": transport, "EIO=4&transport[]=polling": transport,
		"EIO=4&transport[0]=polling": transport, "EIO=4&transport.a=polling": transport, "EIO=4;transport=polling": transport,
		good + "&transport=polling": ok, good + "&transport=websocket": transport, good + "&transport": transport, good + "%00": transport,
		"EIO=4&transport=Polling": transport, "EIO=4&transport=__proto__": transport, "EIO=4&transport=constructor": transport,
		"EIO=4&transport=toString": transport, "EIO=4&transport=%zz": transport, "EIO=4&transport=polling;": transport, "EIO=4&transport=polling+": transport,
		"EIO=4&transport=" + long: transport, strings.Repeat("transport=polling&", 5000): version,
		good + "&EIO=4": ok, good + "&EIO=4&EIO=3&EIO=4": version, good + "&transport=polling&transport=x&transport=polling": transport, good + "&EIO=3": version, good + "&EIO": version, "transport=polling": version, "EIO[]=4&transport=polling": version,
		"EIO[$ne]=3&transport=polling": version, "EIO=04&transport=polling": version, "EIO=4.0&transport=polling": version, "EIO=4e0&transport=polling": version,
		"EIO=+4&transport=polling": version, "EIO=-4&transport=polling": version, "EIO=NaN&transport=polling": version, "EIO=%EF%BC%94&transport=polling": version,
		"EIO=9007199254740993&transport=polling": version, "EIO=" + long + "&transport=polling": version, "eio=4&transport=polling": version,
		good + "&sid=a": sid, good + "&sid=a&sid=b": sid, good + "&sid=&sid=": ok, good + "&sid=&sid=a": sid, good + "&sid=a&sid=": sid, good + "&sid=%00": sid, good + "&sid=__proto__": sid,
		good + "&sid=%0d%0aX:%20y": sid, good + "&sid=..%2f..%2f": sid, good + "&sid=%zz": sid, good + "&sid=" + long: sid,
		good + "&" + strings.Repeat("sid=a&", 5000): sid,
		good + "&sid[]=a": ok, good + "&__proto__[a]=b": ok, good + "&constructor=1": ok, good + "&a[b][c]=d&a[b][c]=e": ok, good + "&%zz=%zz": ok,
		good + "&x=\xff": ok, good + "&j=1": ok, good + "&b64=1&b64=2": ok, good + "&t=" + long: ok, "EIO=%34&transport=%70olling": ok,
		good + strings.Repeat("&a=b", 20_000): ok,
	}
	tried := 0
	options := func() *Options {
		return &Options{
			PingInterval:   -1, // the sessions are counted
			MaxHeaderBytes: -1, // so that long ones are looked at
		}
	}
	everywhere(t, options, func(t *testing.T, r *rig) {
		witness, _ := r.openWebSocket(4)
		open := 1
		for query, code := range queries {
			for _, method := range []string{"GET", "POST", "upgrade"} {
				tried++
				target := "/engine.io/?" + query
				fields := ""
				if method == "upgrade" {
					fields = upgradeFields
				}
				c := r.dial()
				fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: host.example\r\nContent-Length: 0\r\n%s\r\n", strings.Replace(method, "upgrade", "GET", 1), target, fields)
				k := &keepAlive{t: t, Conn: c, r: bufio.NewReader(c)}
				got := k.answer()
				_ = c.Close()
				want := fmt.Sprintf(`400 {"code":%d,"message":"%s"}`, code, codeText[max(code, 0)])
				switch {
				case method == "upgrade": // asked for on the polling transport it is never right
					if !strings.HasPrefix(got, `400 {"code":`) {
						t.Errorf("%s %.100s: %.100q", method, query, got)
					}
				case method == "POST" && (code == version || code == ok):
					if got != `400 {"code":2,"message":"Bad handshake method"}` {
						t.Errorf("%s %.100s: %.100q", method, query, got)
					}
				case code == ok:
					open++
					if !strings.HasPrefix(got, `200 0{"sid":"`) {
						t.Errorf("%s %.100s: %.100q", method, query, got)
					}
				case got != want:
					t.Errorf("%s %.100s: %.100q", method, query, got)
				}
			}
		}
		witness.send("4x")
		want(t, "another session", witness.read(), "4x")
		if n := r.srv.Len(); n != open || r.srv.Stats().Panics != 0 {
			t.Errorf("%d sessions, want %d", n, open)
		}
	})
	t.Logf("hostile inputs: query parameters: %d", tried)
}

// FuzzQuery: what is read as valid, the standard library reads in the same way.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{
		"EIO=4&transport=polling", "EIO=3&transport=websocket&sid=abc&b64=1&t=x", "transport=polling&transport=polling", "EIO=%34&transport=%zz", "sid=a;b&j=12", "a[b]=c&&=",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q := parseQuery(raw)
		v, _ := url.ParseQuery(raw) // what can be read of it
		check := func(name, got string, valid bool) {
			// Who says the same twice says it.
			if valid && !slices.Equal(slices.Compact(v[name]), []string{got}) {
				t.Errorf("%q: %s is %q, net/url: %q", raw, name, got, v[name])
			}
		}
		check("transport", q.transport, q.transport == pollingName || q.transport == websocketName)
		check("EIO", q.eio, q.eio == "3" || q.eio == "4")
		check("sid", q.sid, validID(q.sid))
		check("j", q.j, digitsOnly(q.j))
	})
}

// CVE-2026-59725: a binary POST on revision 4, which means nothing, is answered
// at once, whether its body comes or not, and ends its session.
func TestCVE202659725BinaryPostIsAnswered(t *testing.T) {
	tried := 0
	options := func() *Options { o := quiet(); o.PingInterval = -1; return o }
	for _, first := range []string{"", "4x"} { // with it, the connection has been taken over by then
		everywhere(t, options, func(t *testing.T, r *rig) {
			for _, rest := range []string{"Content-Length: 2\r\n\r\n4x", "Content-Length: 0\r\n\r\n", "Content-Length: 100\r\n\r\n4x", "Content-Length: 900000\r\n\r\n"} {
				q, e := r.open(4)
				k := r.keepAlive()
				fake := k.LocalAddr().Network() == "pipe" // time is
				if !fake && rest == "Content-Length: 900000\r\n\r\n" {
					continue // it takes as long as the others that do not come
				}
				tried++
				if first != "" {
					k.write(postHead(q, first))
					want(t, "text", k.answer(), "200 ok")
				}
				begin := time.Now()
				k.write("POST /engine.io/?" + q + " HTTP/1.1\r\nHost: host.example\r\nContent-Type: application/octet-stream\r\n" + rest)
				want(t, "binary", k.answer(), bad)
				want(t, "reason", string(e.end(t)), "transport error")
				if d := time.Since(begin); d >= time.Second && fake {
					t.Errorf("answered after %v", d)
				}
				_ = k.Close()
			}
			if k := r.keepAlive(); k.LocalAddr().Network() == "pipe" {
				time.Sleep(time.Second) // in which net/http ends connections whose body did not come
			}
		})
	}
	t.Logf("hostile inputs: binary posts: %d", tried)
}

// CVE-2026-48802: pongs that nobody has asked for, of WebSocket and of
// Engine.IO, start nothing.
func TestCVE202648802PongsStartNothing(t *testing.T) {
	const n = 10_000
	o := quiet()
	o.PingInterval = -1
	r := tcpRig(t, o, nil)
	s, _ := r.openWebSocket(4)
	q, _ := r.open(4)
	want(t, "post", r.post(q, "3"), "200 ok")
	before, most := runtime.NumGoroutine(), 0
	count := func() { most = max(most, runtime.NumGoroutine()) }
	for i := range n {
		s.write(ws.Pong, "x")
		s.send("3")
		if i%100 == 0 {
			count()
		}
	}
	want(t, "a payload of pongs", r.post(q, strings.Repeat("3\x1e", n-1)+"3"), "200 ok")
	s.send("4x")
	want(t, "echo", s.read(), "4x")
	if count(); most > before+100 {
		t.Errorf("%d goroutines before, %d meanwhile", before, most)
	}
	t.Logf("hostile inputs: unsolicited pongs: %d", 3*n)
}

// CVE-2024-37890, CVE-2021-32640: requests with very many or very long headers,
// at the beginning and on a connection that we read ourselves.
func TestCVE202437890ManyHeaders(t *testing.T) {
	tried := 0
	o := quiet()
	o.PingInterval = -1
	r := mixedRig(t, o)
	witness, _ := r.openWebSocket(4)
	for _, fields := range []string{
		strings.Repeat("X-A: b\r\n", 5000), strings.Repeat("Upgrade: x\r\n", 2000), strings.Repeat("Connection: upgrade, close\r\n", 2000),
		"X-A: " + strings.Repeat("b", 200_000) + "\r\n", "Sec-WebSocket-Protocol: " + strings.Repeat("a,", 50_000) + "\r\n",
		"Sec-WebSocket-Extensions: " + strings.Repeat("permessage-deflate;", 20_000) + "\r\n", "Cookie: " + strings.Repeat("a=b;", 100_000) + "\r\n",
		strings.Repeat("X-A: b\r\n", 140_000), "X-A: " + strings.Repeat("b", 1<<20+5000) + "\r\n", strings.Repeat("A:\r\n", 100), strings.Repeat(":\r\n", 100),
	} {
		for _, query := range []string{"EIO=4&transport=websocket", "EIO=4&transport=polling"} {
			for _, adopted := range []bool{false, true} {
				tried++
				k := r.keepAlive()
				if adopted {
					q, _ := r.open(4)
					k.write(postHead(q, "4x"))
					want(t, "post", k.answer(), "200 ok")
				}
				head := "GET /engine.io/?" + query + " HTTP/1.1\r\nHost: host.example\r\n" + upgradeFields + fields + "\r\n"
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					_, _ = io.WriteString(k, head) // it may be refused before all of it is there
				}()
				res, err := http.ReadResponse(k.r, &http.Request{Method: "GET"})
				if err == nil && res.StatusCode < 400 && res.StatusCode != http.StatusSwitchingProtocols {
					t.Errorf("%.30q %s: %s", fields, query, res.Status)
				}
				_ = k.Close()
				<-sent
			}
		}
	}
	witness.send("4x")
	want(t, "another session", witness.read(), "4x")
	t.Logf("hostile inputs: headers: %d", tried)
}
