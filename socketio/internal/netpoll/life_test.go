package netpoll

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	mrand "math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

// Without a native connection no goroutine is durable but by what a bubble
// knows of, and nothing is left behind.
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{})
		s, client := net.Pipe()
		var served atomic.Int32
		closed := false
		c, err := p.Add(s, nil, funcs{
			readable: func(c *Conn) error { c.Serve(); return echo(c) },
			served:   func(*Conn) { time.Sleep(time.Hour); served.Add(1) },
			closed:   func(*Conn, error) { closed = true },
		})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		trip(t, client)
		client.SetDeadline(time.Time{})
		synctest.Wait()
		if n := served.Load(); n != 0 || time.Since(begin) != 0 {
			t.Error("served", n, "after", time.Since(begin))
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if n := served.Load(); n != 1 {
			t.Error("served", n)
		}
		c.Write([]byte("nobody reads this"))
		synctest.Wait()
		if c.Queued() == 0 {
			t.Error("who has read it?")
		}
		if err := p.Shutdown(context.Background()); err != nil || !closed {
			t.Error(err, closed)
		}
	})
}

// A poller that is not used costs nothing and ends at once.
func TestUnused(t *testing.T) {
	before := runtime.NumGoroutine()
	p := New(Config{})
	if n := runtime.NumGoroutine(); n > before { // of the tests before some may end meanwhile
		t.Errorf("New started %d goroutines", n-before)
	}
	for range 2 {
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}
	if _, err := p.Add(nopConn{}, nil, funcs{}); err != ErrPollerClosed {
		t.Error(err)
	}
}

type nopConn struct{ net.Conn }

func (nopConn) Close() error { return nil }

// An idle connection is one small object.
func TestConnSize(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 128 {
		t.Errorf("a Conn has %d bytes", n)
	}
}

// Runners run in order, a blocked one delays nobody, and Shutdown waits.
func TestGo(t *testing.T) {
	p := New(Config{})
	release := make(chan struct{})
	var blocked, over sync.WaitGroup
	for range 100 {
		blocked.Add(1)
		over.Add(1)
		p.Go(run(func() { blocked.Done(); <-release; over.Done() }))
	}
	blocked.Wait()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Shutdown(ctx); err != context.Canceled {
		t.Error("did not wait:", err)
	}
	close(release)
	stop(t, p)
	over.Wait()
	late := make(chan struct{})
	p.Go(run(func() { close(late) }))
	within(t, "a late Runner", late)
}

type run func()

func (f run) Run() { f() }

// Thousands of handlers that block at once delay nobody, and the workers they
// need are gone afterwards.
func TestBlockedHandlers(t *testing.T) {
	n := 10000
	if raceEnabled {
		n = 3000 // the race detector allows 8128 goroutines
	}
	unix := listen(t, "unix")
	for _, off := range []bool{false, true} {
		p := start(t, Config{DisableEpoll: off})
		s, other := unix()
		add(t, p, s, funcs{readable: echo})
		trip(t, other)
		before := runtime.NumGoroutine()
		release := make(chan struct{})
		var blocked, closed sync.WaitGroup
		blocked.Add(n)
		closed.Add(n)
		for i := range n {
			s, client := unix()
			add(t, p, s, funcs{
				readable: func(c *Conn) error {
					return each(c, func([]byte) error { c.Serve(); return nil })
				},
				served: func(*Conn) { blocked.Done(); <-release },
				closed: func(_ *Conn, err error) {
					if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
						t.Error(err)
					}
					closed.Done()
				},
			})
			client.Write([]byte("x"))
			client.Close() // one descriptor for each is enough
			if i%100 == 0 {
				trip(t, other)
			}
		}
		blocked.Wait()
		closed.Wait() // although they block
		for range 100 {
			trip(t, other)
		}
		close(release)
		eventually(t, "shrinking", func() bool { return runtime.NumGoroutine() <= before+p.cfg.MaxIdleWorkers+4 })
		other.Close()
	}
}

// OnReadable may block as well, against the advice.
func TestBlockedReaders(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{}))
		s, other := k.source()
		defer other.Close()
		add(t, p, s, funcs{readable: echo})
		release := make(chan struct{})
		var blocked sync.WaitGroup
		for range 50 {
			blocked.Add(1)
			s, client := k.source()
			defer client.Close()
			add(t, p, s, funcs{readable: func(c *Conn) error {
				return each(c, func([]byte) error { blocked.Done(); <-release; return nil })
			}})
			if _, err := client.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		blocked.Wait()
		trip(t, other)
		close(release)
	})
}

// Closing a connection whose output is blocked frees everything.
func TestCloseWhileBlocked(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{MaxQueue: 64 << 20}))
		s, client := k.source()
		defer client.Close()
		closed := make(chan struct{})
		c := add(t, p, s, funcs{closed: func(*Conn, error) { close(closed) }})
		for range 300 {
			c.Write(make([]byte, 64<<10))
		}
		eventually(t, "blocked", c.Blocked)
		if !c.Close(nil) || c.Close(nil) {
			t.Error("close counts wrong")
		}
		within(t, "OnClose", closed)
		if err := c.Write([]byte("x")); err != net.ErrClosed {
			t.Error("write after close:", err)
		}
		if f, b := c.DropOldest(1 << 30); f != 0 || b != 0 {
			t.Error("dropped after close:", f, b)
		}
	})
}

// Close reaches the peer although a handler blocks; OnClose waits for it.
func TestCloseUnderHandler(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{}))
		s, client := k.source()
		in, release, closed := make(chan struct{}), make(chan struct{}), make(chan struct{})
		c := add(t, p, s, funcs{
			readable: func(c *Conn) error {
				return each(c, func([]byte) error { close(in); <-release; return nil })
			},
			closed: func(*Conn, error) { close(closed) },
		})
		client.Write([]byte("x"))
		<-in
		c.Close(nil)
		client.SetDeadline(time.Now().Add(patience))
		if _, err := client.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		select {
		case <-closed:
			t.Error("OnClose while the handler ran")
		default:
		}
		close(release)
		within(t, "OnClose", closed)
	})
}

// A paused connection, which nobody serves, can be closed.
func TestClosePaused(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{}))
		s, client := k.source()
		defer client.Close()
		paused, cause := make(chan struct{}, 10), make(chan error, 1)
		c := add(t, p, s, funcs{
			readable: func(*Conn) error { paused <- struct{}{}; return ErrPaused },
			closed:   func(_ *Conn, err error) { cause <- err },
		})
		client.Write([]byte("x"))
		within(t, "pause", paused)
		c.Close(io.ErrNoProgress)
		if err := <-cause; err != io.ErrNoProgress {
			t.Error(err)
		}
		c.Wake() // too late, but allowed
	})
}

// Connections close from both sides and from several goroutines while others
// take over their descriptor numbers. Nobody may see bytes of another.
func TestCloseStorm(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{}))
		rounds := 60
		if _, ok := tlsClient(k); ok {
			rounds = 15
		}
		var wg sync.WaitGroup
		var opened, closes atomic.Int64
		for g := range 8 {
			wg.Go(func() {
				for i := range rounds {
					id := uint32(g*1000 + i)
					frame := binary.BigEndian.AppendUint32(nil, id)
					frame = append(frame, frame...)
					s, client := k.source()
					var once atomic.Int32
					opened.Add(1)
					c, err := p.Add(s, nil, funcs{readable: echo, closed: func(*Conn, error) {
						closes.Add(1)
						if once.Add(1) != 1 {
							t.Error("closed twice")
						}
					}})
					if err != nil {
						t.Error(err)
						return
					}
					var inner sync.WaitGroup
					for range 2 {
						inner.Go(func() {
							for c.Write(frame) != net.ErrClosed {
								switch mrand.IntN(20) {
								case 0:
									c.Close(nil)
								case 1:
									c.Wake()
								case 2:
									c.DropOldest(1 << 20)
								}
							}
						})
					}
					inner.Go(func() {
						var got [4]byte
						client.SetDeadline(time.Now().Add(patience))
						client.Write(frame)
						for {
							if _, err := io.ReadFull(client, got[:]); err != nil {
								break
							}
							if v := binary.BigEndian.Uint32(got[:]); v != id {
								t.Errorf("%d got bytes of %d", id, v)
							}
							if mrand.IntN(50) == 0 {
								break
							}
						}
						client.Close()
					})
					inner.Wait()
				}
			})
		}
		wg.Wait()
		eventually(t, "all closed", func() bool { return opened.Load() == closes.Load() && p.Len() == 0 })
	})
}

func tlsClient(k kind) (net.Conn, bool) {
	s, c := k.source()
	s.Close()
	c.Close()
	_, ok := c.(interface{ Handshake() error })
	return c, ok
}

// Shutdown closes all, waits for the handlers, and leaves nothing behind.
func TestShutdown(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := New(k.config(Config{}))
		var closed atomic.Int32
		in, release := make(chan struct{}), make(chan struct{})
		var clients []net.Conn
		for i := range 50 {
			s, client := k.source()
			clients = append(clients, client)
			add(t, p, s, funcs{
				readable: func(c *Conn) error {
					return each(c, func([]byte) error { close(in); <-release; return nil })
				},
				closed: func(_ *Conn, err error) {
					if err != ErrPollerClosed {
						t.Error(err)
					}
					closed.Add(1)
				},
			})
			if i == 0 {
				go client.Write([]byte("x"))
				handshake(t, client)
				within(t, "input", in)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if err := p.Shutdown(ctx); err != context.DeadlineExceeded {
			t.Error("did not wait:", err)
		}
		s, client := k.source()
		if _, err := p.Add(s, nil, funcs{}); err != ErrPollerClosed {
			t.Error(err)
		}
		client.Close()
		close(release)
		stop(t, p)
		if n := closed.Load(); n != 50 {
			t.Error(n, "closed")
		}
		for _, c := range clients {
			c.Close()
		}
	})
}

// Connections are added while the poller is shut down: each ends, and is told.
func TestAddDuringShutdown(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		for range 20 {
			p := New(k.config(Config{}))
			var added, closed atomic.Int32
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for range 5 {
						s, client := k.source()
						_, err := p.Add(s, nil, funcs{closed: func(*Conn, error) { closed.Add(1) }})
						if err == nil {
							added.Add(1)
						}
						client.Close()
					}
				})
			}
			wg.Go(func() { stop(t, p) })
			wg.Wait()
			if added.Load() != closed.Load() {
				t.Errorf("%d added, %d closed", added.Load(), closed.Load())
			}
		}
	})
}
