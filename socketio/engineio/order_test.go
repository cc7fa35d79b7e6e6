package engineio

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/internal/slow"
	"github.com/sockeye-io/sockeye/socketio/internal/netpoll"
	"github.com/sockeye-io/sockeye/socketio/internal/ws"
)

// ten thousand messages each way across an upgrade that takes its time: none
// is lost, doubled or out of order.
func TestUpgradeUnderLoad(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		const n = 10_000
		var sess *Session
		var mu sync.Mutex
		received, wrong := 0, ""
		done := make(chan struct{})
		opened := make(chan struct{})
		r.srv.accept = func(s *Session) Receiver {
			sess = s
			close(opened)
			return receiverFunc(func(data []byte) {
				mu.Lock()
				defer mu.Unlock()
				if string(data) != fmt.Sprint(received) && wrong == "" {
					wrong = fmt.Sprintf("got %s, want %d", data, received)
				}
				if received++; received == n {
					close(done)
				}
			})
		}
		_, body, _ := r.request("GET", "EIO=4&transport=polling", "")
		<-opened
		q := "EIO=4&transport=polling&sid=" + sess.ID()
		_ = body
		go func() {
			for i := range n {
				err := error(nil)
				if i%2 == 0 {
					err = sess.Send(text(fmt.Sprint(i)), 0)
				} else {
					err = sess.SendBuffer(buffered(fmt.Sprint(i)), 0)
				}
				if err != nil {
					t.Error("not sent:", err)
					return
				}
				if i%50 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		}()
		var wg sync.WaitGroup
		next := 0
		take := func(packet string) {
			switch {
			case packet == "6":
			case packet != fmt.Sprint("4", next):
				t.Fatalf("packet %q, want %d", packet, next)
			default:
				next++
			}
		}
		stop := make(chan struct{})
		wg.Go(func() { // polls until the upgrade wants it no more
			for {
				got := r.get(q)
				if !strings.HasPrefix(got, "200 ") {
					t.Errorf("poll: %s", got)
					return
				}
				for packet := range strings.SplitSeq(got[4:], "\x1e") {
					take(packet)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
		sent := 0
		batch := func() string {
			var b []string
			for range 1 + rand.IntN(20) {
				if sent < n {
					b = append(b, fmt.Sprint("4", sent))
					sent++
				}
			}
			return strings.Join(b, "\x1e")
		}
		for sent < n/3 {
			want(t, "post", r.post(q, batch()), "200 ok")
		}
		s := r.webSocket(strings.Replace(q, "polling", "websocket", 1))
		s.send("2probe")
		want(t, "probe", s.read(), "3probe")
		for sent < 2*n/3 {
			want(t, "post", r.post(q, batch()), "200 ok")
		}
		close(stop)
		wg.Wait()
		s.send("5")
		wg.Go(func() {
			for sent < n {
				for packet := range strings.SplitSeq(batch(), "\x1e") {
					s.send(packet)
				}
			}
		})
		for next < n {
			take(s.read())
		}
		wg.Wait()
		<-done
		if wrong != "" {
			t.Error(wrong)
		}
		if st := r.srv.Stats(); st.MessagesIn != n || st.MessagesOut != n || len(met(st.Dropped)) != 0 {
			t.Errorf("%+v", st)
		}
	})
}

type receiverFunc func([]byte)

func (f receiverFunc) Receive(data []byte, _ bool) { f(data) }
func (receiverFunc) Served()                       {}
func (receiverFunc) Closed(Reason, error)          {}

// A POST that is under way when the upgrade comes is delivered first.
func TestUpgradeDuringPost(t *testing.T) {
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		q, e := r.open(4)
		c := r.dial()
		defer c.Close()
		fmt.Fprintf(c, "POST /engine.io/?%s HTTP/1.1\r\nHost: host.example\r\nContent-Length: 5\r\n\r\n4", q)
		synctest.Wait()
		s := r.webSocket(strings.Replace(q, "polling", "websocket", 1))
		var frames []byte
		for _, packet := range []string{"2probe", "5", "4second"} {
			frames = ws.AppendMaskedFrame(frames, ws.Text, []byte(packet), [4]byte{})
		}
		if _, err := s.Write(frames); err != nil {
			t.Error(err)
		}
		go func() { fmt.Fprint(c, "irst") }()
		want(t, "probe", s.read(), "3probe")
		want(t, "posted", s.read(), "4irst")
		want(t, "on the websocket", s.read(), "4second")
		e.s.CloseNow(ForcedClose, nil)
	})
}

func TestCloseFlushes(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		q, e := r.open(4)
		_ = e.s.Send(text("a"), 0)
		_ = e.s.Send(text("b"), 0)
		e.s.Close(ForcedServerClose)
		if err := e.s.Send(text("c"), 0); err != ErrClosed {
			t.Error(err)
		}
		// Official clients forget messages that share a payload with the close.
		want(t, "last messages", r.get(q), "200 4a\x1e4b")
		want(t, "last poll", r.get(q), "200 1")
		want(t, "reason", string(e.end(t)), "forced server close")

		s, e := r.openWebSocket(4)
		const n = 2000
		for i := range n {
			_ = e.s.Send(text(fmt.Sprint(i, strings.Repeat("x", 1000))), 0)
		}
		e.s.Close(ForcedClose)
		for i := range n {
			if got := s.read(); !strings.HasPrefix(got, fmt.Sprint("4", i, "x")) {
				t.Fatalf("%d: %.20q", i, got)
			}
		}
		want(t, "close", s.read(), "close 1005")
		want(t, "reason", string(e.end(t)), "forced close")
	})
	// While an upgrade is under way, the websocket brings what is left.
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		q, e := r.open(4)
		s := r.webSocket(strings.Replace(q, "polling", "websocket", 1))
		s.send("2probe")
		want(t, "probe", s.read(), "3probe")
		_ = e.s.Send(text("a"), 0)
		e.s.Close(ForcedClose)
		s.send("5")
		want(t, "left", s.read()+s.read(), "4aclose 1005")
		want(t, "reason", string(e.end(t)), "forced close")
		// A client that never comes back is given WriteTimeout.
		_, e = r.open(4)
		_ = e.s.Send(text("a"), 0)
		e.s.Close(ForcedClose)
		begin := time.Now()
		<-e.closed
		if d := time.Since(begin); d < 30*time.Second || d > 31*time.Second {
			t.Error(d)
		}
		want(t, "dropped", fmt.Sprint(met(r.srv.Stats().Dropped)), "map[closed:1]")
	})
}

func TestShutdown(t *testing.T) {
	everywhere(t, quiet, func(t *testing.T, r *rig) {
		q, polling := r.open(4)
		idle, idleE := r.open(4)
		s, websocket := r.openWebSocket(4)
		answer := make(chan string)
		go func() { answer <- r.get(q) }()
		r.waitPoll(polling)
		_ = idleE.s.Send(text("left"), 0)
		_ = websocket.s.Send(text("left"), 0)
		done := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), slow.Stretch(10*time.Second))
			defer cancel()
			done <- r.srv.Shutdown(ctx)
		}()
		want(t, "held poll", <-answer, "200 1")
		want(t, "websocket", s.read()+s.read(), "4leftclose 1005")
		_ = s.Close()
		status, body, _ := r.request("GET", "EIO=4&transport=polling", "")
		want(t, "new session", fmt.Sprint(status, body), `503{"code":4,"message":"Server is shutting down"}`)
		want(t, "between polls", r.get(idle), "200 4left")
		want(t, "last poll", r.get(idle), "200 1")
		if err := <-done; err != nil {
			t.Error(err)
		}
		for _, e := range []*echo{polling, idleE, websocket} {
			want(t, "reason", string(e.end(t)), "server shutting down")
		}
		if err := r.srv.Shutdown(context.Background()); err != nil {
			t.Error("again:", err)
		}
		if st := r.srv.Stats(); st.Sessions != 0 || st.WebSocket != 0 || len(met(st.Dropped)) != 0 {
			t.Errorf("%+v", st)
		}
	})
	// Clients that do not cooperate hold it up until its context ends.
	inMemory(t, quiet(), func(t *testing.T, r *rig) {
		_, e := r.open(4)
		s, stuck := r.openWebSocket(4)
		for range 100 {
			_ = stuck.s.Send(text(strings.Repeat("x", 1000)), 0)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		begin := time.Now()
		err := r.srv.Shutdown(ctx)
		if d := time.Since(begin); err != context.DeadlineExceeded || d > 3100*time.Millisecond {
			t.Error(err, d)
		}
		e.end(t)
		stuck.end(t)
		_ = s.Close()
	})
}

func TestCloseUnused(t *testing.T) {
	srv := New(nil, func(*Session) Receiver { return nil })
	for range 2 {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := New(nil, nil).Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

// Idle sessions need no goroutine, and little memory.
func TestIdleCost(t *testing.T) {
	r := tcpRig(t, &Options{}, func(s *Session) Receiver { return nobody{} })
	const n = 500
	measure := func() (int, uint64) {
		for range 3 {
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), m.HeapAlloc
	}
	var sockets []*socket
	open := func() {
		s := r.webSocket("EIO=4&transport=websocket")
		s.read()
		s.r = nil // the client's buffer is not what is measured
		sockets = append(sockets, s)
	}
	open()
	goroutines, heap := measure()
	for range n {
		open()
	}
	moreGoroutines, moreHeap := measure()
	perSession := (int64(moreHeap) - int64(heap)) / n
	t.Logf("%d more goroutines, %d bytes each, client and server", moreGoroutines-goroutines, perSession)
	if !netpoll.Supported {
		return // then it is a goroutine and a buffer
	}
	if moreGoroutines-goroutines > 20 || perSession > 3000 {
		t.Errorf("%d more goroutines, %d bytes each", moreGoroutines-goroutines, perSession)
	}
	runtime.KeepAlive(sockets)
}

// What happens often does not allocate.
func TestAllocations(t *testing.T) {
	r := tcpRig(t, &Options{PingInterval: -1}, func(s *Session) Receiver { return nobody{} })
	var s *Session
	for i := range 2 {
		c := r.webSocket("EIO=4&transport=websocket")
		c.read()
		go io.Copy(io.Discard, c.r) // until the end of the test
		if i == 0 {
			for s = range r.srv.Sessions() {
			}
		}
	}
	m := text("hello")
	withBinary := text("hello", []byte("x"))
	if n := testing.AllocsPerRun(200, func() {
		if s.Send(m, 0) != nil || s.Send(withBinary, 0) != nil {
			t.Error("not sent")
		}
		s.mu.Lock()
		s.phase = phaseIdle
		s.timeLocked()
		s.mu.Unlock()
		s.pong()
	}); n > 0.5 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
	if n := testing.AllocsPerRun(200, func() {
		if s.SendBuffer(buffered("hello"), 0) != nil {
			t.Error("not sent")
		}
		for s.Buffered() > 0 { // its memory comes back when it has left
			runtime.Gosched()
		}
	}); n > 0.5 && !raceEnabled {
		t.Errorf("%v allocations of a message to one session", n)
	}
}

// Everything at once, for the race detector and the books: no message is both
// delivered and dropped, and none is neither.
func TestStress(t *testing.T) {
	for _, disable := range []bool{false, true} {
		o := quiet()
		o.DisablePoller = disable
		r := tcpRig(t, o, nil)
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				rnd := rand.New(rand.NewPCG(uint64(g), 1))
				for range 15 {
					r.chaos(rnd)
				}
			})
		}
		wg.Wait()
	}
}

// chaos is a client that does what comes to its mind.
func (r *rig) chaos(rnd *rand.Rand) {
	status, body, _ := r.request("GET", "EIO=4&transport=polling", "")
	if status != 200 {
		r.t.Error(status, body)
		return
	}
	q := "EIO=4&transport=polling&sid=" + body[9:29]
	sess, ok := r.srv.Session(body[9:29])
	if !ok {
		r.t.Error("no session")
		return
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for range rnd.IntN(4) {
		wg.Go(func() {
			for range 20 {
				_ = sess.Send(text("x", []byte("y")), Flags(rand.IntN(2)))
			}
		})
	}
	wg.Go(func() {
		for range 5 {
			if s, _, _ := r.request("GET", q, ""); s != 200 {
				return
			}
		}
	})
	for range rnd.IntN(5) {
		r.post(q, []string{"4x", "4x\x1e4y", "3", "abc", "1"}[min(rnd.IntN(20), 4)])
	}
	if rnd.IntN(3) > 0 {
		s, _ := r.tryWebSocket(strings.Replace(q, "polling", "websocket", 1))
		if s != nil {
			s.send("2probe")
			if rnd.IntN(4) > 0 {
				s.send("5")
			}
			s.send("4z")
			if rnd.IntN(2) == 0 {
				s.write(ws.Close, "")
			}
			if rnd.IntN(2) == 0 {
				sess.Close(ForcedClose)
			}
			_ = s.Close()
		}
	}
	sess.CloseNow(ForcedClose, nil)
}
