//go:build linux

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// tlsConn joins crypto/tls to the loop. The handshake blocks, in a goroutine
// of its own; afterwards the descriptor belongs to the loop, reads give errAgain
// when nothing is there, and writes go through the loop's output buffer.
type tlsConn struct {
	net.Conn // nil: only what crypto/tls calls is there
	l        *loop
	c        *conn
	open     bool // the loop has it
}

// handshaken is a connection whose TLS handshake has ended.
type handshaken struct {
	c   *conn
	err error
}

// errAgain means that no input is there now. crypto/tls goes on after an error
// that says it is temporary.
var errAgain error = again{}

type again struct{}

func (again) Error() string   { return "no input now" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

func (t *tlsConn) Read(b []byte) (int, error) {
	for {
		n, err := syscall.Read(t.c.fd, b)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN && t.open:
			return 0, errAgain
		case err == syscall.EAGAIN: // SO_RCVTIMEO
			return 0, errors.New("TLS handshake: no answer")
		case err != nil:
			return 0, err
		case n == 0:
			return 0, errors.New("closed by server")
		default:
			return n, nil
		}
	}
}

func (t *tlsConn) Write(b []byte) (int, error) {
	if t.open {
		t.l.writeRaw(t.c, b)
		return len(b), nil
	}
	n := 0
	for n < len(b) {
		m, err := syscall.Write(t.c.fd, b[n:])
		if err != nil && err != syscall.EINTR {
			return n, err
		}
		n += max(m, 0)
	}
	return n, nil
}

// dialTLS connects and shakes hands beside the loop, and reports on l.shaken.
func (l *loop) dialTLS(c *conn, to *syscall.SockaddrInet4) {
	shake := func() error {
		if err := syscall.SetNonblock(c.fd, false); err != nil {
			return err
		}
		wait := syscall.Timeval{Sec: 20}
		_ = syscall.SetsockoptTimeval(c.fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &wait)
		if err := syscall.Connect(c.fd, to); err != nil {
			return err
		}
		t := &tlsConn{l: l, c: c}
		c.tls = tls.Client(t, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"})
		if err := c.tls.Handshake(); err != nil {
			return err
		}
		t.open = true
		return syscall.SetNonblock(c.fd, true)
	}
	l.shaking++
	go func() { l.shaken <- handshaken{c, shake()} }()
}

// takeShaken lets the loop go on with connections whose handshake has ended.
func (l *loop) takeShaken() {
	for {
		select {
		case h := <-l.shaken:
			l.shaking--
			if h.c.state == stClosed {
				continue
			}
			err := h.err
			if err == nil {
				err = l.adopt(h.c)
			}
			if err != nil {
				l.fail(h.c, err)
			}
		default:
			return
		}
	}
}

// writeCert makes a self-signed certificate for the server under test.
func writeCert(dir string) (cert, key string, err error) {
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	t := x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "localhost"},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	public, err := x509.CreateCertificate(rand.Reader, &t, &t, &secret.PublicKey, secret)
	if err != nil {
		return "", "", err
	}
	private, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		return "", "", err
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: public},
		key:  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			return "", "", fmt.Errorf("certificate: %w", err)
		}
	}
	return cert, key, nil
}
