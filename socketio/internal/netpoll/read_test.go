package netpoll

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// No two OnReadable of a connection overlap, and the input stays in order.
func TestOneWorkerPerConn(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{}))
		const conns, bytesEach = 8, 3000
		var wg sync.WaitGroup
		for range conns {
			s, client := k.source()
			defer client.Close()
			var busy atomic.Bool
			var next byte
			total, done := 0, make(chan struct{})
			c := add(t, p, s, funcs{readable: func(c *Conn) error {
				if !busy.CompareAndSwap(false, true) {
					t.Error("two workers")
				}
				defer busy.Store(false)
				var b [100]byte // small, so that it is full at times
				n, err := c.Read(b[:])
				for _, v := range b[:n] {
					if v != next {
						t.Error("out of order")
					}
					next++
				}
				if total += n; n > 0 && total == bytesEach {
					close(done)
				}
				if mrand.IntN(4) == 0 {
					runtime.Gosched()
				}
				if err == ErrWouldBlock {
					return nil
				}
				return err // there may be more: called again
			}})
			wg.Go(func() {
				for i, b := 0, byte(0); i < bytesEach; {
					var chunk []byte
					for range min(1+mrand.IntN(300), bytesEach-i) {
						chunk = append(chunk, b)
						b++
						i++
					}
					if _, err := client.Write(chunk); err != nil {
						t.Error(err)
					}
					c.Wake() // does no harm
				}
				within(t, "input", done)
			})
		}
		wg.Wait()
	})
}

// OnServed comes once for each OnReadable that asked, when the connection has
// been released: while it blocks, the connection is read on.
func TestServed(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{}))
		s, client := k.source()
		defer client.Close()
		var served atomic.Int32
		read, release := make(chan struct{}, 10), make(chan struct{})
		add(t, p, s, funcs{
			readable: func(c *Conn) error {
				return each(c, func(b []byte) error {
					for _, v := range b {
						if v == 's' {
							c.Serve()
							c.Serve()
						}
						read <- struct{}{}
					}
					return nil
				})
			},
			served: func(*Conn) { served.Add(1); <-release },
		})
		for range 3 {
			client.Write([]byte("s"))
			within(t, "input", read)
		}
		eventually(t, "three at once", func() bool { return served.Load() == 3 })
		client.Write([]byte("x"))
		within(t, "input", read)
		close(release)
		client.Write([]byte("s"))
		within(t, "input", read)
		eventually(t, "one more", func() bool { return served.Load() == 4 })
	})
}

// OnServed comes even if the connection has ended in the same OnReadable, and
// OnClose does not wait for it.
func TestServedAtTheEnd(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{}))
		s, client := k.source()
		defer client.Close()
		served, closed := make(chan struct{}), make(chan struct{})
		add(t, p, s, funcs{
			readable: func(c *Conn) error {
				return each(c, func([]byte) error { c.Serve(); return errors.New("enough") })
			},
			served: func(*Conn) { <-closed; close(served) },
			closed: func(*Conn, error) { close(closed) },
		})
		client.Write([]byte("x"))
		within(t, "OnServed", served)
	})
}

// What OnReadable leaves when it pauses is there when it is woken, and it is
// not called all the time meanwhile.
func TestPause(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{}))
		for _, result := range []error{ErrPaused, nil} {
			s, client := k.source()
			defer client.Close()
			var paused atomic.Bool
			var calls atomic.Int32
			paused.Store(true)
			got := make(chan byte, 2)
			c := add(t, p, s, funcs{readable: func(c *Conn) error {
				calls.Add(1)
				if paused.Load() {
					return result
				}
				var b [1]byte
				n, err := c.Read(b[:])
				if n > 0 {
					paused.Store(true) // before the test goes on
					got <- b[0]
					return ErrPaused
				}
				if err == ErrWouldBlock {
					err = nil
				}
				return err
			}})
			go client.Write([]byte("ab"))
			handshake(t, client)
			eventually(t, "first call", func() bool { return calls.Load() > 0 })
			other, mine := k.source()
			add(t, p, other, funcs{readable: echo})
			for range 50 {
				trip(t, mine)
			}
			mine.Close()
			if n := calls.Load(); n > 10 {
				t.Errorf("%d calls while paused", n)
			}
			for _, want := range "ab" {
				paused.Store(false)
				c.Wake()
				select {
				case b := <-got:
					if b != byte(want) {
						t.Errorf("%q, want %q", b, want)
					}
				case <-time.After(patience):
					t.Fatal("not woken")
				}
			}
		}
	})
}

// A handler that pauses with input in a buffer of its own is called after
// Wake although nothing new arrives, however the two are timed.
func TestWakeRace(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{}))
		s, client := k.source()
		defer client.Close()
		kept, done := 0, make(chan struct{}, 1)
		add(t, p, s, funcs{readable: func(c *Conn) error {
			if err := each(c, func(b []byte) error { kept += len(b); return nil }); err != nil {
				return err
			}
			if kept == 0 {
				return nil
			}
			if kept--; kept == 0 {
				done <- struct{}{}
				return nil
			}
			go c.Wake()
			return ErrPaused
		}})
		for range 50 {
			client.Write([]byte("0123456789"))
			within(t, "all input", done)
		}
	})
}

// The end of input can be seen while the handler goes on writing.
func TestHalfClose(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{}))
		for i := range 100 {
			s, client := k.source()
			half, ok := client.(interface{ CloseWrite() error })
			if !ok {
				client.Close()
				s.Close()
				return // nothing to see with net.Pipe
			}
			got, ended := 0, false
			add(t, p, s, funcs{readable: func(c *Conn) error {
				err := each(c, func(b []byte) error { got += len(b); return nil })
				if err == io.EOF {
					if !ended {
						ended = true
						if err := c.Write([]byte("bye")); err != nil || got != 5 {
							t.Error(got, err)
						}
						c.CloseWrite()
					}
					return nil
				}
				return err
			}})
			client.Write([]byte("hello"))
			for begin := time.Now(); time.Since(begin) < time.Duration(i%10*i%10)*time.Microsecond; {
			}
			half.CloseWrite()
			client.SetDeadline(time.Now().Add(patience))
			if b, err := io.ReadAll(client); string(b) != "bye" || err != nil {
				t.Fatalf("%d: %q, %v", i, b, err)
			}
			client.Close()
		}
		if n := p.Len(); n != 100 {
			t.Errorf("%d connections have been closed by themselves", 100-n)
		}
	})
}

// RST is seen at once: idle, with blocked output and under a blocked handler.
func TestReset(t *testing.T) {
	tcp := listen(t, "tcp")
	for _, cfg := range []Config{{MaxQueue: -1}, {MaxQueue: -1, DisableEpoll: true}} {
		p := start(t, cfg)
		for _, how := range []string{"idle", "output", "handler"} {
			s, client := tcp()
			cause := make(chan error, 1)
			in := make(chan struct{})
			c := add(t, p, s, funcs{
				readable: func(c *Conn) error {
					return each(c, func([]byte) error { c.Serve(); return nil })
				},
				served: func(*Conn) { close(in); <-cause },
				closed: func(_ *Conn, err error) { cause <- err; close(cause) },
			})
			switch how {
			case "output":
				for range 300 {
					c.Write(make([]byte, 64<<10))
				}
				eventually(t, "blocked", c.Blocked)
			case "handler":
				client.Write([]byte("x"))
				within(t, "OnServed", in)
			}
			client.(*net.TCPConn).SetLinger(0)
			client.Close()
			if how == "handler" {
				eventually(t, "close", func() bool { return c.state.Load()&closing != 0 })
				continue
			}
			select {
			case err := <-cause:
				// The kernel tells of a reset once: if a write has heard, reading meets the end.
				heard := how == "output" && errors.Is(err, io.EOF)
				if !heard && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
					t.Error(how, err)
				}
			case <-time.After(patience):
				t.Fatal(how, "not seen")
			}
		}
	}
}

// Input that package net/http had read before the hijack comes first.
func TestHijack(t *testing.T) {
	for _, off := range []bool{false, true} {
		p := start(t, Config{DisableEpoll: off})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			nc, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			pre, err := rw.Reader.Peek(rw.Reader.Buffered())
			if err != nil {
				t.Error(err)
			}
			if _, err := p.Add(nc, bytes.Clone(pre), funcs{readable: echo}); err != nil {
				t.Error(err)
			}
		})}
		go srv.Serve(l)
		defer srv.Close()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nearly")
		got := make([]byte, 10)
		c.SetDeadline(time.Now().Add(patience))
		if _, err := io.ReadFull(c, got[:5]); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(c, "later")
		if _, err := io.ReadFull(c, got[5:]); err != nil || string(got) != "earlylater" {
			t.Fatal(string(got), err)
		}
	}
}
