package netpoll

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/internal/leak"
	"github.com/sockeye-io/sockeye/internal/slow"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience is how long a test waits for what has to happen; none waits so long
// unless it fails.
var patience = slow.Stretch(20 * time.Second)

// funcs is a Handler made of functions.
type funcs struct {
	readable func(*Conn) error
	served   func(*Conn)
	drained  func(*Conn)
	closed   func(*Conn, error)
}

func (f funcs) OnReadable(c *Conn) error {
	if f.readable == nil {
		return each(c, func([]byte) error { return nil })
	}
	return f.readable(c)
}

func (f funcs) OnServed(c *Conn) {
	if f.served != nil {
		f.served(c)
	}
}

func (f funcs) OnDrained(c *Conn) {
	if f.drained != nil {
		f.drained(c)
	}
}

func (f funcs) OnClose(c *Conn, cause error) {
	if f.closed != nil {
		f.closed(c, cause)
	}
}

var buffers = sync.Pool{New: func() any { return new([4096]byte) }}

// each hands all input there is to f.
func each(c *Conn, f func([]byte) error) error {
	buf := buffers.Get().(*[4096]byte)
	defer buffers.Put(buf)
	for {
		n, err := c.Read(buf[:])
		if err == ErrWouldBlock {
			return nil
		}
		if err == nil {
			err = f(buf[:n])
		}
		if err != nil {
			return err
		}
	}
}

func echo(c *Conn) error {
	return each(c, func(b []byte) error { return c.Write(bytes.Clone(b)) })
}

func start(t testing.TB, cfg Config) *Poller {
	p := New(cfg)
	t.Cleanup(func() { stop(t, p) })
	return p
}

func stop(t testing.TB, p *Poller) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

// source makes connected pairs.
type source func() (server, client net.Conn)

func listen(t testing.TB, network string) source {
	addr := "127.0.0.1:0"
	if network == "unix" {
		addr = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	return func() (net.Conn, net.Conn) {
		mu.Lock()
		defer mu.Unlock()
		client, err := net.Dial(network, l.Addr().String())
		if err != nil {
			panic(err)
		}
		server, err := l.Accept()
		if err != nil {
			panic(err)
		}
		return server, client
	}
}

var tlsConfig = sync.OnceValue(func() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, InsecureSkipVerify: true}
})

// kind is a way to have connections: what they are, and how they are served.
type kind struct {
	source
	goroutine bool // tcp with DisableEpoll
}

func (k kind) config(cfg Config) Config {
	cfg.DisableEpoll = k.goroutine
	return cfg
}

// onAll runs f for all kinds of connections. The first two are those that
// epoll takes, where there is epoll.
func onAll(t *testing.T, f func(t *testing.T, k kind)) {
	tcp := listen(t, "tcp")
	kinds := map[string]kind{
		"tcp":       {source: tcp},
		"unix":      {source: listen(t, "unix")},
		"goroutine": {source: tcp, goroutine: true},
		"pipe":      {source: func() (net.Conn, net.Conn) { return net.Pipe() }},
		"tls": {source: func() (net.Conn, net.Conn) {
			s, c := tcp()
			return tls.Server(s, tlsConfig()), tls.Client(c, tlsConfig())
		}},
	}
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) { f(t, k) })
	}
}

func add(t testing.TB, p *Poller, nc net.Conn, h Handler) *Conn {
	t.Helper()
	c, err := p.Add(nc, nil, h)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func within(t testing.TB, what string, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(patience):
		t.Fatalf("%s: not within %v", what, patience)
	}
}

func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !f(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// handshake completes TLS, which happens at the first use, so that a client
// which does nothing else is connected.
func handshake(t testing.TB, client net.Conn) {
	t.Helper()
	if h, ok := client.(interface{ Handshake() error }); ok {
		if err := h.Handshake(); err != nil {
			t.Fatal(err)
		}
	}
}

// trip sends eight bytes and waits for as many.
func trip(t testing.TB, c net.Conn) {
	t.Helper()
	var b [8]byte
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(b[:]); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, b[:]); err != nil {
		t.Fatal(err)
	}
}
