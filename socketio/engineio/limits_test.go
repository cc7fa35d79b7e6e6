package engineio

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

func contextWith(ctx context.Context, k, v any) context.Context { return context.WithValue(ctx, k, v) }

// CVE-2020-36048, CVE-2016-10542: payloads are bounded, on both transports.
func TestMaxPayload(t *testing.T) {
	everywhere(t, func() *Options { o := quiet(); o.MaxPayload = 100; return o }, func(t *testing.T, r *rig) {
		q, _ := r.open(4)
		want(t, "at the limit", r.post(q, "4"+strings.Repeat("x", 99)), "200 ok")
		want(t, "beyond", r.post(q, "4"+strings.Repeat("x", 100)), "413 ")
		want(t, "echo", r.get(q), "200 4"+strings.Repeat("x", 99))
		req, err := http.NewRequest("POST", "http://host.example/engine.io/?"+q, io.MultiReader(strings.NewReader("4"), strings.NewReader(strings.Repeat("x", 100))))
		if err != nil {
			t.Fatal(err)
		}
		res, err := r.client.Do(req) // without a length
		if err != nil || res.StatusCode != 413 {
			t.Error(res, err)
		} else {
			_ = res.Body.Close()
		}
		s, e := r.openWebSocket(4)
		s.send("4" + strings.Repeat("x", 99))
		want(t, "at the limit", s.read(), "4"+strings.Repeat("x", 99))
		s.send("4" + strings.Repeat("x", 100))
		want(t, "beyond", s.read(), "close 1009")
		want(t, "reason", string(e.end(t)), "transport error")
		want(t, "bounds", fmt.Sprint(met(r.srv.Stats().Bounds)), "map[MaxPayload:3]")
	})
}

func TestMaxPacketsPerPayload(t *testing.T) {
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		q, e := r.open(4)
		want(t, "separators", r.post(q, strings.Repeat("\x1e", 1_000_000)), bad)
		want(t, "reason", string(e.end(t)), "parse error")
		q, e = r.open(4)
		want(t, "packets", r.post(q, strings.Repeat("3\x1e", 20_000)+"3"), bad)
		want(t, "reason", string(e.end(t)), "transport error")
		want(t, "bounds", fmt.Sprint(met(r.srv.Stats().Bounds)), "map[MaxPacketsPerPayload:1]")
	})
}

func TestMaxSessions(t *testing.T) {
	o := quiet()
	o.MaxSessions, o.MaxSessionsPerAddr = 3, 2
	o.ClientIPHeader, o.TrustedProxies = "X-Real-Ip", []string{"127.0.0.1"}
	r := tcpRig(t, o, nil)
	open := func(ip string) int {
		status, _, _ := r.request("GET", "EIO=4&transport=polling", "", "X-Real-Ip", ip)
		return status
	}
	want(t, "statuses", fmt.Sprint(open("2001:db8::1"), open("2001:db8::2"), open("2001:db8::3"), open("2001:db8:0:1::1"), open("2001:db8:0:1::2")), "200 200 429 200 503")
	e := <-r.opened
	e.s.CloseNow(ForcedClose, nil)
	want(t, "a place is free", fmt.Sprint(open("2001:db8::4")), "200")
	want(t, "bounds", fmt.Sprint(met(r.srv.Stats().Bounds)), "map[MaxSessions:1 MaxSessionsPerAddr:1]")
}

func TestHandshakeRate(t *testing.T) {
	o := quiet()
	o.HandshakeRate = 5
	inMemory(t, o, func(t *testing.T, r *rig) {
		statuses := map[int]int{}
		for range 10 {
			status, _, _ := r.request("GET", "EIO=4&transport=polling", "")
			statuses[status]++
		}
		time.Sleep(time.Second)
		for range 10 {
			status, _, _ := r.request("GET", "EIO=4&transport=polling", "")
			statuses[status]++
		}
		want(t, "statuses", fmt.Sprint(statuses), "map[200:10 429:10]")
		time.Sleep(3 * time.Minute)
		if n := r.srv.peers.Len(); n != 0 {
			t.Errorf("%d addresses are remembered", n)
		}
	})
}

// fill sends until the session's queue is in use, and says how many were taken.
func fill(s *Session, f Flags, n int) (errs map[error]int) {
	errs = map[error]int{}
	for range n {
		errs[s.Send(text(strings.Repeat("x", 1000)), f)]++
	}
	return errs
}

func slowOptions(p SlowPolicy) *Options {
	o := &Options{PingInterval: -1}
	o.MaxQueue, o.SlowPolicy = 100_000, p
	return o
}

// A client that does not read costs its bound, and nobody else anything.
func TestSlowConsumer(t *testing.T) {
	for _, transport := range []string{"polling", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			slow := func(r *rig) *echo {
				if transport == "polling" {
					_, e := r.open(4)
					return e
				}
				_, e := r.openWebSocket(4)
				return e
			}
			inMemory(t, slowOptions(Close), func(t *testing.T, r *rig) {
				e := slow(r)
				errs := fill(e.s, 0, 300)
				synctest.Wait()
				want(t, "reason", string(e.end(t)), "transport error")
				if b, ok := e.cause.(*BoundError); !ok || b.Bound != "MaxQueue" {
					t.Error(e.cause)
				}
				st := r.srv.Stats()
				if errs[ErrQueueFull] != 1 || errs[nil] < 90 || errs[nil] > 110 || errs[ErrClosed] != 300-1-errs[nil] {
					t.Error(errs)
				}
				if st.MessagesOut != uint64(errs[nil]) || st.Dropped[DropQueueFull] != 1 || st.Bounds["MaxQueue"] != 1 {
					t.Errorf("%+v", st)
				}
			})
			inMemory(t, slowOptions(Close), func(t *testing.T, r *rig) {
				e := slow(r)
				fill(e.s, 0, 50)
				synctest.Wait()
				errs := fill(e.s, Volatile, 10)
				if errs[ErrNotWritable] != 10 || e.s.Closed() {
					t.Error("volatile", errs)
				}
				if n := e.s.Buffered(); n < 49_000 || n > 55_000 {
					t.Error("buffered", n)
				}
			})
			inMemory(t, slowOptions(DropOldest), func(t *testing.T, r *rig) {
				e := slow(r)
				fill(e.s, 0, 20)
				synctest.Wait()
				errs := fill(e.s, 0, 300)
				if st := r.srv.Stats(); errs[nil] != 300 || e.s.Closed() || st.Dropped[DropQueueFull] < 200 || e.s.Buffered() > 100_000 {
					t.Error(errs, st.Dropped, e.s.Buffered())
				}
			})
			inMemory(t, slowOptions(DropVolatile), func(t *testing.T, r *rig) {
				e := slow(r)
				fill(e.s, 0, 20)
				synctest.Wait()
				errs := fill(e.s, Volatile, 200)
				if errs[nil] != 200 || e.s.Closed() {
					t.Error(errs)
				}
				errs = fill(e.s, 0, 50) // in place of volatile ones
				if errs[nil] != 50 || e.s.Closed() {
					t.Error(errs)
				}
				fill(e.s, 0, 50)
				want(t, "reason", string(e.end(t)), "transport error")
			})
		})
	}
}

// A client that reads at last gets all of it, in order.
func TestSlowThenFast(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		s, e := r.openWebSocket(4)
		other, _ := r.openWebSocket(4)
		const n = 3000
		for i := range n {
			if err := e.s.Send(text(fmt.Sprint(i, " ", strings.Repeat("x", 1000))), 0); err != nil {
				t.Fatal(err)
			}
		}
		other.send("4x")
		want(t, "another client", other.read(), "4x")
		for i := range n {
			if got := s.read(); !strings.HasPrefix(got, fmt.Sprintf("4%d ", i)) {
				t.Fatalf("message %d: %.20q", i, got)
			}
		}
	})
}

// A session whose owner does not take its input is not read on, on either
// transport, keeps its heartbeat, and ends when that takes too long.
func TestPause(t *testing.T) {
	for _, transport := range []string{"polling", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			o := brisk()
			o.StallTimeout = 2 * time.Second
			synctest.Test(t, func(t *testing.T) {
				var p *pauser
				r := memoryRig(t, o, func(s *Session) Receiver {
					p = &pauser{echo: echo{s: s, closed: make(chan struct{})}}
					return p
				})
				var send func(string)
				if transport == "polling" {
					_, body, _ := r.request("GET", "EIO=4&transport=polling", "")
					q := "EIO=4&transport=polling&sid=" + p.s.ID()
					_ = body
					send = func(d string) { go r.post(q, "4pause\x1e4a\x1e4b") }
					go func() {
						for strings.HasPrefix(r.get(q), "200") {
						}
					}()
				} else {
					s := r.webSocket("EIO=4&transport=websocket")
					go func() {
						for s.read() != "end" {
						}
					}()
					send = func(d string) {
						go func() { s.send("4pause"); s.send("4a"); s.send("4b") }()
					}
				}
				send("")
				time.Sleep(1500 * time.Millisecond) // several heartbeats
				want(t, "while paused", strings.Join(p.messages(), " "), "pause")
				if p.s.Closed() {
					t.Fatal("the heartbeat was not suspended")
				}
				p.s.Resume()
				synctest.Wait()
				want(t, "resumed", strings.Join(p.messages(), " "), "pause a b")
				p.s.Pause()
				begin := time.Now()
				want(t, "reason", string(p.end(t)), "transport error")
				if d := time.Since(begin); d < 2*time.Second || d > 2100*time.Millisecond {
					t.Error(d)
				}
				if b, ok := p.cause.(*BoundError); !ok || b.Bound != "StallTimeout" {
					t.Error(p.cause)
				}
			})
		})
	}
}

type pauser struct{ echo }

func (p *pauser) Receive(data []byte, binary bool) {
	if string(data) == "pause" {
		p.s.Pause()
	}
	p.mu.Lock()
	p.got = append(p.got, string(data))
	p.mu.Unlock()
}

func (p *pauser) messages() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.got...)
}

// The deadlines of the HTTP server around us are for requests that are answered
// at once; ours hold instead.
func TestShortServerTimeouts(t *testing.T) {
	limit := slow.Stretch(50 * time.Millisecond) // in which a request has to come and to be answered
	r := tcpRig(t, quiet(), nil, func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = limit, limit })
	q, e := r.open(4)
	answer := make(chan string)
	go func() { answer <- r.get(q) }()
	r.waitPoll(e)
	select {
	case got := <-answer:
		t.Errorf("the poll was answered: %s", got)
	case <-time.After(4 * limit):
	}
	_ = e.s.Send(text("x"), 0)
	want(t, "poll", <-answer, "200 4x")
	s, _ := r.openWebSocket(4)
	<-time.After(2 * limit)
	s.send("4x")
	want(t, "websocket", s.read(), "4x")
}

// A body that does not come holds nothing for longer than its deadline.
func TestSlowBody(t *testing.T) {
	o := quiet()
	o.BodyTimeout = time.Second
	inMemory(t, o, func(t *testing.T, r *rig) {
		q, e := r.open(4)
		c := r.dial()
		defer c.Close()
		fmt.Fprintf(c, "POST /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\nContent-Length: 10\r\n\r\n4", q)
		begin := time.Now()
		want(t, "reason", string(e.end(t)), "transport error")
		if d := time.Since(begin); d < time.Second || d > 1100*time.Millisecond {
			t.Error(d)
		}
	})
}

// CVE-2026-48802, PRISMA-2021-0118: pongs nobody has asked for.
func TestPongStorm(t *testing.T) {
	r := tcpRig(t, quiet(), nil)
	s, _ := r.openWebSocket(4)
	for range 10_000 {
		s.write(ws.Pong, "x")
	}
	s.send("3")
	s.send("4x")
	want(t, "echo", s.read(), "4x")
	if n := r.srv.poller.Len(); n != 1 {
		t.Errorf("%d connections", n)
	}
}
