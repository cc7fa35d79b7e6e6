//go:build linux

package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
)

// wsServe speaks to one client over c: the handshake, then echo.
func wsServe(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if line == "\r\n" {
			break
		}
	}
	text := func(p []byte) []byte { return append([]byte{0x81, byte(len(p))}, p...) }
	// The first message comes in one TLS record with the head.
	c.Write(append([]byte("HTTP/1.1 101 Switching Protocols\r\n\r\n"), text([]byte(`0{"sid":"x"}`))...))
	for {
		head := make([]byte, 6)
		if _, err := io.ReadFull(r, head); err != nil {
			return
		}
		p := make([]byte, head[1]&0x7f)
		if _, err := io.ReadFull(r, p); err != nil {
			return
		}
		for i := range p {
			p[i] ^= head[2+i%4]
		}
		if args, ok := bytes.CutPrefix(p, []byte("42")); ok {
			id, value, _ := bytes.Cut(args, []byte(`["echo",`))
			p = append(append([]byte("43"), id...), append([]byte("["), value...)...)
		}
		c.Write(text(p))
	}
}

func TestTLS(t *testing.T) {
	cert, key, err := writeCert(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		if c, err := ln.Accept(); err == nil {
			wsServe(c)
		}
	}()
	l, err := newLoop(dialOptions{addr: [4]byte{127, 0, 0, 1}, ports: []int{ln.Addr().(*net.TCPAddr).Port},
		path: "/socket.io/", dialect: dialect{eio: 4}, tls: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	echoes(t, l)
}
