package engineio

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/option"
)

// mostLate is how late a deadline may come.
const mostLate = 5 * time.Millisecond

// wait is for tests with a clock of their own.
func wait(d time.Duration) { <-time.After(d) }

// A client that is silent is gone when its heartbeat's time is over: neither
// before, nor more than a moment later, however long it is.
func TestSilenceIsTimedExactly(t *testing.T) {
	for _, h := range []struct{ interval, timeout time.Duration }{
		{300 * time.Millisecond, 200 * time.Millisecond},
		{777 * time.Millisecond, 3333 * time.Millisecond},
		{4 * time.Second, 3 * time.Second},
		{25 * time.Second, 20 * time.Second},
		{25 * time.Second, 123 * time.Millisecond},
		{time.Hour, time.Hour},
	} {
		for _, eio := range []int{3, 4} {
			for _, transport := range []string{pollingName, websocketName} {
				t.Run(fmt.Sprint(h.interval, "+", h.timeout, " revision ", eio, " ", transport), func(t *testing.T) {
					o := &Options{AllowEIO3: true, PingInterval: h.interval, PingTimeout: h.timeout}
					inMemory(t, o, func(t *testing.T, r *rig) {
						for _, after := range []time.Duration{0, 1234567 * time.Nanosecond, 50 * time.Millisecond} {
							wait(after) // ticks shall not favour it
							begin := time.Now()
							var e *echo
							if transport == pollingName {
								_, e = r.open(eio)
							} else {
								_, e = r.openWebSocket(eio)
							}
							<-e.closed
							if late := time.Since(begin) - h.interval - h.timeout; late < 0 || late > mostLate {
								t.Errorf("gone %v after its time", late)
							}
							want(t, "reason", string(e.reason), "ping timeout")
						}
					})
				})
			}
		}
	}
}

// A request that comes when its session's time is over does not find it, even
// if the timer has not run yet.
func TestOverdueSessionIsNotFound(t *testing.T) {
	inMemory(t, brisk(), func(t *testing.T, r *rig) {
		for range 20 {
			wait(123456 * time.Nanosecond)
			q, e := r.open(4)
			wait(500*time.Millisecond - time.Nanosecond)
			if s, _ := r.srv.find(&query{transport: pollingName, sid: e.s.ID(), eio: "4"}, false); s == nil {
				t.Error("it was gone too early")
			}
			wait(time.Nanosecond)
			want(t, "poll", r.get(q), unknown)
			want(t, "reason", string(e.end(t)), "ping timeout")
		}
	})
}

// A ping that leaves late, as on a machine short of time, gives a client that
// listens its time to answer; one that does not poll has no more time for it.
func TestLatePing(t *testing.T) {
	for _, transport := range []string{pollingName, websocketName} {
		inMemory(t, brisk(), func(t *testing.T, r *rig) {
			var e *echo
			if transport == pollingName {
				_, e = r.open(4)
			} else {
				_, e = r.openWebSocket(4)
			}
			begin := time.Now()
			r.srv.wheel.After(290*time.Millisecond, new(Timer), runnerFunc(func() { wait(110 * time.Millisecond) })) // and all others with it
			<-e.closed
			least, most := 500*time.Millisecond, 500*time.Millisecond+mostLate
			if transport == websocketName {
				least, most = 595*time.Millisecond, 600*time.Millisecond+mostLate
			}
			if d := time.Since(begin); d < least || d > most {
				t.Errorf("%s: gone after %v", transport, d)
			}
		})
	}
	// The timer is so late that no ping was made at all.
	inMemory(t, brisk(), func(t *testing.T, r *rig) {
		q, _ := r.open(4)
		r.srv.wheel.After(290*time.Millisecond, new(Timer), runnerFunc(func() { wait(time.Second) }))
		wait(500 * time.Millisecond)
		want(t, "poll", r.get(q), unknown)
	})
}

type runnerFunc func()

func (f runnerFunc) Run() { f() }

// A client that answers each ping at the last moment stays.
func TestLastMomentPong(t *testing.T) {
	for _, h := range []struct{ interval, timeout time.Duration }{
		{300 * time.Millisecond, 200 * time.Millisecond}, {25 * time.Second, 20 * time.Second},
	} {
		inMemory(t, &Options{PingInterval: h.interval, PingTimeout: h.timeout}, func(t *testing.T, r *rig) {
			s, e := r.openWebSocket(4)
			heard := time.Now()
			for range 10 {
				want(t, "ping", s.read(), "2")
				if d := time.Since(heard); d > h.interval+mostLate || d < h.interval-h.interval/100 {
					t.Errorf("a ping after %v", d)
				}
				wait(h.timeout - mostLate)
				s.send("3")
				heard = time.Now()
			}
			s.send("4x")
			want(t, "echo", s.read(), "4x")
			e.s.CloseNow(ForcedClose, nil)
		})
	}
}

// A session that is closed while the client does not poll does not outlive the
// time in which it had to be heard of anyway, nor WriteTimeout.
func TestClosedBetweenPolls(t *testing.T) {
	for _, c := range []struct {
		what string
		want time.Duration // after the handshake
		opts Options
		end  func(t *testing.T, r *rig, q string, e *echo)
	}{
		{"at once", 1200 * time.Millisecond, Options{}, func(_ *testing.T, _ *rig, _ string, e *echo) { e.s.Close(ForcedServerClose) }},
		{"with messages", 1200 * time.Millisecond, Options{}, func(_ *testing.T, _ *rig, _ string, e *echo) {
			_ = e.s.Send(text("left"), 0)
			e.s.Close(ForcedServerClose)
		}},
		{"while a ping is out", 1200 * time.Millisecond, Options{}, func(_ *testing.T, _ *rig, _ string, e *echo) {
			wait(700 * time.Millisecond)
			e.s.Close(ForcedServerClose)
		}},
		{"after a pong", 1900 * time.Millisecond, Options{}, func(t *testing.T, r *rig, q string, e *echo) {
			want(t, "ping", r.get(q), "200 2")
			wait(300 * time.Millisecond)
			want(t, "pong", r.post(q, "3"), "200 ok")
			e.s.Close(ForcedServerClose)
		}},
		{"twice", 1200 * time.Millisecond, Options{}, func(_ *testing.T, _ *rig, _ string, e *echo) {
			e.s.Close(ForcedServerClose)
			wait(300 * time.Millisecond)
			e.s.Close(ForcedClose)
		}},
		{"while paused", 1400 * time.Millisecond, Options{}, func(_ *testing.T, _ *rig, _ string, e *echo) {
			e.s.Pause()
			wait(200 * time.Millisecond)
			e.s.Close(ForcedServerClose)
		}},
		{"with a probe that goes away", 1200 * time.Millisecond, Options{}, func(t *testing.T, r *rig, q string, e *echo) {
			s := r.webSocket(strings.Replace(q, "polling", "websocket", 1))
			s.send("2probe")
			want(t, "probe", s.read(), "3probe")
			e.s.Close(ForcedServerClose)
			_ = s.Close()
		}},
		{"revision 3", 1200 * time.Millisecond, Options{}, func(_ *testing.T, _ *rig, _ string, e *echo) { e.s.Close(ForcedServerClose) }},
		{"WriteTimeout is shorter", 500 * time.Millisecond, Options{WriteTimeout: 500 * time.Millisecond}, func(_ *testing.T, _ *rig, _ string, e *echo) { e.s.Close(ForcedServerClose) }},
		{"no WriteTimeout", 1200 * time.Millisecond, Options{WriteTimeout: -1}, func(_ *testing.T, _ *rig, _ string, e *echo) { e.s.Close(ForcedServerClose) }},
		{"no heartbeat", 30 * time.Second, Options{PingInterval: -1}, func(_ *testing.T, _ *rig, _ string, e *echo) { e.s.Close(ForcedServerClose) }},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := c.opts
			o.AllowEIO3 = true
			option.Default(&o.PingInterval, 400*time.Millisecond)
			option.Default(&o.PingTimeout, 800*time.Millisecond)
			inMemory(t, &o, func(t *testing.T, r *rig) {
				begin := time.Now()
				eio := 4
				if c.what == "revision 3" {
					eio = 3
				}
				q, e := r.open(eio)
				c.end(t, r, q, e)
				<-e.closed
				if late := time.Since(begin) - c.want; late < 0 || late > mostLate {
					t.Errorf("gone %v after its time", late)
				}
				want(t, "reason", string(e.reason), "forced server close")
			})
		})
	}
}
