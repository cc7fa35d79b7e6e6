package inspect

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	leak.Main(m)
}

// world is a server with an Inspector, which is asked over loopback.
type world struct {
	t   *testing.T
	io  *socketio.Server
	in  *Inspector
	srv *socketiotest.Server
	h   http.Handler
}

func open(t *testing.T, o *Options, change func(*socketio.Options)) *world {
	t.Helper()
	opts := &socketio.Options{Logger: slog.New(slog.DiscardHandler)}
	opts.Engine.PingInterval = -1
	if change != nil {
		change(opts)
	}
	w := &world{t: t, io: socketio.New(opts)}
	w.io.On("join", func(_ context.Context, s *socketio.Socket, r *socketio.Request) error {
		var room string
		if err := r.Scan(&room); err != nil {
			return err
		}
		return s.Join(room)
	})
	engine := gin.New()
	w.in = Mount(engine, "/inspect/", w.io, o)
	t.Cleanup(w.in.Close)
	w.h = engine
	w.srv = socketiotest.Serve(t, w.io)
	return w
}

func (w *world) do(method, path, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:999", "localhost:3000"
	if change != nil {
		change(r)
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	return rec
}

// ask is what the page gets.
func (w *world) ask(kind string, query ...string) (a answers) {
	w.t.Helper()
	v := url.Values{}
	for i := 0; i < len(query); i += 2 {
		v.Add(query[i], query[i+1])
	}
	rec := w.do(http.MethodGet, "/inspect/api/"+kind+"?"+v.Encode(), "", nil)
	if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil || rec.Code != http.StatusOK {
		w.t.Fatalf("%s %v: %d %s %v", kind, query, rec.Code, rec.Body, err)
	}
	return a
}

func (w *world) act(ns, text string) (a answers, rec *httptest.ResponseRecorder) {
	rec = w.do(http.MethodPost, "/inspect/api/do", fmt.Sprintf(`{"ns":%q,"act":%s}`, ns, text), nil)
	_ = json.Unmarshal(rec.Body.Bytes(), &a) // a refusal is none
	return a, rec
}

// Without a credential only this machine may look, under a name of its own and
// not through a proxy; no other site's page can have anything done.
func TestLoopbackOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, nil, nil)
		for what, c := range map[string]struct {
			change func(r *http.Request)
			ok     bool
		}{
			"loopback":           {nil, true},
			"IPv6":               {func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:9", "[::1]:3000" }, true},
			"mapped":             {func(r *http.Request) { r.RemoteAddr = "[::ffff:127.0.0.1]:9" }, true},
			"another machine":    {func(r *http.Request) { r.RemoteAddr = "192.0.2.1:9" }, false},
			"rebound":            {func(r *http.Request) { r.Host = "evil.example" }, false},
			"a proxy":            {func(r *http.Request) { r.Header.Set("X-Forwarded-For", "127.0.0.1") }, false},
			"a proxy, Forwarded": {func(r *http.Request) { r.Header.Set("Forwarded", "for=127.0.0.1") }, false},
		} {
			rec := w.do(http.MethodGet, "/inspect/", "", c.change)
			if ok := rec.Code == http.StatusOK; ok != c.ok || !c.ok && rec.Code != http.StatusForbidden {
				t.Errorf("%s: %d %s", what, rec.Code, rec.Body)
			}
			if rec.Header().Get("Content-Security-Policy") == "" || rec.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %v", what, rec.Header())
			}
		}
		rec := w.do(http.MethodPost, "/inspect/api/do", `{"ns":"/","act":{"what":"disconnect","to":"x"}}`, func(r *http.Request) {
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		})
		if rec.Code != http.StatusForbidden {
			t.Errorf("another site's page: %d %s", rec.Code, rec.Body)
		}
	})
}

// With a credential nobody gets anything without it, files neither.
func TestCredential(t *testing.T) {
	const hash = "$2a$04$UqDGMWbVyLMs8FbXvwW37uyAG7I5gqr.vp5DrGDhDBmh46.X8NdFO" // of "secret", at a cost of 4
	w := open(t, &Options{Credential: "ann:" + hash}, nil)
	as := func(user, password string) func(*http.Request) {
		return func(r *http.Request) {
			r.RemoteAddr, r.Host = "192.0.2.1:9", "example.org"
			r.SetBasicAuth(user, password)
		}
	}
	for _, path := range []string{"/inspect/", "/inspect/inspect.js", "/inspect/assets/dom.js", "/inspect/api/overview", "/inspect/nowhere"} {
		if rec := w.do(http.MethodGet, path, "", nil); rec.Code != http.StatusUnauthorized || rec.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
	if rec := w.do(http.MethodPost, "/inspect/api/do", "{}", nil); rec.Code != http.StatusUnauthorized {
		t.Error(rec.Code)
	}
	if rec := w.do(http.MethodGet, "/inspect/", "", as("ann", "secret")); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "<main") {
		t.Errorf("%d %.100s", rec.Code, rec.Body)
	}
	last := 0
	for range 11 {
		last = w.do(http.MethodGet, "/inspect/", "", as("ann", "guess")).Code
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the eleventh guess: %d", last)
	}
	if rec := w.do(http.MethodGet, "/inspect/api/overview", "", as("ann", "secret")); rec.Code != http.StatusOK {
		t.Errorf("who is in: %d %s", rec.Code, rec.Body)
	}
	if _, err := New(w.io, &Options{Credential: "ann:secret"}); err == nil {
		t.Error("a password is no hash")
	}
}

// What makes no sense is answered with 400 and a sentence.
func TestMalformed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, nil, nil)
		long := strings.Repeat("x", 2000)
		for _, path := range []string{"nonsense", "do", "sockets?limit=0", "sockets?limit=x", "sockets?limit=1000000", "sockets?sort=name", "sockets?ns=" + long, "feed", "feed?viewer=12345678&of=a", "feed?viewer=12345678&of=a&seen=x"} {
			if rec := w.do(http.MethodGet, "/inspect/api/"+path, "", nil); rec.Code != http.StatusBadRequest || !strings.HasSuffix(rec.Body.String(), "\n") {
				t.Errorf("%.30s: %d %s", path, rec.Code, rec.Body)
			}
		}
		for _, body := range []string{"", "[]", "{", `{"ns":1}`, `{"ns":"/","act":{}}`, `{"ns":"/","act":{"what":"reboot","to":"x"}}`, `{"ns":"/","act":{"what":"join","to":"x"}}`,
			`{"ns":"/","act":{"what":"join","to":"x","rooms":[""]}}`, `{"ns":"/","act":{"what":"emit","to":"x"}}`, `{"ns":"/","act":{"what":"emit","to":"x","event":"connect"}}`,
			`{"ns":"/","act":{"what":"emit","event":"e"}}`, `{"ns":"/","act":{"what":"emit","to":"x","event":"e","args":{}}}`, `{"ns":"/","more":1}`, `{"ns":"/","act":{"what":"frames","to":"x"}}`, `{"ns":"` + strings.Repeat("x", maxBody) + `"}`} {
			if rec := w.do(http.MethodPost, "/inspect/api/do", body, nil); rec.Code != http.StatusBadRequest || len(rec.Body.String()) < 10 || rec.Body.Len() > 400 {
				t.Errorf("%.60s: %d %s", body, rec.Code, rec.Body)
			}
		}
		if a := w.ask("sockets", "ns", "/nowhere"); a.Total != 0 || w.in.namespace("/nowhere") != nil {
			t.Error("a question has made a namespace")
		}
	})
}

// Lists come in pages that hold everything once, however many there are.
func TestPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, nil, nil)
		for i := range 130 {
			_ = w.srv.Connect(nil).Emit("join", fmt.Sprint("room ", i%70))
		}
		synctest.Wait()
		sockets, rooms, pages := map[string]bool{}, map[string]int{}, 0
		for after := ""; ; pages++ {
			a := w.ask("sockets", "ns", "/", "after", after)
			if a.Total != 130 || len(a.Sockets) > 50 {
				t.Fatalf("%d of %d", len(a.Sockets), a.Total)
			}
			if len(a.Sockets) == 0 {
				break
			}
			for _, s := range a.Sockets {
				sockets[s.ID] = true
				after = s.ID
			}
		}
		for after := ""; ; pages++ {
			a := w.ask("rooms", "ns", "/", "after", after)
			if len(a.Rooms) == 0 {
				break
			}
			for _, r := range a.Rooms {
				rooms[r.Name] += r.Sockets
				after = r.Name
			}
		}
		if len(sockets) != 130 || len(rooms) != 70 || rooms["room 0"] != 2 || rooms["room 69"] != 1 || pages != 5 {
			t.Errorf("%d sockets, %d rooms in %d pages", len(sockets), len(rooms), pages)
		}
		if a := w.ask("sockets", "ns", "/", "room", "room 3"); len(a.Sockets) != 2 {
			t.Errorf("%+v", a.Sockets)
		}
		if a := w.ask("rooms", "ns", "/", "text", "m 6"); a.Total != 11 {
			t.Errorf("%d rooms with m 6", a.Total)
		}
		if a := w.ask("overview"); a.Spaces[0] != (space{"/", 130, 70}) || a.Nodes[0].Figures.Sockets != 130 {
			t.Errorf("%+v", a.Spaces[0])
		}
	})
}

// However many sockets and rooms there are, and however long their names, an
// answer is as long as a page can show, and tells how many there are.
func TestBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 10_000
		w := open(t, nil, nil)
		name := strings.Repeat("房间<b>", 100)
		w.io.OnConnect(func(_ context.Context, s *socketio.Socket) {
			s.Set("name", name)
			_ = s.Join(name+s.ID(), strings.Repeat("é", 5000)) // it fails with the socket
		})
		for range many {
			w.srv.Connect(nil)
		}
		synctest.Wait()
		for _, q := range [][]string{
			{"overview"}, {"rooms", "ns", "/"}, {"rooms", "ns", "/", "text", "éé"}, {"rooms", "ns", "/", "limit", "100", "text", "b>"}, {"sockets", "ns", "/"}, {"sockets", "ns", "/", "limit", "100"},
			{"feed", "viewer", "viewer-1"},
		} {
			v := url.Values{}
			for i := 1; i < len(q); i += 2 {
				v.Add(q[i], q[i+1])
			}
			rec := w.do(http.MethodGet, "/inspect/api/"+q[0]+"?"+v.Encode(), "", nil)
			if n := rec.Body.Len(); n > 200_000 {
				t.Errorf("%v: %d bytes", q, n)
			}
			var a answers
			if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil || len(a.Sockets) > most || len(a.Rooms) > most {
				t.Errorf("%v: %v, %d sockets, %d rooms", q, err, len(a.Sockets), len(a.Rooms))
			}
			for _, r := range a.Rooms {
				if len(r.Name) > longest {
					t.Errorf("%v: a name of %d bytes", q, len(r.Name))
				}
			}
			if q[0] == "rooms" && len(q) == 3 && a.Total < many || q[0] == "sockets" && a.Total != many || q[0] == "overview" && a.Spaces[0] != (space{"/", many, many + 1}) {
				t.Errorf("%v: %d, %+v", q, a.Total, a.Spaces)
			}
		}
	})
}

// Who sends most, or takes least, is the first of a list, wherever they are.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, nil, nil)
		for range 60 {
			w.srv.Connect(nil)
		}
		loud, slow := w.srv.Connect(nil), w.srv.Connect(nil)
		for range 9 {
			_ = loud.Emit("x") // it is in memory
		}
		synctest.Wait()
		slow.StopReading()
		for range 200 {
			if err := w.io.To(slow.ID()).Emit("y", strings.Repeat("y", 10_000)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for order, id := range map[string]string{"in": loud.ID(), "buffered": slow.ID(), "out": slow.ID()} {
			if a := w.ask("sockets", "ns", "/", "sort", order, "limit", "3", "after", "zzz"); len(a.Sockets) != 3 || a.Total != 62 || a.Sockets[0].ID != id || a.Sockets[1].of(order) > a.Sockets[0].of(order) {
				t.Errorf("%s: %d of %d: %+v", order, len(a.Sockets), a.Total, a.Sockets)
			}
		}
		slow.StartReading()
	})
}

// A socket is shown with what it has, whatever its data is made of.
func TestDetail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, nil, nil)
		c := w.srv.Connect(&socketiotest.Options{Header: http.Header{"User-Agent": {"<script>" + strings.Repeat("x", 500)}}})
		synctest.Wait()
		s, _ := w.io.Of("/").Socket(c.ID())
		_ = s.Join("b", "a")
		for data, want := range map[any]string{"<b>\u202e": `"<b>` + "\u202e" + `"`, any(bomb{}): "cannot be shown: boom", any(make(chan int)): "cannot be shown: ", strings.Repeat("é", 4000): "…"} {
			s.Set("it", data)
			d := w.ask("socket", "ns", "/", "id", c.ID()).Detail
			if d == nil || !strings.Contains(d.Data, want) || len(d.Data) > maxData+10 {
				t.Fatalf("%.20v: %+v", data, d)
			}
			if len(d.Where) != 3 || len(d.Agent) > 110 || d.Transport != "websocket" {
				t.Errorf("%+v", d)
			}
		}
		if d := w.ask("socket", "ns", "/", "id", "nobody").Detail; d != nil {
			t.Error(d)
		}
	})
}

type bomb struct{}

func (bomb) MarshalJSON() ([]byte, error) { panic("boom") }

// written is a log.
type written struct {
	mu sync.Mutex
	strings.Builder
}

func (w *written) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Builder.Write(b)
}

// What is done reaches the sockets, is counted, and is not done by those who may
// only look.
func TestActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log written
		w := open(t, nil, func(o *socketio.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		a, b := w.srv.Connect(nil), w.srv.Connect(nil)
		synctest.Wait()
		reach := func(n int, act string) {
			t.Helper()
			if got, rec := w.act("/", act); got.Done != n || rec.Code != http.StatusOK {
				t.Errorf("%s: %d %s", act, got.Done, rec.Body)
			}
			synctest.Wait()
		}
		for _, c := range []*socketiotest.Client{a, b} {
			reach(1, fmt.Sprintf(`{"what":"join","to":%q,"rooms":["x","y"]}`, c.ID()))
		}
		reach(2, `{"what":"leave","to":"x","rooms":["y"]}`)
		reach(2, `{"what":"emit","to":"x","event":"hi","args":[1,{"a":[null]},"<b>"]}`)
		if e := a.Next("hi"); e.Len() != 3 || e.Arg(1).String() != `{"a":[null]}` {
			t.Error(e)
		}
		reach(0, `{"what":"emit","to":"y","event":"hi"}`)
		reach(1, fmt.Sprintf(`{"what":"disconnect","to":%q}`, a.ID()))
		if a.Connected() || !b.Connected() || w.io.SocketCount() != 1 {
			t.Error("the wrong one is gone")
		}
		log.mu.Lock()
		text := log.String()
		log.mu.Unlock()
		if strings.Contains(text, a.ID()) || !strings.Contains(text, "inspection: disconnect") || !strings.Contains(text, a.ID()[:8]) {
			t.Errorf("the log has whole ids, or not whom it was about: %s", text)
		}
		w.in.opts.ReadOnly = true
		if _, rec := w.act("/", `{"what":"disconnect","to":"x"}`); rec.Code != http.StatusForbidden || !b.Connected() {
			t.Error(rec.Code)
		}
	})
}

func (in *Inspector) viewers() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.feeds)
}

// The feed tells who looks what happens, as much as can be read, and nothing is
// watched any more once nobody looks.
func TestFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, nil, nil)
		w.io.On("ok", func(context.Context, *socketio.Socket, *socketio.Request) error { return nil })
		c := w.srv.Connect(nil)
		seen := "0"
		look := func(more ...string) answers {
			synctest.Wait()
			a := w.ask("feed", append([]string{"viewer", "viewer-1", "of", w.in.opts.Name, "seen", seen}, more...)...)
			seen = fmt.Sprint(a.SeenBy[w.in.opts.Name])
			return a
		}
		told := func(a answers) (s string) {
			for _, h := range a.Events {
				s += h.Kind + " " + h.Event + " " + strings.TrimSuffix(h.Text, " · 0s") + "; "
			}
			return s
		}
		if a := look(); len(a.Events) != 0 {
			t.Error(told(a))
		}
		_ = c.Emit("ok", 1, "<b>")
		_ = c.Emit("mis\nspelt")
		synctest.Wait()
		_ = w.io.Emit("news")
		if got := told(look()); got != `in ok 1, "<b>"; unheard mis`+"\nspelt ; out news ; " {
			t.Errorf("%q", got)
		}
		if a := look(); len(a.Events) != 0 {
			t.Error("told again:", told(a))
		}
		_ = c.Emit("ok")
		d := w.srv.Connect(nil)
		look("id", d.ID()) // another wish: from now on
		_ = c.Emit("ok")
		_ = d.Emit("ok")
		synctest.Wait()
		_ = w.io.Emit("news")
		id := d.ID()
		d.Disconnect()
		if got := told(look("id", id)); got != "in ok ; out news ; disconnect  client namespace disconnect; " {
			t.Errorf("%q", got)
		}
		time.Sleep(time.Second)
		look()
		for range 5000 {
			_ = c.Emit("ok", strings.Repeat("x", 1000))
		}
		if a := look(); len(a.Events) != perSecond || a.Skipped < 5000-perSecond || len(told(a)) > perSecond*300 {
			t.Errorf("%d told, %d skipped, %d bytes", len(a.Events), a.Skipped, len(told(a)))
		}
		if n := w.in.viewers(); n != 1 {
			t.Errorf("%d feeds", n)
		}
		for i := range maxFeeds + 3 {
			a := w.ask("feed", "viewer", fmt.Sprint("viewer number ", i))
			if full := i >= maxFeeds-1; full != (a.Error != "") {
				t.Errorf("viewer %d: %q", i, a.Error)
			}
		}
		time.Sleep(leaves + time.Second)
		if n := w.in.viewers(); n != 0 {
			t.Errorf("%d feeds go on", n)
		}
	})
}

// All nodes of a cluster are shown, and one that does not answer is named.
func TestCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		var list []*world
		for _, name := range []string{"one", "two", "three"} {
			list = append(list, open(t, &Options{Name: name}, func(o *socketio.Options) {
				o.Cluster, o.ClusterOptions.Name = bus.Adapter(name), name
			}))
		}
		time.Sleep(time.Second)
		var clients []*socketiotest.Client
		for _, w := range list {
			for range 40 {
				c := w.srv.Connect(nil)
				_ = c.Emit("join", "everybody")
				clients = append(clients, c)
			}
		}
		time.Sleep(time.Second)
		w := list[0]
		a := w.ask("overview")
		if len(a.Nodes) != 3 || a.Nodes[0].Name != "one" || a.Spaces[0].Sockets != 120 || len(a.Missing) != 0 {
			t.Errorf("%+v", a)
		}
		sockets := map[string]bool{}
		for after := ""; ; {
			a := w.ask("sockets", "ns", "/", "after", after)
			if len(a.Sockets) == 0 {
				break
			}
			for _, s := range a.Sockets {
				sockets[s.ID], after = true, s.ID
			}
		}
		if len(sockets) != 120 {
			t.Errorf("%d sockets in the pages", len(sockets))
		}
		if a := w.ask("sockets", "ns", "/", "node", a.Nodes[1].ID); a.Total != 40 {
			t.Errorf("%d on one node", a.Total)
		}
		if a := w.ask("rooms", "ns", "/"); len(a.Rooms) != 1 || a.Rooms[0].Sockets != 120 {
			t.Errorf("%+v", a.Rooms)
		}
		far := clients[50]
		if d := w.ask("socket", "ns", "/", "id", far.ID()).Detail; d == nil {
			t.Error("a socket of another node has no detail")
		}
		w.ask("feed", "viewer", "viewer-1")
		_ = far.Emit("join", "feed")
		if a, rec := w.act("/", `{"what":"emit","to":"everybody","event":"hi"}`); a.Done != 120 || len(a.Nodes) != 3 {
			t.Error(rec.Body)
		}
		if a, rec := w.act("/", fmt.Sprintf(`{"what":"disconnect","to":%q}`, far.ID())); a.Done != 1 {
			t.Error(rec.Body)
		}
		time.Sleep(time.Second)
		if far.Connected() {
			t.Error("the socket of another node is still connected")
		}
		if a := w.ask("feed", "viewer", "viewer-1"); len(a.Events) < 5 {
			t.Errorf("%+v", a.Events)
		}
		bus.Crash("three")
		if a := w.ask("overview"); len(a.Missing) != 1 || !strings.Contains(a.Missing[0], "three") || len(a.Nodes) != 2 {
			t.Errorf("%v of %d", a.Missing, len(a.Nodes))
		}
		bus.Stop() // then nobody else can be asked, and nobody is waited for
		synctest.Wait()
		start := time.Now()
		if a := w.ask("overview"); !strings.Contains(strings.Join(a.Missing, ","), "two") || len(a.Nodes) != 1 || a.Nodes[0].Connected || time.Since(start) != 0 {
			t.Errorf("%v of %d after %v", a.Missing, len(a.Nodes), time.Since(start))
		}
	})
}

// In a group it is below the group's path too.
func TestMountInAGroup(t *testing.T) {
	w := open(t, nil, nil)
	engine := gin.New()
	t.Cleanup(Mount(engine.Group("/ops"), "/look/", w.io, nil).Close)
	w.h = engine
	for path, want := range map[string]string{"/ops/look/": "<!doctype html", "/ops/look/inspect.js": "import ", "/ops/look/api/sockets?ns=/": `"total":0`} {
		rec := w.do(http.MethodGet, path, "", nil)
		if rec.Code != http.StatusOK || !strings.Contains(strings.ToLower(rec.Body.String()), want) {
			t.Errorf("%s: %d %.80s", path, rec.Code, rec.Body)
		}
	}
}
