package server

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// one is a net.Listener of a single connection in memory.
type one struct {
	conn chan net.Conn
	done chan struct{}
}

func (l one) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l one) Close() error   { close(l.done); return nil }
func (l one) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// Slow handshakes: who does not send a whole request, or sends one without an
// end, holds nothing for long.
func TestSlowHeaders(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	inputs := map[string]time.Duration{
		"": 10 * time.Second, "G": 10 * time.Second, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ": 10 * time.Second,
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx":            31 * time.Second, // the body, and the end of the connection
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n":                                   2 * time.Minute,
		"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + strings.Repeat("x", 70_000): 2 * time.Second,
	}
	for input, most := range inputs {
		synctest.Test(t, func(t *testing.T) {
			l := one{make(chan net.Conn, 1), make(chan struct{})}
			client, conn := net.Pipe()
			l.conn <- conn
			srv := httpServer(echo, slog.New(slog.DiscardHandler))
			served := make(chan error)
			go func() { served <- srv.Serve(l) }()
			begin := time.Now()
			go func() { _, _ = io.WriteString(client, input) }() // it may be refused before its end
			_, _ = io.Copy(io.Discard, client)
			if d := time.Since(begin); d > most {
				t.Errorf("%.50q: held for %v", input, d)
			}
			_ = client.Close()
			time.Sleep(time.Second) // net/http waits a little at the end of some connections
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
			if err := <-served; !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		})
	}
	t.Logf("hostile inputs: slow requests: %d", len(inputs))
}
