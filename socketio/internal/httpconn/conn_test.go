package httpconn

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
)

// need ends tests of connections that are never taken over here.
func need(t *testing.T) bool { t.Helper(); return netpoll.Supported }

// A connection serves what is ours and what is not, in any order, however it is
// cut, and with empty lines between requests; and it is read here whenever it
// can be.
func TestTakenOver(t *testing.T) {
	if !need(t) {
		return
	}
	s := newSite(t, Config{}, nil)
	c := s.dial()
	for range 3 {
		c.send(get("/ours?a") + post("/ours?b", "c") + get("/other") + get("/ours?d") + post("/other", "e") + get("/ours?f"))
		c.wants("a", "bc", "GET /other ", "d", "POST /other e", "f")
	}
	for _, b := range []byte(get("/ours?a") + "\r\n" + post("/ours?b", "c") + "\r\n\n" + get("/other")) {
		c.send(string(b))
	}
	c.wants("a", "bc", "GET /other ")
	c.send(get("/ours?a"))
	c.wants("a")
	c.send(post("/ours?b", "c") + "\r\n")
	c.wants("bc")
	c.send("\r\n" + get("/other")) // an empty line, and then it goes back
	c.wants("GET /other ")
	c.send(post("/ours?b", "c"))
	c.wants("bc")
	c.send("\r\n\r\n" + get("/ours?g"))
	c.wants("g")
	// A body that is longer than what is read here.
	long := strings.Repeat("x", maxBody+1)
	c.send(post("/ours?", long) + get("/ours?h"))
	c.wants(long, "h")
	c.send("GET /ours?last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	c.wants("last")
	c.ended()
	if n := s.byOther.Load(); n > 15 {
		t.Errorf("net/http has read %d requests", n)
	}
}

// What a client makes the server write, and does not read, is bounded: requests
// are not looked at while it takes no answers.
func TestUnreadAnswers(t *testing.T) {
	if !need(t) {
		return
	}
	for name, request := range map[string]string{
		"small": get("/ours?x"), "posts": post("/ours?", "x"), "4 KB": get("/ours?n=1000"), "40 KB": get("/ours?n=10000"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, Config{}, nil)
			c := s.taken()
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			all := strings.Repeat(request, 1000)
			sent := 0
			for ; sent < 64<<20; sent += len(all) {
				if n, err := io.WriteString(c, all); err != nil {
					sent += n
					break // as the server reads no more
				}
			}
			if n := s.most.Load(); n > aside {
				t.Errorf("a request was served while %d bytes waited", n)
			}
			if sent >= 64<<20 {
				t.Error("the server reads on and on")
			}
			t.Logf("%d bytes sent, %d requests served", sent, s.served.Load())
			// When it reads, it gets all of it.
			_ = c.SetDeadline(time.Now().Add(patience))
			for n := s.served.Load(); n > 0; n-- {
				if got, h := c.answer(); h == nil {
					t.Fatalf("%d answers are missing: %s", n, got)
				}
			}
		})
	}
}

// An answer that is not taken ends the connection in time, whatever more the
// client asks for; one that is taken slowly does not.
func TestAnswerIsTaken(t *testing.T) {
	if !need(t) {
		return
	}
	s := newSite(t, Config{WriteTimeout: slow.Stretch(200 * time.Millisecond)}, nil)
	c := s.taken()
	_ = c.SetReadBuffer(4096)
	c.send(get("/ours?n=2000000") + strings.Repeat(get("/ours?x"), 20))
	until(t, "an end", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.ends) == 1 })
	if s.ends[0] != ErrAnswer {
		t.Error(s.ends[0])
	}
	if n := s.served.Load(); n != 1 {
		t.Errorf("%d requests served", n)
	}
}

// The rules of a fresh connection count on every request.
func TestSlowRequests(t *testing.T) {
	if !need(t) {
		return
	}
	limit, never := slow.Stretch(200*time.Millisecond), time.Minute // the first request is made within limit, too
	header := func(s *http.Server) { s.ReadHeaderTimeout = limit }
	whole := func(s *http.Server) { s.ReadTimeout = limit }
	for _, tt := range []struct {
		name   string
		tune   func(*http.Server)
		body   time.Duration
		begin  string
		drip   string // sent again and again
		halves int
	}{
		{"half a head", header, never, "GET /ours?x HTTP/1.1\r\nHost: x\r\nX-Half: ", "", 0},
		{"half a request line", header, never, "GET /ou", "", 0},
		{"one letter", header, never, "P", "", 0},
		{"half a head, ReadTimeout", whole, never, "POST /ours HTTP/1.1\r\nHost", "", 0},
		{"half a head, BodyTimeout", nil, limit, "POST /ours HTTP/1.1\r\nHost", "", 0},
		{"a byte at a time", header, never, "GET /ours?x HTTP/1.1\r\nHost: x\r\nX: ", "x", 0},
		{"a line at a time", header, never, "GET /ours?x HTTP/1.1\r\nHost: x\r\n", "X: x\r\n", 0},
		{"half a body", nil, limit, "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nxx", "", 1},
		{"a body byte by byte", nil, limit, "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n", "x", 1},
		{"no body", header, limit, "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n", "", 1},
		{"a line without CR", nil, never, "GET /ours?x HTTP/1.1\nHost: x\n", "", 0},
		{"lines without CR", nil, never, "GET /ours?x HTTP/1.1\nHost: x\n\n", "", 0},
		{"one line without CR", nil, never, "GET /ours?x HTTP/1.1\r\nHost: x\n\r\n", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, Config{BodyTimeout: tt.body}, tt.tune)
			c := s.taken()
			c.send(get("/ours?again"))
			c.wants("again")
			begin := time.Now()
			c.send(tt.begin)
			over := make(chan struct{})
			go func() { defer close(over); c.ended() }()
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for done := false; !done; {
				select {
				case <-over:
					done = true
				case <-tick.C:
					_, _ = io.WriteString(c, tt.drip)
				}
			}
			if d := time.Since(begin); d > slow.Stretch(10*time.Second) {
				t.Errorf("it ended after %v", d)
			}
			_ = c.Close()
			until(t, "Closed", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.ends) == 1 })
			if s.halves != tt.halves {
				t.Errorf("%d halves", s.halves)
			}
		})
	}
}

// A connection goes back once what is written has left, and until then nobody
// looks at it again and again.
func TestGivingBackDoesNotSpin(t *testing.T) {
	if !need(t) {
		return
	}
	s := newSite(t, Config{}, nil)
	c := s.taken()
	const rounds = 300
	for range rounds {
		c.send(get("/ours?x") + get("/ours?x") + get("/ours?back"))
		c.wants("x", "x", "back")
	}
	if n := s.looked.Load(); n > 4*rounds {
		t.Errorf("%d requests were looked at %d times", 2*rounds, n)
	}
	// The answer is not taken for a while, and what waits behind it is not for us.
	_ = c.SetReadBuffer(64 << 10)
	c.send(get("/ours?x"))
	c.wants("x")
	before := s.looked.Load()
	c.send(get("/ours?n=900000"))
	until(t, "an answer under way", func() bool { return s.looked.Load() == before+1 })
	c.send(get("/ours?y") + get("/other"))
	if got, _ := c.answer(); len(got) != 8*900000 {
		t.Errorf("%d bytes", len(got))
	}
	c.wants("y", "GET /other ")
	if n := s.looked.Load() - before; n != 2 {
		t.Errorf("two requests were looked at %d times", n)
	}
}

// The table of fields is bounded, also for origins that a client makes up.
func TestFieldsAreShared(t *testing.T) {
	var table fieldsTable
	h := http.Header{"X-Content-Type-Options": {"nosniff"}}
	first := table.get(h)
	if table.get(h) != first || !first.nosniff {
		t.Error("not shared")
	}
	for i := range 10 * maxShared {
		table.get(http.Header{"Access-Control-Allow-Origin": {fmt.Sprint("https://", i, ".example")}})
		table.get(http.Header{"Access-Control-Allow-Origin": {strings.Repeat("x", maxSharedSize)}})
	}
	if n := len(table.list); n > maxShared {
		t.Errorf("%d are kept", n)
	}
	head := string(first.AppendHead(nil, 400, "text/plain", "", 0, false))
	if strings.Count(head, "nosniff") != 1 || strings.Count(string(new(Fields).AppendHead(nil, 400, "text/plain", "", 0, false)), "nosniff") != 1 {
		t.Error(head)
	}
}

// The time to wait for a request is over with it, even if it is to be the last.
func TestLastIsNotIdle(t *testing.T) {
	if !need(t) {
		return
	}
	s := newSite(t, Config{IdleTimeout: slow.Stretch(150 * time.Millisecond), WriteTimeout: slow.Stretch(20 * time.Millisecond)}, nil)
	c := s.taken()
	c.send(get("/ours?hold", "Connection: close"))
	o := <-s.held
	until(t, "the timer has run", func() bool { return s.conns.cfg.Wheel.Pending() == 0 })
	o.reply("late", "")
	c.wants("late")
	c.ended()
}
