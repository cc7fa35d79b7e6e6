package socketiotest

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/sockeye-io/sockeye/socketio"
)

// A Server serves an http.Handler in memory, to clients of this package.
type Server struct {
	t    testing.TB
	l    *listener
	http http.Client

	mu      sync.Mutex
	clients []*conn // guarded by mu
}

// Serve serves h until the test ends: a *socketio.Server, or anything it is
// mounted in, such as a Gin engine. If h has a method Close() error, as
// *socketio.Server has, it is called then; a server that is mounted in
// something else is the test's to close.
func Serve(t testing.TB, h http.Handler) *Server {
	t.Helper()
	s := &Server{t: t, l: &listener{conns: make(chan net.Conn), done: make(chan struct{})}}
	s.http.Transport = &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return s.l.dial(ctx) },
		DisableCompression: true,
	}
	server := &http.Server{Handler: h, ErrorLog: log.New(logger{t}, "", 0)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.Serve(s.l); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("socketiotest: %v", err)
		}
	}()
	t.Cleanup(func() {
		s.mu.Lock()
		clients := s.clients
		s.mu.Unlock()
		for _, c := range clients {
			c.end("io client disconnect")
			<-c.ended
		}
		if c, ok := h.(io.Closer); ok {
			if err := c.Close(); err != nil {
				t.Errorf("socketiotest: closing the server: %v", err)
			}
		}
		s.http.CloseIdleConnections()
		_ = server.Close() // the listener's error, of which Serve tells
		<-served
	})
	return s
}

// HTTP returns a client for plain requests to the server, whatever the host in
// their URLs.
func (s *Server) HTTP() *http.Client { return &s.http }

// Connect serves io and connects a client to its root namespace; see
// Server.Connect for other ways.
func Connect(t testing.TB, io *socketio.Server) *Client {
	t.Helper()
	return Serve(t, io).Connect(nil)
}

// listener is a net.Listener in memory.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once

	mu   sync.Mutex
	port int // of the last client, guarded by mu
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *listener) Addr() net.Addr { return serverAddr }

var serverAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}

func (l *listener) dial(ctx context.Context) (*end, error) {
	l.mu.Lock()
	l.port++
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1024 + l.port%60_000}
	l.mu.Unlock()
	client, server := link(addr, serverAddr)
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// logger writes what net/http complains of to the test's log.
type logger struct{ t testing.TB }

func (l logger) Write(b []byte) (int, error) {
	l.t.Logf("http: %s", b)
	return len(b), nil
}
