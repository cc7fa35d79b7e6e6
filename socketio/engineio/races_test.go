package engineio

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// line is a connection of HTTP/1.1 that is written to and read when the test
// likes.
type line struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

func (r *rig) line() *line {
	c := r.dial()
	r.t.Cleanup(func() { _ = c.Close() })
	return &line{r.t, c, bufio.NewReader(c)}
}

func (l *line) ask(method, query, body string) {
	if _, err := fmt.Fprintf(l, "%s /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\nContent-Length: %d\r\n\r\n%s", method, query, len(body), body); err != nil {
		l.t.Error(err)
	}
}

func (l *line) answer() string {
	res, err := http.ReadResponse(l.r, nil)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	var b strings.Builder
	if _, err := bufio.NewReader(res.Body).WriteTo(&b); err != nil {
		return err.Error()
	}
	return fmt.Sprint(res.StatusCode, " ", b.String())
}

// many is how often an exchange is made that two connections race for.
const many = 200

// A client closes its session on one connection, and polls on another. Whichever
// is read first, the poll gets a noop, and whatever follows finds nothing.
func TestPollRacesClose(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		poll, post := r.line(), r.line()
		for i := range many {
			eio, close, noop := 4, "1", "200 6"
			if i%2 == 1 {
				eio, close, noop = 3, "1:1", "200 1:6"
			}
			q, e := r.open(eio)
			if i%3 == 0 { // the close is read first for sure
				post.ask("POST", q, close)
				want(t, "close", post.answer(), "200 ok")
				poll.ask("GET", q, "")
			} else {
				var both sync.WaitGroup
				both.Go(func() { poll.ask("GET", q, "") })
				both.Go(func() { post.ask("POST", q, close) })
				both.Wait()
				want(t, "close", post.answer(), "200 ok")
			}
			want(t, "poll", poll.answer(), noop)
			want(t, "reason", string(e.end(t)), "transport close")
			for _, l := range []*line{poll, post} {
				l.ask("GET", q, "")
				want(t, "another poll", l.answer(), unknown)
				l.ask("POST", q, close)
				want(t, "a post", l.answer(), unknown)
			}
		}
	})
}

// Only the poll that may have been on its way is answered: one, from elsewhere,
// within a second; and only for a client that has closed its session by itself.
func TestPollAfterClose(t *testing.T) {
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		here, elsewhere := r.line(), r.line()
		closed := func() string {
			q, e := r.open(4)
			here.ask("POST", q, "1")
			want(t, "close", here.answer(), "200 ok")
			e.end(t)
			return q
		}
		poll := func(l *line, q string) string { l.ask("GET", q, ""); return l.answer() }
		q := closed()
		want(t, "elsewhere", poll(elsewhere, q), "200 6")
		want(t, "again", poll(elsewhere, q), unknown)
		q = closed()
		want(t, "another revision", poll(elsewhere, strings.Replace(q, "EIO=4", "EIO=3", 1)), unknown)
		elsewhere.ask("POST", q, "4x")
		want(t, "a post", elsewhere.answer(), unknown)
		s, res := r.tryWebSocket(strings.Replace(q, "polling", "websocket", 1))
		if s != nil || res.StatusCode != 400 {
			t.Error("a websocket")
		}
		wait(time.Second - time.Millisecond)
		want(t, "a moment before it is over", poll(elsewhere, q), "200 6")
		q = closed()
		wait(time.Second)
		want(t, "after a second", poll(elsewhere, q), unknown)

		q, e := r.open(4)
		elsewhere.ask("GET", q, "")
		r.waitPoll(e)
		here.ask("POST", q, "1")
		want(t, "close", here.answer(), "200 ok")
		want(t, "poll that was there", elsewhere.answer(), "200 6")
		want(t, "the next one", poll(elsewhere, q), unknown)

		q, e = r.open(4)
		e.s.CloseNow(ForcedClose, nil)
		want(t, "closed by the server", poll(elsewhere, q), unknown)

		for range 2 * maxFarewells {
			closed()
		}
		f := &r.srv.farewells
		f.mu.Lock()
		if n := len(f.list); n != maxFarewells || len(f.ring) != n {
			t.Errorf("%d are remembered", n)
		}
		f.mu.Unlock()
		wait(2 * time.Second)
		synctest.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.list != nil || f.ring != nil {
			t.Error("some are remembered for long")
		}
	})
}

// What comes on the connection of the close was sent after it.
func TestPollBehindClose(t *testing.T) {
	for _, disable := range []bool{false, true} {
		o := quiet()
		o.DisablePoller = disable
		r := tcpRig(t, o, nil)
		here, elsewhere := r.line(), r.line()
		for range 3 { // on a fresh connection, and on one that was taken over
			q, e := r.open(4)
			here.ask("POST", q, "1")
			want(t, "close", here.answer(), "200 ok")
			e.end(t)
			here.ask("GET", q, "")
			want(t, "on the same connection", here.answer(), unknown)
			elsewhere.ask("GET", q, "")
			want(t, "elsewhere", elsewhere.answer(), "200 6")
		}
	}
}

// A poll sent behind the packet that completes an upgrade is refused, even if it
// is read before.
func TestPollRacesUpgrade(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		for i := range many {
			q, e := r.open(4)
			poll := r.line()
			if i%2 == 0 { // taken over, or not
				poll.ask("POST", q, "4x")
				want(t, "post", poll.answer(), "200 ok")
				poll.ask("GET", q, "")
				want(t, "echo", poll.answer(), "200 4x")
			}
			s := r.webSocket(strings.Replace(q, "polling", "websocket", 1))
			s.send("2probe")
			want(t, "probe", s.read(), "3probe")
			if _, tcp := s.Conn.(*net.TCPConn); tcp {
				s.send("5") // written first, and read by whoever comes first
				poll.ask("GET", q, "")
			} else { // where no time passes it may even be sent later
				var both sync.WaitGroup
				both.Go(func() { s.send("5") })
				both.Go(func() { poll.ask("GET", q, "") })
				both.Wait()
			}
			want(t, "poll", poll.answer(), bad)
			s.send("4x")
			want(t, "echo", s.read(), "4x")
			e.s.CloseNow(ForcedClose, nil)
			_ = s.Close()
			_ = poll.Close()
		}
	})
}

// The first message comes by itself, a moment behind the answer to the handshake;
// to a browser, together with it.
func TestFirstMessageApart(t *testing.T) {
	const handshake = "GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: host.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		c := r.dial()
		defer c.Close()
		fmt.Fprintf(c, handshake+"Origin: http://host.example\r\n\r\n")
		b := make([]byte, 4096)
		n, _ := c.Read(b)
		if got := string(b[:n]); !strings.HasPrefix(got, "HTTP/1.1 101 ") || !strings.Contains(got, `0{"sid":`) {
			t.Errorf("a browser gets %q", got)
		}
		(<-r.opened).s.CloseNow(ForcedClose, nil)
	})
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		c := r.dial()
		defer c.Close()
		fmt.Fprintf(c, handshake+"\r\n")
		b := make([]byte, 4096)
		n, _ := c.Read(b)
		if got := string(b[:n]); !strings.HasPrefix(got, "HTTP/1.1 101 ") || !strings.HasSuffix(got, "\r\n\r\n") {
			t.Errorf("first %q", got)
		}
		begin := time.Now()
		n, _ = c.Read(b)
		if got := string(b[:n]); !strings.Contains(got, `0{"sid":`) || time.Since(begin) < apart {
			t.Errorf("then %q after %v", got, time.Since(begin))
		}
		(<-r.opened).s.CloseNow(ForcedClose, nil)

		// In a flood of handshakes not all wait.
		r.srv.apart.Add(maxApart)
		c = r.dial()
		defer c.Close()
		fmt.Fprintf(c, handshake+"\r\n")
		n, _ = c.Read(b)
		if got := string(b[:n]); !strings.HasPrefix(got, "HTTP/1.1 101 ") || !strings.Contains(got, `0{"sid":`) {
			t.Errorf("in a flood %q", got)
		}
		(<-r.opened).s.CloseNow(ForcedClose, nil)
	})
}

// While an upgrade is under way a poll is held for 100 ms, and what there is to
// say is said at once.
func TestPollDuringUpgrade(t *testing.T) {
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		q, e := r.open(4)
		s := r.webSocket(strings.Replace(q, "polling", "websocket", 1))
		poll := r.line()
		poll.ask("GET", q, "")
		r.waitPoll(e)
		s.send("2probe")
		want(t, "probe", s.read(), "3probe")
		begin := time.Now()
		want(t, "poll that was there", poll.answer(), "200 6")
		if d := time.Since(begin); d > mostLate {
			t.Error("released after", d)
		}
		for range 3 {
			begin := time.Now()
			poll.ask("GET", q, "")
			want(t, "a poll", poll.answer(), "200 6")
			if d := time.Since(begin); d < lateHold || d > lateHold+mostLate {
				t.Error("held for", d)
			}
		}
		poll.ask("GET", q, "")
		r.waitPoll(e)
		begin = time.Now()
		_ = e.s.Send(text("hello"), 0)
		want(t, "a message", poll.answer(), "200 4hello")
		if d := time.Since(begin); d > mostLate {
			t.Error("after", d)
		}
		_ = e.s.Send(text("waiting"), 0)
		poll.ask("GET", q, "")
		want(t, "what waits", poll.answer(), "200 4waiting")

		poll.ask("GET", q, "")
		r.waitPoll(e)
		s.send("5")
		want(t, "refused", poll.answer(), bad)
		s.send("4x")
		want(t, "first on the websocket", s.read(), "4x")
		e.s.CloseNow(ForcedClose, nil)

		// An upgrade that fails lets go of it too.
		q, e = r.open(4)
		s = r.webSocket(strings.Replace(q, "polling", "websocket", 1))
		s.send("2probe")
		want(t, "probe", s.read(), "3probe")
		poll.ask("GET", q, "")
		r.waitPoll(e)
		_ = s.Close()
		_ = e.s.Send(text("hello"), 0)
		want(t, "after a failure", poll.answer(), "200 4hello")
		e.s.CloseNow(ForcedClose, nil)
	})
}
