package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// The system gives nobody a port below 32768 by itself: neither those who connect
// nor those who listen at port 0.
const first, count = 20_000, 12_000

// Reserve returns an address of this machine, host and port, at which nobody
// listens. Until the test is over nobody else is given it, in this process or in
// another.
func Reserve(t testing.TB) string {
	t.Helper()
	addr, release, err := Take()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return addr
}

// Take is Reserve for what outlasts a test: until release is called.
//
// The port of UDP with the same number is what is held meanwhile: whoever wants
// to give a port to somebody finds it taken, e2e/lib/brokers.mjs too.
func Take() (addr string, release func(), err error) {
	for range 1000 {
		addr = fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(count))
		held, err := net.ListenPacket("udp4", addr)
		if err != nil {
			continue // it is somebody's
		}
		if l, err := net.Listen("tcp4", addr); err == nil && l.Close() == nil {
			return addr, func() { _ = held.Close() }, nil
		}
		_ = held.Close()
	}
	return "", nil, fmt.Errorf("no port from %d to %d is free", first, first+count)
}
