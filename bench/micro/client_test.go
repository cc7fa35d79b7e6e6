package micro

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
)

// start serves io on loopback until the benchmark ends.
func start(tb testing.TB, io *socketio.Server) (addr string) {
	tb.Helper()
	srv := httptest.NewServer(io)
	tb.Cleanup(func() {
		if err := io.Close(); err != nil {
			tb.Error(err)
		}
		srv.Close()
	})
	return srv.Listener.Addr().String()
}

// client is a WebSocket client in the root namespace.
type client struct {
	net.Conn
	r *bufio.Reader
}

func dial(tb testing.TB, addr string) *client {
	tb.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { nc.Close() })
	c := &client{nc, bufio.NewReaderSize(nc, 4096)}
	if _, err := fmt.Fprintf(nc, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", addr); err != nil {
		tb.Fatal(err)
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		tb.Fatal(resp, err)
	}
	c.expect(tb, "0{")
	if _, err := nc.Write(masked("40")); err != nil {
		tb.Fatal(err)
	}
	c.expect(tb, "40{")
	return c
}

// expect reads frames up to one that begins with prefix.
func (c *client) expect(tb testing.TB, prefix string) {
	for {
		p, err := c.next()
		if err != nil {
			tb.Fatal(err)
		}
		if bytes.HasPrefix(p, []byte(prefix)) {
			return
		}
	}
}

// next reads a frame.
func (c *client) next() ([]byte, error) {
	head, err := c.r.Peek(2)
	if err != nil {
		return nil, err
	}
	n, size := 2, int(head[1])
	if size == 126 {
		if head, err = c.r.Peek(4); err != nil {
			return nil, err
		}
		n, size = 4, int(binary.BigEndian.Uint16(head[2:]))
	}
	if _, err := c.r.Discard(n); err != nil {
		return nil, err
	}
	p := make([]byte, size)
	_, err = io.ReadFull(c.r, p)
	return p, err
}

// masked is a text frame of a client whose mask is zero.
func masked(text string) []byte {
	out := []byte{0x81}
	if len(text) < 126 {
		out = append(out, 0x80|byte(len(text)))
	} else {
		out = append(out, 0x80|126, byte(len(text)>>8), byte(len(text)))
	}
	return append(append(out, 0, 0, 0, 0), text...)
}

// repeated is n times the same frame, as one write.
func repeated(text string, n int) []byte { return []byte(strings.Repeat(string(masked(text)), n)) }
