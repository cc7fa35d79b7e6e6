package netpoll

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// A connection that is detached goes on elsewhere, and its peer does not notice.
func TestDetach(t *testing.T) {
	const much = 16 << 20 // for the kernel: somebody else may have written less by then
	p := start(t, Config{MaxQueue: -1})
	if s, c := net.Pipe(); p.Takes(s) {
		t.Error("a pipe costs no goroutine?")
	} else {
		_, _ = s.Close(), c.Close()
	}
	s, client := listen(t, "tcp")()
	defer client.Close()
	if !p.Takes(s) {
		return // no epoll here: Detach has nothing to do
	}
	out := make(chan net.Conn, 1)
	closed := make(chan error, 1)
	asked := false // of OnReadable
	c := add(t, p, s, funcs{
		readable: func(c *Conn) error {
			var b [100]byte
			n, err := c.Read(b[:])
			if err != nil && !asked {
				return nil
			}
			if string(b[:n]) == "queued" {
				if err := c.Write(make([]byte, much)); err != nil {
					t.Error(err)
				}
				if nc, _, err := c.Detach(); !errors.Is(err, errors.ErrUnsupported) {
					t.Error("detached with output queued", nc, err)
				}
				return nil
			}
			asked = true
			nc, _, err := c.Detach()
			if errors.Is(err, errors.ErrUnsupported) {
				go c.Wake() // somebody still looks for something to write
				return ErrPaused
			}
			if err != nil {
				t.Error(err)
				close(out)
				return err
			}
			if _, _, err := c.Detach(); !errors.Is(err, net.ErrClosed) {
				t.Error("detached twice", err)
			}
			out <- nc
			return nil
		},
		closed: func(_ *Conn, err error) { closed <- err },
	})
	_ = client.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(client, "queued")
	if _, err := io.CopyN(io.Discard, client, much); err != nil {
		t.Fatal(err)
	}
	for c.writingNow() {
		time.Sleep(time.Millisecond)
	}
	fmt.Fprint(client, "detach")
	nc := <-out
	if nc == nil {
		t.FailNow()
	}
	defer nc.Close()
	if err := <-closed; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	fmt.Fprint(client, "ping")
	b := make([]byte, 4)
	if _, err := io.ReadFull(nc, b); err != nil || string(b) != "ping" {
		t.Errorf("%q %v", b, err)
	}
	fmt.Fprint(nc, "pong")
	if _, err := io.ReadFull(client, b); err != nil || string(b) != "pong" {
		t.Errorf("%q %v", b, err)
	}
	if nc.RemoteAddr().String() != client.LocalAddr().String() {
		t.Error(nc.RemoteAddr())
	}
}

func (c *Conn) writingNow() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writing
}

// Flush tells at once whether it is the socket that is full.
func TestFlush(t *testing.T) {
	p := start(t, Config{MaxQueue: 64 << 10})
	s, client := listen(t, "tcp")()
	defer client.Close()
	if !p.Takes(s) {
		return // the goroutine path leaves it to its worker
	}
	c := add(t, p, s, funcs{})
	frame := make([]byte, 32<<10)
	for range 1000 {
		if err := c.Write(frame); !errors.Is(err, ErrQueueFull) {
			continue
		}
		if c.Flush() {
			return
		}
		if err := c.Write(frame); err != nil {
			t.Fatal("no room, and not blocked:", err)
		}
	}
	t.Error("the socket is never full")
}

// Without epoll a worker writes what Flush has found.
func TestFlushWithoutEpoll(t *testing.T) {
	p := start(t, Config{})
	s, client := net.Pipe()
	defer client.Close()
	c := add(t, p, s, funcs{})
	for _, word := range []string{"one", "two"} {
		if err := c.Write([]byte(word)); err != nil {
			t.Fatal(err)
		}
		c.Flush()
		_ = client.SetDeadline(time.Now().Add(patience))
		b := make([]byte, 3)
		if _, err := io.ReadFull(client, b); err != nil || string(b) != word {
			t.Fatalf("%q %v", b, err)
		}
	}
}
