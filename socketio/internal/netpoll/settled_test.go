package netpoll

import (
	"io"
	"testing"
	"time"
)

// A handler that asks whether all has left is told when it has, once, and
// nobody waits in a loop meanwhile.
func TestSettled(t *testing.T) {
	onAll(t, func(t *testing.T, k kind) {
		p := start(t, k.config(Config{MaxQueue: -1}))
		s, client := k.source()
		defer client.Close()
		client.SetDeadline(time.Now().Add(patience))
		drained := make(chan struct{}, 10)
		c := add(t, p, s, funcs{drained: func(*Conn) { drained <- struct{}{} }})
		handshake(t, client)
		if !c.Settled() {
			<-drained // the handshake's last record
		}
		const much = 16 << 20 // for the kernel
		if err := c.Write(make([]byte, much)); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if c.Settled() {
				t.Error("nobody has read anything")
			}
		}
		select {
		case <-drained:
			t.Error("drained too early")
		default:
		}
		if _, err := io.CopyN(io.Discard, client, much); err != nil {
			t.Fatal(err)
		}
		<-drained
		if !c.Settled() {
			t.Error("told too early")
		}
		for range 200 {
			if err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			settled := c.Settled() // or it is being written, or will be by a worker
			if _, err := io.CopyN(io.Discard, client, 1); err != nil {
				t.Fatal(err)
			}
			if settled {
				continue
			}
			select {
			case <-drained:
			case <-time.After(patience):
				t.Fatal("nobody tells that it has left")
			}
		}
		select {
		case <-drained:
			t.Error("drained twice")
		default:
		}
	})
}

// Flush waits for whoever is writing by being woken.
func TestFlushBesideOthers(t *testing.T) {
	p := start(t, Config{MaxQueue: -1})
	s, client := listen(t, "tcp")()
	defer client.Close()
	if !p.Takes(s) {
		return // somebody else writes
	}
	c := add(t, p, s, funcs{})
	const writers, frames, size = 4, 200, 20 << 10
	for range writers {
		go func() {
			for range frames {
				if err := c.Write(make([]byte, size)); err != nil {
					t.Error(err)
				}
				c.Flush()
			}
		}()
	}
	client.SetDeadline(time.Now().Add(patience))
	if _, err := io.CopyN(io.Discard, client, writers*frames*size); err != nil {
		t.Error(err)
	}
}
