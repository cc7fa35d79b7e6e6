package engineio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
)

// userHead is a request of a user, with a header of the user's own.
func userHead(method, query, user, body string) string {
	return fmt.Sprintf("%s /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\nX-Name: %s\r\nX-Forwarded-For: %s\r\nContent-Length: %d\r\n\r\n%s", method, query, user,
		map[string]string{"alice": "192.0.2.1", "bob": "192.0.2.2"}[user], len(body), body)
}

func (k *keepAlive) full() (*http.Response, string) {
	k.t.Helper()
	res, err := http.ReadResponse(k.r, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	return res, string(b)
}

// A proxy uses one connection for many users. What belongs to the one never
// reaches the other: neither what middleware has made for a request, nor who
// asks.
func TestOneConnectionManyUsers(t *testing.T) {
	for _, perUser := range []bool{true, false} {
		o := quiet()
		o.TrustedProxies, o.ClientIPHeader = []string{"127.0.0.1"}, "X-Forwarded-For"
		r := tcpRig(t, o, nil, func(s *http.Server) {
			inner := s.Handler
			s.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				w.Header().Set("X-Content-Type-Options", "nosniff")
				if perUser {
					w.Header().Set("X-Token", "for-"+req.Header.Get("X-Name"))
				}
				inner.ServeHTTP(w, req)
			})
		})
		k := r.keepAlive()
		ids, sessions := map[string]string{}, map[string]*echo{}
		for _, user := range []string{"alice", "bob"} {
			k.write(userHead("GET", "EIO=4&transport=polling", user, ""))
			_, body := k.full()
			sessions[user] = <-r.opened
			ids[user] = "EIO=4&transport=polling&sid=" + sessions[user].s.ID()
			if !strings.Contains(body, sessions[user].s.ID()) {
				t.Fatal(body)
			}
		}
		for i, user := range []string{"alice", "bob", "bob", "alice"} {
			ask := func(what, method, body, answer string) {
				k.write(userHead(method, ids[user], user, body))
				res, got := k.full()
				want(t, what, got, answer)
				want(t, what+" nosniff", res.Header.Get("X-Content-Type-Options"), "nosniff")
				if perUser {
					want(t, what+" token", res.Header.Get("X-Token"), "for-"+user)
				}
			}
			message := fmt.Sprint("4", user, i)
			ask("post", "POST", message, "ok")
			ask("poll", "GET", "", message)
		}
		for user, e := range sessions {
			want(t, "header", e.s.Handshake().HeaderValue("X-Name"), user)
			want(t, "address", e.s.Handshake().RemoteAddr(), map[string]string{"alice": "192.0.2.1", "bob": "192.0.2.2"}[user])
		}
		if n := r.srv.poller.Len(); netpoll.Supported && (n == 0) != perUser {
			t.Errorf("%d connections were taken over", n)
		}
		// A refusal that is not net/http's has the application's header too.
		k.write(userHead("POST", ids["bob"], "bob", "9"))
		res, _ := k.full()
		want(t, "refusal", fmt.Sprint(res.StatusCode, res.Header.Values("X-Content-Type-Options")), "400 [nosniff]")
		if sessions["alice"].s.Closed() || !sessions["bob"].s.Closed() {
			t.Error("the wrong session has ended")
		}
	}
}

// A rule of the application may look at anything, so it is asked for each request.
func TestFunctionsAreAskedEachTime(t *testing.T) {
	o := quiet()
	rule := OriginFunc(func(_ string, r *http.Request) bool { return r.Header.Get("X-Name") == "alice" })
	o.Origins, o.CORS = rule, &CORS{Credentials: true}
	r := tcpRig(t, o, nil)
	_, body, _ := r.request("GET", "EIO=4&transport=polling", "", "Origin", "http://a.example", "X-Name", "alice")
	e := <-r.opened
	if !strings.Contains(body, e.s.ID()) {
		t.Fatal(body)
	}
	k := r.keepAlive()
	for _, user := range []string{"alice", "bob", "alice", "bob"} {
		k.write(strings.Replace(userHead("POST", "EIO=4&transport=polling&sid="+e.s.ID(), user, "4x"), "\r\n", "\r\nOrigin: http://a.example\r\n", 1))
		res, _ := k.full()
		want(t, user, res.Header.Get("Access-Control-Allow-Origin"), map[string]string{"alice": "http://a.example"}[user])
	}
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// What a polling client causes and does not read is bounded, whatever it is:
// answers to posts, polls, refusals, on a connection that was taken over or not.
func TestUnreadPolling(t *testing.T) {
	for _, disable := range []bool{false, true} {
		for _, name := range []string{"posts", "polls", "refused"} {
			t.Run(fmt.Sprint(name, " ", disable), func(t *testing.T) {
				o := quiet()
				o.DisablePoller, o.DisableHTTPCompression, o.PingInterval = disable, true, -1
				r := tcpRig(t, o, nil)
				q, _ := r.open(4)
				k := r.keepAlive()
				k.write(postHead(q, "4x"))
				want(t, "post", k.answer(), "200 ok")
				k.write(getHead(q))
				want(t, "poll", k.answer(), "200 4x")
				var all string
				switch name {
				case "posts":
					all = strings.Repeat(postHead(q, "6"), 400)
				case "polls":
					all = postHead(q, "4"+strings.Repeat("x", 50_000)) + getHead(q)
				case "refused":
					all = postHead(q, "nonsense") + strings.Repeat(postHead(q, "6"), 400)
				}
				base := heap()
				for sent, err := 0, error(nil); err == nil; { // until nobody reads any more
					_ = k.SetWriteDeadline(time.Now().Add(700 * time.Millisecond))
					var n int
					n, err = io.WriteString(k, all)
					if sent += n; sent > 40<<20 {
						t.Fatal("the server reads on and on")
					}
				}
				// What is still being handled by then is garbage soon.
				r.waitFor("no more than 8 MB are kept", func() bool { return heap()-base <= 8<<20 })
			})
		}
	}
}

// An answer that is on its way to a client counts against MaxQueue, until it is
// taken or its connection has ended.
func TestAnswersOnTheirWayCount(t *testing.T) {
	for _, disable := range []bool{false, true} {
		for _, end := range []string{"read", "closed", "full"} {
			t.Run(fmt.Sprint(end, " ", disable), func(t *testing.T) {
				o := quiet()
				o.DisablePoller, o.DisableHTTPCompression, o.PingInterval = disable, true, -1
				o.MaxQueue = 1 << 20
				r := tcpRig(t, o, nil)
				q, e := r.open(4)
				k := r.keepAlive()
				_ = k.Conn.(*net.TCPConn).SetReadBuffer(64 << 10)
				k.write(getHead(q))
				r.waitPoll(e)
				const much = 16 << 20 // for the kernel
				if err := e.s.Send(text(strings.Repeat("x", much)), 0); err != nil {
					t.Fatal(err)
				}
				r.waitFor("an answer under way", func() bool {
					e.s.mu.Lock()
					defer e.s.mu.Unlock()
					return e.s.poll == nil && e.s.bufferedLocked() > o.MaxQueue
				})
				switch end {
				case "full":
					if err := e.s.Send(text("x"), 0); !errors.Is(err, ErrQueueFull) {
						t.Error(err)
					}
					want(t, "reason", string(e.end(t)), "transport error")
					return
				case "read":
					if got := k.answer(); len(got) != len("200 4")+much {
						t.Errorf("%.100s", got)
					}
				case "closed":
					_ = k.Close()
				}
				r.waitFor("nothing under way", func() bool { return e.s.Buffered() == 0 })
			})
		}
	}
}

// waitFor waits for a condition.
func (r *rig) waitFor(what string, ok func() bool) {
	r.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(slow.Stretch(20 * time.Second)); !ok(); <-tick.C {
		if time.Now().After(end) {
			r.t.Fatal("never: " + what)
		}
	}
}

// A head beyond MaxHeaderBytes is refused, whatever makes it long, and nothing
// of it is kept.
func TestMaxHeaderBytes(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		const size = 17 << 10
		long := strings.Repeat("x", size)
		for what, header := range map[string][]string{"a field": {"X-Long", long}, "cookies": {"Cookie", "a=" + long}, "a name": {"X-" + long, "x"}} {
			status, body, _ := r.request("GET", "EIO=4&transport=polling", "", header...)
			if status != http.StatusRequestHeaderFieldsTooLarge || !strings.Contains(body, "MaxHeaderBytes") {
				t.Errorf("%s: %d %s", what, status, body)
			}
		}
		status, _, _ := r.request("GET", "EIO=4&transport=polling&t="+long, "")
		want(t, "a query", fmt.Sprint(status), "431")
		if _, res := r.tryWebSocket("EIO=4&transport=websocket", "X-Long", long); res.StatusCode != 431 {
			t.Error(res.Status)
		}
		if r.srv.Len() != 0 {
			t.Error("a session")
		}
		status, _, _ = r.request("GET", "EIO=4&transport=polling", "", "X-Long", long[:10<<10])
		want(t, "less", fmt.Sprint(status), "200")
		<-r.opened
	})
}

// The memory for a body grows with what has come, not with what is announced.
func TestBodiesGrow(t *testing.T) {
	for _, tt := range []struct{ come, length, limit int64 }{
		{900_000, 1_000_000, 1_000_000}, {900_000, 900_000, 1_000_000}, {1, 1_000_000, 1_000_000}, {600_000, -1, 1_000_000}, {70_000, -1, -1}, {0, 0, 10},
	} {
		var buf bytes.Buffer
		cut := io.MultiReader(bytes.NewReader(make([]byte, tt.come)), iotest.ErrReader(errCut))
		if err := grow(&buf, cut, tt.length, tt.limit); !errors.Is(err, errCut) || int64(buf.Len()) != tt.come {
			t.Errorf("%v: %d bytes, %v", tt, buf.Len(), err)
		}
		most := max(2*tt.come, 1024)
		if tt.length >= 0 {
			most = min(most, max(tt.length+1, 512))
		}
		if int64(buf.Cap()) > most {
			t.Errorf("%v: %d bytes of memory", tt, buf.Cap())
		}
	}
	var buf bytes.Buffer
	if err := grow(&buf, iotest.OneByteReader(strings.NewReader("0123456789x")), -1, 10); !errors.Is(err, errBodyTooLarge) {
		t.Error(err)
	}
	buf.Reset()
	if err := grow(&buf, iotest.DataErrReader(strings.NewReader("0123456789")), 10, 10); err != nil || buf.String() != "0123456789" {
		t.Error(err, buf.String())
	}
}

var errCut = errors.New("cut")
