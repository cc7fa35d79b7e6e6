package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio"
	"github.com/sockeye-io/sockeye/socketio/adapter/adaptertest"
)

// apart are servers on one bus, each with an http.Server of its own, that have
// found each other.
type apart struct {
	t    *testing.T
	srv  []*socketio.Server
	web  []*httptest.Server
	logs []*lines
	seen []*atomic.Int64 // requests that net/http has read
}

const forwardSecret = "a secret of all nodes"

// startApart starts n of them; change, if not nil, is called for each before it
// is made.
func startApart(t *testing.T, n int, change func(i int, o *socketio.Options)) *apart {
	t.Helper()
	return startServed(t, n, func(int) bool { return false }, change)
}

// servings are how the servers may be served: httptest looks at each connection,
// and so none is taken over; with an http.Server of a program's they are.
var servings = map[string]func(i int) bool{
	"net/http":   func(int) bool { return false },
	"taken over": func(int) bool { return true },
	"half":       func(i int) bool { return i > 0 },
}

// startServed is startApart, where plain says which have a usual http.Server.
func startServed(t *testing.T, n int, plain func(i int) bool, change func(i int, o *socketio.Options)) *apart {
	t.Helper()
	a := &apart{t: t}
	bus := adaptertest.NewBus()
	for i := range n {
		name := fmt.Sprintf("n%d", i)
		web := httptest.NewUnstartedServer(nil)
		log := new(lines)
		o := &socketio.Options{Cluster: bus.Adapter(name), Logger: slog.New(slog.NewTextHandler(log, nil))}
		o.ClusterOptions = socketio.ClusterOptions{Name: name, Advertise: "http://" + web.Listener.Addr().String(), Secret: []byte(forwardSecret)}
		if change != nil {
			change(i, o)
		}
		srv := socketio.New(o)
		srv.On("echo", func(_ context.Context, _ *socketio.Socket, r *socketio.Request) error { return r.Ack(r.Arg(0)) })
		seen := new(atomic.Int64)
		web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen.Add(1)
			if r.URL.Path == "/file" {
				_, _ = io.WriteString(w, "a file")
				return
			}
			srv.ServeHTTP(w, r)
		})
		end := func() {
			web.CloseClientConnections()
			web.Close()
		}
		if plain(i) {
			end = serveUsually(t, web)
		} else {
			web.Start()
		}
		a.srv, a.web, a.logs, a.seen = append(a.srv, srv), append(a.web, web), append(a.logs, log), append(a.seen, seen)
		t.Cleanup(func() {
			_ = srv.Close()
			end()
		})
	}
	a.until("all know all", func() bool {
		for _, srv := range a.srv {
			for _, other := range a.srv {
				if other != srv && !srv.PassesTo(other) {
					return false
				}
			}
		}
		return true
	})
	return a
}

// serveUsually serves what web would, as programs do.
func serveUsually(t *testing.T, web *httptest.Server) (end func()) {
	web.URL = "http://" + web.Listener.Addr().String()
	usual := &http.Server{Handler: web.Config.Handler}
	ended := make(chan error, 1)
	go func() { ended <- usual.Serve(web.Listener) }()
	return func() {
		_ = usual.Close()
		if err := <-ended; err != http.ErrServerClosed {
			t.Error(err)
		}
	}
}

// until waits for a condition.
func (a *apart) until(what string, holds func() bool) {
	a.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	over := time.After(slow.Stretch(20 * time.Second))
	for !holds() {
		select {
		case <-tick.C:
		case <-over:
			a.t.Fatalf("waited until %s", what)
		}
	}
}

// forwards is a counter of node i.
func (a *apart) forwards(i int, outcome string) uint64 {
	return a.srv[i].Stats().Cluster.Forwards[outcome]
}

// ask sends a request to node i, and returns the answer with its body.
func (a *apart) ask(i int, method, query, body string, header ...string) (*http.Response, string) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.web[i].URL+"/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	for k := 0; k < len(header); k += 2 {
		req.Header.Set(header[k], header[k+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return resp, string(text)
}

// open opens a session on node i.
func (a *apart) open(i int) (sid string) {
	a.t.Helper()
	_, text := a.ask(i, "GET", "", "")
	var packet struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "0")), &packet); err != nil || len(packet.SID) != 20 {
		a.t.Fatalf("%q: %v", text, err)
	}
	return packet.SID
}

// refused expects an answer that refuses.
func (a *apart) refused(i int, method, query string, status int, says string, header ...string) {
	a.t.Helper()
	resp, text := a.ask(i, method, query, "", header...)
	if resp.StatusCode != status || !strings.Contains(text, says) {
		a.t.Errorf("%d %s, want %d %s", resp.StatusCode, text, status, says)
	}
}
