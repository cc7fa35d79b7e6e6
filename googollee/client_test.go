package googollee_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/internal/slow"
)

func TestMain(m *testing.M) { leak.Main(m) }

// client is a client by long-polling, without a network: it calls the handler. It
// speaks Engine.IO 3, as clients 1.x and 2.x do, or 4.
type client struct {
	t       *testing.T
	server  http.Handler
	eio     int
	sid     string
	query   string
	open    map[string]any
	cancel  context.CancelFunc
	polling sync.WaitGroup

	mu   sync.Mutex
	came []string      // packets of Socket.IO that nobody has asked for yet
	more chan struct{} // one of them has come, or the end
	over bool
}

// each runs a test with both kinds of clients.
func each(t *testing.T, f func(t *testing.T, eio int)) {
	for _, eio := range []int{3, 4} {
		t.Run(fmt.Sprintf("EIO%d", eio), func(t *testing.T) { f(t, eio) })
	}
}

// dial opens a connection and joins the root namespace.
func dial(t *testing.T, server http.Handler, eio int, query string) *client {
	t.Helper()
	c := engine(t, server, eio, query)
	if eio == 4 {
		c.send("0")
	}
	c.expect("0")
	return c
}

// engine opens a connection that has joined no namespace (EIO 3: of its own will).
func engine(t *testing.T, server http.Handler, eio int, query string) *client {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &client{t: t, server: server, eio: eio, query: query, cancel: cancel, more: make(chan struct{}, 1)}
	w := c.do(ctx, "GET", "")
	packets := c.split(w.Body.String())
	if w.Code != 200 || len(packets) == 0 || packets[0][0] != '0' {
		t.Fatalf("handshake: %d %q", w.Code, w.Body)
	}
	if err := json.Unmarshal([]byte(packets[0][1:]), &c.open); err != nil {
		t.Fatal(err)
	}
	c.sid = c.open["sid"].(string)
	c.take(packets[1:])
	c.polling.Go(func() {
		for ctx.Err() == nil {
			w := c.do(ctx, "GET", "")
			if w.Code != 200 || !c.take(c.split(w.Body.String())) {
				break
			}
		}
		c.mu.Lock()
		c.over = true
		c.mu.Unlock()
		c.wake()
	})
	t.Cleanup(c.close)
	return c
}

func (c *client) do(ctx context.Context, method, body string) *httptest.ResponseRecorder {
	url := fmt.Sprintf("/socket.io/?EIO=%d&transport=polling&b64=1%s", c.eio, c.query)
	if c.sid != "" {
		url += "&sid=" + c.sid
	}
	r := httptest.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	w := httptest.NewRecorder()
	c.server.ServeHTTP(w, r)
	return w
}

func (c *client) split(payload string) []string {
	if c.eio == 4 {
		return strings.Split(payload, "\x1e")
	}
	var list []string
	for payload != "" {
		size, rest, ok := strings.Cut(payload, ":")
		n, err := strconv.Atoi(size)
		if !ok || err != nil || n > len(rest) {
			c.t.Errorf("payload %q", payload)
			return list
		}
		runes := []rune(rest)
		list, payload = append(list, string(runes[:n])), string(runes[n:])
	}
	return list
}

// take keeps the messages among packets, and is false once the server has closed.
func (c *client) take(packets []string) bool {
	alive := true
	for _, p := range packets {
		switch {
		case p == "":
		case p[0] == '4', p[0] == 'b':
			c.mu.Lock()
			c.came = append(c.came, strings.TrimPrefix(p, "4"))
			c.mu.Unlock()
			c.wake()
		case p == "2":
			c.post("3")
		case p == "1":
			alive = false
		}
	}
	return alive
}

func (c *client) wake() {
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *client) post(packets ...string) {
	body := strings.Join(packets, "\x1e")
	if c.eio == 3 {
		body = lengthPrefixed(packets...)
	}
	if w := c.do(c.t.Context(), "POST", body); w.Code != 200 {
		c.t.Errorf("post of %q: %d %q", packets, w.Code, w.Body)
	}
}

// lengthPrefixed is a payload of Engine.IO 3.
func lengthPrefixed(packets ...string) string {
	var b strings.Builder
	for _, p := range packets {
		fmt.Fprintf(&b, "%d:%s", utf8.RuneCountInString(p), p)
	}
	return b.String()
}

// send sends packets of Socket.IO: "2[…]" is an event, "20[…]" one with ack id
// 0.
func (c *client) send(packets ...string) {
	c.t.Helper()
	var messages []string
	for _, p := range packets {
		messages = append(messages, "4"+p)
	}
	c.post(messages...)
}

// next is the next packet, or "closed".
func (c *client) next() string {
	c.t.Helper()
	deadline := time.After(slow.Stretch(10 * time.Second))
	for {
		c.mu.Lock()
		if len(c.came) > 0 {
			p := c.came[0]
			c.came = c.came[1:]
			c.mu.Unlock()
			return p
		}
		over := c.over
		c.mu.Unlock()
		if over {
			return "closed"
		}
		select {
		case <-c.more:
		case <-deadline:
			c.t.Fatal("nothing came")
		}
	}
}

// expect fails unless the next packets are these; one that is only a type, as "0",
// stands for any packet that begins so.
func (c *client) expect(want ...string) {
	c.t.Helper()
	for _, w := range want {
		if got := c.next(); got != w && !(w == "0" && strings.HasPrefix(got, w)) {
			c.t.Fatalf("got %q, want %q", got, w)
		}
	}
}

// leave closes the connection in good order.
func (c *client) leave() {
	c.t.Helper()
	c.post("1")
	c.close()
}

// close leaves as a browser does that is switched off, and waits for the poll.
func (c *client) close() {
	c.cancel()
	c.polling.Wait()
}
