package engineio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// mostOwed is what a client may make the server hold that does not read.
const mostOwed = 64 << 10

func noHeartbeat() *Options {
	return &Options{AllowEIO3: true, PingInterval: -1, UpgradeTimeout: -1, MaxQueue: -1}
}

// smallBuffers is everywhere, with sockets that hold little: what lies there,
// in both directions and on both sides, is soon full and soon taken.
func smallBuffers(t *testing.T, f func(t *testing.T, r *rig)) {
	small := func(h *http.Server) {
		h.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			_ = c.(*net.TCPConn).SetWriteBuffer(16 << 10)
			_ = c.(*net.TCPConn).SetReadBuffer(16 << 10)
			return ctx
		}
	}
	t.Run("memory", func(t *testing.T) { inMemory(t, noHeartbeat(), f) })
	for _, disable := range []bool{false, true} {
		t.Run(fmt.Sprint("tcp, without poller: ", disable), func(t *testing.T) {
			o := noHeartbeat()
			o.DisablePoller = disable
			r := tcpRig(t, o, nil, small)
			dial := r.dial
			r.dial = func() net.Conn {
				c := dial()
				_ = c.(*net.TCPConn).SetWriteBuffer(16 << 10)
				return c
			}
			f(t, r)
		})
	}
}

// A client that asks over a websocket, and does not read the answers, is not
// read any more; once it reads, it gets all that it has asked for.
func TestUnreadAnswersOverWebSocket(t *testing.T) {
	ping := func(op ws.Op, data string) []byte { return ws.AppendMaskedFrame(nil, op, []byte(data), [4]byte{}) }
	for _, c := range []struct {
		what    string
		eio     int
		request []byte
		answer  string
		probing bool
		lossy   bool // of answers that wait the last ones do
	}{
		{"pongs of revision 3", 3, ping(ws.Text, "2"), "3", false, false},
		{"pongs of WebSocket", 4, ping(ws.Ping, strings.Repeat("x", 125)), "pong " + strings.Repeat("x", 125), false, true},
		{"answers to probes", 4, ping(ws.Text, "2probe"), "3probe", true, true},
		{"pongs to a probing websocket", 4, ping(ws.Ping, strings.Repeat("x", 125)), "pong " + strings.Repeat("x", 125), true, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			smallBuffers(t, func(t *testing.T, r *rig) {
				var s *socket
				var e *echo
				if c.probing {
					var q string
					q, e = r.open(c.eio)
					s = r.webSocket(strings.Replace(q, "polling", "websocket", 1))
				} else {
					s, e = r.openWebSocket(c.eio)
				}
				webSockets := func() (list []*wsConn) {
					all := []transport{e.s.transport}
					if u := e.s.upgrade; u != nil {
						all = append(all, u.to)
					}
					for _, t := range all {
						if w, ok := t.(*wsConn); ok {
							list = append(list, w)
						}
					}
					return list
				}
				held := func() (n int, full bool) {
					e.s.mu.Lock()
					defer e.s.mu.Unlock()
					n = int(e.s.owed) * owedUnit
					for _, w := range webSockets() {
						n += w.c.Queued()
						full = full || w.full
					}
					return n, full
				}
				burst := bytes.Repeat(c.request, 1000)
				asked, most, rest := 0, 0, []byte(nil)
				// fill asks until nothing is read, nor taken, any more.
				fill := func() {
					for full, n := false, 1; n > 0 || !full; {
						if len(rest) == 0 {
							rest = burst
							asked += 1000
						}
						_ = s.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
						var err error
						if n, err = s.Write(rest); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
							t.Fatal(err)
						}
						rest = rest[n:]
						var now int
						now, full = held()
						if most = max(most, now); asked > 8_000_000 {
							t.Fatalf("%d were taken", asked)
						}
					}
				}
				fill()
				for range 3 { // who is told of room late, when there is none any more, makes none
					e.s.mu.Lock()
					list := webSockets()
					e.s.mu.Unlock()
					for _, w := range list {
						if w.busy() {
							w.OnDrained(nil)
						}
					}
					fill()
				}
				if most > mostOwed+len(c.answer)+64 {
					t.Errorf("%d bytes wait", most)
				}
				_ = s.SetWriteDeadline(time.Time{})
				go func() {
					end := ping(ws.Text, "4end")
					if c.probing {
						end = append(ping(ws.Text, "5"), end...)
					}
					_, _ = s.Write(append(rest, end...)) // whether it arrives is seen below
				}()
				got := 0
				for {
					switch frame := s.read(); frame {
					case c.answer:
						got++
						continue
					case "4end":
					default:
						t.Fatalf("after %d of %d answers: %.30q", got, asked, frame)
					}
					break
				}
				if got > asked || got < asked && !c.lossy || got == 0 {
					t.Errorf("%d answers to %d", got, asked)
				}
				e.s.CloseNow(ForcedClose, nil)
			})
		})
	}
}

// One that posts its pings and does not poll is ended, by name; one that polls
// gets all its pongs.
func TestUnreadPongsOverPolling(t *testing.T) {
	everywhere(t, noHeartbeat, func(t *testing.T, r *rig) {
		q, e := r.open(3)
		pings := strings.Repeat("1:2", 500)
		posts := 0
		for posts < 100 && r.post(q, pings) == "200 ok" {
			if n := e.s.Buffered(); n > mostOwed {
				t.Fatalf("%d bytes wait", n)
			}
			posts++
		}
		want(t, "reason", string(e.end(t)), "transport error")
		if b, ok := e.cause.(*BoundError); !ok || b.Bound != "MaxQueue" || posts == 100 {
			t.Error(e.cause, posts)
		}
		q, e = r.open(3)
		for range 20 {
			want(t, "post", r.post(q, pings), "200 ok")
			want(t, "pongs", r.get(q), "200 "+strings.Repeat("1:3", 500))
		}
		e.s.CloseNow(ForcedClose, nil)
	})
}

// Pings of a session that is paused for long do not gather without end.
func TestPingsWhilePaused(t *testing.T) {
	o := &Options{PingInterval: time.Second, StallTimeout: -1}
	for _, transport := range []string{pollingName, websocketName} {
		inMemory(t, o, func(t *testing.T, r *rig) {
			var e *echo
			if transport == pollingName {
				_, e = r.open(4)
			} else {
				_, e = r.openWebSocket(4)
			}
			e.s.Pause()
			wait(24 * time.Hour)
			if n := e.s.Buffered(); n > mostOwed {
				t.Errorf("%s: %d bytes wait", transport, n)
			}
			e.s.CloseNow(ForcedClose, nil)
		})
	}
}

// The end of a websocket is answered once, whatever follows it.
func TestCloseIsAnsweredOnce(t *testing.T) {
	everywhere(t, noHeartbeat, func(t *testing.T, r *rig) {
		s, e := r.openWebSocket(4)
		ends := bytes.Repeat(ws.AppendMaskedFrame(nil, ws.Close, []byte("\x03\xe8"), [4]byte{}), 10_000)
		go func() { _, _ = s.Write(ends) }() // it may be cut
		want(t, "close", s.read(), "close 1000")
		want(t, "then", s.read(), "end")
		want(t, "reason", string(e.end(t)), "transport close")
	})
}
