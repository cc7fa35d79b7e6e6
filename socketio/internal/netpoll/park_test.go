//go:build linux && !nopoll && (amd64 || arm64 || loong64 || mips64 || mips64le || ppc64 || ppc64le || riscv64)

package netpoll

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// tlsPair is a connection whose handshake is done, as net/http hands it over.
func tlsPair(t *testing.T, tcp source) (server, client net.Conn) {
	s, c := tcp()
	server, client = tls.Server(s, tlsConfig()), tls.Client(c, tlsConfig())
	var wg sync.WaitGroup
	wg.Go(func() { handshake(t, client) })
	if err := server.(*tls.Conn).Handshake(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	return server, client
}

// Idle TLS connections need no goroutine, and miss nothing: not what comes
// while they are parked nor just then, nor Wake nor their end.
func TestPark(t *testing.T) {
	const n = 40
	tcp := listen(t, "tcp")
	p := start(t, Config{MaxIdleWorkers: 2})
	parked := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, s := range p.slots {
			if s.c != nil && s.c.state.Load()&served != 0 {
				return false
			}
		}
		return p.workers <= 2
	}
	var clients []net.Conn
	var conns []*Conn
	var closed atomic.Int32
	for range n {
		s, client := tlsPair(t, tcp)
		defer client.Close()
		clients = append(clients, client)
		conns = append(conns, add(t, p, s, funcs{readable: echo, closed: func(*Conn, error) { closed.Add(1) }}))
	}
	for range 2 {
		for _, client := range clients {
			trip(t, client)
		}
		eventually(t, "rest", parked)
	}
	for _, c := range conns {
		c.Wake()
		if err := c.Write([]byte("from us!")); err != nil {
			t.Error(err)
		}
	}
	for i, client := range clients {
		if i%2 == 0 { // more than a record, in one piece
			client.Write(bytes.Repeat([]byte("x"), 40000))
			if _, err := io.ReadFull(client, make([]byte, 40008)); err != nil {
				t.Error(err)
			}
		}
	}
	eventually(t, "rest", parked)
	for i, c := range conns {
		if i%2 == 0 {
			c.Close(nil)
		} else {
			clients[i].Close()
		}
	}
	eventually(t, "the end", func() bool { return closed.Load() == n && p.Len() == 0 })
}

// A connection is parked again and again, each time by the same descriptor.
func TestParkTwice(t *testing.T) {
	tcp := listen(t, "tcp")
	p := start(t, Config{})
	s, client := tlsPair(t, tcp)
	defer client.Close()
	c := add(t, p, s, funcs{readable: echo})
	for range 3 {
		eventually(t, "rest", func() bool { return c.state.Load()&served == 0 })
		trip(t, client)
	}
}
