package googollee_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	socketio "github.com/googollee/go-socket.io"
	"github.com/googollee/go-socket.io/engineio"
	"github.com/googollee/go-socket.io/engineio/session"
	"github.com/googollee/go-socket.io/engineio/transport"
	"github.com/googollee/go-socket.io/engineio/transport/polling"
	"github.com/googollee/go-socket.io/engineio/transport/websocket"

	"github.com/sockeye-io/sockeye/googollee"
	"github.com/sockeye-io/sockeye/internal/freeport"
	native "github.com/sockeye-io/sockeye/socketio"
)

func withOptions(t *testing.T, opts *engineio.Options) *googollee.Server {
	t.Helper()
	s := googollee.NewServer(opts)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestPingTimesReachTheClient(t *testing.T) {
	for _, c := range []struct {
		opts              *engineio.Options
		interval, timeout float64
	}{
		{nil, 20000, 60000},
		{&engineio.Options{}, 20000, 60000},
		{&engineio.Options{PingInterval: 3 * time.Second, PingTimeout: 7 * time.Second}, 3000, 7000},
	} {
		open := dial(t, withOptions(t, c.opts), 3, "").open
		if open["pingInterval"] != c.interval || open["pingTimeout"] != c.timeout {
			t.Errorf("%+v: the client was told %v", c.opts, open)
		}
	}
}

// get sends one handshake request.
func get(s http.Handler, transport string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://board.example/socket.io/?EIO=3&transport="+transport, nil)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func origin(o string) func(*http.Request) { return func(r *http.Request) { r.Header.Set("Origin", o) } }

func TestTransportsThatWereNotAskedForAreRefused(t *testing.T) {
	s := withOptions(t, &engineio.Options{Transports: []transport.Transport{&websocket.Transport{}}})
	if w := get(s, "polling", nil); w.Code != 400 {
		t.Errorf("polling: %d %q", w.Code, w.Body)
	}
	s = withOptions(t, &engineio.Options{Transports: []transport.Transport{polling.Default}})
	if w := get(s, "polling", nil); w.Code != 200 || strings.Contains(w.Body.String(), `"websocket"`) {
		t.Errorf("polling alone: %d %q", w.Code, w.Body)
	}
}

type carrierPigeon struct{ transport.Transport }

func (carrierPigeon) Name() string { return "pigeon" }

func TestCustomTransportPanicsAtStart(t *testing.T) {
	defer func() {
		if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "pigeon") {
			t.Errorf("panic: %v", p)
		}
	}()
	googollee.NewServer(&engineio.Options{Transports: []transport.Transport{carrierPigeon{}}})
}

func TestCheckOriginPerTransport(t *testing.T) {
	friend := func(r *http.Request) bool { return r.Header.Get("Origin") == "https://friend.example" }
	both := withOptions(t, &engineio.Options{Transports: []transport.Transport{
		&polling.Transport{CheckOrigin: friend}, &websocket.Transport{CheckOrigin: friend},
	}})
	w := get(both, "polling", origin("https://friend.example"))
	if h := w.Header(); w.Code != 200 || h.Get("Access-Control-Allow-Origin") != "https://friend.example" || h.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("the friend: %d %v", w.Code, h)
	}
	// The original answered these by polling, only without the CORS headers.
	for _, transport := range []string{"polling", "websocket"} {
		for _, o := range []string{"https://foe.example", "http://board.example", ""} {
			w := get(both, transport, func(r *http.Request) {
				if o != "" {
					r.Header.Set("Origin", o)
				}
				upgrade(r)
			})
			if w.Code != 403 || w.Header().Get("Access-Control-Allow-Origin") != o || w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %q: %d %v", transport, o, w.Code, w.Header())
			}
		}
	}

	closed := withOptions(t, nil) // no CheckOrigin at all
	for o, want := range map[string]int{"": 200, "http://board.example": 200, "https://foe.example": 403, "null": 403} {
		w := get(closed, "polling", func(r *http.Request) {
			if o != "" {
				r.Header.Set("Origin", o)
			}
		})
		// The header lets a page that is refused read why, and no more.
		if w.Code != want || w.Header().Get("Access-Control-Allow-Origin") != o || w.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("without CheckOrigin, from %q: %d %v", o, w.Code, w.Header())
		}
	}
}

func upgrade(r *http.Request) {
	if r.URL.Query().Get("transport") != "websocket" {
		return
	}
	for k, v := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13", "Sec-Websocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
	} {
		r.Header.Set(k, v)
	}
}

// Applications that let other origins in by a middleware of their own, which is how
// go-socket.io's users did it with Gin, set that header before the server is asked.
func TestOriginThatTheApplicationAllowsItself(t *testing.T) {
	s := withOptions(t, nil)
	allowing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://front.example")
		s.ServeHTTP(w, r)
	})
	if w := get(allowing, "polling", origin("https://front.example")); w.Code != 200 {
		t.Errorf("the allowed origin: %d %q", w.Code, w.Body)
	}
	if w := get(allowing, "polling", origin("https://foe.example")); w.Code != 403 {
		t.Errorf("another origin: %d %q", w.Code, w.Body)
	}
	if w := get(allowing, "websocket", func(r *http.Request) { origin("https://front.example")(r); upgrade(r) }); w.Code != 403 {
		t.Errorf("websocket: %d %q", w.Code, w.Body)
	}
}

type counting struct{ n atomic.Int64 }

func (g *counting) NewID() string {
	return fmt.Sprintf("desk-%d-%s", g.n.Add(1), strings.Repeat("x", 12))
}

func TestSessionIDGenerator(t *testing.T) {
	own := dial(t, withOptions(t, &engineio.Options{SessionIDGenerator: new(counting)}), 3, "")
	if !strings.HasPrefix(own.sid, "desk-1-") {
		t.Errorf("id %q is not the generator's", own.sid)
	}
	for _, opts := range []*engineio.Options{nil, {SessionIDGenerator: &session.DefaultIDGenerator{}}} {
		s := withOptions(t, opts)
		a, b := dial(t, s, 3, "").sid, dial(t, s, 4, "").sid
		if len(a) != 20 || len(b) != 20 || a == b {
			t.Errorf("ids %q and %q", a, b)
		}
		for _, guess := range []string{"1", "2", "3", "a"} {
			w := get(s, "polling", func(r *http.Request) { r.URL.RawQuery += "&sid=" + guess })
			if w.Code != 400 {
				t.Errorf("guessed id %s: %d %q", guess, w.Code, w.Body)
			}
		}
	}
}

func TestRequestCheckerHeadersAreCopiedAndItsErrorIs403(t *testing.T) {
	s := withOptions(t, &engineio.Options{RequestChecker: func(r *http.Request) (http.Header, error) {
		if r.Header.Get("X-Token") == "wrong" {
			return nil, errors.New("secret reason")
		}
		return http.Header{"X-Served-By": {"desk"}}, nil
	}})
	if w := get(s, "polling", nil); w.Code != 200 || w.Header().Get("X-Served-By") != "desk" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	wrong := func(r *http.Request) { r.Header.Set("X-Token", "wrong"); upgrade(r) }
	for _, transport := range []string{"polling", "websocket"} {
		w := get(s, transport, wrong)
		if got := strings.TrimSpace(w.Body.String()); w.Code != 403 || got != `{"code":4,"message":"Forbidden"}` {
			t.Errorf("%s: %d %q", transport, w.Code, got)
		}
	}
	// Later requests are checked, too.
	c := dial(t, s, 3, "")
	if w := get(s, "polling", func(r *http.Request) { wrong(r); r.URL.RawQuery += "&sid=" + c.sid }); w.Code != 403 {
		t.Errorf("a poll: %d", w.Code)
	}

	// A WebSocket's answer has the headers as well.
	ts := httptest.NewServer(s)
	defer ts.Close()
	conn, err := net.Dial("tcp", ts.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := httptest.NewRequest("GET", "/socket.io/?EIO=3&transport=websocket", nil)
	upgrade(r)
	if err := r.Write(conn); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 2000)
	n, err := conn.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(answer[:n]); !strings.HasPrefix(got, "HTTP/1.1 101") || !strings.Contains(got, "X-Served-By: desk\r\n") {
		t.Errorf("the upgrade's answer is %q", got)
	}
}

func TestConnInitorSeesRequestAndItsContextIsTheRoots(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		var calls atomic.Int64
		s := withOptions(t, &engineio.Options{ConnInitor: func(r *http.Request, c engineio.Conn) {
			calls.Add(1)
			u := c.URL()
			if r.URL.Query().Get("name") != u.Query().Get("name") || c.ID() == "" || c.RemoteAddr().String() != r.RemoteAddr || c.RemoteHeader().Get("Content-Type") == "" {
				t.Errorf("%q: %v, %v", c.ID(), u, c.RemoteAddr())
			}
			if _, _, err := c.NextReader(); err == nil {
				t.Error("a reader was handed out")
			}
			if _, err := c.NextWriter(session.TEXT); err == nil {
				t.Error("a writer was handed out")
			}
			c.SetContext("hello " + u.Query().Get("name"))
			if c.Context() == nil || c.LocalAddr() == nil {
				t.Error("no context, or no address")
			}
		}})
		s.OnConnect("/", func(c socketio.Conn) error { c.Emit("context", c.Context()); return nil })
		s.OnConnect("/chat", func(c socketio.Conn) error { c.Emit("context", c.Context()); return nil })
		c := dial(t, s, eio, "&name=ann&usersid=7")
		c.expect(`2["context","hello ann"]`)
		c.send(`0/chat,`)
		c.expect("0", `2/chat,["context",null]`)
		if calls.Load() != 1 {
			t.Errorf("called %d times", calls.Load())
		}
	})
}

func TestHandshakeOfAConnection(t *testing.T) {
	s := withOptions(t, nil)
	seen := newNotes()
	s.OnConnect("/", func(c socketio.Conn) error {
		u := c.URL()
		_, _, err := net.SplitHostPort(c.RemoteAddr().String())
		if err != nil || c.LocalAddr().Network() != "tcp" || c.LocalAddr().String() == "" {
			t.Errorf("addresses %v and %v", c.RemoteAddr(), c.LocalAddr())
		}
		seen.add(u.Path + " " + u.Query().Get("q") + " " + c.RemoteHeader().Get("X-Who"))
		return nil
	})
	mux := http.NewServeMux()
	mux.Handle("/some/where/", s) // go-socket.io does not care where it is mounted
	ts := httptest.NewServer(mux)
	defer ts.Close()
	r, err := http.NewRequestWithContext(t.Context(), "GET", ts.URL+"/some/where/?EIO=3&transport=polling&q=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Who", "me")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := seen.wait(t); got != "/some/where/ 1 me" {
		t.Errorf("saw %q", got)
	}
}

// The Redis option makes a cluster; one that is away is tried on, what cannot be is
// said, and a password is not.
func TestRedisAdapter(t *testing.T) {
	addr := freeport.Reserve(t) // nobody is there
	host, port, _ := net.SplitHostPort(addr)
	for _, opts := range []*socketio.RedisAdapterOptions{{Host: host, Port: port}, {Addr: addr, Network: "tcp", Prefix: "p", Password: "SECRET"}} {
		s := withOptions(t, nil)
		if ok, err := s.Adapter(opts); !ok || err != nil {
			t.Errorf("%+v: %v, %v", opts, ok, err)
		}
		if st, ok := s.Native().Cluster(); !ok || st.Backend != "redis" || st.Connected {
			t.Errorf("%+v: %+v, %v", opts, st, ok)
		}
	}
	for _, opts := range []*socketio.RedisAdapterOptions{
		{Addr: "a b c::", Password: "SECRET"}, {Network: "udp", Password: "SECRET"}, {Network: "unix", Addr: "redis.sock"}, {DB: -1},
	} {
		if ok, err := withOptions(t, nil).Adapter(opts); ok || err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%+v: %v, %v", opts, ok, err)
		}
	}
}

// Both interfaces on one server see the same sockets and rooms.
func TestBesideTheNativeInterface(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		io := native.New(&native.Options{Engine: native.EngineOptions{AllowEIO3: true}})
		defer io.Close()
		io.OnConnect(func(_ context.Context, s *native.Socket) {
			if err := s.Join("native"); err != nil {
				t.Error(err)
			}
		})
		io.On("native", func(_ context.Context, s *native.Socket, r *native.Request) error {
			return s.To("old").Emit("from native")
		})
		io.Of("/only-native").OnConnect(func(_ context.Context, s *native.Socket) {
			if err := s.Join("x"); err != nil {
				t.Error(err)
			}
		})
		s := googollee.On(io)
		s.OnConnect("/", func(c socketio.Conn) error { c.Join("old"); return nil })
		s.OnEvent("/", "old", func(c socketio.Conn) { s.BroadcastToRoom("/", "native", "from old") })
		a, b := dial(t, s, eio, ""), dial(t, s, eio, "")
		a.send(`2["old"]`)
		a.expect(`2["from old"]`)
		b.expect(`2["from old"]`)
		a.send(`2["native"]`)
		b.expect(`2["from native"]`)

		a.send(`0/only-native,`)
		a.expect("0")
		if !s.BroadcastToNamespace("/only-native", "hi", 1) {
			t.Error("the native namespace is unknown")
		}
		a.expect(`2/only-native,["hi",1]`)
		n := 0
		s.ForEach("/only-native", "x", func(c socketio.Conn) { n++; c.SetContext(7); c.Emit("each") })
		s.ForEach("/only-native", "x", func(c socketio.Conn) {
			if c.Context() != 7 {
				t.Error("another Conn for the same socket")
			}
		})
		if a.expect(`2/only-native,["each"]`); n != 1 || s.Native() != io {
			t.Errorf("%d in the room", n)
		}
	})
}

// A root connection stands for its client in other namespaces' rooms, too.
func TestJoinRoomOfAnotherNamespace(t *testing.T) {
	each(t, func(t *testing.T, eio int) {
		s := withOptions(t, nil)
		s.OnConnect("/chat", func(socketio.Conn) error { return nil })
		s.OnEvent("/", "join", func(c socketio.Conn) (bool, int) {
			return s.JoinRoom("/chat", "sofa", c), s.RoomLen("/chat", "sofa")
		})
		c := dial(t, s, eio, "")
		c.send(`20["join"]`)
		c.expect(`30[true,0]`) // it is not in /chat
		c.send(`0/chat,`)
		c.expect("0")
		c.send(`21["join"]`)
		c.expect(`31[true,1]`)
		s.BroadcastToRoom("/chat", "sofa", "hi")
		c.expect(`2/chat,["hi"]`)
	})
}

func TestHandlersMayBeReplacedWhileServing(t *testing.T) {
	s := withOptions(t, nil)
	s.OnEvent("/", "e", func(socketio.Conn) int { return 1 })
	c := dial(t, s, 4, "")
	c.send(`20["e"]`)
	c.expect(`30[1]`)
	s.OnEvent("/", "e", func(socketio.Conn, string) int { return 2 })
	s.OnEvent("/late", "e", func(socketio.Conn) int { return 3 })
	c.send(`21["e"]`)
	c.expect(`31[2]`)
	c.send(`0/late,`)
	c.expect("0")
	c.send(`2/late,2["e"]`)
	c.expect(`3/late,2[3]`)
	for _, f := range []string{"connect", "disconnect", "connect_error"} {
		s.OnEvent("/", f, func(socketio.Conn) {}) // harmless there, and here
	}
	s.OnConnect("/", nil)
	s.OnDisconnect("/", nil)
	s.OnError("/", nil)
	dial(t, s, 4, "")
}

// A client that comes back after a short loss keeps its Context, too.
func TestContextSurvivesRecovery(t *testing.T) {
	io := native.New(&native.Options{Recovery: &native.Recovery{}})
	defer io.Close()
	s := googollee.On(io)
	left := newNotes()
	s.OnConnect("/", func(c socketio.Conn) error { c.SetContext("kept"); c.Join("sofa"); return nil })
	s.OnDisconnect("/", func(_ socketio.Conn, reason string) { left.add(reason) })
	s.OnEvent("/", "e", func(c socketio.Conn) (any, []string) { return c.Context(), c.Rooms()[1:] })
	c := engine(t, s, 4, "")
	c.send("0")
	var joined struct{ Sid, Pid string }
	if err := json.Unmarshal([]byte(c.next()[1:]), &joined); err != nil || joined.Pid == "" {
		t.Fatalf("%+v, %v", joined, err)
	}
	c.leave()
	left.wait(t)
	c = engine(t, s, 4, "")
	c.send(`0{"pid":"` + joined.Pid + `"}`)
	if got := c.next(); !strings.Contains(got, joined.Sid) {
		t.Fatalf("not recovered: %s", got)
	}
	c.send(`20["e"]`)
	c.expect(`30["kept",["sofa"]]`)
}

// OnError may emit, also when it is told of an emit that waited for the connection.
func TestOnErrorMayEmit(t *testing.T) {
	s := withOptions(t, nil)
	s.OnError("/", func(c socketio.Conn, err error) { c.Emit("failed", true) })
	s.OnConnect("/", func(c socketio.Conn) error {
		c.Emit("reserved", make(chan int))
		c.Emit("disconnect")
		return nil
	})
	dial(t, s, 4, "").expect(`2["failed",true]`, `2["failed",true]`)
}
