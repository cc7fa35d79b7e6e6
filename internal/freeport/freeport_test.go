package freeport

import (
	"net"
	"testing"
)

// An address is given to one at a time, whether its server listens or not.
func TestTake(t *testing.T) {
	seen := map[string]bool{}
	for range 500 {
		addr := Reserve(t)
		if seen[addr] {
			t.Fatalf("%s was given twice", addr)
		}
		seen[addr] = true
		if len(seen) > 2 {
			continue
		}
		for range 2 { // and may come back to it
			l, err := net.Listen("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestRelease(t *testing.T) {
	addr, release, err := Take()
	if err != nil {
		t.Fatal(err)
	}
	if c, err := net.ListenPacket("udp", addr); err == nil {
		t.Error("it is not held", c.Close())
	}
	release()
	c, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
