package netpoll

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// rush has more tasks run than may pass output, and waits for them.
func rush(p *Poller) {
	var all sync.WaitGroup
	all.Add(2 * maxPassed)
	for range 2 * maxPassed {
		p.Go(run(all.Done))
	}
	all.Wait()
}

func TestHold(t *testing.T) {
	p := start(t, Config{})
	var early, late atomic.Bool
	written := make(chan string, 2)
	p.Hold(true)
	p.pushOutput(run(func() { early.Store(true); written <- "early" }))
	rush(p)
	if early.Load() {
		t.Error("output left while more was to come")
	}
	p.Hold(true) // somebody else: what is there has waited long enough
	if got := <-written; got != "early" {
		t.Errorf("written: %s", got)
	}
	p.pushOutput(run(func() { late.Store(true); written <- "late" }))
	rush(p)
	if late.Load() {
		t.Error("output left while more was to come")
	}
	p.Hold(false)
	<-written
	p.pushOutput(run(func() { written <- "free" })) // nobody holds any more
	<-written
}

// A message to many does not wait for the next: writing it takes longer anyway.
func TestHoldIsShortForMany(t *testing.T) {
	p := start(t, Config{})
	source := listen(t, "unix")
	var first net.Conn
	var all []*Conn
	for range longList * numShards {
		server, client := source()
		defer client.Close()
		all = append(all, add(t, p, server, funcs{}))
		if first == nil {
			first = client
		}
	}
	p.Hold(true)
	defer p.Hold(false)
	for _, c := range all {
		if err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	_ = first.SetReadDeadline(time.Now().Add(patience))
	if _, err := first.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
}
