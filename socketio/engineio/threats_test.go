package engineio

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/internal/id"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// CVE-2017-16031: ids that can be guessed.
func TestIDs(t *testing.T) {
	seen := map[string]bool{}
	var counts [256]int
	for range 20_000 {
		id := id.New()
		if len(id) != 20 || !validID(id) || seen[id] {
			t.Fatal(id)
		}
		seen[id] = true
		for i := range len(id) {
			counts[id[i]]++
		}
	}
	used := 0
	for _, n := range counts {
		if n == 0 {
			continue
		}
		if used++; n < 5500 || n > 7000 { // of 6250
			t.Errorf("a character comes %d times", n)
		}
	}
	if used != 64 { // 20 characters of 6 bits each are 120 bits
		t.Errorf("%d characters are in use", used)
	}
	for _, id := range []string{"", "a b", "a\n", "é", strings.Repeat("a", 65), "a/b", "a;b"} {
		if validID(id) {
			t.Errorf("%q is a valid id", id)
		}
	}
}

// CVE-2022-41940: a client that resets its connection while its upgrade is
// being refused, or at any other step, harms nobody else.
func TestResets(t *testing.T) {
	tried := 0
	for _, disable := range []bool{false, true} {
		o := quiet()
		o.DisablePoller = disable
		r := tcpRig(t, o, nil)
		witness, _ := r.openWebSocket(4)
		q, e := r.open(4)
		upgrade := "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
		wsQuery := strings.Replace(q, "polling", "websocket", 1)
		frame := func(s string) string {
			return string(ws.AppendMaskedFrame(nil, ws.Text, []byte(s), [4]byte{1, 2, 3, 4}))
		}
		for _, sent := range []string{
			"GET /engine.io/?EIO=4&transport=websocket&sid=unknown HTTP/1.1\r\nHost: host.example\r\n" + upgrade,
			"GET /engine.io/?EIO=5&transport=websocket HTTP/1.1\r\nHost: host.example\r\n" + upgrade,
			"GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: host.example\r\nOrigin: http://evil.example\r\n" + upgrade,
			"GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: host.example\r\n" + upgrade,
			"GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: host.example\r\n" + upgrade + frame("4x")[:4],
			"GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: host.example\r\n" + upgrade + "\x88\x80abcd",
			"GET /engine.io/?" + wsQuery + " HTTP/1.1\r\nHost: host.example\r\n" + upgrade,
			"GET /engine.io/?" + wsQuery + " HTTP/1.1\r\nHost: host.example\r\n" + upgrade + frame("2probe"),
			"GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: host.example\r\n\r\n",
			"POST /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: host.example\r\nContent-Length: 5\r\n\r\n4",
			postHead(q, "3")[:60],
			"GET /engine.io/?EIO=4",
		} {
			for range 5 {
				tried++
				c := r.dial()
				_, _ = io.WriteString(c, sent)
				if rand.IntN(2) == 0 {
					_ = c.(*net.TCPConn).SetLinger(0) // a RST in place of a FIN
				}
				_ = c.Close()
			}
		}
		witness.send("4x")
		want(t, "another session", witness.read(), "4x")
		if e.s.Closed() {
			t.Error("the session whose upgrade was tried has ended:", *e.s.fate)
		}
		e.s.CloseNow(ForcedClose, nil)
		n := r.srv.Len()
		for begin := time.Now(); n > 1+5 && time.Since(begin) < slow.Stretch(10*time.Second); n = r.srv.Len() {
			time.Sleep(time.Millisecond)
		}
		if n > 1+5 { // a polling handshake leaves a session that waits
			t.Errorf("%d sessions", n)
		}
	}
	t.Logf("hostile inputs: resets: %d", tried)
}

// Upgrade abuse: a second probe, a probe that says something else, polls and
// posts after the upgrade, an upgrade of an upgraded session, a foreign id.
func TestUpgradeAbuse(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		q, e := r.open(4)
		wsQuery := strings.Replace(q, "polling", "websocket", 1)
		first := r.webSocket(wsQuery)
		second := r.webSocket(wsQuery)
		want(t, "a second websocket", second.read(), "close 1005")
		first.send("2probe")
		first.send("2probe")
		want(t, "probes", first.read()+first.read(), "3probe3probe")
		first.send("4x")
		want(t, "a message before the upgrade", first.read(), "close 1005")
		want(t, "the session goes on", r.post(q, "4x"), "200 ok")
		for _, packet := range []string{"2", "2other", "1", "6", "3probe", "0{}"} {
			s := r.webSocket(wsQuery)
			s.send(packet)
			want(t, packet, s.read(), "close 1005")
		}
		s := r.webSocket(wsQuery)
		s.send("5") // without a probe, as the reference
		want(t, "upgraded", s.read(), "4x")
		want(t, "poll", r.get(q), bad)
		want(t, "post", r.post(q, "4x"), bad)
		again := r.webSocket(wsQuery)
		want(t, "upgrade again", again.read(), "close 1005")
		if got, res := r.tryWebSocket("EIO=4&transport=websocket&sid=" + id.New()); got != nil || res.StatusCode != 400 {
			t.Error("upgrade of nobody's session")
		}
		if e.s.Closed() {
			t.Error("the session has ended")
		}
	})
	o := quiet()
	o.DisableUpgrades = true
	inMemory(t, o, func(t *testing.T, r *rig) {
		_, body, _ := r.request("GET", "EIO=4&transport=polling", "")
		if !strings.Contains(body, `"upgrades":[]`) {
			t.Error(body)
		}
		if s, _ := r.tryWebSocket("EIO=4&transport=websocket&sid=" + body[9:29]); s != nil {
			t.Error("upgraded all the same")
		}
	})
	o = quiet()
	o.Transports = []string{"websocket"}
	inMemory(t, o, func(t *testing.T, r *rig) {
		want(t, "polling", r.get("EIO=4&transport=polling"), `400 {"code":0,"message":"Transport unknown"}`)
	})
}

// Decompression bombs: the limit is on what comes out.
func TestDeflate(t *testing.T) {
	pack := func(s string) []byte {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.BestCompression)
		_, _ = io.WriteString(w, s)
		_ = w.Flush()
		return bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
	}
	frame := func(payload []byte) []byte {
		f := ws.AppendMaskedFrame(nil, ws.Text, payload, [4]byte{})
		f[0] |= 0x40
		return f
	}
	options := func() *Options { o := quiet(); o.PerMessageDeflate = &Deflate{}; return o }
	everywhere(t, options, func(t *testing.T, r *rig) {
		s := r.webSocket("EIO=4&transport=websocket", "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
		if !strings.HasPrefix(s.header.Get("Sec-WebSocket-Extensions"), "permessage-deflate") {
			t.Fatal(s.header)
		}
		s.read()
		long := "4" + strings.Repeat("abc", 1000)
		_, _ = s.Write(frame(pack(long)))
		var h [2]byte
		if _, err := io.ReadFull(s.r, h[:]); err != nil || h[0] != 0xc1 || h[1] > 125 {
			t.Fatalf("%x %v", h, err)
		}
		b := make([]byte, h[1])
		_, _ = io.ReadFull(s.r, b)
		out, _ := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(b), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
		want(t, "compressed echo", string(out), long)
		s.send("4short")
		want(t, "below the threshold", s.read(), "4short")
		e := <-r.opened
		if err := e.s.Send(text(long[1:]), NoCompress); err != nil {
			t.Error(err)
		}
		want(t, "not to be compressed", s.read(), long)
		_, _ = s.Write(frame(pack("4" + strings.Repeat("x", 2_000_000))))
		want(t, "bomb", s.read(), "close 1009")
		want(t, "reason", string(e.end(t)), "transport error")

		plain, e := r.openWebSocket(4)
		_ = e.s.Send(text(long[1:]), 0)
		want(t, "a client without the extension", plain.read(), long)
	})
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		s := r.webSocket("EIO=4&transport=websocket", "Sec-WebSocket-Extensions", "permessage-deflate")
		want(t, "off by default", s.header.Get("Sec-WebSocket-Extensions"), "")
	})
}

// Half-open TCP: a client that is gone without a word is found by the heartbeat,
// and its connection, which takes nothing any more, is cut.
func TestHalfOpen(t *testing.T) {
	inMemory(t, brisk(), func(t *testing.T, r *rig) {
		s, e := r.openWebSocket(4)
		begin := time.Now()
		want(t, "reason", string(e.end(t)), "ping timeout") // nobody reads the ping
		if d := time.Since(begin); d > 600*time.Millisecond {
			t.Error(d)
		}
		time.Sleep(2 * hangUp)
		synctest.Wait()
		if n := r.srv.poller.Len(); n != 0 {
			t.Errorf("%d connections", n)
		}
		_ = s.Close()
	})
}

// Header and log injection, and secrets in logs.
func TestLogs(t *testing.T) {
	var log bytes.Buffer
	o := quiet()
	o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.OnInitialHeaders = nil
	var ids []string
	inMemory(t, o, func(t *testing.T, r *rig) {
		for range 3 {
			q, e := r.open(4)
			ids = append(ids, e.s.ID())
			r.post(q, "\x00\x1b[31m")
			r.get(q)
			r.get(strings.Replace(q, "polling", "%0d%0aX: y", 1))
			r.get("EIO=4&transport=polling&sid=%0d%0aInjected:%20yes")
			s, _ := r.openWebSocket(4)
			s.send("\x00")
			s.read()
		}
		status, body, h := r.request("GET", "EIO=4&transport=%0d%0aInjected:%20yes", "", "Origin", "http://host.example")
		if status != 400 || h.Get("Injected") != "" || strings.Contains(body, "Injected") {
			t.Error(status, body, h)
		}
	})
	s := log.String()
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(line, "time=") || strings.ContainsAny(line, "\x00\x1b\r") {
			t.Errorf("%q", line)
		}
	}
	for _, id := range ids {
		if strings.Contains(s, id) {
			t.Error("a whole session id is in the log")
		}
	}
	if !strings.Contains(s, "session closed") {
		t.Error("nothing was logged")
	}
}

// FuzzSession drives one live server by arbitrary steps. Whatever they are:
// nothing panics, an answer always comes, nothing is delivered twice or out of
// order, and at the end nothing is left, and what became of each message is
// accounted for.
func FuzzSession(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Add([]byte{2, 4, 2, 3, 9, 5, 6, 1, 12, 12, 5, 8, 8})
	f.Add([]byte{9, 2, 5, 6, 4, 2, 10, 11, 7, 0})
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 60 {
			return
		}
		synctest.Test(t, func(t *testing.T) { fuzzSession(t, steps) })
	})
}

func fuzzSession(t *testing.T, steps []byte) {
	o := brisk()
	o.MaxQueue = 20_000
	o.StallTimeout = time.Second
	r := memoryRig(t, o, nil)
	q, e := r.open(4)
	wsQuery := strings.Replace(q, "polling", "websocket", 1)
	sent, next := 0, 0
	var s *socket
	seen := -1
	take := func(packets string) {
		for p := range strings.SplitSeq(packets, "\x1e") {
			var n int
			if _, err := fmt.Sscanf(p, "4out%d", &n); err == nil {
				if n <= seen {
					t.Fatalf("message %d after %d", n, seen)
				}
				seen = n
			}
		}
	}
	for i, step := range steps {
		switch step % 14 {
		case 0:
			time.Sleep(time.Duration(1+step) * 3 * time.Millisecond)
		case 1:
			_ = e.s.Send(text(fmt.Sprint("out", sent)), 0)
			sent++
		case 2:
			r.post(q, fmt.Sprint("4in", next))
			next++
		case 3:
			got := r.get(q)
			take(strings.TrimPrefix(got, "200 "))
		case 4:
			if s == nil {
				s, _ = r.tryWebSocket(wsQuery)
				if s != nil {
					_ = s.SetDeadline(time.Now().Add(time.Second))
				}
			}
		case 5, 6, 7:
			if s != nil {
				packets := []string{"2probe", "5", fmt.Sprint("4in", next)}
				_, _ = s.Write(ws.AppendMaskedFrame(nil, ws.Text, []byte(packets[step%14-5]), [4]byte{1, 2, 3, 4}))
				if step%14 == 7 {
					next++
				}
			}
		case 8:
			if s != nil {
				_ = s.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
				take(s.read())
			}
		case 9:
			go func() { _ = r.get(q) }()
			synctest.Wait()
		case 10:
			e.s.Pause()
		case 11:
			e.s.Resume()
		case 12:
			if s != nil {
				_, _ = s.Write(steps[i:])
			}
			r.post(q, string(steps[i:]))
		case 13:
			if s != nil {
				_ = s.Close()
				s = nil
			}
		}
	}
	if s != nil {
		_ = s.Close()
	}
	e.s.CloseNow(ForcedClose, nil)
	e.end(t)
	last := -1
	for _, m := range e.got {
		var n int
		if _, err := fmt.Sscanf(m, "in%d", &n); err == nil {
			if n <= last {
				t.Fatalf("received %d after %d", n, last)
			}
			last = n
		}
	}
	time.Sleep(2 * hangUp)
	synctest.Wait()
	st := r.srv.Stats()
	if st.Panics != 0 || st.Sessions != 0 || st.WebSocket != 0 || st.Opened != 1 || len(met(st.Closed)) != 1 {
		t.Fatalf("%+v", st)
	}
	if st.MessagesOut != st.Delivered+st.Abandoned || seen >= sent {
		t.Fatalf("%d messages: %+v", sent, st)
	}
}
