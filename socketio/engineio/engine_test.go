package engineio

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// The rows of the conformance server's profile "engine", in its order.

func TestHandshakeKeys(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		_, body, h := r.request("GET", "EIO=4&transport=polling", "")
		ws := r.webSocket("EIO=4&transport=websocket")
		for _, c := range []struct{ body, upgrades string }{{body, "[websocket]"}, {ws.read(), "[]"}} {
			var o map[string]any
			if err := json.Unmarshal([]byte(c.body[1:]), &o); err != nil {
				t.Fatal(c.body, err)
			}
			want(t, "keys", fmt.Sprint(slices.Sorted(maps.Keys(o))), "[maxPayload pingInterval pingTimeout sid upgrades]")
			want(t, "values", fmt.Sprint(o["upgrades"], o["pingInterval"], o["pingTimeout"], o["maxPayload"]), c.upgrades+" 25000 20000 1e+06")
			if sid := o["sid"].(string); len(sid) != 20 || !validID(sid) {
				t.Errorf("sid %q", sid)
			}
		}
		want(t, "type", h.Get("Content-Type"), "text/plain; charset=UTF-8")
		want(t, "CORS", h.Get("Access-Control-Allow-Origin"), "") // CVE-2020-28481
	})
}

func TestRefusedHandshakes(t *testing.T) {
	everywhere(t, func() *Options { return new(Options) }, func(t *testing.T, r *rig) {
		for query, answer := range map[string]string{
			"transport=polling":                   `400 {"code":5,"message":"Unsupported protocol version"}`,
			"EIO=abc&transport=polling":           `400 {"code":5,"message":"Unsupported protocol version"}`,
			"EIO=4":                               `400 {"code":0,"message":"Transport unknown"}`,
			"EIO=4&transport=abc":                 `400 {"code":0,"message":"Transport unknown"}`,
			"EIO=4&transport=polling&sid=abc":     unknown,
			"EIO=4&transport=websocket":           bad,
			"EIO=3&transport=polling":             `400 {"code":5,"message":"Unsupported protocol version"}`,
			"EIO=&transport=polling":              `400 {"code":5,"message":"Unsupported protocol version"}`,
			"EIO=4&transport=polling&transport=x": `400 {"code":0,"message":"Transport unknown"}`, // CVE-2023-31125
			"EIO=4&EIO=3&transport=polling":       `400 {"code":5,"message":"Unsupported protocol version"}`,
			"EIO=4&transport=polling&sid=a&sid=b": unknown,
			"EIO=%zz&transport=polling":           `400 {"code":5,"message":"Unsupported protocol version"}`,
		} {
			want(t, query, r.get(query), answer)
		}
		for _, method := range []string{"POST", "PUT", "DELETE"} {
			status, body, h := r.request(method, "EIO=4&transport=polling", "")
			want(t, method, fmt.Sprint(status, " ", body), `400 {"code":2,"message":"Bad handshake method"}`)
			want(t, "type", h.Get("Content-Type"), "application/json")
		}
		for _, query := range []string{"EIO=4&transport=websocket&sid=abc", "EIO=4&transport=abc", "transport=websocket"} {
			if s, res := r.tryWebSocket(query); s != nil || res.StatusCode != 400 {
				t.Errorf("%s: a websocket", query)
			}
		}
		if n := r.srv.Len(); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

func TestPolling(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		q, e := r.open(4)
		want(t, "post", r.post(q, "4hello\x1ebAQIDBA==\x1e4"), "200 ok")
		want(t, "poll", r.get(q), "200 4hello\x1ebAQIDBA==\x1e4")
		_, _, h := r.request("POST", q, "4x")
		want(t, "type of the answer to a post", h.Get("Content-Type"), "text/html")
		_, _, h = r.request("GET", q, "")
		want(t, "caching", h.Get("Cache-Control"), "no-store")
		e.s.Close(ForcedClose)
		want(t, "last poll", r.get(q), "200 1")
		want(t, "poll after the end", r.get(q), unknown)
		want(t, "reason", string(e.end(t)), "forced close")
	})
}

func TestHeldPoll(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		q, e := r.open(4)
		answer := make(chan string)
		go func() { answer <- r.get(q) }()
		r.waitPoll(e)
		if err := e.s.Send(text("x"), 0); err != nil {
			t.Error(err)
		}
		want(t, "held poll", <-answer, "200 4x")
	})
}

// waitPoll waits until the session has a poll open.
func (r *rig) waitPoll(e *echo) {
	r.t.Helper()
	for begin := time.Now(); time.Since(begin) < slow.Stretch(10*time.Second); time.Sleep(time.Millisecond) {
		e.s.mu.Lock()
		open := e.s.poll != nil
		e.s.mu.Unlock()
		if open {
			return
		}
	}
	r.t.Fatal("no poll comes")
}

func TestOverlappingPolls(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		q, e := r.open(4)
		first := make(chan string)
		go func() { first <- r.get(q) }()
		r.waitPoll(e)
		want(t, "second", r.get(q), bad)
		want(t, "first", <-first, "200 1")
		want(t, "after", r.get(q), unknown)
		want(t, "reason", string(e.end(t)), "transport error")
	})
}

// Whoever is refused is told apart, on a connection that was taken over too: the
// log is limited for each client.
func TestRefusalsNameTheirClient(t *testing.T) {
	refused := make(chan *ConnectionError, 10)
	o := func() *Options {
		o := quiet()
		o.OnConnectionError = func(e *ConnectionError) { refused <- e }
		return o
	}
	everywhere(t, o, func(t *testing.T, r *rig) {
		q, _ := r.open(4)
		want(t, "post", r.post(q, "malformed"), bad)
		q, e := r.open(4)
		first := make(chan string)
		go func() { first <- r.get(q) }()
		r.waitPoll(e)
		want(t, "second poll", r.get(q), bad)
		<-first
		for range 2 {
			if h := (<-refused).Request; h.RemoteAddr == "" || h.Host == "" || h.URL.Path != "/engine.io/" {
				t.Errorf("%s asked %s for %s", h.RemoteAddr, h.Host, h.URL)
			}
		}
	})
}

func TestAbortedPoll(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		q, e := r.open(4)
		c := r.dial()
		fmt.Fprintf(c, "GET /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\n\r\n", q)
		r.waitPoll(e)
		_ = c.Close()
		want(t, "reason", string(e.end(t)), "transport error")
		want(t, "after", r.get(q), unknown)
	})
}

func TestOverlappingPosts(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		q, e := r.open(4)
		c := r.dial()
		defer c.Close()
		fmt.Fprintf(c, "POST /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\nContent-Length: 10\r\n\r\n4", q)
		for begin, posting := time.Now(), false; !posting && time.Since(begin) < slow.Stretch(10*time.Second); time.Sleep(time.Millisecond) {
			e.s.mu.Lock()
			posting = e.s.posting
			e.s.mu.Unlock()
		}
		want(t, "second", r.post(q, "4x"), bad)
		want(t, "reason", string(e.end(t)), "transport error")
	})
}

func TestClientCloses(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		q, e := r.open(4)
		answer := make(chan string)
		go func() { answer <- r.get(q) }()
		r.waitPoll(e)
		want(t, "post", r.post(q, "1"), "200 ok")
		want(t, "held poll", <-answer, "200 6")
		want(t, "after", r.get(q), unknown)
		want(t, "reason", string(e.end(t)), "transport close")

		s, e := r.openWebSocket(4)
		s.send("1")
		want(t, "websocket", s.read(), "close 1005")
		want(t, "reason", string(e.end(t)), "transport close")
	})
}

func TestMalformedPackets(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		for _, body := range []string{"abc", "", "4a\x1e", "4\xff"} {
			q, e := r.open(4)
			want(t, "post", r.post(q, body), bad)
			want(t, "after", r.get(q), unknown)
			want(t, "reason", string(e.end(t)), "parse error")
		}
		for _, data := range []string{"abc", ""} {
			s, e := r.openWebSocket(4)
			s.send(data)
			want(t, "websocket", s.read(), "close 1005")
			want(t, "end", s.read(), "end")
			want(t, "reason", string(e.end(t)), "parse error")
		}
		// CVE-2026-59725: binary content has no meaning on revision 4.
		q, e := r.open(4)
		status, body, _ := r.request("POST", q, "4x", "Content-Type", "application/octet-stream")
		want(t, "binary", fmt.Sprint(status, " ", body), bad)
		want(t, "reason", string(e.end(t)), "transport error")
	})
}

func TestWebSocket(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		s, e := r.openWebSocket(4)
		s.send("4hello")
		want(t, "echo", s.read(), "4hello")
		s.write(ws.Binary, "\x01\x02")
		want(t, "binary", s.read(), "<\x01\x02>")
		if err := e.s.Send(text("a", []byte("b"), []byte("c")), 0); err != nil {
			t.Error(err)
		}
		want(t, "with attachments", s.read()+s.read()+s.read(), "4a<b><c>")
		s.write(ws.Ping, "x")
		want(t, "ping", s.read(), "pong x")
		want(t, "transport", e.s.Transport(), "websocket")
		long := strings.Repeat("x", 70_000)
		s.send("4" + long)
		want(t, "long", s.read(), "4"+long)
		s.write(ws.Close, "\x03\xe8")
		want(t, "close", s.read(), "close 1000")
		want(t, "reason", string(e.end(t)), "transport close")

		s, e = r.openWebSocket(4)
		_ = s.Close()
		want(t, "lost", string(e.end(t)), "transport close")

		s, e = r.openWebSocket(4)
		e.s.Close(ForcedClose)
		want(t, "server closes", s.read(), "close 1005")
		want(t, "server closes", s.read(), "end")
		want(t, "reason", string(e.end(t)), "forced close")
	})
}

func TestHeartbeat(t *testing.T) {
	inMemory(t, brisk(), func(t *testing.T, r *rig) {
		s, e := r.openWebSocket(4)
		begin := time.Now()
		for range 3 {
			want(t, "ping", s.read(), "2")
			s.send("3")
		}
		if d := time.Since(begin); d < 900*time.Millisecond || d > 930*time.Millisecond {
			t.Errorf("three pings took %v", d)
		}
		want(t, "ping", s.read(), "2")
		begin = time.Now()
		want(t, "end", s.read(), "close 1005")
		if d := time.Since(begin); d < 200*time.Millisecond || d > 210*time.Millisecond {
			t.Errorf("ping timeout after %v", d)
		}
		want(t, "reason", string(e.end(t)), "ping timeout")

		q, e := r.open(4)
		for range 3 {
			want(t, "ping", r.get(q), "200 2")
			want(t, "pong", r.post(q, "3"), "200 ok")
		}
		want(t, "ping", r.get(q), "200 2")
		want(t, "held poll", r.get(q), "200 1")
		want(t, "reason", string(e.end(t)), "ping timeout")
		want(t, "after", r.get(q), unknown)

		q, e = r.open(4)
		want(t, "wrong direction", r.post(q, "2"), "200 ok")
		want(t, "reason", string(e.end(t)), "transport error")
	})
}

func TestUpgrade(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		q, e := r.open(4)
		poll := make(chan string)
		go func() { poll <- r.get(q) }()
		r.waitPoll(e)
		wsQuery := strings.Replace(q, "polling", "websocket", 1)
		s := r.webSocket(wsQuery)
		s.send("2probe")
		want(t, "probe", s.read(), "3probe")
		want(t, "open poll", <-poll, "200 6")
		if err := e.s.Send(text("meanwhile"), 0); err != nil {
			t.Error(err)
		}
		s.send("5")
		want(t, "meanwhile", s.read(), "4meanwhile")
		want(t, "poll after", r.get(q), bad)
		want(t, "post after", r.post(q, "4x"), bad)
		s.send("4x")
		want(t, "echo", s.read(), "4x")
		want(t, "transport", e.s.Transport(), "websocket")

		second := r.webSocket(wsQuery)
		want(t, "second websocket", second.read(), "close 1005")
		s.send("4y")
		want(t, "echo", s.read(), "4y")
		if st := r.srv.Stats(); st.Upgraded != 1 || st.WebSocket != 1 || st.Sessions != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestUpgradeTimeout(t *testing.T) {
	o := new(Options)
	o.UpgradeTimeout = 300 * time.Millisecond
	inMemory(t, o, func(t *testing.T, r *rig) {
		q, e := r.open(4)
		begin := time.Now()
		s := r.webSocket(strings.Replace(q, "polling", "websocket", 1))
		s.send("2probe")
		want(t, "probe", s.read(), "3probe")
		want(t, "timeout", s.read(), "close 1005")
		if d := time.Since(begin); d < 300*time.Millisecond || d > 310*time.Millisecond {
			t.Error(d)
		}
		want(t, "post", r.post(q, "4x"), "200 ok")
		want(t, "the session goes on", r.get(q), "200 4x")
		want(t, "bounds", fmt.Sprint(met(r.srv.Stats().Bounds)), "map[UpgradeTimeout:1]")
		e.s.CloseNow(ForcedClose, nil)
	})
}

// CVE-2022-21676: an invalid first frame after an upgrade.
func TestInvalidFirstFrame(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		other, _ := r.openWebSocket(4)
		for _, raw := range []string{"\x83\x80abcd", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x01\x01x", "\x88\x7e\x10\x00"} {
			q, _ := r.open(4)
			s := r.webSocket(strings.Replace(q, "polling", "websocket", 1))
			if _, err := s.Write([]byte(raw)); err != nil {
				t.Error(err)
			}
			want(t, "refused", s.read(), "close 1002")
			want(t, "post", r.post(q, "4x"), "200 ok")
			want(t, "the session goes on", r.get(q), "200 4x")
		}
		other.send("4x")
		want(t, "another session", other.read(), "4x")
	})
}

func TestRevision3(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		q, e := r.open(3)
		want(t, "post", r.post(q, "6:4hello10:b4AQIDBA=="), "200 ok")
		status, body, h := r.request("GET", q, "")
		want(t, "binary payload", fmt.Sprint(status, " ", body), "200 \x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04")
		want(t, "type", h.Get("Content-Type"), "application/octet-stream")
		status, body, _ = r.request("POST", q, "\x00\x02\xff4x\x01\x02\xff\x04\x07", "Content-Type", "application/octet-stream")
		want(t, "binary post", fmt.Sprint(status, " ", body), "200 ok")
		want(t, "echo", r.get(q), "200 \x00\x02\xff4x\x01\x02\xff\x04\x07")
		want(t, "beyond ASCII", r.post(q, "3:4éx"), "200 ok")
		want(t, "as binary payload, for 1.x", r.get(q), "200 \x00\x04\xff4éx")
		want(t, "ping", r.post(q, "1:2"), "200 ok")
		want(t, "pong", r.get(q), "200 1:3")
		want(t, "bad", r.post(q, "3:4x"), bad)
		want(t, "reason", string(e.end(t)), "parse error")

		status, body, _ = r.request("GET", "EIO=3&transport=polling&b64=1", "")
		if status != 200 || !strings.Contains(body, `:0{"sid"`) {
			t.Fatal(body)
		}
		e = <-r.opened
		q = "EIO=3&transport=polling&b64=1&sid=" + e.s.ID()
		want(t, "post", r.post(q, "6:4hello10:b4AQIDBA=="), "200 ok")
		want(t, "text payload", r.get(q), "200 6:4hello10:b4AQIDBA==")

		s, _ := r.openWebSocket(3)
		s.send("4hello")
		want(t, "echo", s.read(), "4hello")
		s.write(ws.Binary, "\x04\x01\x02")
		want(t, "binary", s.read(), "<\x04\x01\x02>")
		s.send("2")
		want(t, "pong", s.read(), "3")
	})
	inMemory(t, brisk(), func(t *testing.T, r *rig) {
		s, e := r.openWebSocket(3)
		for range 3 {
			time.Sleep(450 * time.Millisecond)
			s.send("2")
			want(t, "pong", s.read(), "3")
		}
		want(t, "silent client", s.read(), "close 1005")
		want(t, "reason", string(e.end(t)), "ping timeout")
	})
}
