package emitapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
	"github.com/sockeye-io/sockeye/socketio/socketiotest"
)

const token = "correct-horse-battery-staple"

// world is some servers on a bus, or one alone, each with its handler.
type world struct {
	t    *testing.T
	bus  *adaptertest.Bus
	srv  []*socketio.Server
	host []*socketiotest.Server
	api  []*Handler
	log  *lines
}

// lines is what has been logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// inWorld runs f in fake time with so many nodes.
func inWorld(t *testing.T, nodes int, o Options, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, log: new(lines), bus: adaptertest.NewBus()}
		for i := range nodes {
			opts := &socketio.Options{Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
			if nodes > 1 {
				opts.Cluster = w.bus.Adapter(fmt.Sprint("n", i))
				opts.ClusterOptions.Name = fmt.Sprint("n", i)
			}
			srv := socketio.New(opts)
			srv.OnConnect(func(_ context.Context, s *socketio.Socket) {
				var auth struct{ Rooms []string }
				if err := s.Handshake().DecodeAuth(&auth); err != nil {
					t.Error(err)
				}
				s.Set("secret of", s.ID())
				if err := s.Join(auth.Rooms...); err != nil {
					t.Error(err)
				}
			})
			o.Tokens = []string{"another-token-of-this-server", token}
			api, err := New(srv, o)
			if err != nil {
				t.Fatal(err)
			}
			w.srv, w.api = append(w.srv, srv), append(w.api, api)
			w.host = append(w.host, socketiotest.Serve(t, srv))
		}
		time.Sleep(time.Second)
		f(t, w)
	})
}

// client makes one on a node, in these rooms.
func (w *world) client(node int, rooms ...string) *socketiotest.Client {
	c := w.host[node].Connect(&socketiotest.Options{Auth: map[string]any{"rooms": rooms}})
	synctest.Wait()
	return c
}

// request is one with the right token; change may make it another.
func request(call, body string, change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/"+call, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	for _, f := range change {
		f(r)
	}
	return r
}

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// ask sends a request to a node and expects a status; it returns the body.
func (w *world) ask(node, status int, r *http.Request) (body string, h http.Header) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.api[node].ServeHTTP(rec, r)
	if rec.Code != status {
		w.t.Errorf("%s: %d %s, want %d", r.URL.Path, rec.Code, rec.Body, status)
	}
	if !json.Valid(rec.Body.Bytes()) || !strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json") {
		w.t.Errorf("%s: no JSON: %s", r.URL.Path, rec.Body)
	}
	return rec.Body.String(), rec.Header()
}

// heard expects one event with these arguments, as JSON, and no other.
func heard(t *testing.T, c *socketiotest.Client, want ...string) {
	t.Helper()
	synctest.Wait()
	var got []string
	for _, e := range c.Events() {
		text := e.Name
		for _, a := range e.Args.All() {
			text += " " + a.String()
		}
		got = append(got, text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}

// What is emitted arrives on all nodes, and the answer tells how many got it.
func TestEmit(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		t.Run(fmt.Sprint(nodes, " nodes"), func(t *testing.T) {
			inWorld(t, nodes, Options{}, func(t *testing.T, w *world) {
				last := nodes - 1
				a, b, c := w.client(0, "a"), w.client(last, "a", "b"), w.client(last)
				on := func(sockets, one, more int) string {
					n := more
					if nodes == 1 {
						n = min(one, 1)
					}
					return fmt.Sprintf(`{"sockets":%d,"nodes":%d,"complete":true}`, sockets, n)
				}
				for _, q := range []struct{ body, want string }{
					{`{"event":"all","arguments":[1,"é\n",{"b":null,"a":1.50}]}`, on(3, 1, min(nodes, 2))},
					{`{"event":"a","rooms":["a"],"volatile":true}`, on(2, 1, min(nodes, 2))},
					{`{"event":"ab","rooms":["a","b"],"except":["b"]}`, on(1, 1, 1)},
					{fmt.Sprintf(`{"event":"one","rooms":[%q]}`, c.ID()), on(1, 1, 1)},
					{`{"event":"nobody","rooms":["nowhere"]}`, on(0, 0, 0)},
					{`{"event":"nobody","namespace":"/nowhere"}`, on(0, 0, 0)},
				} {
					if got, _ := w.ask(0, 200, request("emit", q.body)); got != q.want {
						t.Errorf("%s: %s, want %s", q.body, got, q.want)
					}
				}
				all := `all 1 "é\n" {"b":null,"a":1.50}` // as it was written
				heard(t, a, all, "a", "ab")
				heard(t, b, all, "a")
				heard(t, c, all, "one")
				for ns := range w.srv[0].Namespaces() {
					if ns.Name() != "/" {
						t.Errorf("%s was made", ns.Name())
					}
				}
			})
		})
	}
}

// While the broker is away nobody waits for the other nodes, so that calls do not
// pile up.
func TestWithoutTheBroker(t *testing.T) {
	inWorld(t, 2, Options{}, func(t *testing.T, w *world) {
		c := w.client(0, "a")
		w.client(1, "a")
		w.bus.Stop()
		synctest.Wait()
		start := time.Now()
		for _, q := range []struct{ call, body string }{{"emit", `{"event":"x"}`}, {"disconnect", `{"rooms":["a"]}`}} {
			if got, _ := w.ask(0, 200, request(q.call, q.body)); got != `{"sockets":1,"nodes":1,"complete":false,"missing":["n1"]}` {
				t.Errorf("%s: %s", q.call, got)
			}
		}
		heard(t, c, "x")
		if d := time.Since(start); d != 0 {
			t.Errorf("that took %v", d)
		}
	})
}

func TestBinary(t *testing.T) {
	inWorld(t, 2, Options{}, func(t *testing.T, w *world) {
		c := w.client(1)
		w.ask(0, 200, request("emit", `{"event":"file","arguments":[{"$binary":"AAEC/w=="},{"n":[1,{"x":{"\u0024binary":""}}],"e":{"$binary":"AA==","more":1}}]}`))
		e := c.Next("file")
		var first []byte
		var second struct {
			N []any
			E map[string]any
		}
		e.Scan(&first, &second)
		if !bytes.Equal(first, []byte{0, 1, 2, 255}) || second.E["$binary"] != "AA==" {
			t.Errorf("%v %v", first, second)
		}
		if x := second.N[1].(map[string]any)["x"]; fmt.Sprintf("%T %v", x, x) != "[]uint8 []" {
			t.Errorf("%T %v", x, x)
		}
	})
}

func TestFetch(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		inWorld(t, nodes, Options{MaxSockets: 2}, func(t *testing.T, w *world) {
			clients := []*socketiotest.Client{w.client(0, "a"), w.client(nodes-1, "a"), w.client(nodes/2, "a"), w.client(0)}
			var got listed
			text, _ := w.ask(0, 200, request("fetch", `{"rooms":["a"],"data":true}`))
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatal(err)
			}
			if got.Total != 3 || len(got.Sockets) != 2 || !got.Complete {
				t.Errorf("%s", text)
			}
			for _, s := range got.Sockets {
				i := slices.IndexFunc(clients, func(c *socketiotest.Client) bool { return c.ID() == s.ID })
				if i < 0 || !slices.Contains(s.Rooms, "a") || !strings.Contains(string(s.Data), s.ID) || s.Since.IsZero() {
					t.Errorf("%+v", s)
				}
			}
			if text, _ := w.ask(0, 200, request("fetch", `{}`)); strings.Contains(text, "secret of") || !strings.Contains(text, `"total":4`) {
				t.Error(text)
			}
			w.ask(0, 400, request("fetch", `{"limit":3}`))
		})
	}
}

func TestDisconnect(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		inWorld(t, nodes, Options{}, func(t *testing.T, w *world) {
			a, b, c := w.client(0, "user:7"), w.client(nodes-1, "user:7"), w.client(nodes-1)
			if text, _ := w.ask(0, 400, request("disconnect", `{}`)); !strings.Contains(text, `all`) {
				t.Error(text)
			}
			text, _ := w.ask(0, 200, request("disconnect", `{"rooms":["user:7"],"close":true}`))
			if want := fmt.Sprintf(`{"sockets":2,"nodes":%d,"complete":true}`, min(nodes, 2)); text != want {
				t.Errorf("%s, want %s", text, want)
			}
			for _, gone := range []*socketiotest.Client{a, b} {
				if why := gone.Disconnected(); why != "io server disconnect" {
					t.Error(why)
				}
			}
			if synctest.Wait(); !c.Connected() {
				t.Error("the wrong one is gone")
			}
			w.ask(0, 200, request("disconnect", `{"all":true}`))
			c.Disconnected()
		})
	}
}

// A node that does not answer is named; what was asked is done on the others.
func TestNodeThatDoesNotAnswer(t *testing.T) {
	inWorld(t, 3, Options{Timeout: time.Second}, func(t *testing.T, w *world) {
		c := w.client(1)
		w.client(2)
		w.bus.Cut("n2")
		start := time.Now()
		text, _ := w.ask(0, 200, request("emit", `{"event":"x"}`))
		if want := `{"sockets":1,"nodes":1,"complete":false,"missing":["n2"]}`; text != want || time.Since(start) != time.Second {
			t.Errorf("%s after %v, want %s", text, time.Since(start), want)
		}
		heard(t, c, "x")
		if text, _ := w.ask(0, 200, request("fetch", `{}`)); !strings.Contains(text, `"missing":["n2"]`) {
			t.Error(text)
		}
	})
}

func TestStopping(t *testing.T) {
	inWorld(t, 1, Options{}, func(t *testing.T, w *world) {
		if err := w.srv[0].Close(); err != nil {
			t.Error(err)
		}
		w.ask(0, 503, request("emit", `{"event":"x"}`))
	})
}
