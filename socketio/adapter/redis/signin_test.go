//go:build unix

package redis

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/socketio/adapter"
)

// certificate writes one for 127.0.0.1 and its key, and returns who trusts it.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"crt": {Type: "CERTIFICATE", Bytes: der}, "key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return pool
}

// Every way to a server: with a password, as a user, over TLS, through a unix
// socket, in another database.
func TestWaysToServer(t *testing.T) {
	dir := t.TempDir()
	trusted, tlsPort := certificate(t, dir), freePort(t)
	s := newServer(t, "requirepass s3cr3t", "user alice on >w0nd3r ~* &* +@all", "unixsocket "+dir+"/sock",
		"tls-port "+tlsPort, "tls-cert-file "+dir+"/crt", "tls-key-file "+dir+"/key", "tls-auth-clients no")
	b := join(t, fromURL(t, "redis://:s3cr3t@"+s.addr, Options{}), "bbbbbb")
	for i, raw := range []string{
		"redis://alice:w0nd3r@" + s.addr + "/3",
		"rediss://:s3cr3t@127.0.0.1:" + tlsPort,
		"redis+unix://alice:w0nd3r@" + dir + "/sock?db=1",
	} {
		n := join(t, fromURL(t, raw, Options{TLS: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}), "aaaaaa")
		n.burst(i, 1)
		b.awaits("aaaaaa", sequence(0, i+1))
		if count, err := n.Nodes(t.Context(), "/"); count != 2 || err != nil {
			t.Errorf("%s: %d nodes, %v", raw, count, err)
		}
		if err := n.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for raw, want := range map[string]string{
		"redis://:wr0ng@" + s.addr:                  "WRONGPASS",
		"redis://" + s.addr:                         "NOAUTH",
		"redis://:s3cr3t@" + s.addr + "/99":         "DB index",
		"rediss://:s3cr3t@127.0.0.1:" + tlsPort:     "certificate",
		"redis://127.0.0.1:1":                       "refused",
		"redis://:s3cr3t@" + s.addr + "?sentinel=m": "NOAUTH",
	} {
		n := start(t, fromURL(t, raw, Options{}), "cccccc")
		n.fails(raw, want, "s3cr3t", "wr0ng")
	}
}

// A user who may do what the package says it needs can do all.
func TestPermissions(t *testing.T) {
	s := newServer(t, "user node on >pw ~socket.io* ~sio:session:* &socket.io* &socket.io#* -@all +ping +select +publish +subscribe +psubscribe"+
		" +unsubscribe +pubsub +set +xadd +xread +xrange +xrevrange +eval +get +mget +getdel +del +spublish +ssubscribe +sunsubscribe +cluster|slots")
	for i, scheme := range []string{"redis", "redis+streams", "redis+sharded"} {
		var nodes [2]*node
		for j := range nodes {
			a, err := FromURL(scheme+"://node:pw@"+s.addr, Options{})
			if err != nil {
				t.Fatal(err)
			}
			nodes[j] = join(t, a, strings.Repeat(fmt.Sprintf("%d%d", i, j), 8)[:max(6, 16*min(i, 1))])
		}
		until(t, scheme+": both are there", func() bool {
			n, err := nodes[0].Nodes(t.Context(), "/")
			return n == 2 && err == nil
		})
		nodes[0].burst(0, 3)
		nodes[1].awaits(nodes[0].id, sequence(0, 3))
		if mine, err := nodes[0].Adapter.(adapter.Claimer).Claim(t.Context(), scheme, time.Minute); !mine || err != nil {
			t.Errorf("%s: a claim: %v, %v", scheme, mine, err)
		}
		log, ok := nodes[0].Adapter.(adapter.Log)
		if !ok || !nodes[0].Traits().Log {
			continue
		}
		for _, c := range []adapter.Session{
			{State: []byte("0123456789abcdef one"), TTL: time.Minute, First: true}, {State: []byte("0123456789abcdef two"), TTL: time.Minute},
			{State: []byte("fedcba9876543210"), TTL: time.Minute, Instead: []byte("0123456789abcdef")}, {State: []byte("fedcba9876543210")},
		} {
			what := make(chan adapter.Stored, 1)
			c.Key, c.Done = "ab", func(s adapter.Stored) { what <- s }
			log.PutSession(c)
			if got := <-what; got != adapter.StoredThere {
				t.Errorf("%s: %v", c.State, got)
			}
			if _, err := log.PeekSessions(t.Context(), []string{c.Key}); err != nil {
				t.Error(err)
			}
		}
		if _, err := log.(adapter.NodeLog).TakeNodeSession(t.Context(), strings.Repeat("p", 20)); err != nil {
			t.Error(err)
		}
	}
}
