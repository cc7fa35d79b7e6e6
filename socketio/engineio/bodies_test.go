package engineio

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
)

// Request smuggling: what a client sends as the body of a poll is never taken
// for a request, which a proxy in front could not know of.
func TestRequestSmuggling(t *testing.T) {
	tried := 0
	smuggled := "GET /other HTTP/1.1\r\nHost: host.example\r\n\r\n"
	for _, disable := range []bool{false, true} {
		o := quiet()
		o.DisablePoller, o.PingInterval = disable, -1
		r := mixedRig(t, o)
		for _, adopted := range []bool{false, true} {
			for _, body := range []string{
				fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(smuggled), smuggled),
				fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled),
			} {
				tried++
				q, e := r.open(4)
				k := r.keepAlive()
				if adopted {
					k.write(postHead(q, "3"))
					want(t, "post", k.answer(), "200 ok")
				}
				_ = e.s.Send(text("waits"), 0)
				k.write("GET /engine.io/?" + q + " HTTP/1.1\r\nHost: host.example\r\n" + body)
				want(t, "poll with a body", k.answer(), bad)
				k.write(getHead(q))
				want(t, "poll", k.answer(), "200 4waits")
				k.write(smuggled)
				want(t, "a request of its own", k.answer(), "200 other GET  true")
			}
		}
	}
	t.Logf("hostile inputs: request smuggling: %d", tried)
}

// Slow bodies: one that nobody reads and that does not come holds neither the
// answer nor the connection.
func TestBodiesNobodyReads(t *testing.T) {
	tried := 0
	o := quiet()
	o.MaxPayload = 5
	inMemory(t, o, func(t *testing.T, r *rig) {
		q, _ := r.open(4)
		for _, c := range []struct{ method, query string }{
			{"GET", q}, {"GET", "EIO=4&transport=polling"}, {"POST", "EIO=4&transport=polling"}, {"POST", "EIO=4&transport=polling&sid=x"}, {"PUT", q}, {"OPTIONS", q},
			{"GET", "EIO=4&transport=nonsense"}, {"POST", q},
		} {
			tried++
			k := r.keepAlive()
			begin := time.Now()
			k.write(c.method + " /engine.io/?" + c.query + " HTTP/1.1\r\nHost: host.example\r\nContent-Length: 10\r\n\r\n")
			if got := k.answer(); !strings.HasPrefix(got, "4") || time.Since(begin) > time.Second {
				t.Errorf("%s %s: after %v %s", c.method, c.query, time.Since(begin), got)
			}
			if _, err := io.Copy(io.Discard, k.r); err != nil || time.Since(begin) > 2*time.Second {
				t.Errorf("%s %s: the connection ends after %v with %v", c.method, c.query, time.Since(begin), err)
			}
			_ = k.Close()
		}
		time.Sleep(time.Second) // until net/http has forgotten them
	})
	t.Logf("hostile inputs: bodies nobody reads: %d", tried)
}

// Slow handshakes: on a connection that we read ourselves, the rest of a
// request has the same deadline as a body.
func TestSlowHead(t *testing.T) {
	if !netpoll.Supported {
		return // the HTTP server has deadlines of its own
	}
	for _, part := range []string{"G", "GET /engine.io/", "GET /engine.io/?EIO=4 HTTP/1.1\r\nHost: host.example\r\nX-Slow: "} {
		o := quiet()
		o.BodyTimeout, o.PingInterval = 200*time.Millisecond, -1
		r := tcpRig(t, o, nil)
		q, _ := r.open(4)
		k := r.keepAlive()
		k.write(postHead(q, "4x"))
		want(t, "post", k.answer(), "200 ok")
		k.write(part)
		want(t, "end", k.answer(), io.ErrUnexpectedEOF.Error())
	}
}

// Slow readers: an answer that is not taken ends the session, whoever writes it.
func TestSlowAnswer(t *testing.T) {
	for _, disable := range []bool{false, true} {
		o := quiet()
		o.DisablePoller, o.DisableHTTPCompression = disable, true
		o.WriteTimeout, o.MaxQueue, o.PingInterval = slow.Stretch(200*time.Millisecond), -1, -1
		r := tcpRig(t, o, nil)
		witness, _ := r.openWebSocket(4)
		q, e := r.open(4)
		c := r.dial()
		defer c.Close()
		_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
		_ = e.s.Send(text(strings.Repeat("x", 12<<20)), 0)
		_, _ = io.WriteString(c, getHead(q))
		want(t, "reason", string(e.end(t)), "transport error")
		witness.send("4x")
		want(t, "another session", witness.read(), "4x")
	}
}
