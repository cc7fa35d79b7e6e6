package engineio

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// under serves r behind middleware that changes the context of each request.
func (r *rig) under(change func(context.Context) (context.Context, context.CancelFunc)) {
	r.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, cancel := change(req.Context())
		defer cancel()
		r.srv.ServeHTTP(w, req.WithContext(ctx))
	})
}

// hidden does not tell its deadline.
type hidden struct{ context.Context }

func (hidden) Deadline() (time.Time, bool) { return time.Time{}, false }

var errLate = errors.New("late")

// Middleware that gives a request so much time: polls are answered before, and
// the session stays. A client that leaves is noticed all the same.
func TestPollsUnderDeadlines(t *testing.T) {
	type change = func(context.Context, time.Duration) (context.Context, context.CancelFunc)
	for name, c := range map[string]struct {
		change change
		tells  bool // so that the answer can come in time
	}{
		"timeout": {context.WithTimeout, true},
		"cause": {func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, d, errLate)
		}, true},
		"child": {func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(ctx, d)
			return context.WithValue(ctx, hidden{}, 1), cancel
		}, true},
		"hidden": {func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(ctx, d)
			return hidden{ctx}, cancel
		}, false},
		"cancelled with a cause": {func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			timer := time.AfterFunc(d, func() { cancel(errLate) })
			return ctx, func() { timer.Stop(); cancel(nil) }
		}, false},
	} {
		for _, d := range []time.Duration{time.Second, 5 * time.Second, 20 * time.Second} {
			t.Run(name+" "+d.String(), func(t *testing.T) {
				o := quiet()
				o.PingInterval = -1
				inMemory(t, o, func(t *testing.T, r *rig) {
					r.under(func(ctx context.Context) (context.Context, context.CancelFunc) { return c.change(ctx, d) })
					q, e := r.open(4)
					for range 5 {
						begin := time.Now()
						want(t, "poll", r.get(q), "200 6")
						if took := time.Since(begin); took > d || c.tells && took == d || took < d/2 {
							t.Errorf("answered after %v", took)
						}
					}
					answer := make(chan string)
					go func() { answer <- r.get(q) }()
					synctest.Wait()
					want(t, "post", r.post(q, "4x"), "200 ok")
					want(t, "poll with a message", <-answer, "200 4x")
					conn := r.dial()
					_, _ = io.WriteString(conn, "GET /engine.io/?"+q+" HTTP/1.1\r\nHost: host.example\r\n\r\n")
					synctest.Wait()
					left := time.Now()
					_ = conn.Close()
					want(t, "reason", string(e.end(t)), "transport error")
					if took := time.Since(left); took > 0 {
						t.Errorf("noticed after %v", took)
					}
				})
			})
		}
	}
}

// http.TimeoutHandler buffers, cannot be flushed and not be taken over.
func TestTimeoutHandler(t *testing.T) {
	o := quiet()
	o.PingInterval = -1
	inMemory(t, o, func(t *testing.T, r *rig) {
		r.http.Handler = http.TimeoutHandler(r.srv, 3*time.Second, "too late")
		q, e := r.open(4)
		want(t, "poll", r.get(q), "200 6")
		want(t, "post", r.post(q, "4x"), "200 ok")
		want(t, "poll", r.get(q), "200 4x")
		_, res := r.tryWebSocket(strings.Replace(q, "polling", "websocket", 1))
		b, _ := io.ReadAll(res.Body)
		if res.StatusCode != 400 || !strings.Contains(string(b), "http.TimeoutHandler") {
			t.Errorf("upgrade: %s %s", res.Status, b)
		}
		want(t, "post after a refused upgrade", r.post(q, "4y"), "200 ok")
		want(t, "poll after a refused upgrade", r.get(q), "200 4y")
		e.s.CloseNow(ForcedClose, nil)
		e.end(t)
	})
}

// http.Server.Shutdown waits for requests: not for polls that are held.
func TestHTTPShutdownWaitsForNoPoll(t *testing.T) {
	o := quiet()
	o.PingInterval = -1
	inMemory(t, o, func(t *testing.T, r *rig) {
		answers := make(chan string)
		for range 3 {
			q, _ := r.open(4)
			go func() { answers <- r.get(q) }()
		}
		synctest.Wait()
		begin := time.Now()
		// The polls would last for ever. net/http itself waits 5 s for a connection that
		// the client has opened to spare.
		if err := r.http.Shutdown(t.Context()); err != nil || time.Since(begin) > 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		for range 3 {
			want(t, "poll", <-answers, "200 6")
		}
		if n := r.srv.Len(); n != 3 {
			t.Errorf("%d sessions", n)
		}
		if err := r.http.Shutdown(t.Context()); err != nil { // again
			t.Error(err)
		}
	})
}

// odd is a writer with all that goes wrong in a name.
type odd struct {
	header http.Header
	code   int
	body   bytes.Buffer
	how    string
}

func (w *odd) Header() http.Header    { return w.header }
func (w *odd) WriteHeader(status int) { w.code = status }
func (w *odd) Write(b []byte) (int, error) {
	if strings.Contains(w.how, "write fails") {
		return 0, io.ErrClosedPipe
	}
	if strings.Contains(w.how, "write panics") {
		panic(errLate)
	}
	return w.body.Write(b)
}

type oddFlusher struct{ *odd }

func (w oddFlusher) Flush() { panic("no Flush") }

type oddHijacker struct{ *odd }

func (w oddHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	switch {
	case strings.Contains(w.how, "panics"):
		panic(http.ErrNotSupported)
	case strings.Contains(w.how, "nothing"):
		return nil, nil, nil
	}
	return nil, nil, errLate
}

// hiding is a wrapper without Unwrap.
type hiding struct{ http.ResponseWriter }

func TestOddWriters(t *testing.T) {
	upgrade := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}}
	for _, how := range []string{
		"polling", "polling, Flush panics", "polling hidden", "polling, write fails", "polling, write panics",
		"websocket, Hijack panics", "websocket, Hijack fails", "websocket, Hijack returns nothing", "websocket", "websocket hidden",
	} {
		o := quiet()
		ended := make(chan struct{})
		r := tcpRig(t, o, func(s *Session) Receiver { return &echo{s: s, closed: ended} })
		base := &odd{header: http.Header{}, code: 200, how: how}
		var w http.ResponseWriter = base
		switch {
		case strings.Contains(how, "Flush"):
			w = oddFlusher{base}
		case strings.Contains(how, "Hijack"):
			w = oddHijacker{base}
		case strings.Contains(how, "hidden"):
			w = hiding{base}
		}
		transport, _, _ := strings.Cut(how, ",")
		transport, _, _ = strings.Cut(transport, " ")
		req := httptest.NewRequest("GET", "/engine.io/?EIO=4&transport="+transport, nil)
		if transport == websocketName {
			req.Header = upgrade
		}
		r.srv.ServeHTTP(w, req)
		if transport == pollingName && !strings.Contains(how, "write") {
			if base.code != 200 || !strings.HasPrefix(base.body.String(), "0{") || r.srv.Len() != 1 {
				t.Errorf("%s: %d %q, %d sessions", how, base.code, &base.body, r.srv.Len())
			}
			continue
		}
		<-ended
		if n := r.srv.Len(); n != 0 {
			t.Errorf("%s: %d sessions are left", how, n)
		}
		if transport == websocketName && (base.code != 400 || !strings.Contains(base.body.String(), "taken over")) {
			t.Errorf("%s: %d %q", how, base.code, &base.body)
		}
	}
}
